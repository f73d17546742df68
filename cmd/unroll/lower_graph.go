// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
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

// runLowerGraph lowers a float graph of any topology.
func runLowerGraph(c *cli, name string, d *dataFlags, l *lowerFlags, gf *graphFlags, rf *reportFlags, n *npuFlags, out string, force bool) error {
	for _, flag := range ofLayers {
		if l.set.Changed(flag) {
			if flag == "qat" {
				return usagef("--qat learns from labels, for networks of layers (.safetensors, .npz); %s is a graph, for which --distill learns from its own float outputs", name)
			}
			return usagef("--%s is for networks of layers (.safetensors, .npz); %s is a graph, with its own form", flag, name)
		}
	}
	o, err := l.options()
	if err != nil {
		return err
	}
	npu, err := n.options()
	if err != nil {
		return err
	}
	if d.data == "" {
		return fmt.Errorf("%s: quantization needs representative inputs: give --data calib.npz with an array for each input, [sequences, calls, shape…] or [calls, shape…], or a labelled set (%s)", name, dataKinds)
	}
	so, err := gf.source.options(gf.states)
	if err != nil {
		return err
	}
	so.Steps = l.steps
	if len(so.Axis) > 0 && so.Steps == 0 {
		return usagef("--time says which dimension --steps is of: give --steps as well")
	}
	data, err := source.OpenData(c.ctx, name, d.data, d.options(), func(what string) { c.say("%s", what) })
	if err != nil {
		return err
	}
	data.Shapes(&so)
	net, err := source.Open(name, so)
	if err != nil {
		return err
	}
	if err := net.AddHead(gf.source.head); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := data.Fit(net, l.calibration); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if l.set.Changed("drift") && len(net.Graph.States) == 0 {
		return usagef("--drift %d: %s has no states that are carried from call to call; name them with --state", rf.drift, name)
	}
	assumed := net.Say(gf.states, gf.source.head, data)
	for _, what := range assumed {
		c.say("assumed: %s", what)
	}
	for _, name := range data.Unused {
		c.say("note: --data %s: no input is named %q, so that array is not used", d.data, name)
	}
	if !l.set.Changed("per-channel") {
		o.PerChannelWeights = true
	}
	p := newProgress(c.stderr)
	o.Cost = costOf(npu)
	o.Progress = func(n int) { p.tell(fmt.Sprintf("8 bits lose too much: %d choices of widths measured", n)) }
	low, err := lower.LowerGraph(c.ctx, net.Graph, net.Roles(), data.Calls, o)
	p.finish()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	low, stopped := distilled(c, l, low, data.Calls)
	if low == nil {
		return fmt.Errorf("%s: %w", name, stopped)
	}
	r := importedGraph{
		lowered: lowered{Assumed: slices.Clip(append([]string{}, assumed...)), Operators: len(low.Int8.Ops), Output: out, Widened: widenedRoles(low), Loss: lossOf(low.Widths)},
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
			return fmt.Errorf("%s with --data %s: %w", name, d.data, err)
		}
		r.take(e)
	}
	if stopped == nil {
		if err := rf.measureGraph(c, low, data.Calls, &r.lowered); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	calibration, err := lower.CalibrationOf(net.Graph, data.Calls, data.Source)
	if err != nil {
		return err
	}
	f := &facts.Facts{Task: r.Task, Classes: data.ClassesOf(net), Calibration: calibration, Assumed: assumed}
	f.Audio, f.Steps = data.Sound(net.Graph)
	many, f, err := l.windows.of(c, low.Int8, f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	file, err := lower.Encode(many, f)
	if err != nil {
		return err
	}
	r.Bytes = len(file)
	if rf.predictions != "" && stopped == nil {
		if r.Evaluation != nil {
			err = r.export(rf.predictions, force)
		} else {
			err = exportOutputs(c, low, data.Calls, rf.predictions, force)
		}
		if err != nil {
			return err
		}
	}
	if stopped != nil {
		return l.keep(c, name, out, file, force, stopped)
	}
	if err := writeFile(out, file, force); err != nil {
		return err
	}
	if rf.json {
		return printJSON(c.stdout, r)
	}
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
		fmt.Fprintf(c.stdout, "output %q: quantized differs from float by %s (root mean square, of its deviation), at most by %.3g, on %s %s\n", e.Name, percent(e.Relative), e.Worst, commas(data.Calls.Len()), plural(data.Calls.Len(), "sequence"))
	}
	if low.Equalized {
		why := "less is lost"
		if l.equalize != "auto" {
			why = "whether less is lost was not measured"
		}
		fmt.Fprintf(c.stdout, "channels between convolutions and dense layers are scaled to be alike in size (--equalize %s): %s\n", l.equalize, why)
	}
	if err := rf.tables(c, &r.lowered); err != nil {
		return err
	}
	r.print(c, "quantized", rf.report != "")
	printChosen(c, low.Widths)
	fmt.Fprintf(c.stdout, "wrote %s: %d operators, %s bytes\nnext: %s\n", out, r.Operators, commas(r.Bytes), command("compile", append([]string{operand(out)}, repeated(l.set, npuFlagNames...)...)...))
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

// widenedRoles names what has 16 bits.
func widenedRoles(low *lower.GraphResult) []string {
	names := []string{}
	for role, wide := range low.Wide {
		if wide {
			names = append(names, role)
		}
	}
	slices.Sort(names)
	return names
}
