// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math"
	"math/big"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	kernels.Set(planRFFT, graph.RFFT2D)
	kernels.Set(planComplexPart, graph.RealPart, graph.Imag, graph.ComplexAbs)
}

// pair is a complex number whose every operation is rounded to float32.
type pair struct{ re, im float32 }

func (a pair) plus(b pair) pair  { return pair{a.re + b.re, a.im + b.im} }
func (a pair) minus(b pair) pair { return pair{a.re - b.re, a.im - b.im} }
func (a pair) conjugate() pair   { return pair{a.re, -a.im} }

func (a pair) times(b pair) pair {
	rr, ii := float32(a.re*b.re), float32(a.im*b.im)
	ri, ir := float32(a.re*b.im), float32(a.im*b.re)
	return pair{rr - ii, ri + ir}
}

func getPair(b []byte, i int) pair    { return pair{getReal(b, 2*i), getReal(b, 2*i+1)} }
func putPair(b []byte, i int, v pair) { putReal(b, 2*i, v.re); putReal(b, 2*i+1, v.im) }

// root is exp(-2 pi i k/n), the nearest numbers.
func root(k, n int) pair {
	angle := fresh().Mul(exactConstants()[1], big64(4*float64(k)/float64(n))) // n is a power of two
	re, _ := exactTurn(angle, 1).Float32()
	im, _ := exactTurn(angle, 0).Float32()
	if re == 0 {
		re = 0 // no negative zero
	}
	return pair{re, -im}
}

// transform is the discrete transform of Fourier: of the even and the odd values, and then
// one product and two sums for each pair of results. roots are those of the whole length.
func transform(x []pair, roots []pair) []pair {
	n := len(x)
	if n == 1 {
		return x
	}
	even, odd := make([]pair, n/2), make([]pair, n/2)
	for i := range n / 2 {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	even, odd = transform(even, roots), transform(odd, roots)
	y := make([]pair, n)
	for k := range n / 2 {
		turned := roots[k*(2*len(roots)/n)].times(odd[k])
		y[k], y[k+n/2] = even[k].plus(turned), even[k].minus(turned)
	}
	return y
}

// planRFFT transforms rows of real numbers: as half as many complex ones, whose spectrum is
// taken apart into that of the even and of the odd values.
func planRFFT(p *plan, op *graph.Op) (step, error) {
	n, err := p.g.SpectrumLength(op)
	if err != nil {
		return nil, err
	}
	in := p.in(op, 0)
	width := in.Shape[len(in.Shape)-1]
	half := n / 2
	roots := make([]pair, half) // of n
	for k := range roots {
		roots[k] = root(k, n)
	}
	inner := make([]pair, max(half/2, 1)) // of n/2
	for k := range inner {
		inner[k] = roots[2*k%half]
	}
	return func(m *memory) {
		for r := 0; width > 0 && r < in.Elems()/width; r++ {
			row := func(i int) float32 {
				if i >= width {
					return 0
				}
				return getReal(m.v[op.Inputs[0]], r*width+i)
			}
			z := make([]pair, half)
			for i := range z {
				z[i] = pair{row(2 * i), row(2*i + 1)}
			}
			z = transform(z, inner)
			for k := range half + 1 {
				j := min(k, half-k) // the other half mirrors it
				a, b := z[j], z[(half-j)%half].conjugate()
				even, odd := a.plus(b), a.minus(b)
				even, odd = pair{float32(even.re * 0.5), float32(even.im * 0.5)}, pair{float32(odd.re * 0.5), float32(odd.im * 0.5)}
				odd = roots[j].times(odd)
				v := pair{even.re + odd.im, even.im - odd.re}
				if j != k {
					v = pair{even.re - odd.im, -(even.im + odd.re)}
				}
				putPair(m.v[op.Outputs[0]], r*(half+1)+k, v)
			}
		}
	}, nil
}

// planComplexPart takes the real or the imaginary part of complex numbers, or the magnitude.
func planComplexPart(p *plan, op *graph.Op) (step, error) {
	n := p.in(op, 0).Elems()
	return func(m *memory) {
		for i := range n {
			v := getPair(m.v[op.Inputs[0]], i)
			r := v.re
			switch op.Kind {
			case graph.Imag:
				r = v.im
			case graph.ComplexAbs:
				r = v.magnitude()
			}
			putReal(m.v[op.Outputs[0]], i, r)
		}
	}, nil
}

// magnitude is the nearest number to the root of the sum of the squares; that of what has an
// infinite part is infinite.
func (a pair) magnitude() float32 {
	re, im := math.Abs(float64(a.re)), math.Abs(float64(a.im))
	switch {
	case math.IsInf(re, 0) || math.IsInf(im, 0):
		return float32(math.Inf(1))
	case re != re || im != im:
		return float32(math.NaN())
	}
	squares := func(float64) float64 { return math.Sqrt(float64(re*re) + float64(im*im)) }
	return curve{squares, func(*big.Float) *big.Float {
		sum := fresh().Mul(big64(re), big64(re))
		return fresh().Sqrt(sum.Add(sum, fresh().Mul(big64(im), big64(im))))
	}}.nearest(0)
}
