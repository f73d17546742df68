// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/firmware/run"
)

// written is an NPU that notes what was written to each register last.
type written struct {
	link.NPU
	last map[uint32]uint32
}

func (w *written) WriteReg(off, v uint32) {
	w.last[off] = v
	w.NPU.WriteReg(off, v)
}

// u85Project is a project for an Ethos-U85 on the boards that it has when nobody names one.
func u85Project(t *testing.T, model, accel string, driver codegen.Driver) codegen.Project {
	t.Helper()
	p := project(t, readModel(t, model), accel, "gru", 6)
	p.Options.Driver = driver
	return p
}

// TestU85 runs generated projects for the Ethos-U85 on this machine, under both sanitizers:
// driver, stream and API in C, the registers and the simulator behind them. Every byte must be
// the reference interpreter's, and the driver must have told the NPU which ports there are.
func TestU85(t *testing.T) {
	for _, c := range []struct {
		model, accel string
		driver       codegen.Driver
		always       bool
	}{
		{"gru32x40_stream", "ethos-u85-256", codegen.OwnDriver, true},
		{"gru16_t4", "ethos-u85-128", codegen.ArmDriver, true},
		{"gru32x40_stream", "ethos-u85-512", codegen.OwnDriver, false},
		{"gru32x40_stream", "ethos-u85-1024", codegen.ArmDriver, false},
		{"gru16_t4", "ethos-u85-2048", codegen.OwnDriver, true},
		{"rnnoise_int8_published", "ethos-u85-256", codegen.OwnDriver, false},
	} {
		if !c.always && !*everything {
			continue
		}
		t.Run(c.model+"/"+c.accel+map[codegen.Driver]string{codegen.OwnDriver: "/own", codegen.ArmDriver: "/arm"}[c.driver], func(t *testing.T) {
			t.Parallel()
			p := u85Project(t, c.model, c.accel, c.driver)
			npu := &written{last: map[uint32]uint32{}}
			report, err := run.Run(t.Context(), run.Options{Dir: write(t, generate(t, p)), On: "host", PlainCC: true, Sanitize: true, Accel: p.Program.Accel,
				Connect: func(m link.Memory) link.NPU {
					npu.NPU = run.Simulated(p.Program.Accel)(m)
					return npu
				}})
			if err != nil {
				t.Fatal(err)
			}
			if !report.Pass || report.Calls != 6 {
				t.Fatalf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
			}
			for off, want := range map[uint32]uint32{
				0x038: 0, 0x040: 0, 0x044: 0, 0x048: 4, 0x04c: 4, 0x050: 0x00020F0B, 0x054: 0x00021F3F, // ports
				0x1180: 7, 0x11A8: 0x00200023, // counters, in the second page
			} {
				got, ok := npu.last[off]
				if !ok || got != want {
					t.Errorf("register %#05x: %#x (written: %v), expected %#x", off, got, ok, want)
				}
			}
			for off := range npu.last {
				if off >= 0x180 && off < 0x1000 {
					t.Errorf("register %#05x, which only the U55 and U65 have, was written", off)
				}
			}
		})
	}
}

// TestU85Sequence runs a call of several streams.
func TestU85Sequence(t *testing.T) {
	p := sequenceProject(t, readModel(t, "gru32x40_stream"), "ethos-u85-256", "gru", compile.SequenceOptions{Steps: 5}, 6)
	report := runProject(t, run.Options{Dir: write(t, generate(t, p)), On: "host", PlainCC: true, Sanitize: true, Accel: p.Program.Accel})
	if !report.Pass || report.Calls != 6 {
		t.Fatalf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
}

// TestOtherGeneration puts a project before an NPU of another generation, and before one of its
// own with other ports: the driver must refuse to run the stream.
func TestOtherGeneration(t *testing.T) {
	for _, c := range []struct{ compiled, found string }{
		{"ethos-u85-256", "ethos-u55-256"},
		{"ethos-u55-256", "ethos-u85-256"},
		{"ethos-u85-512", "ethos-u85-1024"},
	} {
		t.Run(c.compiled+" on "+c.found, func(t *testing.T) {
			t.Parallel()
			p := project(t, readModel(t, "gru16_t4"), c.compiled, "gru", 1)
			found, err := ethosu.ParseAccelerator(c.found)
			if err != nil {
				t.Fatal(err)
			}
			report, err := run.Run(t.Context(), run.Options{Dir: write(t, generate(t, p)), On: "host", PlainCC: true, Accel: found, Connect: run.Simulated(found)})
			if err != nil {
				t.Fatal(err)
			}
			if report.Pass || !strings.Contains(report.Console, "ACCELERATOR") {
				t.Errorf("pass=%v console:\n%s", report.Pass, report.Console)
			}
		})
	}
}

// TestU85OnQEMU runs the same image that a board would, but for addresses, on the Cortex-M55
// of QEMU: the driver's loads and stores of the NPU's two pages are its own.
func TestU85OnQEMU(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	p := u85Project(t, "gru16_t4", "ethos-u85-256", codegen.OwnDriver)
	report := runProject(t, run.Options{Dir: write(t, generate(t, p)), On: "qemu", Accel: p.Program.Accel})
	if !report.Pass || report.Calls != 6 || report.Link.Interrupts != 6*p.Program.WakeUps() {
		t.Errorf("pass=%v calls=%d interrupts=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Link.Interrupts, report.Problem, report.Console)
	}
}
