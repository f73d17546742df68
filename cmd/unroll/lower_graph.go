// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/precision"
	"github.com/unroll-npu/unroll/lower/source"
)

// graphFlags are for networks that are graphs.
type graphFlags struct {
	source sourceFlags
	states []string
}

func (g *graphFlags) add(f *pflag.FlagSet) {
	g.source.add(f)
	f.StringArrayVar(&g.states, "state", nil, "INPUT=OUTPUT of a graph (.onnx, .tflite) that is carried from call to call; repeat for all of them; none says that there are none")
}

// ofLayers are the flags of lower that are for networks of layers, not for graphs.
var ofLayers = []string{"form", "no-state", "per-step", "qat", "detect", "standardize"}

// importedGraph is what lower prints with --json of an imported graph, besides what it
// prints of every network.
type importedGraph struct {
	lowered
	ImportDifference *float64            `json:"import_difference"`
	Loss             float64             `json:"loss"`
	Errors           []lower.OutputError `json:"output_errors"`
	States           [][2]string         `json:"states"`
	Task             string              `json:"task"`
	Equalized        bool                `json:"equalized"` // channels were scaled to be alike in size
}

// openGraph reads a graph and the data that it is lowered with, and tells what had to be
// assumed of them.
func (l *lowering) openGraph(c *cli) (net *source.Network, data *source.Data, assumed []string, err error) {
	fail := func(err error) (*source.Network, *source.Data, []string, error) { return nil, nil, nil, err }
	for _, flag := range ofLayers {
		if l.form.set.Changed(flag) {
			if flag == "qat" {
				return fail(usagef("--qat learns from labels, for networks of layers (.safetensors, .npz); %s is a graph, for which --distill learns from its own float outputs", l.name))
			}
			return fail(usagef("--%s is for networks of layers (.safetensors, .npz); %s is a graph, with its own form", flag, l.name))
		}
	}
	if float, err := source.IsFloat(l.name); err != nil {
		return fail(err)
	} else if !float {
		return fail(integersAlready(l.name))
	}
	so, err := l.graph.source.options(l.graph.states)
	if err != nil {
		return fail(err)
	}
	so.Steps = l.form.steps
	if len(so.Axis) > 0 && so.Steps == 0 {
		return fail(usagef("--time says which dimension --steps is of: give --steps as well"))
	}
	if l.data.data == "" {
		return fail(l.needsData(so))
	}
	data, err = source.OpenData(c.ctx, l.name, l.data.data, l.data.options(), func(what string) { c.say("%s", what) })
	if err != nil {
		return fail(err)
	}
	data.Shapes(&so)
	net, err = source.Open(l.name, so)
	if err != nil {
		return fail(err)
	}
	if err := net.AddHead(l.graph.source.head); err != nil {
		return fail(fmt.Errorf("%s: %w", l.name, err))
	}
	if err := data.Fit(net, l.form.calibration); err != nil {
		if p := net.Proposals(); len(p) > 0 && len(l.graph.states) == 0 {
			return fail(fmt.Errorf("%s: %w\nnot said to be states: add %s, or --state none", l.name, err, strings.Join(p, " ")))
		}
		return fail(fmt.Errorf("%s: %w", l.name, err))
	}
	if l.form.set.Changed("drift") && len(net.Graph.States) == 0 {
		return fail(usagef("--drift %d: %s has no states that are carried from call to call; name them with --state", l.report.drift, l.name))
	}
	assumed = net.Say(l.graph.states, l.graph.source.head, data)
	for _, what := range assumed {
		c.say("assumed: %s", what)
	}
	for _, array := range data.Unused {
		c.say("note: --data %s: no input is named %q, so that array is not used", l.data.data, array)
	}
	return net, data, assumed, nil
}

// integersAlready says what to do with a .tflite that is no float network.
func integersAlready(name string) error {
	m, err := readModel(name)
	switch {
	case err != nil:
		return err
	case m.program != nil:
		return fmt.Errorf("%s is compiled already: unroll generate %s", name, quoted(name))
	}
	return fmt.Errorf("%s: its values are integers with scales already, so there is nothing to quantize: unroll compile %s", name, quoted(name))
}

// needsData says which arrays a network is to be lowered with: its inputs and their
// shapes, and what looks like states, which take none.
func (l *lowering) needsData(so source.Options) error {
	text := fmt.Sprintf("%s: quantization needs representative inputs: give --data calib.npz with an array for each input, [sequences, calls, shape…] or [calls, shape…], or a labelled set (%s)", l.name, dataKinds)
	net, err := source.Open(l.name, so)
	if err != nil { // as far as it is known without data, whose shapes it may follow
		return fmt.Errorf("%s\nwithout data: %w", text, err)
	}
	for _, in := range calibrate.DataInputs(net.Graph) {
		t := net.Graph.Tensors[net.Graph.Inputs[in]]
		text += fmt.Sprintf("\n  array %q: the shape of the input is %v", t.Name, t.Shape)
	}
	for _, s := range net.StateNames() {
		text += fmt.Sprintf("\n  %q is carried from %q of the call before, and needs no array", s[0], s[1])
	}
	if p := net.Proposals(); len(p) > 0 {
		text += fmt.Sprintf("\nstates need no array; these inputs look like some: add %s", strings.Join(p, " "))
	}
	return errors.New(text)
}

// runGraph lowers a float graph of any topology.
func (l *lowering) runGraph(c *cli) error {
	net, data, assumed, err := l.openGraph(c)
	if err != nil {
		return err
	}
	o := l.options
	if !l.form.set.Changed("per-channel") {
		o.PerChannelWeights = true
	}
	p := newProgress(c.stderr)
	o.Cost = costOf(l.target)
	o.Progress = func(n int) { p.tell(n, fmt.Sprintf("8 bits lose too much: %d choices of widths measured", n)) }
	low, err := lower.LowerGraph(c.ctx, net.Graph, net.Roles(), data.Calls, o)
	p.finish()
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	low, stopped := distilled(c, &l.form, low, data.Calls)
	if low == nil {
		return fmt.Errorf("%s: %w", l.name, stopped)
	}
	r := importedGraph{
		lowered: lowered{Assumed: slices.Clip(append([]string{}, assumed...)), Operators: len(low.Int8.Ops), Output: l.out, Widened: widenedRoles(low), Readings: low.NarrowReadings(), Loss: lossOf(low.Widths)},
		Loss:    low.Loss, Errors: low.Outputs, States: net.StateNames(), Task: data.TaskOf(net), Equalized: low.Equalized,
	}
	if net.Inputs > 0 {
		r.ImportDifference = &net.Difference
	}
	if s := net.Stepped; s != nil {
		worst := max(net.Difference, s.Difference)
		r.ImportDifference = &worst
	}
	if data.Test != nil && stopped == nil {
		e, err := low.Compare(c.ctx, data.Test, *data.Truth)
		if err != nil {
			return fmt.Errorf("%s with --data %s: %w", l.name, l.data.data, err)
		}
		r.take(e)
	}
	if stopped == nil {
		if err := l.report.measureGraph(c, low, data.Calls, &r.lowered); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	calibration, err := lower.CalibrationOf(net.Graph, data.Calls, data.Source)
	if err != nil {
		return err
	}
	f := &facts.Facts{Task: r.Task, Classes: data.ClassesOf(net), Calibration: calibration, Assumed: assumed}
	f.Audio, f.Steps = data.Sound(net.Graph)
	many, f, err := l.form.windows.of(c, low.Int8, f)
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	file, err := lower.Encode(many, f)
	if err != nil {
		return err
	}
	r.Bytes = len(file)
	if l.report.predictions != "" && stopped == nil {
		if r.Evaluation != nil {
			err = r.export(l.report.predictions, l.force)
		} else {
			err = exportOutputs(c, low, data.Calls, l.report.predictions, l.force)
		}
		if err != nil {
			return err
		}
	}
	if stopped != nil {
		return l.form.keep(c, l.name, l.out, file, l.force, stopped)
	}
	if err := writeFile(l.out, file, l.force); err != nil {
		return err
	}
	if l.report.json {
		return printJSON(c.stdout, r)
	}
	return l.printGraph(c, net, low, data.Calls, &r)
}

// lostElement is the error of an element, relative to its own deviation, from which on little
// of it is left: R² below 0.9.
const lostElement = 0.3

// printGraph tells what became of a graph, and how near it is to float.
func (l *lowering) printGraph(c *cli, net *source.Network, low *lower.GraphResult, calls lower.Sequences, r *importedGraph) error {
	if net.Inputs > 0 {
		fmt.Fprintln(c.stdout, net.Proof())
	}
	if net.Stepped != nil {
		fmt.Fprintln(c.stdout, net.Stepped.Proof())
	}
	for _, s := range r.States {
		fmt.Fprintf(c.stdout, "state %s <- %s\n", s[0], s[1])
	}
	for _, e := range low.Outputs {
		fmt.Fprintf(c.stdout, "output %q: quantized differs from float by %s (root mean square, of its deviation), at most by %.3g, on %s %s\n", e.Name, percent(e.Relative), e.Worst, commas(calls.Len()), plural(calls.Len(), "sequence"))
		if k := e.Element; k != nil && k.Relative > lostElement {
			fmt.Fprintf(c.stdout, "warning: output %q: element %d of dimension %d differs by %s of its own deviation, which leaves little of it; where it is small beside others, bring them to one size in the network, or give it an output of its own\n", e.Name, k.Index, k.Dimension, percent(k.Relative))
		}
		if d := e.Decided; d != nil {
			fmt.Fprintf(c.stdout, "output %q: %d of %s decisions changed, by how close they are %s were to be expected\n", e.Name, d.Changed, commas(d.Decisions), percent(d.Expected))
		}
	}
	if low.Equalized {
		why := "less is lost"
		if l.form.equalize != "auto" {
			why = "whether less is lost was not measured"
		}
		fmt.Fprintf(c.stdout, "channels between convolutions and dense layers are scaled to be alike in size (--equalize %s): %s\n", l.form.equalize, why)
	}
	if err := l.report.tables(c, &r.lowered); err != nil {
		return err
	}
	r.print(c, "quantized", l.report.report != "")
	printChosen(c, low.Widths)
	fmt.Fprintf(c.stdout, "wrote %s: %d operators, %s bytes\nnext: %s\n", l.out, r.Operators, commas(r.Bytes), l.next())
	return nil
}

// costOf is the cycles of a call on the NPU. Where the compiler does not take the first
// graph, that of 8 bits, all choices are weighed by what they move instead; where it takes
// that one, others that it does not take are of no use.
func costOf(npu compile.Options) func(*graph.Graph) (float64, error) {
	cycles := compile.Cycles(npu)
	var mu sync.Mutex
	decided, byCycles := false, false
	return func(g *graph.Graph) (float64, error) {
		mu.Lock()
		defer mu.Unlock()
		if !decided || byCycles {
			v, err := cycles(g)
			if decided = true; err == nil {
				byCycles = true
				return v, nil
			}
			if byCycles {
				return math.Inf(1), err
			}
		}
		return precision.Traffic(g)
	}
}

// widenedRoles names the values and weights that have 16 bits, by their names.
func widenedRoles(low *lower.GraphResult) []string {
	names := []string{}
	for role, wide := range low.Wide {
		if wide && !low.Reading(role) {
			names = append(names, role)
		}
	}
	slices.Sort(names)
	return names
}
