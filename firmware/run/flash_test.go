// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/firmware/run"
)

// TestFlash takes an image apart and compares with what binutils makes of it.
func TestFlash(t *testing.T) {
	path := image(t, build{on: "fvp"})
	dir := t.TempDir()
	files, err := run.Flash("", "fvp", path, dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f.Path))
	}
	if got := strings.Join(names, " "); got != "fw.elf fw.hex fw0.bin fw1.bin images.txt" {
		t.Fatalf("wrote %s: code goes to ITCM and the model to DDR", got)
	}
	if files[2].Address != 0x10000000 || files[3].Address != 0x70000000 {
		t.Errorf("addresses %#x and %#x", files[2].Address, files[3].Address)
	}
	objcopy, err := exec.LookPath("arm-none-eabi-objcopy")
	if err != nil {
		t.Skipf("SKIPPED: nothing to compare with: %v", err)
	}
	for i, f := range files[2:4] {
		// Back from our HEX file, each memory alone.
		other := filepath.Join(dir, "other.bin")
		sections := []string{"-j", ".sec1"}
		if i == 1 {
			sections = []string{"-j", ".sec2"}
		}
		out, err := exec.Command(objcopy, append(sections, "-I", "ihex", "-O", "binary", files[1].Path, other)...).CombinedOutput()
		if err != nil {
			t.Fatalf("objcopy: %v\n%s", err, out)
		}
		want, err := os.ReadFile(other)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s has %d bytes, objcopy made %d others from fw.hex", f.Path, len(got), len(want))
		}
	}
}
