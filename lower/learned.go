// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// Learned is what fine-tuning made of a lowered network, by the names of tensors: the
// same network may have another number of steps, or values of other widths, with it.
type Learned struct {
	Values map[string][]float32 // constants in place of the float network's
	Scales map[string][]float32 // that their weights of 8 bits keep

	ranges map[string]quantize.Range // of all roles, in 8 bits
}

// learn lets what is quantized have learned constants: to nearest, with the scales that
// their weights had. The float network that it is compared with stays as it is.
func (c *calibrated) learn(l *Learned) error {
	if l == nil {
		return nil
	}
	values := map[graph.TensorID][]float32{}
	scales := map[graph.TensorID][]float32{}
	for i, t := range c.plan.Graph.Tensors {
		v, ok := l.Values[t.Name]
		if !ok {
			continue
		}
		if !t.IsConst() || len(v) != t.Elems() {
			return fmt.Errorf("network %q: %d learned values for %q of shape %v", c.net.Name, len(v), t.Name, t.Shape)
		}
		values[graph.TensorID(i)] = v
		if s := l.Scales[t.Name]; s != nil {
			scales[graph.TensorID(i)] = s
		}
	}
	if len(values) != len(l.Values) {
		return fmt.Errorf("network %q has %d of the %d constants that were learned", c.net.Name, len(values), len(l.Values))
	}
	c.quantized = withConstants(c.plan, values)
	c.scheme.Moments, c.scheme.Cache, c.scheme.WeightScales = nil, nil, scales
	if l.ranges != nil && c.scheme.Activations == Int8 {
		c.ranges = l.ranges
	}
	return nil
}

// withConstants returns a plan in whose graph some constants have other values.
func withConstants(plan *unroll.Plan, values map[graph.TensorID][]float32) *unroll.Plan {
	g, next := *plan.Graph, *plan
	g.Tensors = slices.Clone(g.Tensors)
	for id, v := range values {
		t := *g.Tensors[id]
		t.Data = make([]byte, 0, 4*len(v))
		for _, x := range v {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(x))
		}
		g.Tensors[id] = &t
	}
	next.Graph = &g
	return &next
}

// Arranged returns the float graph that was quantized.
func (r *Result) Arranged() *graph.Graph { return r.Float }

// Original returns the float graph that the quantized one is measured against.
func (r *Result) Original() *graph.Graph { return r.Float }

// Integers returns the quantized graph.
func (r *Result) Integers() *graph.Graph { return r.Int8 }

// Task, Outputs and PerStep are the network's.
func (r *Result) Task() nn.Task { return r.net.Task }

// Outputs is the number of classes, or of numbers to predict.
func (r *Result) Outputs() int { return r.net.Outputs }

// PerStep reports whether the network decides at every step.
func (r *Result) PerStep() bool { return r.net.PerStep }

// Learned returns what WithConstants put in place of the network's own constants; nil
// where it did not.
func (r *Result) Learned() *Learned { return r.learned }

// WithConstants quantizes the network again, everything as it was but for float
// constants that have other values, by TensorID of Arranged: to nearest, with the scales
// that weights had.
func (r *Result) WithConstants(values map[graph.TensorID][]float32) (*Result, error) {
	l := &Learned{Values: map[string][]float32{}, Scales: map[string][]float32{}, ranges: r.from.ranges}
	for id, v := range values {
		name := r.Float.Tensors[id].Name
		l.Values[name] = v
		if found := r.Int8.Find(name); found != graph.None && r.Int8.Tensors[found].Type == graph.Int8 {
			l.Scales[name] = r.Int8.Tensors[found].Quant.Scales
		}
	}
	c := *r.from
	if err := c.learn(l); err != nil {
		return nil, err
	}
	c.scheme.Wide = r.wide
	g, err := quantize.Graph(c.quantized, c.ranges, c.scheme)
	if err != nil {
		return nil, err
	}
	next := c.result(g)
	next.wide, next.learned, next.Widths = r.wide, l, r.Widths
	return next, nil
}

// Run returns the real values of every data output after every call, sequence by
// sequence, on the reference interpreter: what the firmware gives.
func (r *Result) Run(ctx context.Context, calls Sequences) ([][]float32, error) {
	return runCalls(ctx, r.Float, r.Int8, calls)
}

// Lost returns the largest loss of a data output against what the float graph gives:
// see LowerGraph.
func (r *Result) Lost(want, got [][]float32) float64 {
	q := graphQuantizer{float: r.Float}
	var outputs []OutputError
	for i, id := range dataOutputs(r.Float) {
		outputs = append(outputs, compareOutput(r.Float, id, want[i], got[i]))
	}
	return q.loss(outputs)
}

// Sequences returns the sequences of a set as calls of the graph. Where states are
// inputs, every sequence goes on with the next one of the set, as a stream does that
// nobody resets.
func (r *Result) Sequences(set Samples) (*SequenceCalls, error) {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return nil, err
	}
	s := &SequenceCalls{cadence: c, set: set, inARow: 1}
	if len(r.Int8.States) > 0 {
		s.inARow = 2
	}
	return s, nil
}

// SequenceCalls are the sequences of a set as calls of a graph of layers.
type SequenceCalls struct {
	cadence cadence
	set     Samples
	inARow  int // sequences that follow each other
}

// FromReset returns the same sequences, each of which ends where it ends in the set.
func (s *SequenceCalls) FromReset() *SequenceCalls {
	c := *s
	c.inARow = 1
	return &c
}

// Len returns the number of streams, as many as the set has sequences.
func (s *SequenceCalls) Len() int { return s.set.Len() }

// Calls returns the number of calls of a stream.
func (s *SequenceCalls) Calls(int) int { return s.inARow * s.cadence.calls }

// Feed writes the input of one call.
func (s *SequenceCalls) Feed(i, call, _ int, dst []float32) error {
	rows := make([]float32, s.cadence.net.Steps*s.cadence.net.Features)
	load(s.cadence.net, s.set, s.sequence(i, call), rows)
	s.cadence.feed(dst, rows, call%s.cadence.calls*s.cadence.steps)
	return nil
}

// sequence returns the number in the set of the sequence that a call is of.
func (s *SequenceCalls) sequence(i, call int) int {
	return (i + call/s.cadence.calls) % s.set.Len()
}

// Due returns the decisions of a call for which the set has a label or a target: the row
// of the call's output and what is right, a label, or the targets of a regression.
func (s *SequenceCalls) Due(i, call int) []Due {
	c, n := s.cadence, s.sequence(i, call)
	var list []Due
	labels, every := s.set.(stepLabels)
	aims, _ := s.set.(targets)
	var all []float32
	if c.net.Task == nn.Regression && aims != nil {
		all = make([]float32, c.net.Outputs*max(1, c.net.Steps))
		aims.Target(n, all)
	} else if c.net.Task == nn.Regression {
		return nil
	}
	first := call % c.calls * c.steps
	for row := range c.rows {
		step := first + row
		if c.rows == 1 {
			step = first + c.steps - 1
		}
		if step >= c.net.Steps || !c.net.PerStep && !c.decides(step) {
			continue
		}
		d := Due{Row: row}
		switch {
		case c.net.Task == nn.Regression:
			at := 0
			if c.net.PerStep {
				at = step * c.net.Outputs
			}
			d.Target = all[at : at+c.net.Outputs]
			if slices.ContainsFunc(d.Target, func(v float32) bool { return v != v }) {
				continue
			}
		case c.net.PerStep && every:
			d.Label = labels.StepLabel(n, step)
		default:
			d.Label = s.set.Label(n)
		}
		if d.Label >= 0 {
			list = append(list, d)
		}
	}
	return list
}

// decides reports whether the output of a step is the one that a sequence is judged by.
func (c cadence) decides(step int) bool {
	if c.rows > 1 {
		return step == c.net.Steps-1
	}
	return step == c.whole()*c.steps-1
}

// Due is a decision that somebody knows the answer of.
type Due struct {
	Row    int       // of the output of a call
	Label  int       // of a classification
	Target []float32 // of a regression
}
