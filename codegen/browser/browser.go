// SPDX-License-Identifier: Apache-2.0

// Package browser answers the page of cmd/web: inspect, verify, simulate and report of a
// model that lies in memory. Nothing here reads or writes files, or knows of a browser.
package browser

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// Verbs that Do knows.
var Verbs = []string{"report", "inspect", "verify", "simulate"}

// Request is what the page asks.
type Request struct {
	Verb    string
	Version string // of the tool, for the report
	Name    string // of the file, without folders
	Model   []byte
	Accel   string            // that plain models are compiled for
	Inputs  map[string][]byte // simulate: .npy or .csv files by INPUT/FILE; what is missing is noise
	Calls   int               // simulate: with noise
}

// Response is what it shows: text, or a page, and files to keep.
type Response struct {
	Text  string
	Page  []byte
	Files map[string][]byte
}

// subject is a model with the program that it is or becomes.
type subject struct {
	name    string
	file    []byte
	graph   *graph.Graph // nil for a compiled model
	facts   *facts.Facts
	program *ethosu.Program
}

// Do answers a request. Errors name the file and what is wrong with it.
func Do(ctx context.Context, r Request) (Response, error) {
	if !slices.Contains(Verbs, r.Verb) {
		return Response{}, fmt.Errorf("unknown verb %q: expected one of %s", r.Verb, strings.Join(Verbs, ", "))
	}
	s, err := open(&r)
	if err != nil {
		return Response{}, err
	}
	switch r.Verb {
	case "inspect":
		return s.inspect()
	case "verify":
		return s.verify(), nil
	case "simulate":
		return s.simulate(&r)
	}
	return s.report(ctx, &r)
}

func open(r *Request) (*subject, error) {
	m, err := tflite.ReadModel(r.Name, r.Model)
	if err != nil {
		return nil, err
	}
	s := &subject{name: r.Name, file: r.Model}
	if s.facts, err = facts.Decode(r.Name, m.Find(facts.Metadata)); err != nil {
		return nil, err
	}
	if vela.IsCompiled(m.Graph) {
		s.program, err = vela.Read(r.Name, r.Model)
		return s, err
	}
	tflite.TakeOffFloat(m)
	s.graph = m.Graph
	accel, err := ethosu.ParseAccelerator(r.Accel)
	if err != nil {
		return nil, err
	}
	if s.program, err = compile.Compile(s.graph, compile.Options{Accel: accel}); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	return s, nil
}

func (s *subject) report(ctx context.Context, r *Request) (Response, error) {
	var of *report.Subject
	var err error
	if s.graph != nil {
		of = report.OpenPlain(s.name, s.file, s.graph, s.facts, s.program)
	} else if of, err = report.OpenCompiled(s.name, s.file); err != nil {
		return Response{}, err
	}
	if err := of.MeasureCurves(ctx); err != nil {
		return Response{}, err
	}
	of.Commands = []report.Command{{Does: "The same page, on the command line:", Line: "unroll report '" + strings.ReplaceAll(s.name, "'", `'\''`) + "' -o report.html"}}
	page, err := report.Write(r.Version, []*report.Subject{of})
	return Response{Page: page, Files: map[string][]byte{"report.html": page}}, err
}

func (s *subject) inspect() (Response, error) {
	f, err := perf.FiguresOf(s.program)
	if err != nil {
		return Response{}, err
	}
	e, err := perf.Estimate(s.program)
	if err != nil {
		return Response{}, err
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	p := s.program
	for _, row := range [][2]string{
		{"accelerator", f.Accelerator + ", " + p.System.Name + ", " + p.Mode.Name},
		{"states", strings.Join(p.Carried(), ", ")},
		{"operations", fmt.Sprintf("%d on the NPU, %d operators on the CPU", f.NPUOps, f.CPUOps)},
		{"command stream", fmt.Sprintf("%d bytes, %d starts a call", f.StreamBytes, f.WakeUps)},
		{"weights", fmt.Sprintf("%d bytes", f.WeightBytes)},
		{"flash", fmt.Sprintf("%d bytes", f.FlashBytes)},
		{"SRAM", fmt.Sprintf("%d bytes", f.SRAMBytes)},
		{"cycles", fmt.Sprintf("%d a call, an estimate; %.3f ms at %g MHz", f.Cycles, 1e3*e.Seconds(p.System.Clock), p.System.Clock/1e6)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
	}
	for _, reason := range slices.Sorted(maps.Keys(f.CyclesBy)) {
		fmt.Fprintf(w, "  %s\t%d\n", reason, f.CyclesBy[reason])
	}
	w.Flush()
	fmt.Fprintln(&b)
	fmt.Fprintln(w, "word\tbegins\tcycles\treason\toperation")
	for i := range e.Ops {
		o := &e.Ops[i]
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%v\t%s\n", o.Word, o.Begins, o.End-o.Begins, o.Reason, o.Name)
	}
	w.Flush()
	return Response{Text: b.String()}, nil
}

func (s *subject) verify() Response {
	r := verify.Program(s.program)
	var b strings.Builder
	for _, f := range r.All() {
		fmt.Fprintln(&b, f)
	}
	fmt.Fprintf(&b, "%s: %d operations, %d findings, %d unproven\n", s.name, r.Operations, len(r.Findings), len(r.Unproven))
	return Response{Text: b.String()}
}

// simulate runs the program on the simulator, and a plain model on the reference
// interpreter beside it.
func (s *subject) simulate(r *Request) (Response, error) {
	if r.Calls < 1 || r.Calls > 10000 {
		return Response{}, fmt.Errorf("%d calls: expected 1 to 10000", r.Calls)
	}
	dut, err := runner.NewSimulator(s.program)
	if err != nil {
		return Response{}, err
	}
	arrays, noise, err := s.inputs(dut, r)
	if err != nil {
		return Response{}, err
	}
	states := runner.Carried(dut, arrays)
	run := func(m runner.Model) ([]*runner.Array, int, error) {
		calls, err := runner.NewCalls(m, maps.Clone(arrays), states)
		if err != nil {
			return nil, 0, err
		}
		results, err := calls.Run(nil)
		return results, calls.Count(), err
	}
	got, calls, err := run(dut)
	if err != nil {
		return Response{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls on the NPU simulator", calls)
	if len(noise) > 0 {
		fmt.Fprintf(&b, ", with noise for %s", strings.Join(noise, ", "))
	}
	fmt.Fprintln(&b, ".")
	if len(states) > 0 {
		fmt.Fprintf(&b, "Carried from call to call: %s.\n", strings.Join(s.program.StateNames(), ", "))
	}
	if s.graph != nil {
		if err := s.compare(&b, run, got); err != nil {
			return Response{}, err
		}
	}
	out := Response{Files: map[string][]byte{}}
	outs := dut.Outputs()
	names := runner.FileNames(outs)
	for i, a := range got {
		if real, err := a.Dequantize(&outs[i]); err == nil {
			a = real
		}
		out.Files[names[i]+".csv"] = a.AppendCSV(nil, calls)
		fmt.Fprintf(&b, "%s %v%v\n", outs[i].Name, a.Type, a.Shape)
	}
	out.Text = b.String()
	return out, nil
}

func (s *subject) compare(b *strings.Builder, run func(runner.Model) ([]*runner.Array, int, error), got []*runner.Array) error {
	ref, err := runner.NewReference(s.graph)
	if err != nil {
		return err
	}
	want, _, err := run(ref)
	if err != nil {
		return err
	}
	for i := range want {
		if string(want[i].Data) != string(got[i].Data) {
			fmt.Fprintf(b, "Output %d DIFFERS from the reference interpreter.\n", i)
			return nil
		}
	}
	fmt.Fprintln(b, "Every output equals the reference interpreter's, byte for byte.")
	return nil
}

// inputs reads the arrays that were given, and makes the others of noise.
func (s *subject) inputs(m runner.Model, r *Request) (arrays map[string]*runner.Array, noise []string, err error) {
	arrays = map[string]*runner.Array{}
	for _, key := range slices.Sorted(maps.Keys(r.Inputs)) {
		at := strings.LastIndexByte(key, '/')
		name, file := key[:max(at, 0)], key[at+1:]
		read := runner.ReadNPY
		if strings.EqualFold(path.Ext(file), ".csv") {
			read = runner.ReadCSV
		}
		if name == "" { // the only input, or the first
			name = m.Inputs()[0].Name
		}
		if arrays[name], err = read(file, r.Inputs[key]); err != nil {
			return nil, nil, err
		}
	}
	if len(arrays) > 0 {
		if _, err := runner.Standardize(m, arrays, s.facts); err != nil {
			return nil, nil, err
		}
		return arrays, nil, nil
	}
	state := map[int]bool{}
	for _, st := range m.States() {
		state[st.In] = true
	}
	ins := m.Inputs()
	for i := range ins {
		if state[i] {
			continue
		}
		t := &ins[i]
		a := &runner.Array{Type: t.Type, Shape: append([]int{r.Calls}, t.Shape...)}
		x := uint32(1 + i)
		for range r.Calls * t.Bytes() {
			x = x*1664525 + 1013904223
			a.Data = append(a.Data, byte(x>>24))
		}
		arrays[t.Name], noise = a, append(noise, t.Name)
	}
	return arrays, noise, nil
}
