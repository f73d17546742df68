// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
)

// Bounds of what Measure runs: sequences, and calls of each.
const (
	measuredSequences = 16
	measuredCalls     = 64
)

// Measure compares every value of the quantized graph, on the reference interpreter, with
// the float graph as it is arranged for integers: on at most 16 of the sequences, evenly
// chosen, and the first 64 calls of each. States are carried in both on their own, so that
// the figures hold what accumulates. A step of the report is a call.
func (r *GraphResult) Measure(ctx context.Context, calls Sequences) (*Report, error) {
	s, err := newPair(r)
	if err != nil {
		return nil, err
	}
	n := min(measuredSequences, calls.Len())
	report := &Report{Samples: calls.Len(), Rounds: 1, Sequences: n}
	most := 0
	for i := range n {
		most = max(most, min(calls.Calls(i*calls.Len()/n), measuredCalls))
	}
	m := r.measurement(most)
	s.runner.Visit = m.compare(s.it)
	for i := range n {
		at := i * calls.Len() / n
		s.reset()
		for m.call = range min(calls.Calls(at), measuredCalls) {
			if err := s.call(ctx, calls, at, m.call); err != nil {
				return nil, err
			}
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	report.Tensors = r.tensorReports()
	m.fill(report.Tensors, r.q.plan.Role, r.Arranged(), func(call int, _ graph.TensorID) (first, last int) { return call, call })
	return report, nil
}

// measurement pairs the tensors of the two graphs that have a quantization.
func (r *GraphResult) measurement(calls int) *measurement {
	float := r.Arranged()
	m := emptyMeasurement(len(float.Tensors), calls)
	held := map[string]TensorReport{}
	for _, t := range r.tensorReports() {
		held[t.Role] = t
	}
	for id, t := range float.Tensors {
		role := r.q.plan.Role[id]
		if role == "" {
			continue
		}
		if twin := r.Int8.Find(t.Name); twin != graph.None && isQuantized(r.Int8.Tensors[twin]) {
			m.twin[id] = twin
		}
		if _, ok := r.q.plan.Feeds[role]; ok {
			m.lo[id], m.hi[id] = held[role].Low, held[role].High
		}
	}
	return m
}

func isQuantized(t *graph.Tensor) bool { return t.Type == graph.Int8 || t.Type == graph.Int16 }

// tensorReports lists the roles that the quantized graph has tensors of, in execution order.
func (r *GraphResult) tensorReports() []TensorReport {
	index := map[string]int{}
	var out []TensorReport
	for id, role := range r.q.plan.Role {
		twin := graph.None
		if role != "" {
			twin = r.Int8.Find(r.Arranged().Tensors[id].Name)
		}
		if twin == graph.None || !isQuantized(r.Int8.Tensors[twin]) {
			continue
		}
		i, ok := index[role]
		if !ok {
			i = len(out)
			index[role] = i
			seen := r.q.ranges[role]
			out = append(out, tensorReport(role, r.Int8.Tensors[twin], seen.Min, seen.Max))
		}
		out[i].Count++
	}
	return out
}

// Drift runs one stream of the sequences one after the other, over and over, without a reset,
// for at least the given number of calls, and tells how the quantized graph keeps to its float
// original: in its first output of numbers, and in its states. A step is a call. The graph
// needs states.
func (r *GraphResult) Drift(ctx context.Context, calls Sequences, steps int) (*Drift, error) {
	s, err := newPair(r)
	if err != nil {
		return nil, err
	}
	if len(s.float.States) == 0 {
		return nil, fmt.Errorf("graph %q: a stream needs states that are carried from call to call", r.Float.Name)
	}
	fed := 0
	for i := range calls.Len() {
		fed += calls.Calls(i)
	}
	if fed == 0 {
		return nil, fmt.Errorf("graph %q: a stream needs sequences with calls, and there are none", r.Float.Name)
	}
	name := r.Float.Tensors[dataOutputs(r.Float)[0]].Name
	twin, output := r.Int8.Find(name), s.output(name)
	if twin == graph.None || output < 0 {
		return nil, fmt.Errorf("BUG: the graph as it is arranged has no output %q", name)
	}
	d := &Drift{Steps: steps, Calls: steps}
	const parts = 10
	var errs, counts [parts]float64
	var outs, states, values float64
	var spread deviation
	sequence, call := 0, 0
	for n := range steps {
		for call == calls.Calls(sequence) { // the next sequence that has calls
			sequence, call = (sequence+1)%calls.Len(), 0
		}
		if err := s.call(ctx, calls, sequence, call); err != nil {
			return nil, err
		}
		call++
		got, err := real32(s.it, twin)
		if err != nil {
			return nil, err
		}
		want := s.out[output]
		outs, values = outs+squares(got, want), values+float64(len(want))
		spread.see(want)
		part := n * parts / steps
		for _, st := range s.states {
			h, err := real32(s.it, st.twin)
			if err != nil {
				return nil, err
			}
			errs[part] += squares(h, s.out[st.out])
			counts[part] += float64(len(h))
			states += squares(s.out[st.out], make([]float32, len(h)))
		}
	}
	total := 0.0
	for p := range errs {
		if counts[p] > 0 {
			d.StateRMSE = append(d.StateRMSE, math.Sqrt(errs[p]/counts[p]))
		}
		total += counts[p]
	}
	d.OutputR2 = determination(outs, spread.total())
	d.OutputRMSE, d.StateRMS = math.Sqrt(outs/values), math.Sqrt(states/max(total, 1))
	return d, nil
}

// pair runs the quantized graph and the float graph side by side, call by call.
type pair struct {
	r      *GraphResult
	float  *graph.Graph
	it     *reference.Interpreter
	runner *floatexec.Runner
	data   []int // inputs that no state feeds
	inputs [][]float32
	out    [][]float32
	states []pairedState
	first  bool
}

// pairedState is a state of real numbers: input and output of the float graph, and the
// output of the quantized one.
type pairedState struct {
	in, out int
	twin    graph.TensorID
}

func newPair(r *GraphResult) (*pair, error) {
	s := &pair{r: r, float: r.Arranged(), data: calibrate.DataInputs(r.Arranged())}
	var err error
	if s.it, err = reference.New(r.Int8); err != nil {
		return nil, err
	}
	exec, err := floatexec.NewExact(s.float) // a report is the same on every machine
	if err != nil {
		return nil, err
	}
	s.runner = exec.Runner()
	for _, id := range s.float.Inputs {
		s.inputs = append(s.inputs, make([]float32, s.float.Tensors[id].Elems()))
	}
	for _, st := range s.float.States {
		p := pairedState{in: inputIndex(s.float, st.In), out: s.output(s.float.Tensors[st.Out].Name), twin: r.Int8.Find(s.float.Tensors[st.Out].Name)}
		if p.in < 0 || p.out < 0 || p.twin == graph.None {
			return nil, fmt.Errorf("BUG: state %q of the arranged graph is none of the quantized one", s.float.Tensors[st.Out].Name)
		}
		s.states = append(s.states, p)
	}
	s.reset()
	return s, nil
}

func (s *pair) output(name string) int {
	for o, id := range s.float.Outputs {
		if s.float.Tensors[id].Name == name {
			return o
		}
	}
	return -1
}

func (s *pair) reset() {
	s.first = true
	s.it.Reset()
	for _, in := range s.inputs {
		clear(in)
	}
}

// call runs the call of a sequence in both; it comes after the one before, wherever that was.
func (s *pair) call(ctx context.Context, calls Sequences, sequence, call int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.first {
		s.it.Carry()
	}
	s.first = false
	for _, in := range s.data {
		if err := calls.Feed(sequence, call, in, s.inputs[in]); err != nil {
			return err
		}
		if err := quantize.Values(s.it.Input(in), s.r.Int8.Tensors[s.r.Int8.Inputs[in]], s.inputs[in]); err != nil {
			return err
		}
	}
	if err := s.it.Invoke(); err != nil {
		return err
	}
	views, err := s.runner.Run(1, s.inputs)
	if err != nil {
		return err
	}
	s.out = s.out[:0]
	for _, v := range views {
		s.out = append(s.out, v.Row(0))
	}
	for _, st := range s.states {
		copy(s.inputs[st.in], s.out[st.out])
	}
	return nil
}
