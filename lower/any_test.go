// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// anyGraph is a network that no chain of layers is: a convolution over three pixels,
// pooling, a product, a gate joined with a sum, a residual, and a state that leaks.
func anyGraph() *graph.Graph {
	r := rand.New(rand.NewPCG(3, 4))
	g := &graph.Graph{Name: "any"}
	value := func(name string, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape})
	}
	weights := func(name string, scale float64, shape ...int) graph.TensorID {
		var raw []byte
		for range graph.Elems(shape) {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(r.NormFloat64()*scale)))
		}
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape, Data: raw})
	}
	constant := func(name string, v float32) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{}, Data: binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))})
	}
	index := func(name string, v ...int) graph.TensorID {
		var raw []byte
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
		}
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{len(v)}, Data: raw})
	}
	op := func(k graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
		g.Ops = append(g.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
		return out
	}
	x, s := value("x", 1, 1, 6, 3), value("s", 1, 8)
	c := op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1, Activation: graph.ActRelu},
		value("conv", 1, 1, 3, 4), x, weights("kernel", 0.4, 4, 1, 3, 3), weights("bias", 0.1, 4))
	p := op(graph.MaxPool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, FilterH: 1, FilterW: 2}, value("pool", 1, 1, 2, 4), c)
	flat := op(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, 8}}, value("flat", 1, 8), p, index("shape", 1, 8))
	gate := op(graph.Logistic, nil, value("gate", 1, 8), flat)
	mix := op(graph.FullyConnected, graph.FullyConnectedAttr{}, value("mix", 1, 8), flat, weights("w", 0.3, 8, 8), weights("b", 0.1, 8))
	keep := op(graph.Mul, graph.MulAttr{}, value("keep", 1, 8), s, gate)
	less := op(graph.Mul, graph.MulAttr{}, value("less", 1, 8), keep, constant("leak", 0.8))
	next := op(graph.Add, graph.AddAttr{}, value("s_out", 1, 8), less, mix)
	both := op(graph.Concatenation, graph.ConcatenationAttr{Axis: 1}, value("both", 1, 16), gate, next)
	y := op(graph.FullyConnected, graph.FullyConnectedAttr{}, value("y", 1, 2), both, weights("v", 0.3, 2, 16), graph.None)
	g.Inputs, g.Outputs, g.States = []graph.TensorID{x, s}, []graph.TensorID{y, next}, []graph.State{{In: s, Out: next}}
	return g
}

// calls5 is five sequences of two lengths.
type calls5 struct{}

func (calls5) Len() int        { return 5 }
func (calls5) Calls(i int) int { return 20 + 5*(i/3) }
func (calls5) Feed(i, call, _ int, dst []float32) error {
	r := rand.New(rand.NewPCG(uint64(i), uint64(call)))
	for j := range dst {
		dst[j] = float32(r.NormFloat64())
	}
	return nil
}

func TestAnyGraph(t *testing.T) {
	g := anyGraph()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	losses := map[lower.Activations]float64{}
	for _, a := range []lower.Activations{lower.Int8, lower.Int16, lower.Auto} {
		r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, calls5{}, lower.Options{Activations: a})
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		if err := r.Int8.Validate(); err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		losses[a] = r.Loss
		if a == lower.Auto && (r.Loss > lower.DefaultRelativeLoss || !r.Widths.Met) {
			t.Errorf("auto loses %v, met %v", r.Loss, r.Widths.Met)
		}
		for _, s := range r.Int8.States {
			if in, out := r.Int8.Tensors[s.In], r.Int8.Tensors[s.Out]; in.Type != out.Type || !in.Quant.Equal(out.Quant) {
				t.Errorf("%v: the state changes from %v to %v", a, out.Quant, in.Quant)
			}
		}
	}
	// Weights have 8 bits everywhere: the rest is what activations lose.
	if losses[lower.Int8] > 0.1 || losses[lower.Int16] > 0.03 || losses[lower.Int16] >= losses[lower.Int8] {
		t.Errorf("losses %v", losses)
	}
}

// A gate's kernel prescribes its quantization; where it is joined with a sum, it is
// requantized and the sum keeps its range.
func TestJoinedPrescriptions(t *testing.T) {
	r, err := lower.LowerGraph(context.Background(), anyGraph(), unroll.Roles{}, calls5{}, lower.Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := r.Int8
	gate, sum, both := q.Tensors[q.Find("gate")], q.Tensors[q.Find("s_out")], q.Tensors[q.Find("both")]
	if gate.Scale() != 1.0/256 || gate.ZeroPoint() != -128 {
		t.Errorf("the gate has %v", gate.Quant)
	}
	if !sum.Quant.Equal(both.Quant) || sum.Scale() < 2*gate.Scale() {
		t.Errorf("the sum has %v, what joins it %v", sum.Quant, both.Quant)
	}
}
