// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// TestCurves compares functions of one real number with the interpreter's, which computes
// them in another way: all powers of two with their neighbours, and random numbers.
func TestCurves(t *testing.T) {
	var values []float32
	for e := range 256 {
		for _, m := range []uint32{0, 1, 2, 0x400000, 0x3504f3, 0x3504f4, 0x7fffff} {
			b := uint32(e)<<23 | m
			values = append(values, math.Float32frombits(b), math.Float32frombits(b|1<<31))
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	n := 60000
	if testing.Short() {
		n = 6000
	}
	for range n {
		values = append(values, math.Float32frombits(r.Uint32()), float32(r.NormFloat64()*math.Exp2(float64(r.IntN(14)-8))))
	}
	// Ends of exponentials, multiples of pi/2, and what is nearest to one of them.
	for _, v := range []float64{88.722836, 88.72284, -87.33655, -103.97208, -103.27893, -103.2789, 0.34657359, math.Pi, math.Pi / 2, 16367173 << 3 * 1.0, 5.319372648326541e+255 / 1e230, 9.010913, 17.328678} {
		f := float32(v)
		values = append(values, f, math.Nextafter32(f, 1e38), math.Nextafter32(f, -1e38), float32(-v))
	}
	for k := range 400 {
		values = append(values, float32(float64(k)*math.Pi/2), float32(k)/8)
	}
	x := make([]byte, 0, 4*len(values))
	for _, v := range values {
		x = binary.LittleEndian.AppendUint32(x, math.Float32bits(v))
	}
	for _, k := range []graph.Kind{graph.Exp, graph.Log, graph.Sin, graph.Cos, graph.Tanh, graph.Logistic} {
		g := &graph.Graph{Inputs: []graph.TensorID{0}, Outputs: []graph.TensorID{1}}
		g.Add(&graph.Tensor{Name: "x", Shape: []int{len(values)}})
		g.Add(&graph.Tensor{Name: "y", Shape: []int{len(values)}})
		g.Ops = []*graph.Op{{Kind: k, Inputs: g.Inputs, Outputs: g.Outputs}}
		it, err := reference.New(g)
		if err != nil {
			t.Fatal(err)
		}
		if err := it.Feed(0, x); err != nil {
			t.Fatal(err)
		}
		if err := it.Invoke(); err != nil {
			t.Fatal(err)
		}
		kernel, err := New(g)
		if err != nil {
			t.Fatal(err)
		}
		got, wrong := make([]byte, len(x)), 0
		kernel.Run([][]byte{x}, [][]byte{got})
		for i := range values {
			if a, b := float(got, i), float(it.Output(0), i); math.Float32bits(a) != math.Float32bits(b) {
				if wrong++; wrong < 5 {
					t.Errorf("%v(%g, %08x) is %g (%08x), expected %g (%08x)", k, values[i], math.Float32bits(values[i]), a, math.Float32bits(a), b, math.Float32bits(b))
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%v: %d of %d differ", k, wrong, len(values))
		}
	}
}
