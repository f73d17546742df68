// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrusted: what a build would run beside what was generated is found; notes and the
// build folder are nobody's business.
func TestTrusted(t *testing.T) {
	put := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteString("\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, dir string)
	}{
		{"as generated", "", func(*testing.T, string) {}},
		{"notes", "", put("NOTES.md")},
		{"build folder", "", put("build/host/CMakeCache.txt")},
		{"changed", "CMakeLists.txt was changed", put("CMakeLists.txt")},
		{"missing", "src/acc.c is missing", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "src", "acc.c")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a cache of CMake's", "CMakeCache.txt was not generated", put("CMakeCache.txt")},
		{"a board", "platform/evil/board.cmake was not generated", put("platform/evil/board.cmake")},
		{"a header", "npu/stdint.h was not generated", put("npu/stdint.h")},
		{"a link", "platform is neither a file nor a folder", func(t *testing.T, dir string) {
			old := filepath.Join(dir, "platform")
			away := filepath.Join(t.TempDir(), "platform")
			if err := os.Rename(old, away); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(away, old); err != nil {
				t.Skipf("SKIPPED: no symbolic links here: %v", err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := onDisk(t, tiny("acc", 48))
			c.change(t, dir)
			err := Trusted(dir)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, expected %q", err, c.want)
			}
		})
	}
}
