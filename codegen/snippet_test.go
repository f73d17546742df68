// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSnippetsCompile copies the C of README and header into a function, as readers do, and
// compiles it in both languages without warnings. Names that stand for the reader's own are
// given here.
func TestSnippetsCompile(t *testing.T) {
	perVariant(t, "gcc", func(t *testing.T, dir string, p Project) {
		read := func(name string) string {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		readme := regexp.MustCompile("(?s)```c\n(.*?)```").FindStringSubmatch(read("README.md"))
		header := regexp.MustCompile(`(?s) \* @code\n(.*?) \* @endcode`).FindStringSubmatch(read("include/" + p.Prefix + ".h"))
		if readme == nil || header == nil {
			t.Fatal("no example in README or header")
		}
		tensors := strings.Join(regexp.MustCompile(`(?m)^static \w+ \w+\[.*\];$`).FindAllString(readme[1], -1), "\n")
		example := regexp.MustCompile(`(?m)^ \* ?`).ReplaceAllString(header[1], "")
		driver, base := "", "((uintptr_t)0)"
		if p.Options.Driver == ArmDriver {
			base, driver = "NULL", "#include \"ethosu_driver.h\"\n"
		}
		files := map[string]string{
			"readme.c": "#include <stdio.h>\n#define NPU_BASE " + base + "\n" + driver +
				"static int report(const char *text);\nstatic int report(const char *text) { return puts(text); }\n#define fill(...) (void)0\n#define use(...) (void)0\n",
			"header.c": driver + "#include \"" + p.Prefix + ".h\"\n" + tensors + "\n#define npu_base " + base + "\n",
		}
		for name, body := range map[string]string{"readme.c": readme[1], "header.c": example} {
			var includes, rest []string
			for _, line := range strings.Split(body, "\n") {
				if strings.HasPrefix(line, "#include") {
					includes = append(includes, line)
				} else {
					rest = append(rest, line)
				}
			}
			end := "return 0;\n"
			if strings.Contains(body, "return report(") && !strings.Contains(body, "return -1") {
				end = ""
			}
			write(t, filepath.Join(dir, name), strings.Join(includes, "\n")+"\n"+files[name]+"int example(void);\nint example(void) {\n"+strings.Join(rest, "\n")+end+"}\n")
		}
		flags := []string{"-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", "-Inpu", "-Iethosu/standin", "-fsyntax-only", "readme.c", "header.c"}
		runIn(t, dir, "gcc", append([]string{"-std=c11"}, flags...)...)
		runIn(t, dir, tool(t, "g++"), append([]string{"-x", "c++", "-std=c++14"}, flags...)...)
	})
}
