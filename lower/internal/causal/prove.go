// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// smallest is what differences are relative to at least.
const smallest = 1e-2

// Prove runs the windowed graph and, call by call from a reset on, the step on the same
// seeded frames, runs times, and returns the largest difference of an output relative to
// its largest value, and the output and frame that has it.
func (r *Result) Prove(g *graph.Graph, runs int) (worst float64, where string, err error) {
	whole, err := floatexec.New(g)
	if err != nil {
		return 0, "", err
	}
	step, err := floatexec.New(r.Graph)
	if err != nil {
		return 0, "", fmt.Errorf("the step: %w", err)
	}
	a, b := whole.Runner(), step.Runner()
	random := rand.New(rand.NewPCG(3, 4))
	for range runs {
		var in [][]float32
		for _, id := range g.Inputs {
			x := make([]float32, g.Tensors[id].Elems())
			if _, fed := r.axis[id]; fed { // states start at zero
				for i := range x {
					x[i] = float32(random.NormFloat64())
				}
			}
			in = append(in, x)
		}
		views, err := a.Run(1, in)
		if err != nil {
			return 0, "", err
		}
		want := map[graph.TensorID][]float32{}
		for i, id := range g.Outputs {
			want[id] = append([]float32(nil), views[i].Row(0)...)
		}
		got, err := r.run(b, g, in)
		if err != nil {
			return 0, "", err
		}
		for i, o := range r.outputs {
			if d, at := o.difference(r, g, want[o.id], got[i]); d > worst || d != d {
				worst, where = d, fmt.Sprintf("output %q, %s", g.Tensors[o.id].Name, at)
			}
		}
	}
	return worst, where, nil
}

// run feeds the step call by call and returns the data outputs of all calls.
func (r *Result) run(b *floatexec.Runner, g *graph.Graph, in [][]float32) ([][][]float32, error) {
	s := r.Graph
	state := map[graph.TensorID][]float32{}
	for _, p := range s.States {
		state[p.In] = make([]float32, s.Tensors[p.In].Elems())
	}
	got := make([][][]float32, len(r.outputs))
	for call := range r.window / r.steps {
		var feed [][]float32
		k := 0
		for i, id := range g.Inputs {
			axis, fed := r.axis[id]
			if !fed {
				continue
			}
			feed = append(feed, part(in[i], g.Tensors[id].Shape, axis, call*r.steps/r.unit, r.steps/r.unit))
			k++
		}
		for _, id := range s.Inputs[k:] {
			feed = append(feed, state[id])
		}
		views, err := b.Run(1, feed)
		if err != nil {
			return nil, err
		}
		for i := range r.outputs {
			got[i] = append(got[i], append([]float32(nil), views[i].Row(0)...))
		}
		next := map[graph.TensorID][]float32{}
		for i, id := range s.Outputs {
			for _, p := range s.States {
				if p.Out == id {
					next[p.In] = append([]float32(nil), views[i].Row(0)...)
				}
			}
		}
		state = next
	}
	return got, nil
}

// part copies a range of one dimension.
func part(v []float32, shape []int, axis, first, n int) []float32 {
	inner := graph.Elems(shape[axis+1:])
	var out []float32
	for outer := range graph.Elems(shape[:axis]) {
		at := (outer*shape[axis] + first) * inner
		out = append(out, v[at:at+n*inner]...)
	}
	return out
}

// difference compares an output of the window with those of all calls.
func (o output) difference(r *Result, g *graph.Graph, want []float32, got [][]float32) (worst float64, where string) {
	top := smallest
	for _, v := range want {
		top = math.Max(top, math.Abs(float64(v)))
	}
	compare := func(want, got []float32, at int) {
		for i, v := range want {
			if d := math.Abs(float64(v)-float64(got[i])) / top; d > worst || d != d {
				worst, where = d, fmt.Sprintf("frame %d", at)
			}
		}
	}
	if o.kind == instance {
		compare(want, got[len(got)-1], r.window/r.unit-1)
		return worst, where
	}
	shape := g.Tensors[o.id].Shape
	for i := range o.count {
		at := o.at + i*o.rate
		if at < 0 || at >= r.window { // no frames of the stream
			continue
		}
		call := at / r.steps
		compare(part(want, shape, o.axis, i, 1), part(got[call], r.Graph.Tensors[o.step].Shape, o.axis, at%r.steps/o.rate, 1), at/r.unit)
	}
	return worst, where
}
