// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/firmware/run"
)

var ethosuDriver = flag.String("ethosu-driver", "", "folder of the source of Arm's core driver, to test with it instead of what stands in for it")

// ports are what was written to the registers that choose AXI ports.
type ports struct {
	link.NPU
	seen map[[2]uint32]int // QCONFIG and REGIONCFG of every run
	now  [2]uint32
}

const regQConfig, regRegionConfig = 0x01c, 0x03c

func (p *ports) WriteReg(off, v uint32) {
	switch {
	case off == regQConfig:
		p.now[0] = v
	case off == regRegionConfig:
		p.now[1] = v & 0xff // regions 4 to 7 are used by nobody
	case off == regCmd && v&1 != 0:
		p.seen[p.now]++
	}
	p.NPU.WriteReg(off, v)
}

// TestArmDriver runs projects for Arm's driver, with what stands in for it, or with its
// source where the flag names it: once with an NPU of their own, once reserving it for
// each call. Streams and regions must be read through the ports that they were scheduled for, which
// are those of a project with our driver.
func TestArmDriver(t *testing.T) {
	on := "host"
	if *ethosuDriver != "" {
		on = "qemu"
	}
	mode := func(name string) ethosu.MemoryMode {
		m, err := ethosu.ParseMemoryMode(name)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	sram := ethosu.DefaultMemoryMode()
	sram.Const = sram.Arena
	for _, c := range []struct {
		name, model, accel string
		mode               ethosu.MemoryMode
		inRAM              bool
		steps              int
	}{
		{"flash", "gru16_t4", "ethos-u55-128", ethosu.DefaultMemoryMode(), false, 0},
		{"weights in SRAM", "gru32x40_stream", "ethos-u55-128", sram, true, 0},
		{"SRAM only", "gru32x40_stream", "ethos-u55-64", mode("Sram_Only"), false, 0},
		{"U65 with DRAM", "gru32x40_stream", "ethos-u65-256", mode("Dedicated_Sram"), false, 0},
		{"sequence", "gru32x40_stream", "ethos-u55-128", ethosu.DefaultMemoryMode(), false, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const calls = 6
			seen := map[codegen.Driver]map[[2]uint32]int{}
			cycles := map[codegen.Driver]uint64{}
			for _, driver := range []codegen.Driver{codegen.OwnDriver, codegen.ArmDriver} {
				g := readModel(t, c.model)
				var p codegen.Project
				if c.steps > 0 {
					p = sequenceProject(t, g, c.accel, "gru", compile.SequenceOptions{Steps: c.steps}, calls)
				} else {
					p = project(t, g, c.accel, "gru", calls)
					accel := p.Program.Accel
					var err error
					if p.Program, err = compile.Compile(g, compile.Options{Accel: accel, System: ethosu.DefaultSystemConfig(accel), Mode: c.mode}); err != nil {
						t.Fatal(err)
					}
				}
				p.Options.ConstantsInRAM = c.inRAM
				p.Options.Driver = driver
				npu := &ports{seen: map[[2]uint32]int{}}
				opt := run.Options{Dir: write(t, generate(t, p)), On: "host", Accel: p.Program.Accel, PlainCC: true, Sanitize: true}
				if driver == codegen.ArmDriver && on == "qemu" {
					opt.On, opt.PlainCC, opt.Sanitize, opt.EthosuDriver = on, false, false, *ethosuDriver
				}
				opt.Connect = func(m link.Memory) link.NPU {
					npu.NPU = run.Simulated(p.Program.Accel)(m)
					return npu
				}
				report, err := run.Run(t.Context(), opt)
				if errors.Is(err, run.ErrNoTool) {
					t.Skipf("SKIPPED: %v", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				if !report.Pass || report.Calls != calls {
					t.Fatalf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
				}
				if driver == codegen.ArmDriver {
					for k := range npu.seen {
						npu.seen[k] /= 2 // it checks the golden vectors twice
					}
				}
				seen[driver] = npu.seen
				cycles[driver] = report.Cycles
			}
			// Arm's own driver does not count; what stands in for it does, all streams of a call.
			if n := cycles[codegen.ArmDriver]; n != cycles[codegen.OwnDriver] && (on == "host" || n != 0) {
				t.Errorf("cycles of a call: %d with our driver, %d with Arm's", cycles[codegen.OwnDriver], n)
			}
			own, arm := seen[codegen.OwnDriver], seen[codegen.ArmDriver]
			if len(own) == 0 || len(own) != len(arm) {
				t.Fatalf("QCONFIG, REGIONCFG of our driver %v, of Arm's %v", own, arm)
			}
			for k, n := range own {
				if arm[k] != n {
					t.Errorf("QCONFIG %#x, REGIONCFG %#x: %d runs with our driver, %d with Arm's", k[0], k[1], n, arm[k])
				}
			}
		})
	}
}

// TestArmDriverOnQEMU builds the image that the stand-in runs on the Cortex-M55, behind a
// data cache at its worst, and refuses sources that are none.
func TestArmDriverOnQEMU(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	p := project(t, readModel(t, "gru32x40_stream"), "ethos-u55-128", "gru", 10)
	p.Options.Driver = codegen.ArmDriver
	opt := run.Options{Dir: write(t, generate(t, p)), On: "qemu", Accel: p.Program.Accel, Shadow: true}
	report := runProject(t, opt)
	if !report.Pass || report.Calls != 10 {
		t.Errorf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
	}
	opt.Connect = run.Simulated(opt.Accel)
	opt.EthosuDriver = t.TempDir()
	if _, err := run.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "no source of Arm's core driver") {
		t.Errorf("an empty folder: %v", err)
	}
	opt.On = "host"
	if _, err := run.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "run it on qemu") {
		t.Errorf("on the host: %v", err)
	}
	own := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 1)
	opt = run.Options{Dir: write(t, generate(t, own)), On: "qemu", Accel: own.Program.Accel, Connect: run.Simulated(own.Program.Accel), EthosuDriver: t.TempDir()}
	if _, err := run.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "--driver arm") {
		t.Errorf("a project of our driver: %v", err)
	}
}
