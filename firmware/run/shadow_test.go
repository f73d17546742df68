// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/run"
)

// TestShadowCache runs a model behind a data cache that writes back late and never
// drops a line by itself: on this machine, and on the Cortex-M55 of QEMU. Few lines
// are maintained, and each of these cleans and invalidations is needed: without it
// bytes differ.
func TestShadowCache(t *testing.T) {
	g := readModel(t, "gru32x40_stream")
	shadowed := func(t *testing.T, on string, calls int, damage func(codegen.Tree)) (*run.Report, *ethosu.Program) {
		t.Helper()
		p := project(t, g, "ethos-u55-128", "gru", calls)
		tree := generate(t, p)
		if damage != nil {
			damage(tree)
		}
		return runProject(t, run.Options{Dir: write(t, tree), On: on, Accel: p.Program.Accel, PlainCC: true, Shadow: true}), p.Program
	}
	for _, on := range []string{"host", "qemu"} {
		t.Run(on, func(t *testing.T) {
			if on == "qemu" && testing.Short() {
				t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
			}
			const calls = 20
			report, program := shadowed(t, on, calls, nil)
			if !report.Pass || report.Calls != calls {
				t.Fatalf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
			}
			// All of it once, and a call then 3 lines of input and state before, 2 of
			// output and state after.
			arena := (program.ArenaSize + 31) / 32
			all := arena + (len(program.Constants)+4*len(program.Stages[0].Commands))/32
			cleaned, dropped := report.Link.LinesCleaned-all, report.Link.LinesDropped-arena
			if cleaned < 3*calls || cleaned > 3*calls+4 || dropped < 2*calls || dropped > 2*calls+4 {
				t.Errorf("%d calls clean %d lines and drop %d", calls, cleaned, dropped)
			}
		})
	}
	for _, c := range []struct{ name, file, old, new string }{
		{"inputs are not cleaned", "src/gru.c", "unroll_npu_port_cache_clean((uintptr_t)ctx->arena + written[i][0], written[i][1]);", ";"},
		{"outputs are not invalidated", "src/gru.c", "unroll_npu_port_cache_invalidate((uintptr_t)ctx->arena + read_back[i][0], read_back[i][1]);", ";"},
		{"constants are not cleaned", "npu/npu_driver.c", "if (region->access != UNROLL_NPU_READ_WRITE) {", "if (region->access == UNROLL_NPU_PRIVATE) {"},
		{"the stream is not cleaned", "npu/npu_driver.c", "unroll_npu_port_cache_clean((uintptr_t)job->commands, job->command_bytes);", ";"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, _ := shadowed(t, "host", 5, func(tree codegen.Tree) {
				text := string(tree[c.file])
				if !strings.Contains(text, c.old) {
					t.Fatalf("%s has no %s", c.file, c.old)
				}
				tree[c.file] = []byte(strings.Replace(text, c.old, c.new, 1))
			})
			if report.Pass {
				t.Error("nobody noticed")
			}
		})
	}
}

// TestShadowCacheOfArmDriver: what stands in for Arm's driver maintains what its newest
// version does, the regions of a run and never the stream; init does the rest, once.
func TestShadowCacheOfArmDriver(t *testing.T) {
	dedicated, err := ethosu.ParseMemoryMode("Dedicated_Sram")
	if err != nil {
		t.Fatal(err)
	}
	const calls = 5
	shadowed := func(t *testing.T, p codegen.Project, damage func(codegen.Tree)) *run.Report {
		t.Helper()
		p.Options.Driver = codegen.ArmDriver
		tree := generate(t, p)
		if damage != nil {
			damage(tree)
		}
		return runProject(t, run.Options{Dir: write(t, tree), On: "host", Accel: p.Program.Accel, PlainCC: true, Shadow: true})
	}
	g := readModel(t, "gru32x40_stream")
	model := project(t, g, "ethos-u55-128", "gru", calls)
	dram := project(t, g, "ethos-u65-256", "gru", calls)
	accel := dram.Program.Accel
	if dram.Program, err = compile.Compile(g, compile.Options{Accel: accel, System: ethosu.DefaultSystemConfig(accel), Mode: dedicated}); err != nil {
		t.Fatal(err)
	}
	sequence := sequenceProject(t, g, "ethos-u55-128", "gru", compile.SequenceOptions{Steps: 5}, calls)
	for name, p := range map[string]codegen.Project{"model": model, "U65 with DRAM": dram, "sequence": sequence} {
		t.Run(name, func(t *testing.T) {
			report := shadowed(t, p, nil)
			if !report.Pass || report.Calls != calls {
				t.Errorf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
			}
		})
	}
	t.Run("cost", func(t *testing.T) {
		// The golden vectors run twice, each time after an init; every run has all regions
		// cleaned, by the driver.
		report := shadowed(t, model, nil)
		lines := func(n int) int { return (n + 31) / 32 }
		regions := lines(len(model.Program.Constants)) + lines(model.Program.ArenaSize)
		// Its payload is 32 bytes longer than the stream, and may begin inside a line.
		once := lines(len(model.Program.Constants)) + lines(4*len(model.Program.Stages[0].Commands)+32)
		atInit := report.Link.LinesCleaned - 2*calls*regions
		if atInit < 2*once || atInit > 2*(once+2) {
			t.Errorf("%d inits clean %d lines, expected %d each", 2, atInit, once)
		}
	})
	t.Run("nobody cleans at init", func(t *testing.T) {
		report := shadowed(t, model, func(tree codegen.Tree) {
			const call = "    arm_publish(ctx);\n"
			text := string(tree["src/gru.c"])
			if !strings.Contains(text, call) {
				t.Fatalf("src/gru.c has no %s", call)
			}
			tree["src/gru.c"] = []byte(strings.Replace(text, call, "    (void)arm_publish;\n", 1))
		})
		if report.Pass {
			t.Error("nobody noticed")
		}
	})
}
