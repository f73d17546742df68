// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/elementwise"
)

// DistillOptions describe a distillation. The zero value of a field takes the default.
type DistillOptions struct {
	Steps  int     // optimizer steps; default 200
	Window int     // calls that gradients go back through; default 8
	Rate   float64 // learning rate at the start, in steps of a weight's grid; it falls linearly to 0; default 0.02
	Seed   uint64  // of the choice of calls
	Levels int     // the largest magnitude of a weight, as it was lowered; 0 is 127
}

// distilled windows go through the graph side by side, every chunk of them in one
// goroutine.
const windows = 2 * chunk

// held is the part of the sequences, or of the calls where there is one sequence, that
// nothing is learned from: what the result is chosen by.
const held = 0.2

// Distill lets a quantized graph learn to give the float graph's outputs, without any
// label: states are carried over windows of calls, which start from the float graph's
// states, and gradients go back through a window. What it returns loses the least on
// calls that were kept apart: the graph as it was, or one with weights that it had on the
// way.
// progress, which may be nil, gets the mean loss of every step.
//
// The result does not depend on the number of processors. It does on the kind of vector
// kernel, as training does. When ctx is done, what was learned so far is judged.
func Distill(ctx context.Context, r *lower.GraphResult, calls lower.Sequences, o DistillOptions, progress func(step int, loss float64)) (*lower.GraphResult, error) {
	if o.Steps == 0 {
		o.Steps = 200
	}
	if o.Window == 0 {
		o.Window = 8
	}
	if o.Rate == 0 {
		o.Rate = 0.02
	}
	if o.Steps < 0 || o.Window < 0 || !(o.Rate > 0) {
		return nil, fmt.Errorf("distillation options: %d steps over windows of %d calls at rate %v: expected positive numbers", o.Steps, o.Window, o.Rate)
	}
	learn, judge := divide(calls)
	d, err := newDistillation(r, learn, o)
	if err != nil {
		return nil, err
	}
	best := r
	least, err := r.LossOn(context.Background(), judge)
	if err != nil {
		return nil, err
	}
	err = d.loop(ctx, progress, func() error {
		next, err := r.WithConstants(d.learned())
		if err != nil {
			return err
		}
		loss, err := next.LossOn(context.Background(), judge)
		if err == nil && loss < least {
			best, least = next, loss
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return best, ctx.Err()
}

// divide sets the last sequences apart, or the last calls of a single one.
func divide(calls lower.Sequences) (learn, judge lower.Sequences) {
	if n := calls.Len(); n > 1 {
		k := max(1, int(held*float64(n)))
		return span{Sequences: calls, last: n - k}, span{Sequences: calls, first: n - k, last: n}
	}
	n := calls.Calls(0)
	k := max(1, int(held*float64(n)))
	return cut{calls, max(1, n-k)}, calls // a state has to come from the start
}

// span is some of the sequences of a set.
type span struct {
	lower.Sequences
	first, last int
}

func (s span) Len() int        { return s.last - s.first }
func (s span) Calls(i int) int { return s.Sequences.Calls(s.first + i) }
func (s span) Feed(i, call, in int, dst []float32) error {
	return s.Sequences.Feed(s.first+i, call, in, dst)
}

// cut is the beginning of a single sequence.
type cut struct {
	lower.Sequences
	calls int
}

func (c cut) Calls(int) int { return c.calls }

// distillation is a run of Distill.
type distillation struct {
	DistillOptions
	p       *program
	calls   lower.Sequences
	data    []int            // indices of inputs that are fed
	states  []graph.State    // in p.g
	targets []graph.TensorID // what has to agree, in p.g
	want    [][]float32      // of every target, all calls in order
	start   [][]float32      // the float graph's value of every state after every call
	scale   []float64        // one over the variance of every target
	first   []int            // call that every sequence starts with, in that order
	trained []graph.TensorID // constants, in p.g
	m, v, g map[graph.TensorID][]float32
	lanes   []*lane
}

// lane is the tapes of the calls of some windows.
type lane struct{ tapes []*tape }

func newDistillation(r *lower.GraphResult, calls lower.Sequences, o DistillOptions) (*distillation, error) {
	arranged := r.Arranged()
	p, err := newProgram(arranged, r.Int8, o.Levels)
	if err != nil {
		return nil, err
	}
	for i, op := range arranged.Ops {
		if _, err := kernels.Get(op.Kind); err != nil {
			return nil, fmt.Errorf("%s: %w", arranged.OpString(i), err)
		}
		if err := checkBroadcast(arranged, op); err != nil {
			return nil, fmt.Errorf("%s: %w", arranged.OpString(i), err)
		}
		if op.Kind == graph.Softmax && readWithin(arranged, op.Outputs[0]) {
			return nil, fmt.Errorf("%s is read by other operators, and its gradient is known at an output alone; lower without --distill", arranged.OpString(i))
		}
	}
	d := &distillation{DistillOptions: o, p: p, calls: calls, data: calibrate.DataInputs(arranged), states: arranged.States,
		m: map[graph.TensorID][]float32{}, v: map[graph.TensorID][]float32{}, g: map[graph.TensorID][]float32{}}
	for _, id := range p.order {
		// What only the arrangement brought has a meaning of its own.
		if c := p.consts[id]; int(id) < len(r.Float.Tensors) && r.Float.Tensors[id].Name == c.name && (c.weights || isBias(arranged, id)) {
			n := (len(c.value) + elementwise.Lanes - 1) / elementwise.Lanes * elementwise.Lanes
			d.trained = append(d.trained, id)
			d.m[id], d.v[id], d.g[id] = make([]float32, n), make([]float32, n), make([]float32, n)
			c.value = append(make([]float32, 0, n), c.value...)
			if c.weights {
				d.fix(c, r.Int8.Tensors[r.Int8.Find(c.name)])
			}
		}
	}
	if len(d.trained) == 0 {
		return nil, fmt.Errorf("graph %q has no weights to adapt", arranged.Name)
	}
	return d, d.teach(r)
}

// fix starts weights from what they were rounded to, and keeps their scales: the first
// step of learning is better than nothing then, whatever it is.
func (d *distillation) fix(c *constant, q *graph.Tensor) {
	c.scales = q.Quant.Scales
	cols := len(c.value) / c.rows
	for i := range c.value {
		r := i / cols
		if c.apart {
			r = i % c.rows
		}
		c.value[i] = float32(int8(q.Data[i])) * c.scales[r]
	}
}

// grain is the mean step of a constant's grid; of a bias, that of the weights before it.
func (d *distillation) grain(id graph.TensorID) float32 {
	c := d.p.consts[id]
	for _, op := range d.p.g.Ops {
		if c.scales == nil && optional(op, 2) == id {
			c = d.p.consts[op.Inputs[1]]
		}
	}
	if c.scales == nil {
		return 1
	}
	sum := float32(0)
	for _, s := range c.scales {
		sum += s
	}
	return sum / float32(len(c.scales))
}

func isBias(g *graph.Graph, id graph.TensorID) bool {
	for _, op := range g.Ops {
		switch op.Kind {
		case graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D:
			if optional(op, 2) == id {
				return true
			}
		}
	}
	return false
}

// readWithin reports whether anything but another shape reads a tensor.
func readWithin(g *graph.Graph, id graph.TensorID) bool {
	for _, op := range g.Ops {
		if slices.Contains(op.Inputs, id) && (op.Kind != graph.Reshape || readWithin(g, op.Outputs[0])) {
			return true
		}
	}
	return false
}

// checkBroadcast refuses operands that repeat in the middle of the other one's shape.
func checkBroadcast(g *graph.Graph, op *graph.Op) error {
	switch op.Kind {
	case graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Maximum, graph.Minimum, graph.SquaredDifference:
	default:
		return nil
	}
	out := g.Tensors[op.Outputs[0]].Shape
	for _, id := range op.Inputs {
		s := g.Tensors[id].Shape
		for len(s) > 0 && s[0] == 1 {
			s = s[1:]
		}
		if len(s) > len(out) || !slices.Equal(s, out[len(out)-len(s):]) {
			return fmt.Errorf("operand %q of shape %v repeats inside %v, whose gradient is not known here; lower without --distill", g.Tensors[id].Name, g.Tensors[id].Shape, out)
		}
	}
	return nil
}

// teach runs the float graph over all calls and keeps its outputs and states.
func (d *distillation) teach(r *lower.GraphResult) error {
	g := d.p.g
	carried := map[graph.TensorID]bool{}
	for _, s := range d.states {
		carried[s.Out] = true
	}
	for _, id := range g.Outputs {
		if g.Tensors[id].Type == graph.Float32 && (!carried[id] || len(g.Outputs) == len(d.states)) {
			d.targets = append(d.targets, beforeSoftmax(g, id))
		}
	}
	at := 0
	for i := range d.calls.Len() {
		d.first = append(d.first, at)
		at += d.calls.Calls(i)
	}
	trace := func(id graph.TensorID) ([]float32, error) {
		found := r.Float.Find(g.Tensors[id].Name)
		if found == graph.None {
			return nil, fmt.Errorf("BUG: the float graph has no tensor %q", g.Tensors[id].Name)
		}
		return calibrate.TraceSequences(r.Float, found, d.calls)
	}
	for _, id := range d.targets {
		v, err := trace(id)
		if err != nil {
			return err
		}
		var mean, square float64
		for _, x := range v {
			mean += float64(x) / float64(len(v))
			square += float64(float64(x)*float64(x)) / float64(len(v))
		}
		variance := square - float64(mean*mean)
		if !(variance > 1e-12) {
			variance = 1
		}
		d.want, d.scale = append(d.want, v), append(d.scale, 1/variance)
	}
	for _, s := range d.states {
		v, err := trace(s.Out)
		if err != nil {
			return err
		}
		d.start = append(d.start, v)
	}
	return nil
}

// beforeSoftmax returns the logits of a tensor that is a softmax, perhaps in another
// shape, else the tensor: to agree in logits is to agree in probabilities, and has a
// gradient where those are 0 or 1.
func beforeSoftmax(g *graph.Graph, id graph.TensorID) graph.TensorID {
	at := id
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		if !slices.Contains(op.Outputs, at) {
			continue
		}
		switch op.Kind {
		case graph.Softmax:
			return op.Inputs[0]
		case graph.Reshape:
			at = op.Inputs[0]
		default:
			return id
		}
	}
	return id
}

// place is a window: a sequence and its first call.
type place struct{ sequence, call int }

// loop learns, and lets judge see what was learned ten times on the way and at the end.
func (d *distillation) loop(ctx context.Context, progress func(int, float64), judge func() error) error {
	every := max(1, d.Steps/10)
	rng := rand.New(rand.NewPCG(d.Seed, 0xd157))
	longest := 1
	for i := range d.calls.Len() {
		longest = max(longest, d.calls.Calls(i))
	}
	d.Window = min(d.Window, longest)
	for range windows / chunk {
		l := &lane{}
		for range d.Window {
			l.tapes = append(l.tapes, newTape(d.p, chunk))
		}
		d.lanes = append(d.lanes, l)
	}
	for step := range d.Steps {
		if ctx.Err() != nil {
			return judge() // what was learned so far counts
		}
		places := make([]place, windows)
		for i := range places {
			s := rng.IntN(d.calls.Len())
			places[i] = place{s, rng.IntN(max(1, d.calls.Calls(s)-d.Window+1))}
		}
		loss, err := d.step(places)
		if err != nil {
			return err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return fmt.Errorf("distillation diverged: the loss of step %d is %v at rate %.3g", step+1, loss, d.Rate)
		}
		for _, id := range d.trained {
			c := d.p.consts[id]
			adam := (&run{Options: Options{Steps: d.Steps, Rate: d.Rate * float64(d.grain(id))}}).adam(step)
			adam.Step(c.value[:len(d.g[id])], d.g[id], d.m[id], d.v[id])
		}
		if progress != nil {
			progress(step+1, loss)
		}
		if (step+1)%every == 0 || step+1 == d.Steps {
			if err := judge(); err != nil {
				return err
			}
		}
	}
	return nil
}

// step computes the gradients of some windows and returns their mean loss.
func (d *distillation) step(places []place) (float64, error) {
	d.p.quantizeConstants()
	losses, errs := make([]float64, len(d.lanes)), make([]error, len(d.lanes))
	gate := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, l := range d.lanes {
		wg.Go(func() {
			defer fault.Catch()
			gate <- struct{}{}
			losses[i], errs[i] = d.pass(l, places[i*chunk:(i+1)*chunk])
			<-gate
		})
	}
	wg.Wait()
	total := 0.0
	for i := range d.lanes {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += losses[i]
	}
	for _, id := range d.trained { // in the order of lanes and calls
		sum := d.g[id]
		clear(sum)
		for _, l := range d.lanes {
			for _, t := range l.tapes {
				for i, v := range t.constants[id] {
					sum[i] += v
				}
			}
		}
	}
	return total, nil
}

// pass runs windows forward call by call, and back.
func (d *distillation) pass(l *lane, places []place) (float64, error) {
	g := d.p.g
	for k, t := range l.tapes {
		t.batch = len(places)
		for _, in := range d.data {
			for b, p := range places {
				last := d.calls.Calls(p.sequence) - 1 // sequences shorter than a window repeat their last call
				if err := d.calls.Feed(p.sequence, min(p.call+k, last), in, t.value(g.Inputs[in], b)); err != nil {
					return 0, err
				}
			}
		}
		for s, state := range d.states {
			for b, p := range places {
				to := t.value(state.In, b)
				switch at := d.first[p.sequence] + p.call; {
				case k > 0:
					copy(to, l.tapes[k-1].value(state.Out, b))
				case p.call == 0:
					clear(to)
				default:
					copy(to, d.start[s][(at-1)*len(to):])
				}
			}
		}
		if err := t.forward(); err != nil {
			return 0, err
		}
	}
	loss := 0.0
	for k := len(l.tapes) - 1; k >= 0; k-- {
		t := l.tapes[k]
		for i, id := range d.targets {
			n := g.Tensors[id].Elems()
			factor := d.scale[i] / float64(n*len(l.tapes)*windows*len(d.targets))
			for b, p := range places {
				if p.call+k >= d.calls.Calls(p.sequence) {
					continue
				}
				want := d.want[i][(d.first[p.sequence]+p.call+k)*n:][:n]
				got, slope := t.value(id, b), t.slope(id, b)
				for j, v := range got {
					e := float64(v) - float64(want[j])
					loss += float64(e * e * factor)
					slope[j] += float32(2 * e * factor)
				}
			}
		}
		if k+1 < len(l.tapes) {
			for _, state := range d.states {
				for b := range places {
					add(t.slope(state.Out, b), l.tapes[k+1].slope(state.In, b))
				}
			}
		}
		t.backward()
	}
	return loss, nil
}

// learned returns the adapted constants.
func (d *distillation) learned() map[graph.TensorID][]float32 {
	out := map[graph.TensorID][]float32{}
	for _, id := range d.trained {
		out[id] = slices.Clone(d.p.consts[id].value)
	}
	return out
}
