// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
)

// draw makes graphs of one operator, between two others that read and write it.
type draw struct {
	*rand.Rand
	g *graph.Graph
	t graph.DType
}

func (d *draw) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// quant returns a scale that fits its neighbours, and a zero point where the type has one.
func (d *draw) quant() *graph.Quant {
	scale := float32(0.02 + 0.03*d.Float64())
	if d.t == graph.Int16 {
		return graph.PerTensor(scale/256, 0)
	}
	return graph.PerTensor(scale, int32(d.between(-128, 127)))
}

func (d *draw) value(name string, q *graph.Quant, shape ...int) graph.TensorID {
	return d.g.Add(&graph.Tensor{Name: name, Type: d.t, Shape: shape, Quant: q})
}

func (d *draw) ints(name string, shape []int, v ...int) graph.TensorID {
	t := &graph.Tensor{Name: name, Type: graph.Int32, Shape: shape}
	t.SetInts(v)
	return d.g.Add(t)
}

// constant is an int8 constant of random bytes and zero point 0.
func (d *draw) constant(name string, scale float32, shape ...int) graph.TensorID {
	t := &graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(scale, 0)}
	t.Data = make([]byte, t.Elems())
	for i := range t.Data {
		t.Data[i] = byte(d.IntN(255) - 127)
	}
	return d.g.Add(t)
}

func (d *draw) bias(n int) graph.TensorID {
	if d.t == graph.Int16 {
		return d.g.Add(&graph.Tensor{Name: "bias", Type: graph.Int64, Shape: []int{n}, Data: make([]byte, 8*n)})
	}
	v := make([]int, n)
	for i := range v {
		v[i] = d.between(-2000, 2000)
	}
	return d.ints("bias", []int{n}, v...)
}

func (d *draw) image() []int {
	return []int{d.between(1, 2), d.between(1, 9), d.between(1, 9), d.between(1, 20)}
}

func (d *draw) padding() graph.Padding { return graph.Padding(d.IntN(2)) }

// operators are the generators: each returns the inputs, attributes and the output's
// quantization, given that of the input; nil is a drawing that makes no sense.
var operators = map[graph.Kind]func(d *draw, q *graph.Quant) (ins []graph.TensorID, attr any, out *graph.Quant){
	graph.AveragePool2D: drawPool, graph.MaxPool2D: drawPool,
	graph.Mean: drawReduce, graph.Sum: drawReduce, graph.ReduceMax: drawReduce, graph.ReduceMin: drawReduce,
	graph.Pad: drawPad, graph.MirrorPad: drawPad,
	graph.SquaredDifference: drawPair, graph.PRelu: drawPair,
	graph.TransposeConv: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		a := graph.TransposeConvAttr{Padding: d.padding(), StrideH: d.between(1, 4), StrideW: d.between(1, 3)}
		in := d.image()
		kh, kw, o := d.between(1, 5), d.between(1, 5), d.between(1, 12)
		size := func(n, k, s int) int {
			if a.Padding == graph.PadSame {
				return n*s - d.IntN(s)
			}
			return (n-1)*s + k + d.IntN(s) // beyond what windows reach
		}
		shape := d.ints("shape", []int{4}, in[0], size(in[1], kh, a.StrideH), size(in[2], kw, a.StrideW), o)
		return []graph.TensorID{shape, d.constant("w", 0.01, o, kh, kw, in[3]), d.value("x", q, in...), d.bias(o)}, a, d.quant()
	},
	graph.DepthwiseConv2D: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		m := d.between(1, 3)
		a := graph.DepthwiseConv2DAttr{Padding: d.padding(), StrideH: d.between(1, 3), StrideW: d.between(1, 3), DilationH: d.between(1, 3), DilationW: 1, DepthMultiplier: m}
		in := d.image()
		return []graph.TensorID{d.value("x", q, in...), d.constant("w", 0.01, 1, d.between(1, 3), d.between(1, 3), in[3]*m), d.bias(in[3] * m)}, a, d.quant()
	},
	graph.Conv2D: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		a := graph.Conv2DAttr{Padding: d.padding(), StrideH: d.between(1, 3), StrideW: d.between(1, 3), DilationH: 1, DilationW: d.between(1, 3)}
		in, groups := d.image(), d.between(1, 3)
		depth, o := in[3], groups*d.between(1, 4)
		in[3] = depth * groups
		return []graph.TensorID{d.value("x", q, in...), d.constant("w", 0.01, o, d.between(1, 3), d.between(1, 3), depth), d.bias(o)}, a, d.quant()
	},
	graph.ResizeNearestNeighbor: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		return []graph.TensorID{d.value("x", q, d.image()...), d.ints("size", []int{2}, d.between(1, 12), d.between(1, 12))}, graph.ResizeAttr{HalfPixelCenters: d.IntN(2) == 0}, q
	},
	graph.ResizeBilinear: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		in := d.image()
		return []graph.TensorID{d.value("x", q, in...), d.ints("size", []int{2}, in[1]*d.between(1, 2), in[2]*2)}, graph.ResizeAttr{HalfPixelCenters: d.IntN(2) == 0}, q
	},
	graph.ArgMax: drawArg, graph.ArgMin: drawArg,
	graph.BatchMatMul: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		a := graph.BatchMatMulAttr{AdjX: d.IntN(2) == 0, AdjY: d.IntN(2) == 0}
		b, rows, inner, cols := d.between(1, 2), d.between(1, 5), d.between(1, 9), d.between(1, 5)
		x, y := []int{b, rows, inner}, []int{inner, cols}
		if a.AdjX {
			x[1], x[2] = x[2], x[1]
		}
		if a.AdjY {
			y[0], y[1] = y[1], y[0]
		}
		second := d.value("y", d.quant(), y...)
		if d.IntN(2) == 0 {
			second = d.constant("y", 0.01, y...)
		}
		return []graph.TensorID{d.value("x", q, x...), second}, a, d.quant()
	},
	graph.SpaceToDepth: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		n := d.between(1, 3)
		return []graph.TensorID{d.value("x", q, 1, n*d.between(1, 3), n*d.between(1, 3), d.between(1, 5))}, graph.BlockAttr{Size: n}, q
	},
	graph.Gather: func(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
		in := d.image()
		axis := d.IntN(4)
		v := make([]int, d.between(1, 6))
		for i := range v {
			v[i] = d.IntN(in[axis])
		}
		return []graph.TensorID{d.value("x", q, in...), d.ints("indices", []int{len(v)}, v...)}, graph.GatherAttr{Axis: axis}, q
	},
}

func drawPool(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
	a := graph.Pool2DAttr{Padding: d.padding(), StrideH: d.between(1, 5), StrideW: d.between(1, 5), FilterH: d.between(1, 6), FilterW: d.between(1, 6)}
	return []graph.TensorID{d.value("x", q, d.image()...)}, a, q
}

func drawReduce(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
	axes := d.Perm(4)[:d.between(1, 4)]
	return []graph.TensorID{d.value("x", q, d.image()...), d.ints("axes", []int{len(axes)}, axes...)}, graph.ReducerAttr{KeepDims: d.IntN(2) == 0}, nil
}

func drawPad(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
	in := d.image()
	pads := make([]int, 8)
	for i := range pads {
		pads[i] = d.IntN(min(in[i/2], 3))
	}
	return []graph.TensorID{d.value("x", q, in...), d.ints("pads", []int{4, 2}, pads...)}, nil, q
}

func drawPair(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
	in := d.image()
	other := append([]int(nil), in...)
	for i := range other {
		if d.IntN(3) == 0 {
			other[i] = 1
		}
	}
	return []graph.TensorID{d.value("x", q, in...), d.value("y", d.quant(), other...)}, nil, d.quant()
}

func drawArg(d *draw, q *graph.Quant) ([]graph.TensorID, any, *graph.Quant) {
	return []graph.TensorID{d.value("x", q, d.image()...), d.ints("axis", []int{1}, d.IntN(4))}, graph.ArgAttr{Output: graph.Int32}, nil
}

// single draws a graph of one operator, or nil.
func single(r *rand.Rand, k graph.Kind) *graph.Graph {
	d := &draw{r, &graph.Graph{Name: k.String()}, graph.Int8}
	if d.IntN(4) == 0 {
		d.t = graph.Int16
	}
	q := d.quant()
	ins, attr, out := operators[k](d, q)
	switch attr.(type) {
	case nil:
		attr = graph.Describe(k).Attr
	case graph.ReducerAttr:
		if out = q; k == graph.Mean || k == graph.Sum {
			out = d.quant()
		}
	}
	if k == graph.PRelu {
		d.g.Tensors[ins[1]].Type, d.g.Tensors[ins[1]].Quant = graph.Int8, graph.PerTensor(0.02, int32(d.between(-128, 127)))
	}
	op := &graph.Op{Kind: k, Attr: attr, Inputs: ins}
	y := &graph.Tensor{Name: "out", Type: d.t, Quant: out}
	if _, ok := attr.(graph.ArgAttr); ok {
		y.Type = graph.Int32
	}
	op.Outputs = []graph.TensorID{d.g.Add(y)}
	shapes, err := d.g.InferShapes(op)
	if err != nil || graph.Elems(shapes[0]) == 0 {
		return nil
	}
	y.Shape = shapes[0]
	for _, id := range ins {
		if !d.g.Tensors[id].IsConst() {
			d.g.Inputs = append(d.g.Inputs, id)
		}
	}
	d.g.Outputs, d.g.Ops = op.Outputs, []*graph.Op{op}
	return d.g
}

// TestRandomOperators compares interpreter and simulator on operators of random shapes
// and scales. What the compiler refuses must be few.
func TestRandomOperators(t *testing.T) {
	const each = 12
	for k := range operators {
		tried, refused := 0, 0
		for seed := range uint64(each) {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			g := single(r, k)
			if g == nil || g.Validate() != nil {
				continue
			}
			ref, err := runner.NewReference(g)
			if err != nil {
				refused++
				continue
			}
			accel, err := ethosu.ParseAccelerator(accelerators[r.IntN(len(accelerators))])
			if err != nil {
				t.Fatal(err)
			}
			tried++
			p, err := compile.Compile(g, compile.Options{Accel: accel})
			if err != nil {
				refused++
				t.Logf("%v seed %d: %v", k, seed, err)
				continue
			}
			npu, err := runner.NewSimulator(p)
			if err != nil {
				t.Errorf("%v seed %d: %v", k, seed, err)
				continue
			}
			in := runner.Buffers(ref.Inputs())
			want, got := runner.Buffers(ref.Outputs()), runner.Buffers(npu.Outputs())
			for _, x := range in {
				for i := range x {
					x[i] = byte(r.Uint32())
				}
			}
			if err := ref.Invoke(in, want); err != nil {
				t.Fatal(err)
			}
			if err := npu.Invoke(in, got); err != nil {
				t.Errorf("%v seed %d: %v", k, seed, err)
				continue
			}
			if !bytes.Equal(want[0], got[0]) {
				t.Errorf("%v seed %d on %s: the NPU gives %v, the interpreter %v (%v)", k, seed, accel.Name, got[0][:min(8, len(got[0]))], want[0][:min(8, len(want[0]))], g.Ops[0].Attr)
			}
		}
		if k == graph.TransposeConv && refused > 0 {
			t.Errorf("%v: %d of %d are refused, expected none", k, refused, tried)
		}
		if tried < each/4 || refused > tried/2 {
			t.Errorf("%v: %d of %d drawings are graphs, and %d are refused", k, tried, each, refused)
		}
	}
}
