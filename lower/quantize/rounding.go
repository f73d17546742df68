// SPDX-License-Identifier: Apache-2.0

package quantize

import "math"

// Moments are the mean of the inputs of a matrix product and their covariance,
// n by n in row-major order, of which the part right of the diagonal is not used.
type Moments struct {
	Mean, Covariance []float64
}

// A rounder rounds the weights of one output after the other so that the sum of
// their errors, each times its input, varies least: the error of a weight is made
// good by those that follow, as far as inputs move together. With the covariance
// H = V V', V upper triangular, the variance is |e'V|², whose columns are made small
// from the first to the last (Babai's nearest plane; for networks known as GPTQ,
// Frantar et al. 2022).
type rounder struct {
	n    int
	v    []float64 // V transposed: row j has column j of V up to the diagonal
	errs []float64
}

// damping of the covariance, as a part of the mean variance of an input: what
// calibration has seen moving together may not always do so.
const damping = 0.01

// newRounder prepares for inputs with the given moments and the noise of their own
// rounding, a variance.
func newRounder(m *Moments, noise float64) *rounder {
	n := len(m.Mean)
	r := &rounder{n: n, v: append([]float64(nil), m.Covariance...), errs: make([]float64, n)}
	mean := 0.0
	for i := range n {
		mean += r.v[i*n+i]
	}
	add := noise + float64(damping*mean/float64(n))
	if add == 0 {
		add = 1
	}
	for i := range n {
		r.v[i*n+i] += add
	}
	for j := n - 1; j >= 0; j-- {
		row := r.v[j*n:][:j+1]
		d := math.Sqrt(math.Max(row[j], add)) // smaller is a rounding error
		for i := range row {
			row[i] /= d
		}
		row[j] = d
		for i := range j {
			a, dst := row[i], r.v[i*n:][:i+1]
			if a == 0 {
				continue
			}
			for k, b := range row[:i+1] {
				dst[k] -= float64(a * b)
			}
		}
	}
	return r
}

// round writes the integers of the weights of one output, at most top in
// magnitude.
func (r *rounder) round(dst []byte, w []float32, scale float32, top float64) {
	for j, x := range w {
		row, carried := r.v[j*r.n:][:j+1], 0.0
		for i, e := range r.errs[:j] {
			carried += float64(e * row[i])
		}
		q := math.Round((float64(x) + carried/row[j]) / float64(scale))
		q = min(max(q, -top), top)
		dst[j] = byte(int8(q))
		r.errs[j] = float64(x) - float64(q*float64(scale))
	}
}
