// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/train/nn"
)

// stream runs the float graph and the quantized graph side by side on one
// sequence of calls, each carrying its own states.
type stream struct {
	r      *Result
	it     *reference.Interpreter
	runner *floatexec.Runner
	visit  func(graph.TensorID, floatexec.View)
	inputs [][]float32 // of the float graph
	out    [][]float32 // float outputs of the last call
	first  bool
}

// newStream starts at the reset state. visit, which may be nil, sees every float
// tensor of a call after the interpreter has run the same call.
func newStream(r *Result, it *reference.Interpreter, runner *floatexec.Runner, visit func(graph.TensorID, floatexec.View)) *stream {
	s := &stream{r: r, it: it, runner: runner, visit: visit, first: true}
	for _, id := range r.Float.Inputs {
		s.inputs = append(s.inputs, make([]float32, r.Float.Tensors[id].Elems()))
	}
	it.Reset()
	return s
}

// call runs the next call on real inputs.
func (s *stream) call(x []float32) error {
	if !s.first {
		s.it.Carry()
	}
	s.first = false
	if err := invoke(s.it, x); err != nil {
		return err
	}
	g := s.r.Float
	copy(s.inputs[0], x)
	s.runner.Visit = s.visit
	views, err := s.runner.Run(1, s.inputs)
	if err != nil {
		return err
	}
	s.out = s.out[:0]
	for _, v := range views {
		s.out = append(s.out, v.Row(0))
	}
	for o, id := range g.Outputs {
		for _, st := range g.States {
			if st.Out == id {
				copy(s.inputs[inputIndex(g, st.In)], s.out[o])
			}
		}
	}
	return nil
}

// Drift is how a quantized network keeps to its float original over a long
// stream, states carried from call to call without a reset. Its JSON form is stable.
type Drift struct {
	Steps      int       `json:"steps"`
	Calls      int       `json:"calls"`
	Agreement  *float64  `json:"agreement,omitempty"` // fraction of calls with the same decision; nil where none is made
	OutputRMSE float64   `json:"output_rmse"`
	OutputR2   *float64  `json:"output_r2,omitempty"` // of numbers: quantized outputs as a prediction of the float ones
	StateRMSE  []float64 `json:"state_rmse"`          // of all states together, in tenths of the stream
	StateRMS   float64   `json:"state_rms"`           // of the float states, to compare with
}

// Drift runs a stream of at least the given number of steps, made of the
// sequences of a set one after the other. The graph needs state inputs.
func (r *Result) Drift(ctx context.Context, set Samples, steps int) (Drift, error) {
	g := r.Float
	if len(g.States) == 0 {
		return Drift{}, fmt.Errorf("network %q: a stream needs state inputs and outputs: lower it with StateIO", g.Name)
	}
	it, err := reference.New(r.Int8)
	if err != nil {
		return Drift{}, err
	}
	exec, err := floatexec.New(g)
	if err != nil {
		return Drift{}, err
	}
	perCall := g.Tensors[g.Inputs[0]].Shape[1]
	d := Drift{Calls: (steps + perCall - 1) / perCall}
	d.Steps = d.Calls * perCall
	const parts = 10
	var errs, counts [parts]float64
	var same, outs, states float64
	var spread deviation
	s := newStream(r, it, exec.Runner(), nil)
	feed := newFeed(r.net, set)
	for call := range d.Calls {
		if err := ctx.Err(); err != nil {
			return Drift{}, err
		}
		if err := s.call(feed.next(perCall * r.net.Features)); err != nil {
			return Drift{}, err
		}
		got, err := decision(it, r.net.Outputs)
		if err != nil {
			return Drift{}, err
		}
		want := s.out[0][len(s.out[0])-r.net.Outputs:]
		if argmax(got) == argmax(want) {
			same++
		}
		outs += squares(got, want)
		spread.see(want)
		part := call * parts / d.Calls
		for o, id := range r.Int8.Outputs[1:] {
			h, err := real32(it, id)
			if err != nil {
				return Drift{}, err
			}
			errs[part] += squares(h, s.out[o+1])
			counts[part] += float64(len(h))
			states += squares(s.out[o+1], make([]float32, len(h)))
		}
	}
	total := 0.0
	for p := range errs {
		if counts[p] > 0 {
			d.StateRMSE = append(d.StateRMSE, math.Sqrt(errs[p]/counts[p]))
		}
		total += counts[p]
	}
	if r.net.Task == nn.Classification {
		agreement := same / float64(d.Calls)
		d.Agreement = &agreement
	} else {
		d.OutputR2 = determination(outs, spread.total())
	}
	d.OutputRMSE = math.Sqrt(outs / float64(d.Calls*r.net.Outputs))
	d.StateRMS = math.Sqrt(states / total)
	return d, nil
}

// squares sums the squared differences.
func squares(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += float64(d * d)
	}
	return sum
}
