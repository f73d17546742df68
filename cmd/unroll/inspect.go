// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/source"
)

var inspectVerb = verb{
	name:    "inspect",
	args:    "MODEL",
	summary: "Show a network as it is read, or a compiled stream: figures, cycles with the reason, memory map, disassembly.",
	example: `unroll inspect gru.npu.tflite
unroll inspect vad.onnx --shape input=1,576
unroll inspect gru.npu.tflite --disassemble > gru.asm`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var n npuFlags
		var float sourceFlags
		float.addFile(f)
		f.StringVar(&n.system, "system-config", "", "memories to estimate with, by Vela's names (default: what the stream says, or by accelerator)")
		f.StringVar(&n.mode, "memory-mode", "", "memory mode to estimate with (default: what the stream says, or Dedicated_Sram where its fast scratch is apart, else Shared_Sram)")
		f.StringVar(&n.config, "config", "", "file in Vela's .ini form with more system configurations and memory modes")
		disassemble := f.Bool("disassemble", false, "print the stream, annotated with tensors and cycles")
		ops := f.Bool("ops", false, "list every operation with its cycles")
		memory := f.Bool("memory", false, "print the memory map")
		asJSON := f.Bool("json", false, "print the figures as JSON")
		return func(c *cli) error {
			name, err := c.oneArg("the network or compiled .tflite to inspect")
			if err != nil {
				return err
			}
			if *asJSON && (*disassemble || *ops || *memory) || *disassemble && (*ops || *memory) {
				return usagef("--json, --disassemble and tables of --ops and --memory are printed one at a time")
			}
			compiled := *disassemble || *ops || *memory
			switch is, err := isFloatSource(name); {
			case err != nil:
				return err
			case is && compiled:
				return usagef("--disassemble, --ops and --memory need a compiled model: run unroll lower %s first, and compile what it writes", quoted(name))
			case is:
				return inspectFloat(c, &float, name, *asJSON)
			case float.given() != "":
				return usagef("%s is for float networks; %s is a .tflite, which says it itself", float.given(), name)
			}
			m, err := readModel(name)
			if err != nil {
				if is, _ := source.IsFloat(name); is && !compiled { // of operators that are taken apart
					return inspectFloat(c, &float, name, *asJSON)
				}
				return err
			}
			if m.graph != nil {
				switch {
				case compiled:
					return usagef("--disassemble, --ops and --memory need a compiled model: run unroll compile %s first", quoted(name))
				case *asJSON:
					return printJSON(c.stdout, graph.Summarize(m.graph))
				}
				return graph.Fprint(c.stdout, m.graph)
			}
			p := m.program
			if err := n.memories(p.Accel, &p.System, &p.Mode); err != nil {
				return err
			}
			r, err := perf.Estimate(p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fig, err := perf.FiguresOf(p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for i := range p.Stages { // streams of others come without a map
				if p.Stages[i].Map, err = report.Places(p, &p.Stages[i]); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			switch {
			case *asJSON:
				return printJSON(c.stdout, inspectedOf(p, &r, fig))
			case *disassemble:
				return disassembleStages(c.stdout, p)
			}
			printFigures(c, p, &r, fig)
			if *ops {
				printOps(c.stdout, &r)
			}
			if *memory {
				for _, s := range p.Stages {
					if s.Name != "" {
						fmt.Fprintf(c.stdout, "stage %s, %d times\n", s.Name, s.Times)
					}
					printMap(c.stdout, s.Map)
				}
			}
			return nil
		}
	},
}

func printFigures(c *cli, p *ethosu.Program, r *perf.Report, f perf.Figures) {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "accelerator\t%s, %s, %s\n", f.Accelerator, p.System.Name, p.Mode.Name)
	for i, pair := range p.Carried() {
		what := "states"
		if i > 0 {
			what = ""
		}
		fmt.Fprintf(w, "%s\t%s\n", what, pair)
	}
	fmt.Fprintf(w, "NPU operations\t%s\n", commas(f.NPUOps))
	for i, o := range p.CPUOps() {
		what := "CPU operators"
		if i > 0 {
			what = ""
		}
		fmt.Fprintf(w, "%s\t%s\n", what, cpuOpText(o))
	}
	fmt.Fprintf(w, "command stream\t%s bytes\n", commas(f.StreamBytes))
	if p.Steps > 0 || len(p.Stages) > 1 {
		for _, s := range p.Stages {
			if s.CPU == nil {
				fmt.Fprintf(w, "  %s\t%s bytes, %d times a call\n", s.Name, commas(4*len(s.Commands)), s.Times)
			}
		}
	}
	switch {
	case p.Steps > 0:
		fmt.Fprintf(w, "wake-ups\t%d a call of %d steps\n", f.WakeUps, p.Steps)
	case f.WakeUps > 1:
		fmt.Fprintf(w, "wake-ups\t%d a call\n", f.WakeUps)
	}
	fmt.Fprintf(w, "weights\t%s bytes\n", commas(f.WeightBytes))
	fmt.Fprintf(w, "flash\t%s bytes\n", commas(f.FlashBytes))
	fmt.Fprintf(w, "SRAM\t%s bytes\n", commas(f.SRAMBytes))
	fmt.Fprintf(w, "TFLite Micro\t%s\n", arenaText(vela.ArenaOf(p), len(p.Variables)))
	ofNPU := ""
	if f.CPUOps > 0 {
		ofNPU = " of the NPU, without the CPU's"
	}
	fmt.Fprintf(w, "cycles\t%s%s, an estimate within %.0f %% where it was measured (%.3f ms at %g MHz)\n", commas(f.Cycles), ofNPU, 100*f.CyclesWithin, 1e3*r.Seconds(p.System.Clock), p.System.Clock/1e6)
	for _, reason := range perf.Reasons() {
		if n := r.By[reason]; n != 0 {
			fmt.Fprintf(w, "  %v\t%s\n", reason, commas(n))
		}
	}
	for _, m := range r.Memory {
		fmt.Fprintf(w, "  %s\t%s bytes read, %s written\n", m.Name, commas(int64(m.Read)), commas(int64(m.Write)))
	}
	w.Flush()
}

// arenaText says which arena TFLite Micro needs for a file, and that variables, which lie in
// it, are lost where something else uses it between calls.
func arenaText(a vela.Arena, variables int) string {
	s := fmt.Sprintf("an arena of %s bytes, %s of them for itself", commas(a.Total()), commas(a.Runtime))
	if a.Weights > 0 {
		s += fmt.Sprintf(", %s for copies of weights (fewer with --sram-budget)", commas(a.Weights))
	}
	if variables > 0 {
		s += "; variables lie in it, so nothing else may use it between calls, no other interpreter either"
	}
	return s
}

// cpuOpText says which operator the CPU runs, and why.
func cpuOpText(o *ethosu.CPUOp) string {
	s := fmt.Sprintf("%v %q", o.Kind(), o.Output())
	if o.Why != "" {
		s += ": " + o.Why
	}
	return s
}

func printOps(out io.Writer, r *perf.Report) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "word\tstart\tcycles\treason\t operation")
	for i := range r.Ops {
		o := &r.Ops[i]
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%v\t %s\n", o.Word, o.Begins, o.End-o.Begins, o.Reason, o.Name)
	}
	w.Flush()
}

func printMap(out io.Writer, tensors []ethosu.Placement) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "region\toffset\tsize\tlive\ttensor")
	for _, m := range tensors {
		fmt.Fprintf(w, "%d\t%#06x\t%d\t%d..%d\t%s\n", m.Region, m.Offset, m.Size, m.First, m.Last, m.Name)
	}
	w.Flush()
}

// disassembleStages prints every stream of a program.
func disassembleStages(out io.Writer, p *ethosu.Program) error {
	for i := range p.Stages {
		s := &p.Stages[i]
		if s.CPU != nil {
			fmt.Fprintf(out, "# stage %s of the CPU: %s\n", s.Name, cpuOpText(s.CPU))
			continue
		}
		if s.Name != "" {
			fmt.Fprintf(out, "# stage %s, %d times\n", s.Name, s.Times)
		}
		r, err := perf.StageOf(p, s)
		if err != nil {
			return err
		}
		if err := disassembleStage(out, p.Accel.Product, s, &r); err != nil {
			return err
		}
	}
	return nil
}

// disassembleStage prints text that assembles back to the same words; what is added
// stands in comments.
func disassembleStage(out io.Writer, product isa.Product, p *ethosu.Stage, r *perf.Report) error {
	cycles := map[int]*perf.Op{}
	for i := range r.Ops {
		cycles[r.Ops[i].Word] = &r.Ops[i]
	}
	info := map[int]*ethosu.OpInfo{}
	for i := range p.Ops {
		info[p.Ops[i].Word] = &p.Ops[i]
	}
	return product.Disassemble(out, p.Commands, isa.Notes{After: func(in isa.Instruction) string {
		s := ""
		if o := info[in.Word]; o != nil {
			s = o.Name
			for _, t := range []struct{ what, name string }{{"ifm", o.IFM}, {"ifm2", o.IFM2}, {"ofm", o.OFM}} {
				if t.name != "" {
					s += fmt.Sprintf(" %s=%s", t.what, t.name)
				}
			}
		}
		if o := cycles[in.Word]; o != nil {
			s += fmt.Sprintf(" [%.0f cycles, %v]", o.End-o.Begins, o.Reason)
		}
		return s
	}})
}
