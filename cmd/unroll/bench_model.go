// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/fault"
)

// benchTime is how long a rate is measured.
const benchTime = 3 * time.Second

// benchSimulate measures inferences a second, one core and all cores, on whatever
// executes the model.
func benchSimulate(c *cli, asJSON bool) error {
	if len(c.args) != 2 {
		return usagef("bench simulate: expected one .tflite")
	}
	m, err := readModel(c.args[1])
	if err != nil {
		return err
	}
	run, err := m.runner()
	if err != nil {
		return err
	}
	one, err := rate(c, run, 1)
	if err != nil {
		return err
	}
	cores := runtime.GOMAXPROCS(0)
	all, err := rate(c, run, cores)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.stdout, benchedSimulation{one, all, cores, all / one})
	}
	_, err = fmt.Fprintf(c.stdout, "%.0f inferences/s on one core, %.0f on %d (x%.2f)\n", one, all, cores, all/one)
	return err
}

// benchedSimulation and benchedCompilation are what bench prints with --json.
type benchedSimulation struct {
	OneCore float64 `json:"inferences_per_second_one_core"`
	All     float64 `json:"inferences_per_second"`
	Cores   int     `json:"cores"`
	Speedup float64 `json:"speedup"`
}

type benchedCompilation struct {
	Ours    perf.Figures  `json:"ours"`
	Theirs  *perf.Figures `json:"theirs,omitempty"`
	Seconds float64       `json:"compile_seconds"`
}

func rate(c *cli, m runner.Model, workers int) (float64, error) {
	var n atomic.Int64
	errs := make([]error, workers)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		own := m.Clone()
		s := runner.NewSession(own, own.States())
		wg.Add(1)
		go func() {
			defer fault.Catch()
			defer wg.Done()
			for time.Since(start) < benchTime && c.ctx.Err() == nil {
				if errs[w] = s.Call(); errs[w] != nil {
					return
				}
				n.Add(1)
			}
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return float64(n.Load()) / time.Since(start).Seconds(), c.ctx.Err()
}

// benchCompile compiles a model and puts its figures beside those of another compiler's
// stream, both by the same cycle model.
func benchCompile(c *cli, n *npuFlags, against string, asJSON bool) error {
	if len(c.args) != 2 {
		return usagef("bench compile: expected one int8 .tflite")
	}
	m, err := readPlain(c.args[1])
	if err != nil {
		return err
	}
	o, err := n.options()
	if err != nil {
		return err
	}
	var other *vela.File
	if against != "" {
		if other, err = readAgainst(against, m, o.Accel); err != nil {
			return err
		}
	}
	start := time.Now()
	ch, err := compile.CompileCall(compile.Call{Whole: m.graph}, o)
	if err != nil {
		return err
	}
	took := time.Since(start)
	ours, err := perf.FiguresOf(ch.Program)
	if err != nil {
		return err
	}
	result := benchedCompilation{Ours: ours, Seconds: took.Seconds()}
	var theirs perf.Figures
	if other != nil {
		if theirs, err = fileFigures(against, other, func(_ *ethosu.Accelerator, s *ethosu.SystemConfig, m *ethosu.MemoryMode) error {
			*s, *m = o.System, o.Mode
			return nil
		}); err != nil {
			return err
		}
		result.Theirs = &theirs
	}
	if asJSON {
		return printJSON(c.stdout, result)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(what string, a, b int64) {
		if other == nil {
			fmt.Fprintf(w, "%s\t%s\t\n", what, commas(a))
			return
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t\n", what, commas(a), commas(b), float64(a)/float64(max(b, 1)))
	}
	fmt.Fprintln(w, map[bool]string{true: "\tours\ttheirs\tratio\t", false: "\tours\t"}[other != nil])
	row("NPU operations", int64(ours.NPUOps), int64(theirs.NPUOps))
	if theirs.CPUOps > 0 {
		row("CPU operators, whose cycles are not in the estimate", int64(ours.CPUOps), int64(theirs.CPUOps))
	}
	row("stream bytes", int64(ours.StreamBytes), int64(theirs.StreamBytes))
	row("weight bytes", int64(ours.WeightBytes), int64(theirs.WeightBytes))
	row("flash bytes", int64(ours.FlashBytes), int64(theirs.FlashBytes))
	row("SRAM bytes", int64(ours.SRAMBytes), int64(theirs.SRAMBytes))
	row("cycles", ours.Cycles, theirs.Cycles)
	w.Flush()
	fmt.Fprintf(c.stdout, "cycles are estimates, within %.0f %% where they were measured; compiled and verified in %.3f s\n", 100*ours.CyclesWithin, took.Seconds())
	return nil
}

// readAgainst reads another compiler's output for a model and an accelerator.
func readAgainst(name string, m *model, a *ethosu.Accelerator) (*vela.File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := vela.Open(name, data)
	if err != nil {
		return nil, err
	}
	if err := f.Of(m.graph); err != nil {
		return nil, fmt.Errorf("%s is no compilation of %s: %w", name, m.name, err)
	}
	for _, p := range f.Programs {
		if p.Accel != a {
			return nil, fmt.Errorf("%s is compiled for %s, expected %s: give --accel %s, or compile it for the other", name, p.Accel.Name, a.Name, p.Accel.Name)
		}
	}
	return f, nil
}
