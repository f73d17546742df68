// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/firmware/run"
)

// TestCSolution compiles and links what the projects of the csolution list, as the tools that
// read it do: from a folder of their own, paths made absolute, one linker script, the
// options as they stand. The one for QEMU, which has the bridge, runs there.
func TestCSolution(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	gcc, err := exec.LookPath("arm-none-eabi-gcc")
	if err != nil {
		t.Skipf("SKIPPED: the csolution is not linked: %v", err)
	}
	p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 3)
	dir := write(t, generate(t, p))
	linkCProject(t, gcc, dir, "gru")
	report := runProject(t, run.Options{Dir: dir, Image: linkCProject(t, gcc, dir, "gru-qemu"), On: "qemu", Accel: p.Program.Accel})
	if !report.Pass || report.Calls != 3 {
		t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
}

// linkCProject returns the image of a project of a csolution.
func linkCProject(t *testing.T, gcc, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".cproject.yml"))
	if err != nil {
		t.Fatal(err)
	}
	list := func(key string) []string {
		block := regexp.MustCompile(`(?m)^( *)(?:- )?` + key + `:\n((?: +- .*\n)+)`).FindSubmatch(text)
		if block == nil {
			t.Fatalf("the project has no %s:\n%s", key, text)
		}
		var items []string
		for _, line := range strings.Split(strings.TrimSpace(string(block[2])), "\n") {
			items = append(items, strings.TrimPrefix(strings.TrimSpace(line), "- "))
		}
		return items
	}
	flags := []string{"-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-std=c11", "-Os"}
	for _, folder := range list("add-path") {
		flags = append(flags, "-I"+filepath.Join(dir, folder))
	}
	for _, define := range list("define") {
		name, value, _ := strings.Cut(define, ": ")
		flags = append(flags, "-D"+name+"="+strings.Trim(value, `"`))
	}
	script := regexp.MustCompile(`script: (\S+)`).FindSubmatch(text)
	in := t.TempDir()
	call := func(args ...string) {
		cmd := exec.Command(gcc, args...)
		cmd.Dir = in
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	// The first options in C are those of the project, others those of the group of files behind them.
	var objects []string
	options := list("C")
	_, groups, _ := strings.Cut(string(text), "  groups:\n")
	for _, group := range strings.Split(groups, "    - group: ")[1:] {
		own := regexp.MustCompile(`(?m)^            - (-\S+)$`).FindAllStringSubmatch(group, -1)
		for _, m := range regexp.MustCompile(`- file: (\S+\.c)`).FindAllStringSubmatch(group, -1) {
			args := append(append([]string{}, flags...), options...)
			for _, o := range own {
				args = append(args, o[1])
			}
			object := strings.ReplaceAll(m[1], "/", "_") + ".o"
			call(append(args, "-c", filepath.Join(dir, m[1]), "-o", object)...)
			objects = append(objects, object)
		}
	}
	image := filepath.Join(in, name+".elf")
	args := append(append(flags, list("Link")...), "-T", filepath.Join(dir, string(script[1])), "-o", image)
	call(append(args, objects...)...)
	return image
}
