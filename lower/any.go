// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/arrange"
	"github.com/unroll-npu/unroll/lower/precision"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Sequences are the calls that a graph of any inputs is calibrated and judged on.
type Sequences = calibrate.Sequences

// GraphResult is a quantized graph of any topology.
type GraphResult struct {
	Float, Int8 *graph.Graph
	Widths      *Widths         // how Auto chose; nil otherwise
	Loss        float64         // the largest of an output, on the calls it was calibrated on: see LowerGraph
	Outputs     []OutputError   // of every data output
	Wide        map[string]bool // roles, readings and weights of 16 bits, nil where Options.Activations says them
	Equalized   bool            // channels were scaled: see Options.Equalize

	q *graphQuantizer
}

// LowerGraph quantizes a float graph, an importer's or anybody's, on representative
// calls: states are carried along every sequence. Of Options it takes what concerns
// quantization; form and number of steps are the graph's. The loss of an output is its
// relative error; of probabilities it is the mean difference, which is to them what
// points of accuracy are to decisions; and of those that decide, see Decided, the part of
// the decisions that is expected to change, or the mean difference in its place where that
// is farther from what is aimed at. Errors name the operator or tensor that cannot be had.
func LowerGraph(ctx context.Context, g *graph.Graph, roles unroll.Roles, calls Sequences, o Options) (*GraphResult, error) {
	arranged := roles
	integers, role := arrange.Graph(g, roles.Role)
	arranged.Role = role
	q, err := newGraphQuantizer(ctx, g, integers, arranged, calls, o)
	if err != nil {
		return nil, err
	}
	r, err := q.lowered(ctx, arranged)
	if err != nil && ctx.Err() == nil {
		return nil, q.outsized(err)
	}
	return r, err
}

// farFromOne is the size of inputs from which on errors of scales are put down to them.
const farFromOne = 1e5

// outsized says of an error of quantization that an input of the calibration data is far
// larger than networks have them, where one is.
func (q *graphQuantizer) outsized(err error) error {
	name, most := "", 0.0
	for _, id := range calibrate.DataInputs(q.plan.Graph) {
		t := q.plan.Graph.Inputs[id]
		r := q.ranges[q.plan.Role[t]]
		if top := math.Max(-float64(r.Min), float64(r.Max)); top > most {
			name, most = q.plan.Graph.Tensors[t].Name, top
		}
	}
	if most < farFromOne {
		return err
	}
	return fmt.Errorf("input %q reaches %.3g in the calibration data, and no scales hold that beside the rest: bring it to the size of 1 in front of the network, or cut single values that are no measurements with --clamp-inputs 99; %w", name, most, err)
}

// lowered chooses the widths and quantizes.
func (q *graphQuantizer) lowered(ctx context.Context, arranged unroll.Roles) (*GraphResult, error) {
	g, o := q.float, q.o
	var err error
	if q, err = q.equalized(ctx, arranged); err != nil {
		return nil, err
	}
	plan := q.plan
	if o.Activations != Auto {
		return q.result(o.Wide)
	}
	if o.Wide != nil {
		return q.result(o.Wide)
	}
	q.scheme.Cache = &quantize.Cache{}
	first := dataOutputs(g)[0]
	bound, goal := q.bound(first), q.aim(first, len(q.want[first]))
	names, within := chosenAmong(plan)
	choice, err := precision.Search(ctx, precision.Problem{
		Roles: names, Within: within, Further: quantize.Matrices(plan), Bound: goal, Limit: bound, Cost: o.Cost, Progress: o.Progress, Build: q.build,
		Loss: func(g *graph.Graph) (float64, error) {
			outputs, err := q.errors(ctx, g)
			return q.loss(outputs), err
		},
	})
	if err != nil {
		return nil, err
	}
	widthsIn(plan, choice)
	r, err := q.result(choice.Wide)
	if err != nil {
		return nil, err
	}
	r.Widths = &Widths{Bound: bound, Aim: goal, Loss: choice.Loss, Met: q.kept(r.Outputs)}
	if decisionWidth(g, first) > 0 {
		r.Widths.Expected, r.Widths.Unlabelled, r.Widths.MeanCounts = true, true, goal/aimNumbers(bound)
	}
	if len(choice.Rows) > 0 {
		r.Widths.Choice = choice
	}
	return r, nil
}

// graphQuantizer holds what quantization of one float graph goes by.
type graphQuantizer struct {
	float  *graph.Graph // as it came
	plan   *unroll.Plan // of its arrangement for integers
	calls  Sequences
	o      Options
	ranges map[string]quantize.Range
	scheme quantize.Options
	want   map[graph.TensorID][]float32 // the float graph's data outputs
	equal  bool                         // channels are scaled to be alike in size
}

func newGraphQuantizer(ctx context.Context, float, integers *graph.Graph, roles unroll.Roles, calls Sequences, o Options) (*graphQuantizer, error) {
	plan, err := unroll.ForGraph(integers, roles)
	if err != nil {
		return nil, err
	}
	q := &graphQuantizer{float: float, plan: plan, calls: calls, o: o}
	return q, q.observe(ctx)
}

func (q *graphQuantizer) observe(ctx context.Context) error {
	co := calibrate.Options{Estimator: q.o.Estimator, Percentile: q.o.Percentile}
	calls, err := clampCalls(q.float, q.calls, q.o.InputClamp)
	if err != nil {
		return err
	}
	seen, err := calibrate.CollectSequences(q.plan, calls, co)
	if err != nil {
		return err
	}
	q.ranges = map[string]quantize.Range{}
	for role, ob := range seen {
		q.ranges[role] = quantize.Range(co.Estimate(ob))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var moments map[graph.TensorID]*calibrate.Moments
	if q.o.compensated(true) {
		if moments, err = calibrate.MomentsOfSequences(q.plan, calls); err != nil {
			return err
		}
	}
	q.scheme = quantize.Options{Activations: q.o.Activations, PerTensor: false, WeightLevels: q.o.WeightLevels, Moments: map[graph.TensorID]*quantize.Moments{}}
	for id, m := range moments {
		q.scheme.Moments[id] = (*quantize.Moments)(m)
	}
	q.want = map[graph.TensorID][]float32{}
	for _, id := range dataOutputs(q.float) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if q.want[id], err = calibrate.TraceSequences(q.float, id, q.calls); err != nil {
			return err
		}
	}
	return nil
}

// Arranged returns the float graph that was quantized: r.Float with some parts written
// in another way. Tensors have the names of r.Int8 where they are the same.
func (r *GraphResult) Arranged() *graph.Graph { return r.q.plan.Graph }

// WithConstants quantizes the arranged graph again, everything as it was but for float
// constants that have other values, by TensorID of the arranged graph: to nearest, with
// the scales that weights had.
func (r *GraphResult) WithConstants(values map[graph.TensorID][]float32) (*GraphResult, error) {
	q := *r.q
	q.plan = withConstants(r.q.plan, values)
	q.scheme.Moments, q.scheme.Cache, q.scheme.WeightScales = nil, nil, map[graph.TensorID][]float32{}
	for id := range values {
		if found := r.Int8.Find(q.plan.Graph.Tensors[id].Name); found != graph.None && r.Int8.Tensors[found].Type == graph.Int8 {
			q.scheme.WeightScales[id] = r.Int8.Tensors[found].Quant.Scales
		}
	}
	next, err := q.result(r.Wide)
	if err != nil {
		return nil, err
	}
	if r.Widths != nil { // chosen as before, but what is lost is another
		w := *r.Widths
		w.Loss, w.Met = next.Loss, q.kept(next.Outputs)
		next.Widths = &w
	}
	return next, nil
}

// Original returns the float graph that the quantized one is measured against.
func (r *GraphResult) Original() *graph.Graph { return r.Float }

// Integers returns the quantized graph.
func (r *GraphResult) Integers() *graph.Graph { return r.Int8 }

// Lost returns the loss of data outputs against what the float graph gives: see
// LowerGraph.
func (r *GraphResult) Lost(want, got [][]float32) float64 {
	var outputs []OutputError
	for i, id := range dataOutputs(r.Float) {
		outputs = append(outputs, compareOutput(r.Float, id, want[i], got[i]))
	}
	return r.q.loss(outputs)
}

func (q *graphQuantizer) build(wide map[string]bool) (*graph.Graph, error) {
	scheme := q.scheme
	if scheme.Wide = wide; wide == nil && q.o.Activations == Auto {
		scheme.Wide = map[string]bool{}
	}
	return quantize.Graph(q.plan, q.ranges, scheme)
}

func (q *graphQuantizer) result(wide map[string]bool) (*GraphResult, error) {
	g, err := q.build(wide)
	if err != nil {
		return nil, err
	}
	r := &GraphResult{Float: q.float, Int8: g, Wide: wide, Equalized: q.equal, q: q}
	if r.Outputs, err = q.errors(context.Background(), g); err != nil {
		return nil, err
	}
	r.Loss = q.loss(r.Outputs)
	return r, nil
}

// Run returns the real values of every data output after every call, sequence by
// sequence, on the reference interpreter: what the firmware gives. RunFloat does so for
// the float graph.
func (r *GraphResult) Run(ctx context.Context, calls Sequences) ([][]float32, error) {
	return runCalls(ctx, r.Float, r.Int8, calls)
}

// RunFloat is Run for the float graph.
func (r *GraphResult) RunFloat(ctx context.Context, calls Sequences) ([][]float32, error) {
	var out [][]float32
	for _, id := range dataOutputs(r.Float) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := calibrate.TraceSequences(r.Float, id, calls)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func runCalls(ctx context.Context, float, g *graph.Graph, calls Sequences) ([][]float32, error) {
	it, err := reference.New(g)
	if err != nil {
		return nil, err
	}
	outputs := dataOutputs(float)
	at := make([]graph.TensorID, len(outputs))
	for i, id := range outputs {
		if at[i] = g.Find(float.Tensors[id].Name); at[i] == graph.None {
			return nil, fmt.Errorf("BUG: the quantized graph has no output %q", float.Tensors[id].Name)
		}
	}
	parts := make([][][]float32, calls.Len())
	data := calibrate.DataInputs(float)
	err = it.Parallel(calls.Len(), func(w *reference.Interpreter, i int) error {
		parts[i] = make([][]float32, len(outputs))
		w.Reset()
		for call := range calls.Calls(i) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if call > 0 {
				w.Carry()
			}
			for _, in := range data {
				t := g.Tensors[g.Inputs[in]]
				row := make([]float32, t.Elems())
				if err := calls.Feed(i, call, in, row); err != nil {
					return err
				}
				if err := quantize.Values(w.Input(in), t, row); err != nil {
					return err
				}
			}
			if err := w.Invoke(); err != nil {
				return err
			}
			for o, id := range at {
				v, err := real32(w, id)
				if err != nil {
					return err
				}
				parts[i][o] = append(parts[i][o], v...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(outputs))
	for _, p := range parts {
		for o, v := range p {
			out[o] = append(out[o], v...)
		}
	}
	return out, nil
}
