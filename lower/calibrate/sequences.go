// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Sequences are calls of a graph with any inputs: every sequence starts at the reset
// state and carries the states from call to call.
type Sequences interface {
	Len() int
	// Calls returns how many calls sequence i has.
	Calls(i int) int
	// Feed writes the value of a data input, an index into Graph.Inputs, of one call.
	Feed(i, call, input int, dst []float32) error
}

// CollectSequences is Collect for graphs of any inputs.
func CollectSequences(plan *unroll.Plan, set Sequences, o Options) (map[string]*Observation, error) {
	if err := checkSequences(plan.Graph, set); err != nil {
		return nil, err
	}
	o.Rounds = 1
	seen, _, err := collect(plan, o, func(exec *floatexec.Exec) lanes { return sequenceLanes(exec, plan.Graph, set) })
	return seen, err
}

// MomentsOfSequences is CollectMoments for graphs of any inputs.
func MomentsOfSequences(plan *unroll.Plan, set Sequences) (map[graph.TensorID]*Moments, error) {
	return collectMoments(plan, 1, func(exec *floatexec.Exec) lanes { return sequenceLanes(exec, plan.Graph, set) })
}

// TraceSequences runs a graph, float or quantized, and returns the values of one tensor
// after every call, sequence by sequence.
func TraceSequences(g *graph.Graph, watch graph.TensorID, set Sequences) ([]float32, error) {
	exec, err := floatexec.NewExact(g)
	if err != nil {
		return nil, err
	}
	lanes := sequenceLanes(exec, g, set)
	own := make([][][]float32, len(lanes))
	for i, l := range lanes {
		own[i] = make([][]float32, l.batch)
		l.runner.Visit = func(id graph.TensorID, v floatexec.View) {
			if id != watch {
				return
			}
			for b := range l.batch {
				own[i][b] = append(own[i][b], v.Row(b)...)
			}
		}
	}
	if err := lanes.round(); err != nil {
		return nil, err
	}
	var out []float32
	for _, sequences := range own {
		for _, v := range sequences {
			out = append(out, v...)
		}
	}
	return out, nil
}

// checkSequences refuses a set without calls, and values that are not finite.
func checkSequences(g *graph.Graph, set Sequences) error {
	calls := 0
	for i := range set.Len() {
		calls += set.Calls(i)
		for call := range set.Calls(i) {
			for _, in := range DataInputs(g) {
				t := g.Tensors[g.Inputs[in]]
				v := make([]float32, t.Elems())
				if err := set.Feed(i, call, in, v); err != nil {
					return err
				}
				for j, x := range v {
					if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
						return fmt.Errorf("calibration sequence %d, call %d: value %d of input %q is %v; quantization needs finite data", i, call, j, t.Name, x)
					}
				}
			}
		}
	}
	if calls == 0 {
		return fmt.Errorf("network %q: quantization needs representative calls: the set is empty", g.Name)
	}
	return nil
}

// DataInputs returns the inputs of a graph that no state feeds, as indices into
// Graph.Inputs.
func DataInputs(g *graph.Graph) []int {
	var list []int
	for i, id := range g.Inputs {
		if !slices.ContainsFunc(g.States, func(s graph.State) bool { return s.In == id }) {
			list = append(list, i)
		}
	}
	return list
}

// sequenceLanes starts all sequences, those side by side that have as many calls.
func sequenceLanes(exec *floatexec.Exec, g *graph.Graph, set Sequences) lanes {
	var out lanes
	data := DataInputs(g)
	for at := 0; at < set.Len(); {
		n := 1
		for n < chunk && at+n < set.Len() && set.Calls(at+n) == set.Calls(at) {
			n++
		}
		l, first := newLane(exec, g, n), at
		l.calls = set.Calls(at)
		l.feed = func(call int) error {
			for _, in := range data {
				size := g.Tensors[g.Inputs[in]].Elems()
				for b := range n {
					if err := set.Feed(first+b, call, in, l.inputs[in][b*size:(b+1)*size]); err != nil {
						return err
					}
				}
			}
			return nil
		}
		out = append(out, l)
		at += n
	}
	return out
}
