// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestVariableReadBefore: what is made of a variable before an operator writes it has the
// old value, also where it is read behind.
func TestVariableReadBefore(t *testing.T) {
	for _, first := range []graph.Kind{graph.Cast, graph.Reshape} {
		g, _, _ := readModel(t, model{"tflm_mnist_lstm20_int8", "tflm_mnist_lstm20_int8"})
		h := graph.None
		for id, x := range g.Tensors {
			if x.Variable && x.Type == graph.Int8 {
				h = graph.TensorID(id)
			}
		}
		state := g.Tensors[h]
		n := state.Elems()
		was := &graph.Tensor{Name: "was", Type: graph.Int8, Shape: []int{1, 1, n}, Quant: state.Quant}
		var attr any = graph.ReshapeAttr{NewShape: was.Shape}
		if first == graph.Cast {
			was.Type, was.Shape, was.Quant = graph.Int16, state.Shape, graph.PerTensor(state.Scale(), 0)
			attr = graph.CastAttr{In: graph.Int8, Out: graph.Int16}
		}
		before := g.Add(was)
		w := &graph.Tensor{Name: "w", Type: graph.Int8, Shape: []int{8, n}, Quant: graph.PerTensor(0.01, 0)}
		for i := range 8 * n {
			w.Data = append(w.Data, byte(i*37+11))
		}
		weights := g.Add(w)
		y := g.Add(&graph.Tensor{Name: "y", Type: was.Type, Shape: []int{1, 8}, Quant: graph.PerTensor(0.02, 0)})
		g.Ops = append([]*graph.Op{{Kind: first, Attr: attr, Inputs: []graph.TensorID{h}, Outputs: []graph.TensorID{before}}}, g.Ops...)
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{},
			Inputs: []graph.TensorID{before, weights, graph.None}, Outputs: []graph.TensorID{y}})
		g.Outputs = append(g.Outputs, y)
		p, err := compile.Compile(g, config{"ethos-u55-128", "", ""}.options(t))
		if err != nil {
			t.Fatal(err)
		}
		ref, err := runner.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		dut, err := runner.NewSimulator(p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := runner.Compare(ref, dut, 3, runner.RandomFeed(g, 1), nil)
		if err == nil && r.First != nil {
			err = r.First
		}
		if err != nil {
			t.Errorf("%v: %v", first, err)
		}
	}
}
