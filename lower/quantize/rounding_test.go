// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func rounded(m *Moments, w []float32, scale float32, top float64) []int8 {
	raw := make([]byte, len(w))
	newRounder(m, 0).round(raw, w, scale, top)
	out := make([]int8, len(w))
	for i, b := range raw {
		out[i] = int8(b)
	}
	return out
}

func TestRounding(t *testing.T) {
	apart := &Moments{Mean: make([]float64, 3), Covariance: []float64{1, 0, 0, 0, 2, 0, 0, 0, 3}}
	together := &Moments{Mean: make([]float64, 3), Covariance: []float64{1, 0, 0, 1, 1, 0, 1, 1, 1}}
	against := &Moments{Mean: make([]float64, 2), Covariance: []float64{1, 0, -1, 1}}
	silent := &Moments{Mean: make([]float64, 2), Covariance: make([]float64, 4)}
	for _, c := range []struct {
		name string
		m    *Moments
		w    []float32
		top  float64
		want []int8
	}{
		{"inputs apart", apart, []float32{.4, -.6, 1.2}, 127, []int8{0, -1, 1}},
		{"inputs together", together, []float32{.4, .4, .4}, 127, []int8{0, 1, 0}},
		{"inputs against each other", against, []float32{.4, .4}, 127, []int8{0, 0}},
		{"against, errors add up", against, []float32{.4, -.4}, 127, []int8{0, -1}},
		{"no input at all", silent, []float32{.4, .6}, 127, []int8{0, 1}},
		{"clamped", together, []float32{3, 3, -1}, 2, []int8{2, 2, 1}},
	} {
		if got := rounded(c.m, c.w, 1, c.top); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
	}
}

// On inputs that move together the error of the sum varies far less than with
// rounding to nearest.
func TestRoundingReducesVariance(t *testing.T) {
	const n, hidden = 24, 4
	r := rand.New(rand.NewPCG(3, 4))
	mix := make([]float64, n*hidden)
	for i := range mix {
		mix[i] = r.NormFloat64()
	}
	m := &Moments{Mean: make([]float64, n), Covariance: make([]float64, n*n)}
	for i := range n {
		for j := range i + 1 {
			for k := range hidden {
				m.Covariance[i*n+j] += mix[i*hidden+k] * mix[j*hidden+k]
			}
		}
	}
	variance := func(e []float64) float64 {
		sum := 0.0
		for i := range n {
			for j := range n {
				sum += e[i] * e[j] * m.Covariance[max(i, j)*n+min(i, j)]
			}
		}
		return sum
	}
	flat := &Moments{Mean: m.Mean, Covariance: make([]float64, n*n)}
	var guided, nearest float64
	for range 50 {
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(20 * r.NormFloat64())
		}
		e := func(q []int8) []float64 {
			out := make([]float64, n)
			for i := range out {
				out[i] = float64(q[i]) - float64(w[i])
			}
			return out
		}
		guided += variance(e(rounded(m, w, 1, 127)))
		nearest += variance(e(rounded(flat, w, 1, 127)))
	}
	if guided > nearest/3 {
		t.Errorf("variance %.3g, to nearest %.3g: expected a third at most", guided, nearest)
	}
}
