// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/firmware/run"
)

// TestToolchains builds images the way others do, with link-time optimization and for
// the secure world, with GCC and with LLVM, and runs them on QEMU. Each has a
// constructor, as C++ objects have, that must have run before main, and assembly for
// the board's core, as the ports of operating systems have.
func TestToolchains(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 2)
	tree := generate(t, p)
	main := string(tree["app/main.c"])
	main = strings.Replace(main, "int main(void) {\n", "int seven(void);\nstatic int constructed;\n__attribute__((constructor)) static void construct(void) {\n    constructed = seven();\n}\n\n"+
		"int main(void) {\n    if (constructed != 7) {\n        platform_exit(19);\n    }\n", 1)
	if !strings.Contains(main, "platform_exit(19)") {
		t.Fatal("main.c has no main")
	}
	tree["app/main.c"] = []byte(main)
	tree["app/seven.S"] = []byte(".syntax unified\n.thumb\n.global seven\n.type seven, %function\n.thumb_func\nseven:\n    movs r0, #14\n    cinc r0, r0, ne\n    asrs r0, r0, #1\n    bx lr\n")
	tree["CMakeLists.txt"] = append(tree["CMakeLists.txt"], "\nenable_language(ASM)\ntarget_sources(fw PRIVATE app/seven.S)\n"...)
	for _, c := range []struct{ toolchain, flags string }{
		{"", "-flto"}, {"", "-mcmse"}, {"cmake/llvm.cmake", "-flto"}, {"cmake/llvm.cmake", "-mcmse"},
	} {
		t.Run(c.toolchain+c.flags, func(t *testing.T) {
			if c.toolchain != "" {
				for _, tool := range []string{"clang", "ld.lld"} {
					if _, err := exec.LookPath(tool); err != nil {
						t.Skipf("SKIPPED: %v", err)
					}
				}
			}
			t.Setenv("CFLAGS", c.flags)
			report := runProject(t, run.Options{Dir: write(t, tree), On: "qemu", Accel: p.Program.Accel, Toolchain: c.toolchain})
			if !report.Pass || report.Calls != 2 {
				t.Errorf("pass=%v calls=%d exit=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Exit, report.Problem, report.Console)
			}
		})
	}
}
