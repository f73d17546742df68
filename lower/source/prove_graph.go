// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/tfeval"
)

// provable is the number of products and values up to which a float .tflite is computed
// a second time, in float64.
const provable = 1 << 27

// proveGraph compares the float execution of the graph with the evaluation of the graph of
// the file, whose tensors have the same ids, by the definitions of its operators, on seeded
// inputs.
func (n *Network) proveGraph(source *graph.Graph, subgraphs []*graph.Graph) error {
	g := n.Graph
	count, size := proofInputs, work(g)
	for _, op := range g.Ops {
		for _, id := range op.Outputs {
			size += g.Tensors[id].Elems()
		}
	}
	switch {
	case size > provable:
		n.Assumed = append(n.Assumed, "the float execution is right: the network is too large to be computed twice here")
		return nil
	case size > provable/16:
		count = 1
	}
	exec, err := floatexec.New(g)
	if err != nil {
		return err
	}
	runner := exec.Runner()
	random := rand.New(rand.NewPCG(5, 6))
	borders := 0 // inputs on which the network jumps
	for i := 0; i < count+borders; i++ {
		in, feed := map[graph.TensorID][]float64{}, [][]float32(nil)
		for _, id := range g.Inputs {
			x, y := make([]float64, g.Tensors[id].Elems()), make([]float32, g.Tensors[id].Elems())
			for i := range x {
				y[i] = float32(random.NormFloat64())
				x[i] = float64(y[i])
			}
			in[id], feed = x, append(feed, y)
		}
		want, err := tfeval.Run(source, subgraphs, in)
		if err != nil {
			return fmt.Errorf("the float execution cannot be proven: %w", err)
		}
		got := map[graph.TensorID][]float32{}
		runner.Visit = func(id graph.TensorID, v floatexec.View) { got[id] = append([]float32(nil), v.Row(0)...) }
		views, err := runner.Run(1, feed)
		if err != nil {
			return err
		}
		for i, id := range g.Outputs {
			got[id] = append([]float32(nil), views[i].Row(0)...)
		}
		first, worst := "", 0.0
		for _, op := range source.Ops {
			for _, id := range op.Outputs {
				output := slices.Contains(g.Outputs, id)
				if !output && (got[id] == nil || want[id] == nil) { // what is known, or is said otherwise
					continue
				}
				d := relative(got[id], want[id])
				if d > tolerance && first == "" {
					first = fmt.Sprintf("%q, by %.2g", g.Tensors[id].Name, d)
				}
				if output {
					worst = math.Max(worst, d)
				}
			}
		}
		if !(worst <= tolerance) {
			if borders < count && jumps(g) && n.shaky(source, subgraphs, in, want, worst) {
				borders++
				continue
			}
			if n.shaky(source, subgraphs, in, want, worst) {
				return fmt.Errorf("float32 is not enough for this network: its outputs move as much when its inputs move by 1e-6; the first value that differs is %s", first)
			}
			return fmt.Errorf("BUG: the float execution is not the network of the file: the first value that differs is %s; please report it with the file", first)
		}
		n.Difference = math.Max(n.Difference, worst)
	}
	n.Inputs = count
	return nil
}

// shaky reports whether outputs move as much as they differ when the inputs move by
// float32's own rounding, or values are beyond it.
func (n *Network) shaky(source *graph.Graph, subgraphs []*graph.Graph, in, want map[graph.TensorID][]float64, worst float64) bool {
	moved := map[graph.TensorID][]float64{}
	for id, v := range in {
		moved[id] = slices.Clone(v)
		for i := range v {
			moved[id][i] *= 1 + float64(float64(1-2*(i%2))*1e-6)
		}
	}
	for _, v := range want {
		for _, x := range v {
			if math.Abs(x) > 1e18 || x != x {
				return true
			}
		}
	}
	other, err := tfeval.Run(source, subgraphs, moved)
	if err != nil {
		return false
	}
	for _, id := range n.Graph.Outputs {
		top, most := smallest, 0.0
		for i, x := range want[id] {
			top, most = math.Max(top, math.Abs(x)), math.Max(most, math.Abs(x-other[id][i]))
		}
		if most/top > worst/100 {
			return true
		}
	}
	return false
}

// relative is the largest difference, relative to the largest value.
func relative(got []float32, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	top, worst := smallest, 0.0
	for _, v := range want {
		if !math.IsInf(v, 0) && v == v {
			top = math.Max(top, math.Abs(v))
		}
	}
	for i, x := range want {
		switch y := float64(got[i]); {
		case x == y || x != x && y != y:
		case x != x || y != y || math.IsInf(x, 0) || math.IsInf(y, 0):
			return math.Inf(1)
		default:
			worst = math.Max(worst, math.Abs(x-y)/top)
		}
	}
	return worst
}
