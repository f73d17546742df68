// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMISRA holds driver and models to MISRA C:2012 but for the deviations of
// docs/misra.md, as far as cppcheck's checker knows the rules.
func TestMISRA(t *testing.T) {
	cppcheck := tool(t, "cppcheck")
	tool(t, "python3") // the checker is written in it
	text, err := os.ReadFile(filepath.Join("..", "docs", "misra.md"))
	if err != nil {
		t.Fatal(err)
	}
	allowed, needed := map[string]bool{}, map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+\.\d+) \| (advisory|required) \|`).FindAllStringSubmatch(string(text), -1) {
		allowed[row[1]] = true
	}
	finding := regexp.MustCompile(`(?m)^(\S+:\d+) misra-c2012-(\d+\.\d+)$`)
	for _, p := range []Project{tiny("acc", 48), tinySequence("seq")} {
		dir := onDisk(t, p)
		args := []string{"-q", "--addon=misra", "--std=c11", "--platform=arm32-wchar_t4", "--suppress=missingIncludeSystem", "-Iinclude", "-Inpu",
			"--template={file}:{line} {id}", "src/" + p.Prefix + ".c", "npu/npu_driver.c", "npu/npu_hooks.c", "npu/npu_status.c"}
		cmd := exec.Command(cppcheck, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		found := finding.FindAllStringSubmatch(string(out), -1)
		if len(found) == 0 {
			t.Skipf("SKIPPED: this cppcheck has no checker for MISRA:\n%s", out)
		}
		for _, f := range found {
			needed[f[2]] = true
			if !allowed[f[2]] {
				t.Errorf("%s: %s breaks rule %s, for which docs/misra.md has no deviation", p.Prefix, f[1], f[2])
			}
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(allowed)) {
		if !needed[rule] {
			t.Errorf("docs/misra.md has a deviation from rule %s that nothing needs", rule)
		}
	}
	if !strings.Contains(string(text), "cppcheck 2.10") {
		t.Error("docs/misra.md does not say which checker")
	}
}
