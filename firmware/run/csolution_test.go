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

// TestCSolution compiles and links what the csolution project lists, as the tools that
// read it do: from a folder of their own, paths made absolute, one linker script, the
// options as they stand. The image runs on QEMU with the bridge added to it.
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
	text, err := os.ReadFile(filepath.Join(dir, "gru.cproject.yml"))
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
	var sources []string
	for _, m := range regexp.MustCompile(`- file: (\S+\.c)`).FindAllStringSubmatch(string(text), -1) {
		sources = append(sources, filepath.Join(dir, m[1]))
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
	flags = append(append(flags, list("C")...), list("Link")...)
	flags = append(flags, "-T", filepath.Join(dir, string(script[1])))
	link := func(name string, args ...string) string {
		image := filepath.Join(t.TempDir(), name)
		cmd := exec.Command(gcc, append(args, "-o", image)...)
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return image
	}
	link("fw.elf", append(flags[:len(flags):len(flags)], sources...)...)

	flags = append(flags, "-DUNROLL_SEMIHOSTING=1", "-UPLATFORM_NPU_BASE", "-DPLATFORM_NPU_BASE=0x58110000u", "-I"+filepath.Join(dir, "platform", "link"), "-mgeneral-regs-only")
	flags[2] = "-mfloat-abi=soft" // the bridge in the same call must not touch floating point
	sources = append(sources, filepath.Join(dir, "platform", "qemu", "npu_bridge.c"), filepath.Join(dir, "platform", "link", "npu_link.c"))
	image := link("qemu.elf", append(flags, sources...)...)
	report := runProject(t, run.Options{Dir: dir, Image: image, On: "qemu", Accel: p.Program.Accel})
	if !report.Pass || report.Calls != 3 {
		t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
}
