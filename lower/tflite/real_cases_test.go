// SPDX-License-Identifier: Apache-2.0

package tflite_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/unroll-npu/unroll/lower/graph"
)

// net builds a graph.
type net struct {
	*graph.Graph
	*rand.Rand
}

func newNet(name string) *net {
	return &net{&graph.Graph{Name: name}, rand.New(rand.NewPCG(uint64(len(name)), 7))}
}

func (n *net) input(shape ...int) graph.TensorID {
	id := n.Add(&graph.Tensor{Name: fmt.Sprintf("x%d", len(n.Inputs)), Type: graph.Float32, Shape: shape})
	n.Inputs = append(n.Inputs, id)
	return id
}

func (n *net) floats(shape []int, v ...float32) graph.TensorID {
	raw := []byte{}
	for i := range graph.Elems(shape) {
		x := float32(n.NormFloat64())
		if len(v) > 0 {
			x = v[i%len(v)]
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return n.Add(&graph.Tensor{Name: fmt.Sprintf("c%d", len(n.Tensors)), Type: graph.Float32, Shape: shape, Data: raw})
}

func (n *net) ints(shape []int, v ...int) graph.TensorID {
	t := &graph.Tensor{Name: fmt.Sprintf("i%d", len(n.Tensors)), Type: graph.Int32, Shape: shape}
	t.SetInts(v)
	return n.Add(t)
}

func (n *net) bools(shape []int, v ...byte) graph.TensorID {
	return n.Add(&graph.Tensor{Name: fmt.Sprintf("b%d", len(n.Tensors)), Type: graph.Bool, Shape: shape, Data: v})
}

func (n *net) list(v ...int) graph.TensorID { return n.ints([]int{len(v)}, v...) }

func (n *net) typed(k graph.Kind, attr any, t graph.DType, shape []int, in ...graph.TensorID) graph.TensorID {
	id := n.Add(&graph.Tensor{Name: fmt.Sprintf("%v%d", k, len(n.Tensors)), Type: t, Shape: shape})
	n.Ops = append(n.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{id}})
	return id
}

func (n *net) op(k graph.Kind, attr any, shape []int, in ...graph.TensorID) graph.TensorID {
	return n.typed(k, attr, graph.Float32, shape, in...)
}

func (n *net) truth(k graph.Kind, shape []int, in ...graph.TensorID) graph.TensorID {
	return n.typed(k, nil, graph.Bool, shape, in...)
}

// number makes float32 of truth values.
func (n *net) number(id graph.TensorID) graph.TensorID {
	return n.op(graph.Cast, graph.CastAttr{In: graph.Bool}, n.Tensors[id].Shape, id)
}

// s is a shape.
func s(d ...int) []int { return d }

// realCases have one graph or more for every operator that float files may have, or the
// words of its refusal.
type realCase struct {
	name    string
	build   func(n *net) graph.TensorID // returns the output
	refused string
}

var realCases = func() []realCase {
	var all []realCase
	add := func(name string, build func(n *net) graph.TensorID) { all = append(all, realCase{name, build, ""}) }
	no := func(name, words string, build func(n *net) graph.TensorID) {
		all = append(all, realCase{name, build, words})
	}
	unary := func(k graph.Kind) {
		add(k.String(), func(n *net) graph.TensorID {
			x := n.input(1, 3, 4)
			if k == graph.Log || k == graph.Sqrt || k == graph.Rsqrt {
				x = n.op(graph.Add, graph.AddAttr{}, s(1, 3, 4), n.op(graph.Mul, graph.MulAttr{}, s(1, 3, 4), x, x), n.floats(s(), 0.5))
			}
			return n.op(k, nil, s(1, 3, 4), x)
		})
	}
	for _, k := range []graph.Kind{graph.Floor, graph.Logistic, graph.Relu, graph.ReluN1To1, graph.Relu6, graph.Relu0To1, graph.Tanh, graph.Exp, graph.Neg, graph.Sin, graph.Log, graph.Sqrt, graph.Rsqrt,
		graph.Square, graph.Abs, graph.Ceil, graph.Cos, graph.Elu, graph.Round, graph.HardSwish, graph.Sign, graph.LogSoftmax} {
		unary(k)
	}
	type attrs struct {
		k    graph.Kind
		attr any
	}
	for _, a := range []attrs{{graph.Add, graph.AddAttr{}}, {graph.Sub, graph.SubAttr{}}, {graph.Mul, graph.MulAttr{}}, {graph.Maximum, nil}, {graph.Minimum, nil}, {graph.SquaredDifference, nil}} {
		add(a.k.String(), func(n *net) graph.TensorID {
			return n.op(a.k, a.attr, s(1, 3, 4), n.input(1, 3, 4), n.input(1, 1, 4))
		})
	}
	for _, a := range []attrs{{graph.Add, graph.AddAttr{Activation: graph.ActTanh}}, {graph.Sub, graph.SubAttr{Activation: graph.ActRelu}}, {graph.Mul, graph.MulAttr{Activation: graph.ActReluN1To1}}} {
		add(a.k.String()+" activated", func(n *net) graph.TensorID {
			return n.op(a.k, a.attr, s(1, 3, 4), n.input(1, 3, 4), n.input(1, 3, 4))
		})
	}
	no("ADD with SIGN_BIT", "its activation is Activation(5), which no kernel has", func(n *net) graph.TensorID {
		return n.op(graph.Add, graph.AddAttr{Activation: 5}, s(2, 2), n.input(2, 2), n.input(2, 2))
	})
	positive := func(n *net, id graph.TensorID) graph.TensorID {
		return n.op(graph.Add, graph.AddAttr{}, n.Tensors[id].Shape, n.op(graph.Square, nil, n.Tensors[id].Shape, id), n.floats(s(), 0.5))
	}
	add("DIV", func(n *net) graph.TensorID {
		return n.op(graph.Div, graph.DivAttr{}, s(1, 3, 4), n.input(1, 3, 4), positive(n, n.input(1, 3, 4)))
	})
	add("FLOOR_DIV", func(n *net) graph.TensorID {
		return n.op(graph.FloorDiv, nil, s(1, 3, 4), n.input(1, 3, 4), n.floats(s(), 0.3))
	})
	add("FLOOR_MOD", func(n *net) graph.TensorID {
		return n.op(graph.FloorMod, nil, s(1, 3, 4), n.input(1, 3, 4), n.floats(s(), -0.7))
	})
	for _, e := range []float32{1, 2, 3, 4, 0.25, 0.5, 1.5, -0.5, -1, -2} {
		add(fmt.Sprintf("POW of %v", e), func(n *net) graph.TensorID {
			return n.op(graph.Pow, nil, s(1, 3, 4), positive(n, n.input(1, 3, 4)), n.floats(s(), e))
		})
	}
	add("POW of 1.7", func(n *net) graph.TensorID {
		return n.op(graph.Pow, nil, s(1, 3, 4), positive(n, n.input(1, 3, 4)), n.floats(s(), 1.7))
	})
	add("ADD_N", func(n *net) graph.TensorID {
		return n.op(graph.AddN, nil, s(1, 3, 4), n.input(1, 3, 4), n.input(1, 3, 4), n.input(1, 3, 4))
	})
	add("PRELU", func(n *net) graph.TensorID {
		return n.op(graph.PRelu, nil, s(1, 3, 4), n.input(1, 3, 4), n.floats(s(4)))
	})
	add("LEAKY_RELU", func(n *net) graph.TensorID {
		return n.op(graph.LeakyRelu, graph.LeakyReluAttr{Alpha: 0.2}, s(1, 3, 4), n.input(1, 3, 4))
	})
	add("GELU", func(n *net) graph.TensorID {
		return n.op(graph.Gelu, graph.GeluAttr{}, s(1, 3, 4), n.input(1, 3, 4))
	})
	for _, k := range []graph.Kind{graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual, graph.Equal, graph.NotEqual} {
		add(k.String(), func(n *net) graph.TensorID {
			x := n.op(graph.Round, nil, s(1, 8), n.input(1, 8))
			return n.number(n.truth(k, s(1, 8), x, n.op(graph.Round, nil, s(1, 8), n.input(1, 8))))
		})
	}
	sides := func(n *net) (a, b graph.TensorID) {
		return n.truth(graph.Greater, s(1, 8), n.input(1, 8), n.floats(s(), 0)), n.truth(graph.Less, s(1, 8), n.input(1, 8), n.floats(s(), 0.5))
	}
	for _, k := range []graph.Kind{graph.LogicalAnd, graph.LogicalOr, graph.Equal, graph.NotEqual} {
		add(k.String()+" of truths", func(n *net) graph.TensorID {
			a, b := sides(n)
			return n.number(n.truth(k, s(1, 8), a, b))
		})
	}
	add("LOGICAL_NOT", func(n *net) graph.TensorID {
		a, _ := sides(n)
		return n.number(n.truth(graph.LogicalNot, s(1, 8), a))
	})
	add("LOGICAL_AND with a known mask", func(n *net) graph.TensorID {
		a, _ := sides(n)
		return n.number(n.truth(graph.LogicalAnd, s(1, 8), a, n.bools(s(8), 1, 0, 1, 1, 0, 0, 1, 1)))
	})
	for _, k := range []graph.Kind{graph.ReduceAny, graph.ReduceAll} {
		add(k.String(), func(n *net) graph.TensorID {
			a := n.truth(graph.Greater, s(2, 4), n.input(2, 4), n.floats(s(), 0))
			return n.number(n.typed(k, graph.ReducerAttr{}, graph.Bool, s(2), a, n.list(1)))
		})
	}
	add("SELECT_V2", func(n *net) graph.TensorID {
		a, _ := sides(n)
		return n.op(graph.SelectV2, nil, s(1, 8), a, n.input(1, 8), n.input(1, 1))
	})
	add("SELECT_V2 of numbers", func(n *net) graph.TensorID {
		a, _ := sides(n)
		return n.op(graph.SelectV2, nil, s(1, 8), a, n.floats(s(), 2), n.floats(s(), -3))
	})
	add("SELECT_V2 with 0", func(n *net) graph.TensorID {
		a, _ := sides(n)
		return n.op(graph.SelectV2, nil, s(1, 8), a, n.floats(s(1, 8), 0), n.input(1, 8))
	})
	add("SELECT_V2 by a known mask", func(n *net) graph.TensorID {
		return n.op(graph.SelectV2, nil, s(2, 3), n.bools(s(3), 1, 0, 1), n.input(2, 3), n.floats(s(), float32(math.Inf(-1))))
	})
	no("SELECT_V2 with an infinity", "it may choose -Inf", func(n *net) graph.TensorID {
		a, _ := sides(n)
		return n.op(graph.SelectV2, nil, s(1, 8), a, n.input(1, 8), n.floats(s(), float32(math.Inf(-1))))
	})
	add("SELECT", func(n *net) graph.TensorID { // of rows
		a := n.truth(graph.Greater, s(3), n.input(3), n.floats(s(), 0))
		return n.op(graph.Select, nil, s(3, 4), a, n.input(3, 4), n.input(3, 4))
	})
	add("SELECT_V2 of truths", func(n *net) graph.TensorID {
		a, b := sides(n)
		return n.number(n.truth(graph.SelectV2, s(1, 8), n.truth(graph.Less, s(1, 8), n.input(1, 8), n.floats(s(), 0)), a, b))
	})
	add("CAST", func(n *net) graph.TensorID { return n.number(first(sides(n))) })
	add("CAST to truths", func(n *net) graph.TensorID {
		x := n.op(graph.Relu, nil, s(1, 8), n.input(1, 8))
		return n.number(n.typed(graph.Cast, graph.CastAttr{Out: graph.Bool}, graph.Bool, s(1, 8), x))
	})
	no("CAST to whole numbers", "there are no whole numbers at run time", func(n *net) graph.TensorID {
		x := n.typed(graph.Cast, graph.CastAttr{Out: graph.Int32}, graph.Int32, s(1, 8), n.input(1, 8))
		return n.op(graph.Cast, graph.CastAttr{In: graph.Int32}, s(1, 8), x)
	})
	no("ARG_MAX", "choose in the application", func(n *net) graph.TensorID {
		x := n.typed(graph.ArgMax, graph.ArgAttr{Output: graph.Int32}, graph.Int32, s(1), n.input(1, 8), n.list(1))
		return n.op(graph.Cast, graph.CastAttr{In: graph.Int32}, s(1), x)
	})
	no("ARG_MIN", "choose in the application", func(n *net) graph.TensorID {
		x := n.typed(graph.ArgMin, graph.ArgAttr{Output: graph.Int32}, graph.Int32, s(1), n.input(1, 8), n.list(1))
		return n.op(graph.Cast, graph.CastAttr{In: graph.Int32}, s(1), x)
	})
	add("SHAPE, RANGE and a mask", func(n *net) graph.TensorID { // tf.sequence_mask
		x := n.input(1, 6)
		shape := n.typed(graph.Shape, graph.ShapeAttr{Output: graph.Int32}, graph.Int32, s(2), x)
		last := n.typed(graph.StridedSlice, graph.StridedSliceAttr{ShrinkAxisMask: 1}, graph.Int32, s(), shape, n.list(1), n.list(2), n.list(1))
		count := n.typed(graph.Range, nil, graph.Int32, s(6), n.ints(s(), 0), last, n.ints(s(), 1))
		mask := n.truth(graph.Less, s(6), count, n.ints(s(), 4))
		return n.op(graph.SelectV2, nil, s(1, 6), mask, x, n.floats(s(), 0))
	})
	add("RANGE of floats", func(n *net) graph.TensorID {
		count := n.op(graph.Range, nil, s(5), n.floats(s(), 0), n.floats(s(), 2.5), n.floats(s(), 0.5))
		return n.op(graph.Add, graph.AddAttr{}, s(1, 5), n.input(1, 5), count)
	})
	add("RANK", func(n *net) graph.TensorID {
		x := n.input(1, 3, 4)
		r := n.typed(graph.Rank, nil, graph.Int32, s(), x)
		last := n.typed(graph.Sub, graph.SubAttr{}, graph.Int32, s(), r, n.ints(s(), 1))
		axes := n.typed(graph.Range, nil, graph.Int32, s(1), last, r, n.ints(s(), 1))
		return n.op(graph.Sum, graph.ReducerAttr{}, s(1, 3), x, axes)
	})
	add("ZEROS_LIKE", func(n *net) graph.TensorID {
		x := n.input(1, 5)
		return n.op(graph.Concatenation, graph.ConcatenationAttr{Axis: 1}, s(1, 10), x, n.op(graph.ZerosLike, nil, s(1, 5), x))
	})
	add("FILL", func(n *net) graph.TensorID {
		return n.op(graph.Add, graph.AddAttr{}, s(1, 5), n.input(1, 5), n.op(graph.Fill, nil, s(1, 5), n.list(1, 5), n.floats(s(), 1.5)))
	})
	add("ONE_HOT", func(n *net) graph.TensorID {
		hot := n.op(graph.OneHot, graph.OneHotAttr{Axis: -1}, s(2, 4), n.list(3, 1), n.ints(s(), 4), n.floats(s(), 1), n.floats(s(), 0))
		return n.op(graph.Mul, graph.MulAttr{}, s(2, 4), n.input(2, 4), hot)
	})
	add("GATHER", func(n *net) graph.TensorID {
		return n.op(graph.Gather, graph.GatherAttr{Axis: 1}, s(1, 3, 4), n.input(1, 5, 4), n.list(4, 0, 0))
	})
	add("GATHER with RANGE", func(n *net) graph.TensorID {
		return n.op(graph.Gather, graph.GatherAttr{Axis: 1}, s(1, 2, 4), n.input(1, 5, 4), n.typed(graph.Range, nil, graph.Int32, s(2), n.ints(s(), 1), n.ints(s(), 5), n.ints(s(), 2)))
	})
	add("GATHER_ND", func(n *net) graph.TensorID {
		return n.op(graph.GatherND, nil, s(2, 4), n.input(3, 5, 4), n.ints(s(2, 2), 2, 4, 0, 1))
	})
	add("SCATTER_ND", func(n *net) graph.TensorID {
		return n.op(graph.ScatterND, nil, s(5, 3), n.ints(s(2, 1), 4, 1), n.input(2, 3), n.list(5, 3))
	})
	no("SCATTER_ND twice", "both would be added", func(n *net) graph.TensorID {
		return n.op(graph.ScatterND, nil, s(5, 3), n.ints(s(2, 1), 1, 1), n.input(2, 3), n.list(5, 3))
	})
	add("SPARSE_TO_DENSE", func(n *net) graph.TensorID {
		return n.op(graph.SparseToDense, nil, s(3, 4), n.ints(s(2, 2), 0, 3, 2, 1), n.list(3, 4), n.input(2), n.floats(s(), 0.5))
	})
	add("EMBEDDING_LOOKUP", func(n *net) graph.TensorID {
		return n.op(graph.Add, graph.AddAttr{}, s(2, 3), n.input(2, 3), n.op(graph.EmbeddingLookup, nil, s(2, 3), n.list(4, 1), n.floats(s(5, 3))))
	})
	add("DYNAMIC_UPDATE_SLICE", func(n *net) graph.TensorID {
		return n.op(graph.DynamicUpdateSlice, nil, s(4, 5), n.input(4, 5), n.input(2, 3), n.list(1, 9))
	})
	add("REVERSE_SEQUENCE", func(n *net) graph.TensorID {
		return n.op(graph.ReverseSequence, graph.ReverseSequenceAttr{Dim: 1}, s(2, 5, 3), n.input(2, 5, 3), n.list(3, 5))
	})
	add("REVERSE_V2", func(n *net) graph.TensorID {
		return n.op(graph.ReverseV2, nil, s(1, 5, 3), n.input(1, 5, 3), n.list(1))
	})
	add("MATRIX_DIAG", func(n *net) graph.TensorID { return n.op(graph.MatrixDiag, nil, s(2, 3, 3), n.input(2, 3)) })
	add("MATRIX_SET_DIAG", func(n *net) graph.TensorID {
		return n.op(graph.MatrixSetDiag, nil, s(2, 3, 4), n.input(2, 3, 4), n.input(2, 3))
	})
	add("TILE", func(n *net) graph.TensorID {
		return n.op(graph.Tile, nil, s(2, 6), n.input(1, 3), n.list(2, 2))
	})
	add("BROADCAST_TO", func(n *net) graph.TensorID {
		return n.op(graph.BroadcastTo, nil, s(2, 3), n.input(1, 3), n.list(2, 3))
	})
	add("BROADCAST_ARGS", func(n *net) graph.TensorID {
		shape := n.typed(graph.BroadcastArgs, nil, graph.Int32, s(2), n.list(2, 1), n.list(3))
		return n.op(graph.BroadcastTo, nil, s(2, 3), n.input(1, 3), shape)
	})
	add("PAD", func(n *net) graph.TensorID {
		return n.op(graph.Pad, nil, s(1, 6, 3), n.input(1, 3, 3), n.ints(s(3, 2), 0, 0, 1, 2, 0, 0))
	})
	add("PADV2", func(n *net) graph.TensorID {
		return n.op(graph.PadV2, nil, s(1, 6, 3), n.input(1, 3, 3), n.ints(s(3, 2), 0, 0, 1, 2, 0, 0), n.floats(s(1), 2))
	})
	add("MIRROR_PAD", func(n *net) graph.TensorID {
		return n.op(graph.MirrorPad, graph.MirrorPadAttr{}, s(1, 6, 3), n.input(1, 3, 3), n.ints(s(3, 2), 0, 0, 1, 2, 0, 0))
	})
	add("RESHAPE", func(n *net) graph.TensorID {
		return n.op(graph.Reshape, graph.ReshapeAttr{NewShape: s(1, 12)}, s(1, 12), n.input(1, 3, 4))
	})
	add("SQUEEZE", func(n *net) graph.TensorID {
		return n.op(graph.Squeeze, graph.SqueezeAttr{Dims: []int{1}}, s(2, 3), n.input(2, 1, 3))
	})
	add("EXPAND_DIMS", func(n *net) graph.TensorID {
		return n.op(graph.ExpandDims, nil, s(2, 3, 1), n.input(2, 3), n.ints(s(), -1))
	})
	add("TRANSPOSE", func(n *net) graph.TensorID {
		return n.op(graph.Transpose, nil, s(3, 2), n.input(2, 3), n.list(1, 0))
	})
	add("SLICE", func(n *net) graph.TensorID {
		return n.op(graph.Slice, nil, s(1, 2), n.input(2, 3), n.list(1, 0), n.list(-1, 2))
	})
	for i, c := range []struct {
		a                graph.StridedSliceAttr
		begin, end, step []int
		in, out          []int
	}{
		{graph.StridedSliceAttr{}, s(0, 1), s(2, 5), s(1, 2), s(3, 5, 4), s(2, 2, 4)},
		{graph.StridedSliceAttr{ShrinkAxisMask: 2, BeginMask: 1, EndMask: 1}, s(0, 3), s(0, 4), s(1, 1), s(3, 5, 4), s(3, 4)},                          // x[:, 3]
		{graph.StridedSliceAttr{ShrinkAxisMask: 2, BeginMask: 1, EndMask: 1}, s(0, -1), s(0, 0), s(1, 1), s(3, 5, 4), s(3, 4)},                         // x[:, -1]
		{graph.StridedSliceAttr{EllipsisMask: 1}, s(0, 1), s(0, 3), s(1, 1), s(3, 5, 4), s(3, 5, 2)},                                                   // x[..., 1:3]
		{graph.StridedSliceAttr{EllipsisMask: 1, ShrinkAxisMask: 2}, s(0, 1), s(0, 2), s(1, 1), s(3, 5, 4), s(3, 5)},                                   // x[..., 1]
		{graph.StridedSliceAttr{EllipsisMask: 1, NewAxisMask: 2}, s(0, 0), s(0, 0), s(1, 1), s(3, 5, 4), s(3, 5, 4, 1)},                                // x[..., tf.newaxis]
		{graph.StridedSliceAttr{NewAxisMask: 2, BeginMask: 5, EndMask: 5}, s(0, 0, 0), s(0, 0, 0), s(1, 1, 1), s(3, 5), s(3, 1, 5)},                    // x[:, tf.newaxis, :]
		{graph.StridedSliceAttr{NewAxisMask: 1, ShrinkAxisMask: 3}, s(0, 2, 1), s(0, 3, 4), s(1, 1, 1), s(3, 5), s(1, 3)},                              // x[tf.newaxis, 2, 1:4]
		{graph.StridedSliceAttr{BeginMask: 3, EndMask: 3}, s(0, 0), s(0, 0), s(1, -1), s(3, 5), s(3, 5)},                                               // x[:, ::-1]
		{graph.StridedSliceAttr{EllipsisMask: 2, ShrinkAxisMask: 5, NewAxisMask: 8}, s(1, 0, 2, 0), s(2, 0, 3, 0), s(1, 1, 1, 1), s(3, 5, 4), s(5, 1)}, // x[1, ..., 2, tf.newaxis]
	} {
		add(fmt.Sprintf("STRIDED_SLICE %d", i), func(n *net) graph.TensorID {
			return n.op(graph.StridedSlice, c.a, c.out, n.input(c.in...), n.list(c.begin...), n.list(c.end...), n.list(c.step...))
		})
	}
	parts := func(name string, k graph.Kind, attr any, shape []int, in func(n *net) []graph.TensorID) {
		add(name, func(n *net) graph.TensorID {
			op := &graph.Op{Kind: k, Attr: attr, Inputs: in(n)}
			for i := range 2 {
				s := append([]int{}, shape...)
				if k == graph.SplitV {
					s[1] = 1 + 2*i
				}
				op.Outputs = append(op.Outputs, n.Add(&graph.Tensor{Name: fmt.Sprintf("part%d", i), Type: graph.Float32, Shape: s}))
			}
			n.Ops = append(n.Ops, op)
			if k == graph.SplitV {
				return n.op(graph.Mul, graph.MulAttr{}, s(1, 3, 2), op.Outputs[1], op.Outputs[0])
			}
			return n.op(graph.Sub, graph.SubAttr{}, shape, op.Outputs[1], op.Outputs[0])
		})
	}
	parts("SPLIT", graph.Split, graph.SplitAttr{NumSplits: 2}, s(1, 2, 2), func(n *net) []graph.TensorID { return []graph.TensorID{n.ints(s(), 1), n.input(1, 4, 2)} })
	parts("SPLIT_V", graph.SplitV, graph.SplitVAttr{NumSplits: 2}, s(1, 0, 2), func(n *net) []graph.TensorID {
		return []graph.TensorID{n.input(1, 4, 2), n.list(1, -1), n.ints(s(), 1)}
	})
	parts("UNPACK", graph.Unpack, graph.UnpackAttr{Axis: 1, Num: 2}, s(1, 2), func(n *net) []graph.TensorID { return []graph.TensorID{n.input(1, 2, 2)} })
	add("PACK", func(n *net) graph.TensorID {
		return n.op(graph.Pack, graph.PackAttr{Axis: 1, ValuesCount: 2}, s(1, 2, 3), n.input(1, 3), n.input(1, 3))
	})
	add("CONCATENATION", func(n *net) graph.TensorID {
		return n.op(graph.Concatenation, graph.ConcatenationAttr{Axis: -1, Activation: graph.ActRelu}, s(1, 6), n.input(1, 3), n.input(1, 3))
	})
	add("SPACE_TO_DEPTH", func(n *net) graph.TensorID {
		return n.op(graph.SpaceToDepth, graph.BlockAttr{Size: 2}, s(1, 2, 1, 12), n.input(1, 4, 2, 3))
	})
	add("DEPTH_TO_SPACE", func(n *net) graph.TensorID {
		return n.op(graph.DepthToSpace, graph.BlockAttr{Size: 2}, s(1, 4, 2, 3), n.input(1, 2, 1, 12))
	})
	add("SPACE_TO_BATCH_ND", func(n *net) graph.TensorID { // a dilated causal convolution
		x := n.op(graph.SpaceToBatchND, nil, s(2, 4, 3), n.input(1, 6, 3), n.list(2), n.ints(s(1, 2), 2, 0))
		x = n.op(graph.ExpandDims, nil, s(2, 1, 4, 3), x, n.ints(s(), 1))
		x = n.op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, s(2, 1, 3, 2), x, n.floats(s(2, 1, 2, 3)), n.floats(s(2)))
		x = n.op(graph.Squeeze, graph.SqueezeAttr{Dims: []int{1}}, s(2, 3, 2), x)
		return n.op(graph.BatchToSpaceND, nil, s(1, 6, 2), x, n.list(2), n.ints(s(1, 2), 0, 0))
	})
	conv := func(n *net, k graph.Kind, attr any, in, w, out []int, act graph.Activation) graph.TensorID {
		channels := w[0]
		if k == graph.DepthwiseConv2D {
			channels = w[3]
		}
		return n.op(k, attr, out, n.input(in...), n.floats(w), n.floats(s(channels)))
	}
	plain := graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1, Activation: graph.ActRelu6}
	add("CONV_2D", func(n *net) graph.TensorID {
		return conv(n, graph.Conv2D, plain, s(1, 3, 6, 4), s(6, 3, 3, 4), s(1, 3, 3, 6), 0)
	})
	add("CONV_2D in groups", func(n *net) graph.TensorID {
		return conv(n, graph.Conv2D, plain, s(1, 3, 6, 4), s(6, 3, 3, 2), s(1, 3, 3, 6), 0)
	})
	add("CONV_2D in groups and TANH", func(n *net) graph.TensorID {
		a := plain
		a.Activation = graph.ActTanh
		return conv(n, graph.Conv2D, a, s(1, 3, 6, 4), s(6, 3, 3, 2), s(1, 3, 3, 6), 0)
	})
	add("CONV_2D and TANH", func(n *net) graph.TensorID {
		a := plain
		a.Activation = graph.ActTanh
		return conv(n, graph.Conv2D, a, s(1, 3, 6, 4), s(6, 3, 3, 4), s(1, 3, 3, 6), 0)
	})
	add("DEPTHWISE_CONV_2D", func(n *net) graph.TensorID {
		return conv(n, graph.DepthwiseConv2D, graph.DepthwiseConv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 2, DepthMultiplier: 2}, s(1, 3, 6, 3), s(1, 3, 2, 6), s(1, 1, 4, 6), 0)
	})
	add("TRANSPOSE_CONV", func(n *net) graph.TensorID {
		return n.op(graph.TransposeConv, graph.TransposeConvAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 2}, s(1, 1, 7, 2), n.list(1, 1, 7, 2), n.floats(s(2, 1, 3, 4)), n.input(1, 1, 3, 4))
	})
	pool := graph.Pool2DAttr{Padding: graph.PadSame, StrideH: 2, StrideW: 1, FilterH: 2, FilterW: 3}
	for _, k := range []graph.Kind{graph.AveragePool2D, graph.MaxPool2D, graph.L2Pool2D} {
		add(k.String(), func(n *net) graph.TensorID { return n.op(k, pool, s(1, 2, 5, 3), n.input(1, 4, 5, 3)) })
	}
	for _, beta := range []float32{0.5, 0.75, 1, 0.6} {
		add(fmt.Sprintf("LOCAL_RESPONSE_NORMALIZATION of %v", beta), func(n *net) graph.TensorID {
			return n.op(graph.LocalResponseNormalization, graph.LRNAttr{Radius: 2, Bias: 1.5, Alpha: 0.3, Beta: beta}, s(1, 2, 2, 7), n.input(1, 2, 2, 7))
		})
	}
	add("L2_NORMALIZATION", func(n *net) graph.TensorID {
		return n.op(graph.L2Normalization, graph.L2NormAttr{}, s(2, 5), n.input(2, 5))
	})
	add("SOFTMAX", func(n *net) graph.TensorID {
		return n.op(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, s(2, 5), n.input(2, 5))
	})
	for _, k := range []graph.Kind{graph.Mean, graph.Sum, graph.ReduceMax, graph.ReduceMin, graph.ReduceProd} {
		for _, keep := range []bool{false, true} {
			add(fmt.Sprintf("%v %v", k, keep), func(n *net) graph.TensorID {
				shape := s(2, 4)
				if keep {
					shape = s(2, 1, 4)
				}
				return n.op(k, graph.ReducerAttr{KeepDims: keep}, shape, n.input(2, 3, 4), n.list(-2))
			})
		}
	}
	add("CUMSUM", func(n *net) graph.TensorID {
		return n.op(graph.Cumsum, graph.CumsumAttr{Exclusive: true}, s(2, 5), n.input(2, 5), n.ints(s(), 1))
	})
	add("FULLY_CONNECTED", func(n *net) graph.TensorID {
		return n.op(graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: true, Activation: graph.ActTanh}, s(1, 3, 2), n.input(1, 3, 4), n.floats(s(2, 4)), n.floats(s(2)))
	})
	add("FULLY_CONNECTED of computed weights", func(n *net) graph.TensorID { // tf.matmul(a, b, transpose_b=True)
		return n.op(graph.FullyConnected, graph.FullyConnectedAttr{Activation: graph.ActRelu}, s(3, 2), n.input(3, 4), n.input(2, 4), graph.None)
	})
	add("BATCH_MATMUL", func(n *net) graph.TensorID {
		return n.op(graph.BatchMatMul, graph.BatchMatMulAttr{AdjY: true}, s(2, 3, 5), n.input(2, 3, 4), n.input(2, 5, 4))
	})
	resize := func(k graph.Kind) {
		add(k.String(), func(n *net) graph.TensorID {
			return n.op(k, graph.ResizeAttr{HalfPixelCenters: true}, s(1, 4, 6, 2), n.input(1, 2, 3, 2), n.list(4, 6))
		})
	}
	resize(graph.ResizeNearestNeighbor)
	resize(graph.ResizeBilinear)
	add("DEQUANTIZE", func(n *net) graph.TensorID { // weights that are stored in 8 bits
		w := n.Add(&graph.Tensor{Name: "w", Type: graph.Int8, Shape: s(2, 4), Data: []byte{1, 255, 3, 4, 250, 6, 7, 8}, Quant: graph.PerChannel([]float32{0.1, 0.2}, 0)})
		return n.op(graph.FullyConnected, graph.FullyConnectedAttr{}, s(1, 2), n.input(1, 4), n.op(graph.Dequantize, nil, s(2, 4), w), graph.None)
	})
	no("SVDF", "SVDF", func(n *net) graph.TensorID {
		v := n.Add(&graph.Tensor{Name: "state", Type: graph.Float32, Shape: s(1, 8), Variable: true})
		return n.op(graph.SVDF, graph.SVDFAttr{Rank: 1}, s(1, 2), n.input(1, 4), n.floats(s(2, 4)), n.floats(s(2, 4)), graph.None, v)
	})
	for _, k := range []graph.Kind{graph.RealPart, graph.Imag, graph.ComplexAbs} { // as tf.signal.rfft is converted
		add("RFFT2D and "+k.String(), func(n *net) graph.TensorID {
			x := n.op(graph.ExpandDims, nil, s(3, 1, 12), n.input(3, 12), n.ints(s(), 1))
			f := n.typed(graph.RFFT2D, nil, graph.Complex64, s(3, 1, 9), x, n.list(1, 16))
			f = n.typed(graph.Squeeze, graph.SqueezeAttr{Dims: []int{1}}, graph.Complex64, s(3, 9), f)
			return n.op(k, nil, s(3, 9), f)
		})
	}
	no("RFFT2D of images", "do a two-dimensional transform in the application", func(n *net) graph.TensorID {
		return n.op(graph.RealPart, nil, s(4, 5), n.typed(graph.RFFT2D, nil, graph.Complex64, s(4, 5), n.input(4, 8), n.list(4, 8)))
	})
	return all
}()

func first(a, _ graph.TensorID) graph.TensorID { return a }
