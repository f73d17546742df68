// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"context"
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
