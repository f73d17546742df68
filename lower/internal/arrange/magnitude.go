// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// directions is the number of lines that stand for a quarter of a circle. Between two of
// them a magnitude is at most 1 - cos(90°/directions/2) too small; the middle of that
// is taken off, which leaves ±0.11 %.
const directions = 12

// magnitudes writes sqrt(x² + y²), the magnitude of a complex number, without squares: a
// quiet value has half the digits of a loud one, its square none, in 16 bits. The
// magnitude is the largest of the projections of (|x|, |y|) on directions between the
// axes, one convolution with two weights for each, and one pooling that takes the
// largest.
func (a *arranger) magnitudes() {
	by := a.producers()
	square := func(id graph.TensorID) (graph.TensorID, bool) {
		i, ok := by[id]
		if !ok {
			return 0, false
		}
		op := a.g.Ops[i]
		if op.Kind == graph.Square {
			return op.Inputs[0], true
		}
		if m, ok := op.Attr.(graph.MulAttr); ok && op.Inputs[0] == op.Inputs[1] && m.Activation == graph.ActNone {
			return op.Inputs[0], true
		}
		return 0, false
	}
	var ops []*graph.Op
	for _, op := range a.g.Ops {
		ops = append(ops, op)
		if op.Kind != graph.Sqrt {
			continue
		}
		i, ok := by[op.Inputs[0]]
		if !ok {
			continue
		}
		sum := a.g.Ops[i]
		if inner, ok := a.besideNothing(sum); ok { // of sqrt(x² + y² + ε)
			if i, ok = by[inner]; !ok {
				continue
			}
			sum = a.g.Ops[i]
		}
		if add, ok := sum.Attr.(graph.AddAttr); !ok || add.Activation != graph.ActNone {
			continue
		}
		x, fine := square(sum.Inputs[0])
		y, too := square(sum.Inputs[1])
		if !fine || !too || a.g.Tensors[x].Elems() != a.g.Tensors[y].Elems() || a.g.Tensors[x].Elems() != a.g.Tensors[op.Outputs[0]].Elems() {
			continue
		}
		ops = append(ops[:len(ops)-1], a.magnitude(x, y, op.Outputs[0])...)
	}
	a.g.Ops = ops
}

// besideNothing returns the operand of an ADD whose other one is a number too small to
// be seen in the root of the sum: what keeps slopes finite in training.
func (a *arranger) besideNothing(op *graph.Op) (graph.TensorID, bool) {
	const least = 1e-8
	if add, ok := op.Attr.(graph.AddAttr); !ok || add.Activation != graph.ActNone {
		return 0, false
	}
	for k, id := range op.Inputs {
		t := a.g.Tensors[id]
		if t.Type != graph.Float32 || len(t.Data) != 4 {
			continue
		}
		if v := math.Float32frombits(binary.LittleEndian.Uint32(t.Data)); v >= 0 && v <= least {
			return op.Inputs[1-k], true
		}
	}
	return 0, false
}

// magnitude returns the operators that make the magnitude of x and y.
func (a *arranger) magnitude(x, y, out graph.TensorID) []*graph.Op {
	var ops []*graph.Op
	name, n := a.g.Tensors[out].Name, a.g.Tensors[out].Elems()
	op := func(k graph.Kind, attr any, y graph.TensorID, in ...graph.TensorID) graph.TensorID {
		ops = append(ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{y}})
		return y
	}
	reshape := func(suffix string, id graph.TensorID, shape ...int) graph.TensorID {
		return op(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, a.value(name+suffix, shape...), id, a.ints(name+suffix+"_shape", shape))
	}
	// The larger of a value and its opposite: an ABS of 16 bits rescales.
	minus := a.floats(name+"/minus", []float32{-1})
	size := func(suffix string, x graph.TensorID) graph.TensorID {
		shape := a.g.Tensors[x].Shape
		opposite := op(graph.Mul, graph.MulAttr{}, a.value(name+"/minus_"+suffix, shape...), x, minus)
		return op(graph.Maximum, nil, a.value(name+"/abs_"+suffix, shape...), x, opposite)
	}
	xs, ys := size("x", x), size("y", y)
	both := op(graph.Concatenation, graph.ConcatenationAttr{Axis: 1}, a.value(name+"/both", 1, 2, n, 1),
		reshape("/row_x", xs, 1, 1, n, 1), reshape("/row_y", ys, 1, 1, n, 1))
	lines := op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
		a.value(name+"/lines", 1, 1, n, directions), both, a.floats(name+"/directions", circle(), directions, 2, 1, 1), graph.None)
	image := reshape("/image", lines, 1, n, directions, 1)
	most := op(graph.MaxPool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, FilterH: 1, FilterW: directions}, a.value(name+"/largest", 1, n, 1, 1), image)
	shape := a.g.Tensors[out].Shape
	op(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, out, most, a.ints(name+"/shape", shape))
	return ops
}

// circle returns directions of one length, a little above 1, as pairs whose smaller part
// is a whole number of 127ths of the larger one: weights of 8 bits hold them exactly.
func circle() []float32 {
	const quarter, step = math.Pi / 2, math.Pi / 2 / directions
	length := 2 / (1 + math.Cos(step/2))
	v := make([]float32, 0, 2*directions)
	for k := range directions {
		angle := float64((float64(k) + 0.5) * step)
		slope := math.Round(127*math.Tan(min(angle, quarter-angle))) / 127
		large := length / math.Sqrt(1+float64(slope*slope))
		pair := [2]float32{float32(large), float32(large * slope)}
		if angle > math.Pi/4 {
			pair[0], pair[1] = pair[1], pair[0]
		}
		v = append(v, pair[:]...)
	}
	return v
}
