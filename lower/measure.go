// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"math"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// Measure fills the SQNR columns of the report: on n sequences of a set (0 is
// 16) it compares every value of the quantized graph, on the reference
// interpreter, with the float graph's. States are carried in both on their own,
// so the figures hold everything that accumulates. With fewer steps a call than the
// network's, the calls of a sequence are told apart: step 20 stays step 20.
func (r *Result) Measure(ctx context.Context, set Samples, n int) error {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return err
	}
	calls := c.whole()
	it, err := reference.New(r.Int8)
	if err != nil {
		return err
	}
	exec, err := floatexec.NewExact(r.Float) // a report is the same on every machine
	if err != nil {
		return err
	}
	if n == 0 {
		n = 16
	}
	n = min(n, set.Len())
	m := newMeasurement(r, calls)
	runner := exec.Runner()
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := make([]float32, r.net.Steps*r.net.Features)
		load(r.net, set, i*set.Len()/n, rows)
		s := newStream(r, it, runner, m.compare(it))
		part := c.steps * r.net.Features
		for call := range calls {
			m.call = call
			if err := s.call(rows[call*part : (call+1)*part]); err != nil {
				return err
			}
		}
	}
	if m.err != nil {
		return m.err
	}
	r.Report.Sequences = n
	m.report(r, c.steps)
	return nil
}

// power is the energy of a signal and of what quantization added to it.
type power struct{ signal, noise float64 }

func (p power) decibel() float64 {
	switch {
	case p.noise == 0:
		return math.Inf(1)
	case p.signal == 0:
		return math.Inf(-1)
	}
	return 10 * math.Log10(p.signal/p.noise)
}

// tally is what was seen of one tensor in one call of a sequence.
type tally struct {
	power
	min, max float32
	seen     bool
}

func (t *tally) see(x float32) {
	if !t.seen {
		t.min, t.max, t.seen = x, x, true
	}
	t.min, t.max = min(t.min, x), max(t.max, x)
}

type measurement struct {
	twin   []graph.TensorID // of a float tensor in the quantized graph
	lo, hi []float32        // what counts of a float tensor's values
	sums   [][]tally        // by call of the sequence and float tensor
	call   int              // of the sequence, running
	err    error
}

func newMeasurement(r *Result, calls int) *measurement {
	m := emptyMeasurement(len(r.Float.Tensors), calls)
	held := map[string]TensorReport{}
	for _, t := range r.Report.Tensors {
		held[t.Role] = t
	}
	for id, t := range r.Float.Tensors {
		role := r.plan.Role[id]
		if role != "" {
			m.twin[id] = r.Int8.Find(t.Name)
		}
		if _, ok := r.plan.Feeds[role]; ok {
			// Cut on purpose: beyond it the function that reads it is flat.
			m.lo[id], m.hi[id] = held[role].Low, held[role].High
		}
	}
	return m
}

// emptyMeasurement has no tensor that is compared.
func emptyMeasurement(tensors, calls int) *measurement {
	m := &measurement{
		twin: make([]graph.TensorID, tensors), sums: make([][]tally, calls),
		lo: make([]float32, tensors), hi: make([]float32, tensors),
	}
	for call := range m.sums {
		m.sums[call] = make([]tally, tensors)
	}
	for id := range m.twin {
		m.twin[id], m.lo[id], m.hi[id] = graph.None, float32(math.Inf(-1)), float32(math.Inf(1))
	}
	return m
}

// compare returns a visitor of the float graph that looks the same tensor up in
// the interpreter, which has run before.
func (m *measurement) compare(it *reference.Interpreter) func(graph.TensorID, floatexec.View) {
	return func(id graph.TensorID, v floatexec.View) {
		if m.twin[id] == graph.None {
			return
		}
		got, err := real32(it, m.twin[id])
		if err != nil {
			m.err = err
			return
		}
		sum := &m.sums[m.call][id]
		for i, x := range v.Row(0) {
			sum.see(x)
			x = min(max(x, m.lo[id]), m.hi[id])
			d := float64(got[i] - x)
			sum.signal += float64(float64(x) * float64(x))
			sum.noise += float64(d * d)
		}
	}
}

// report writes the ratios of a network of layers.
func (m *measurement) report(r *Result, perCall int) {
	spans := r.plan.Spans(perCall)
	m.fill(r.Report.Tensors, r.plan.Role, r.Float, func(call int, id graph.TensorID) (first, last int) {
		return call*perCall + spans[id].First, call*perCall + spans[id].Last
	})
}

// fill writes the ratios, with infinite ones cut to what JSON can hold. steps says which
// steps of a sequence a tensor of a call belongs to.
func (m *measurement) fill(tensors []TensorReport, roles []string, float *graph.Graph, steps func(call int, id graph.TensorID) (first, last int)) {
	const most = 200
	clip := func(v float64) float64 { return math.Round(10*min(max(v, -most), most)) / 10 }
	for i := range tensors {
		t := &tensors[i]
		t.Steps = nil
		var sum power
		for call := range m.sums {
			for id, role := range roles {
				if role != t.Role {
					continue
				}
				one := m.sums[call][id]
				if !one.seen {
					continue // a move that the quantized graph does not need
				}
				sum.signal += one.signal
				sum.noise += one.noise
				first, last := steps(call, graph.TensorID(id))
				t.Steps = append(t.Steps, StepReport{Tensor: float.Tensors[id].Name, First: first, Last: last, Min: one.min, Max: one.max, SQNR: clip(one.decibel())})
			}
		}
		t.SQNR = clip(sum.decibel())
	}
}
