// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// image is a graph of one operator on an input of random values.
type image struct {
	g    *graph.Graph
	op   *graph.Op
	data []byte
}

func newImage(t *testing.T, rng *rand.Rand, kind graph.Kind, attr any, typ graph.DType, in, weights []int) image {
	t.Helper()
	g := &graph.Graph{}
	zero := int32(rng.IntN(256) - 128)
	if typ == graph.Int16 {
		zero = 0
	}
	q := graph.PerTensor(0.02, zero)
	x := &graph.Tensor{Name: "x", Type: typ, Shape: in, Quant: q}
	op := &graph.Op{Kind: kind, Attr: attr, Inputs: []graph.TensorID{g.Add(x)}}
	out := q
	if weights != nil {
		axis := 0
		if kind == graph.DepthwiseConv2D {
			axis = 3
		}
		scales := make([]float32, weights[axis])
		for i := range scales {
			scales[i] = 0.001 * float32(1+i)
		}
		w := &graph.Tensor{Name: "w", Type: graph.Int8, Shape: weights, Quant: graph.PerChannel(scales, axis), Data: randomBytes(rng, graph.Elems(weights))}
		b := &graph.Tensor{Name: "b", Type: graph.Int32, Shape: []int{weights[axis]}}
		for range weights[axis] {
			v := int32(rng.IntN(4000) - 2000)
			b.Data = append(b.Data, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
		op.Inputs = append(op.Inputs, g.Add(w), g.Add(b))
		out = graph.PerTensor(0.05, zero/2)
	}
	y := &graph.Tensor{Name: "y", Type: typ, Quant: out}
	op.Outputs = []graph.TensorID{g.Add(y)}
	g.Inputs, g.Outputs, g.Ops = op.Inputs[:1], op.Outputs, []*graph.Op{op}
	shapes, err := g.InferShapes(op)
	if err != nil {
		t.Fatal(err)
	}
	y.Shape = shapes[0]
	return image{g, op, randomBytes(rng, x.Bytes())}
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// at reads element (0, y, x, c) of an NHWC image, ok when it lies inside.
func at(t *graph.Tensor, data []byte, y, x, c int) (v int32, ok bool) {
	if y < 0 || y >= t.Shape[1] || x < 0 || x >= t.Shape[2] {
		return 0, false
	}
	i := (y*t.Shape[2]+x)*t.Shape[3] + c
	if t.Type == graph.Int16 {
		return get16(data, i), true
	}
	return int32(int8(data[i])), true
}

// TestWindowedOperators compares convolutions and pooling with the sums that
// define them, written per output element.
func TestWindowedOperators(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 60 {
		typ := graph.Int8
		if i%3 == 0 {
			typ = graph.Int16
		}
		pad := graph.Padding(i % 2)
		h, w, c := 4+rng.IntN(5), 4+rng.IntN(5), 1+rng.IntN(20)
		kh, kw, sh, sw := 1+rng.IntN(3), 1+rng.IntN(3), 1+rng.IntN(2), 1+rng.IntN(3)
		outs := 1 + rng.IntN(7)
		conv := graph.Conv2DAttr{Padding: pad, StrideH: sh, StrideW: sw, DilationH: 1 + i%2, DilationW: 1, Activation: graph.ActRelu6}
		if conv.DilationH == 2 && kh == 3 {
			h += 2
		}
		depthwise := graph.DepthwiseConv2DAttr{Padding: pad, StrideH: sh, StrideW: sw, DilationH: 1, DilationW: 1, DepthMultiplier: 2}
		pool := graph.Pool2DAttr{Padding: pad, StrideH: sh, StrideW: sw, FilterH: kh, FilterW: kw, Activation: graph.ActRelu}
		in := []int{1, h, w, c}
		for _, m := range []image{
			newImage(t, rng, graph.Conv2D, conv, typ, in, []int{outs, kh, kw, c}),
			newImage(t, rng, graph.DepthwiseConv2D, depthwise, typ, in, []int{1, kh, kw, 2 * c}),
			newImage(t, rng, graph.MaxPool2D, pool, typ, in, nil),
			newImage(t, rng, graph.AveragePool2D, pool, typ, in, nil),
		} {
			checkWindows(t, fmt.Sprintf("case %d %v %v", i, typ, m.op.Kind), m, kh, kw)
		}
	}
}

func checkWindows(t *testing.T, name string, m image, kh, kw int) {
	t.Helper()
	it, err := New(m.g)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	copy(it.Input(0), m.data)
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	x, y := m.g.Tensors[m.op.Inputs[0]], m.g.Tensors[m.op.Outputs[0]]
	hin, win, err := m.g.Windows(m.op)
	if err != nil {
		t.Fatal(err)
	}
	for oy := range y.Shape[1] {
		for ox := range y.Shape[2] {
			for o := range y.Shape[3] {
				elem := func(ky, kx, c int) (int32, bool) {
					return at(x, m.data, oy*hin.Stride-hin.PadBefore+ky*hin.Dilation, ox*win.Stride-win.PadBefore+kx*win.Dilation, c)
				}
				want := element(t, m, o, kh, kw, elem)
				if got, _ := at(y, it.Output(0), oy, ox, o); got != want {
					t.Fatalf("%s: output (%d,%d,%d) is %d, want %d", name, oy, ox, o, got, want)
				}
			}
		}
	}
}

// element computes one output from the elements of its window.
func element(t *testing.T, m image, o, kh, kw int, elem func(ky, kx, c int) (int32, bool)) int32 {
	t.Helper()
	x, y := m.g.Tensors[m.op.Inputs[0]], m.g.Tensors[m.op.Outputs[0]]
	if m.op.Kind == graph.MaxPool2D || m.op.Kind == graph.AveragePool2D {
		sum, count, most := 0.0, 0.0, int32(-1<<20)
		for ky := range kh {
			for kx := range kw {
				if v, ok := elem(ky, kx, o); ok {
					sum, count, most = sum+float64(v), count+1, max(most, v)
				}
			}
		}
		lo, hi, err := quant.ClampRange(graph.ActRelu, y.Type, y.Scale(), y.ZeroPoint())
		if err != nil {
			t.Fatal(err)
		}
		if m.op.Kind == graph.AveragePool2D {
			most = int32(roundAway(sum / count))
		}
		return min(max(most, lo), hi)
	}
	q, err := quant.ForMAC(m.g, m.op)
	if err != nil {
		t.Fatal(err)
	}
	w := m.g.Tensors[m.op.Inputs[1]]
	b := m.g.Tensors[m.op.Inputs[2]].Data
	acc := int32(b[4*o]) | int32(b[4*o+1])<<8 | int32(b[4*o+2])<<16 | int32(b[4*o+3])<<24
	for ky := range kh {
		for kx := range kw {
			for c := range x.Shape[3] {
				at := ((o*kh+ky)*kw+kx)*x.Shape[3] + c
				if m.op.Kind == graph.DepthwiseConv2D {
					if c != o/2 {
						continue
					}
					at = (ky*kw+kx)*w.Shape[3] + o
				}
				if v, ok := elem(ky, kx, c); ok {
					acc += int32(int8(w.Data[at])) * (v - q.In)
				}
			}
		}
	}
	return min(max(quant.MBQM(acc, q.Mult[o])+q.Out, q.Lo), q.Hi)
}

func roundAway(v float64) float64 {
	if v < 0 {
		return -float64(int(-v + 0.5))
	}
	return float64(int(v + 0.5))
}
