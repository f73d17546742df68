// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/firmware/run"
)

// TestMisplacedArena links with a script that knows nothing of the arena's section, as
// that of another project may: the program must say which object lies where, and what
// to do.
func TestMisplacedArena(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 1)
	tree := generate(t, p)
	const script = "platform/corstone300/corstone300.ld"
	text := string(tree[script])
	text = regexp.MustCompile(`(?s)    \.unroll_arena .*?} > UNROLL_ARENA\n`).ReplaceAllString(text, "    unroll_arena_start = 0;\n    unroll_arena_end = 0;\n")
	text = strings.ReplaceAll(text, "unroll_model_sram_start >= ORIGIN(UNROLL_ARENA) && ", "")
	tree[script] = []byte(text)
	report := runProject(t, run.Options{Dir: write(t, tree), On: "qemu", Accel: p.Program.Accel})
	want := regexp.MustCompile(`the arena at address 0x300\w+ lies in memory that the NPU does not reach: the linker script must place section \.bss\.unroll_\*`)
	if report.Pass || !want.MatchString(report.Console) || !strings.Contains(report.Console, "ERR_UNREACHABLE") {
		t.Errorf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
	}
}

// TestCycles compares the simulated NPU's counter with the estimate for the project's
// own memories, constants in SRAM too, and looks at the events beside it.
func TestCycles(t *testing.T) {
	for _, inRAM := range []bool{false, true} {
		p := project(t, readModel(t, "gru32x40_stream"), "ethos-u55-128", "gru", 2)
		if inRAM {
			p.Program.Mode.Const, p.Options.ConstantsInRAM = p.Program.Mode.Cache, true
		}
		want, err := perf.Estimate(p.Program)
		if err != nil {
			t.Fatal(err)
		}
		opt := run.Options{Dir: write(t, generate(t, p)), On: "host", Accel: p.Program.Accel, PlainCC: true}
		opt.Connect = run.SimulatedIn(p.Program.Accel, p.Program.System)
		report, err := run.Run(t.Context(), opt)
		if err != nil {
			t.Skipf("SKIPPED: %v", err)
		}
		if !report.Pass || report.Cycles != uint64(want.Total) {
			t.Errorf("constants in RAM %v: %d cycles, the estimate is %v; problem=%q", inRAM, report.Cycles, want.Total, report.Problem)
		}
		if through1 := report.Counters["axi1_read_beats"]; report.Counters["mac_active"] == 0 || (through1 == 0) != inRAM {
			t.Errorf("constants in RAM %v: counters %v", inRAM, report.Counters)
		}
	}
}
