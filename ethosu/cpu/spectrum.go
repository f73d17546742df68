// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	planners.Set(planRFFT, graph.RFFT2D)
	planners.Set(planComplexPart, graph.RealPart, graph.Imag, graph.ComplexAbs)
}

// twiddles are cos and sin of 2 pi k/n for k below n/2, the nearest numbers.
func twiddles(n int) (t []float32) {
	for k := range n / 2 {
		// In quarters of a turn, 4k/n, of which at most one is whole; the part in 128 bits.
		quarter, part := 4*k/n, wide{hi: uint64(4*k%n) * (1 << 63 / uint64(n) * 2)}
		t = append(t, turned(part, quarter+1).real(quarter == 1 && part.hi != 0, 0), turned(part, quarter).real(false, 0))
	}
	return t
}

// turned is the magnitude of the sine of so many quarters of a turn and a part of one.
func turned(part wide, quarter int) wide {
	odd := quarter&1 != 0
	if part.hi>>63 != 0 { // count back from the next quarter
		part, odd = wide{}.minus(part), !odd
	}
	return circle(part.times(halfPi).left(1), odd)
}

// planRFFT transforms rows of real numbers: as half as many complex ones, in the place of
// the result, whose spectrum is then taken apart into that of the even and of the odd values.
func planRFFT(o *operator) (*Kernel, error) {
	n, err := o.SpectrumLength(o.op)
	if err != nil {
		return nil, err
	}
	x := o.operand(0)
	rows, width := o.in(0).Rows()
	table, words := twiddles(n), Constant{}
	for _, v := range table {
		words = binary.LittleEndian.AppendUint32(words, math.Float32bits(v))
	}
	return one("spectrum", func(in, out [][]byte) {
		for r := range rows {
			transform(out[0][r*8*(n/2+1):][:8*(n/2+1)], x.of(in)[r*4*width:][:4*width], n/2, table)
		}
	}, args(Output(0), x.arg(), ints(rows, width, n/2), words)...), nil
}

// transform transforms one row with so many pairs of values.
func transform(y, row []byte, half int, twiddle []float32) {
	for i := range half {
		at := int(bits.Reverse32(uint32(i)) >> (33 - bits.Len32(uint32(half))))
		for k := range 2 {
			v := float32(0)
			if 4*(2*i+k) < len(row) {
				v = float(row, 2*i+k)
			}
			putFloat(y, 2*at+k, v)
		}
	}
	for size := 1; size < half; size *= 2 {
		for first := 0; first < half; first += 2 * size {
			for k := range size {
				a, b, w := first+k, first+k+size, k*(half/size)
				c, s := twiddle[2*w], twiddle[2*w+1]
				re, im := float(y, 2*b), float(y, 2*b+1)
				turnedRe := product(c, re) + product(s, im)
				turnedIm := product(c, im) - product(s, re)
				re, im = float(y, 2*a), float(y, 2*a+1)
				putReal(y, 2*a, re+turnedRe)
				putReal(y, 2*a+1, im+turnedIm)
				putReal(y, 2*b, re-turnedRe)
				putReal(y, 2*b+1, im-turnedIm)
			}
		}
	}
	putFloat(y, 2*half, float(y, 0))
	putFloat(y, 2*half+1, float(y, 1))
	for k := range half/2 + 1 {
		j := half - k
		re, im, mirrorRe, mirrorIm := float(y, 2*k), float(y, 2*k+1), float(y, 2*j), float(y, 2*j+1)
		evenRe, evenIm := product(re+mirrorRe, 0.5), product(im-mirrorIm, 0.5)
		oddRe, oddIm := product(re-mirrorRe, 0.5), product(im+mirrorIm, 0.5)
		c, s := twiddle[2*k], twiddle[2*k+1]
		turnedRe := product(c, oddRe) + product(s, oddIm)
		turnedIm := product(c, oddIm) - product(s, oddRe)
		putReal(y, 2*j, evenRe-turnedIm)
		putReal(y, 2*j+1, -(evenIm + turnedRe))
		putReal(y, 2*k, evenRe+turnedIm)
		putReal(y, 2*k+1, evenIm-turnedRe)
	}
}

// planComplexPart takes the real or the imaginary part of complex numbers, or the magnitude.
func planComplexPart(o *operator) (*Kernel, error) {
	x, n := o.operand(0), o.in(0).Elems()
	if o.op.Kind == graph.ComplexAbs {
		return one("magnitude", func(in, out [][]byte) {
			for i := range n {
				putReal(out[0], i, magnitude(float(x.of(in), 2*i), float(x.of(in), 2*i+1)))
			}
		}, args(Output(0), x.arg(), Integer(n))...), nil
	}
	which := 0
	if o.op.Kind == graph.Imag {
		which = 1
	}
	return one("complex_part", func(in, out [][]byte) {
		for i := range n {
			putReal(out[0], i, float(x.of(in), 2*i+which))
		}
	}, args(Output(0), x.arg(), ints(n, which))...), nil
}

// magnitude is the nearest number to the root of the sum of two squares, by whole numbers.
func magnitude(re, im float32) float32 {
	inf := math.Inf(1)
	if math.Abs(float64(re)) == inf || math.Abs(float64(im)) == inf {
		return float32(inf)
	}
	if re != re || im != im {
		return float32(math.NaN())
	}
	m, e := parts(re)
	l, f := parts(im)
	if m == 0 || l != 0 && f > e {
		m, e, l, f = l, f, m, e
	}
	if m == 0 {
		return 0
	}
	// Squares of 48 bits, the larger one under two zeros, so that the root of the sum has its
	// uppermost bits in the first 64; what falls off the smaller one only tells a tie.
	sum := wide{lo: uint64(m) * uint64(m)}.left(78)
	least := wide{lo: uint64(l) * uint64(l)}.left(78)
	gap, lost := min(2*(e-f), 127), false
	if l == 0 {
		gap = 0
	}
	lost = least.right(gap).left(gap) != least
	sum = sum.plus(least.right(gap))
	r, rest := wide{}, sum
	for n := range 64 {
		b := wide{hi: 1 << 62}.right(2 * n)
		trial := r.plus(b)
		r = r.right(1)
		if rest.hi > trial.hi || rest.hi == trial.hi && rest.lo >= trial.lo {
			rest, r = rest.minus(trial), r.plus(b)
		}
	}
	root := wide{hi: r.lo} // 64 bits of sum = m^2 * 2^78 are m * 2^39
	if lost || rest != (wide{}) {
		root.lo = 1
	}
	return root.real(false, e+24)
}
