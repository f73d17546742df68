// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestSpectrum compares spectra with the sum that defines them, of rows that are too short,
// too long and just right.
func TestSpectrum(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for n := 2; n <= 512; n *= 2 {
		for _, width := range []int{n, max(1, n-3), n + 5} {
			x := realTensor(2, 1, width)
			g := one(graph.RFFT2D, nil, graph.Complex64, []int{2, 1, n/2 + 1}, x, &graph.Tensor{Type: graph.Int32, Shape: []int{2}, Data: []byte{1, 0, 0, 0, byte(n), byte(n >> 8), 0, 0}})
			for _, k := range []graph.Kind{graph.RealPart, graph.Imag, graph.ComplexAbs} {
				y := g.Add(&graph.Tensor{Name: k.String(), Shape: []int{2, 1, n/2 + 1}})
				g.Ops = append(g.Ops, &graph.Op{Kind: k, Inputs: g.Ops[0].Outputs, Outputs: []graph.TensorID{y}})
			}
			g.Outputs = []graph.TensorID{g.Ops[1].Outputs[0], g.Ops[2].Outputs[0], g.Ops[3].Outputs[0]}
			in := make([]float32, 2*width)
			for i := range in {
				in[i] = float32(r.NormFloat64())
			}
			it := realRun(t, g, in)
			for row := range 2 {
				for k := range n/2 + 1 {
					want := complex128(0)
					for i := range min(n, width) {
						want += complex(float64(in[row*width+i]), 0) * cmplx.Rect(1, -2*math.Pi*float64(k*i%n)/float64(n))
					}
					at := row*(n/2+1) + k
					got := complex(float64(getReal(it.Output(0), at)), float64(getReal(it.Output(1), at)))
					if cmplx.Abs(got-want) > 2e-6*math.Sqrt(float64(n)) || math.Abs(float64(getReal(it.Output(2), at))-cmplx.Abs(got)) > 1e-6*cmplx.Abs(got) {
						t.Fatalf("%d of %d values: number %d is %v of magnitude %g, expected %v", n, width, k, got, getReal(it.Output(2), at), want)
					}
				}
			}
		}
	}
	rim := one(graph.RFFT2D, nil, graph.Complex64, []int{1, 1, 3}, realTensor(1, 1, 4), &graph.Tensor{Type: graph.Int32, Shape: []int{2}, Data: []byte{1, 0, 0, 0, 4, 0, 0, 0}})
	if _, err := New(rim); err == nil {
		t.Error("complex numbers are an output")
	}
}
