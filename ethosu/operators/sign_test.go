// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// TestSignOnTheNPU lowers SIGN from float. In 16 bits its steps are at 0 as in 8.
func TestSignOnTheNPU(t *testing.T) {
	for _, width := range []lower.Activations{lower.Int8, lower.Int16} {
		g := &graph.Graph{Name: "sign"}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{1, 16}})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{1, 16}})
		g.Ops = []*graph.Op{{Kind: graph.Sign, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{y}}}
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, waves{40}, lower.Options{Activations: width, PerChannelWeights: true})
		if err != nil {
			t.Fatal(err)
		}
		in := r.Int8.Tensors[r.Int8.Inputs[0]]
		out := r.Int8.Tensors[r.Int8.Outputs[0]]
		it, err := reference.New(r.Int8)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := in.Type.Limits()
		zero := int64(in.ZeroPoint())
		raw := []int64{int64(lo), zero - 2, zero - 1, zero, zero + 1, zero + 2, int64(hi), zero, 0, 5, -5, 1, -1, 100, -100, zero}
		feed := it.Input(0)
		for i, v := range raw {
			if width == lower.Int16 {
				feed[2*i], feed[2*i+1] = byte(v), byte(v>>8)
			} else {
				feed[i] = byte(v)
			}
		}
		it.Invoke()
		got := it.Output(0)
		for i, v := range raw {
			q := int64(int8(got[i]))
			if width == lower.Int16 {
				q = int64(int16(uint16(got[2*i]) | uint16(got[2*i+1])<<8))
			}
			want := 0.0
			if v != zero {
				want = math.Copysign(1, float64(v-zero))
			}
			if real := float64(q-int64(out.ZeroPoint())) * float64(out.Scale()); math.Abs(real-want) > 0.01 {
				t.Errorf("%v: the sign of %d (zero point %d) is %g, expected %g", width, v, zero, real, want)
			}
		}
		accel, err := ethosu.ParseAccelerator("ethos-u55-128")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compile.Compile(r.Int8, compile.Options{Accel: accel, NPUOnly: true}); err != nil {
			t.Errorf("%v: %v", width, err)
		}
	}
}

// TestSignBesideLarger joins signs with values beyond 1, which decide the scale of both.
func TestSignBesideLarger(t *testing.T) {
	for _, width := range []lower.Activations{lower.Int8, lower.Int16} {
		const n = 16
		g := &graph.Graph{Name: "sign"}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{1, n}})
		s := g.Add(&graph.Tensor{Name: "s", Type: graph.Float32, Shape: []int{1, n}})
		m := g.Add(&graph.Tensor{Name: "m", Type: graph.Float32, Shape: []int{1, n}})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{1, 2 * n}})
		four := &graph.Tensor{Name: "four", Type: graph.Float32, Shape: []int{1}}
		four.Data = binary.LittleEndian.AppendUint32(nil, math.Float32bits(4))
		g.Ops = []*graph.Op{
			{Kind: graph.Sign, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{s}},
			{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{x, g.Add(four)}, Outputs: []graph.TensorID{m}},
			{Kind: graph.Concatenation, Attr: graph.ConcatenationAttr{Axis: 1}, Inputs: []graph.TensorID{s, m}, Outputs: []graph.TensorID{y}},
		}
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, waves{40}, lower.Options{Activations: width, PerChannelWeights: true})
		if err != nil {
			t.Fatal(err)
		}
		in, out := r.Int8.Tensors[r.Int8.Inputs[0]], r.Int8.Tensors[r.Int8.Outputs[0]]
		it, err := reference.New(r.Int8)
		if err != nil {
			t.Fatal(err)
		}
		integer := func(b []byte, i int) int64 {
			if width == lower.Int16 {
				return int64(int16(binary.LittleEndian.Uint16(b[2*i:])))
			}
			return int64(int8(b[i]))
		}
		feed := it.Input(0)
		for i := range feed {
			feed[i] = byte(37 * i)
		}
		it.Invoke()
		for i := range n {
			want := 0.0
			if v := integer(feed, i) - int64(in.ZeroPoint()); v != 0 {
				want = math.Copysign(1, float64(v))
			}
			if real := float64(integer(it.Output(0), i)-int64(out.ZeroPoint())) * float64(out.Scale()); math.Abs(real-want) > float64(out.Scale()) {
				t.Errorf("%v: the sign of %d is %g, expected %g", width, integer(feed, i), real, want)
			}
		}
	}
}
