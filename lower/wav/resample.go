// SPDX-License-Identifier: Apache-2.0

package wav

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/budget"
)

// Resampling is a sum of sincs under a Kaiser window. With crossings zero crossings to
// each side and this beta, what folds back lies 80 dB below, at nine tenths of the lower
// Nyquist frequency as cutoff.
const (
	crossings = 32
	beta      = 8.0
	cutoff    = 0.9
)

// Resample returns the sound at another rate. The new samples are those of the
// band-limited signal at the times i/rate; there are as many as begin within the old
// sound. The same rate returns the sound itself. A rate beyond what files may have, or one
// for which memory does not suffice, is an error.
func (s *Sound) Resample(rate int) (*Sound, error) {
	if rate < 1 || rate > maxRate {
		return nil, fmt.Errorf("resampled to %d samples a second: expected 1 to %d", rate, maxRate)
	}
	if rate == s.Rate || len(s.Samples) == 0 {
		return &Sound{Rate: rate, Samples: s.Samples}, nil
	}
	n := (int64(len(s.Samples))*int64(rate) + int64(s.Rate) - 1) / int64(s.Rate)
	k := newKernel(s.Rate, rate)
	what := fmt.Sprintf("bringing %d samples of %d a second to %d a second", len(s.Samples), s.Rate, rate)
	if err := budget.Ask(what, 4*n+8*int64(k.width()+maxKept)); err != nil {
		return nil, err
	}
	out := &Sound{Rate: rate, Samples: make([]float32, n)}
	for i := range out.Samples {
		// Whole part and rest of the place in old samples, exactly.
		num := int64(i) * int64(s.Rate)
		whole, rest := int(num/int64(rate)), int(num%int64(rate))
		sum, taps := 0.0, k.taps(rest)
		first, last := max(whole-k.reach, 0), min(whole+k.reach+1, len(s.Samples)-1)
		for j := first; j <= last; j++ {
			sum += float64(float64(s.Samples[j]) * taps[j-whole+k.reach])
		}
		out.Samples[i] = float32(sum)
	}
	return out, nil
}

// kernel has the weights of old samples around a new one. They depend on where between two
// old ones that lies, and where few places occur each is computed once.
type kernel struct {
	rate  int
	reach int     // old samples to each side
	band  float64 // frequency of the sinc, in halves of the old rate
	known map[int][]float64
	kept  int // weights in known
}

func newKernel(from, to int) *kernel {
	band := cutoff * math.Min(1, float64(to)/float64(from))
	return &kernel{rate: to, reach: int(crossings / band), band: band, known: map[int][]float64{}}
}

// maxKept bounds the weights that are kept, of all places together.
const maxKept = 1 << 20

// width is the number of weights of a place.
func (k *kernel) width() int { return 2*k.reach + 2 }

// taps returns the weights of old samples -reach … reach+1, counted from the last one
// before the place rest/rate.
func (k *kernel) taps(rest int) []float64 {
	if w := k.known[rest]; w != nil {
		return w
	}
	w := make([]float64, k.width())
	wide, norm := crossings/k.band, bessel(beta)
	for i := range w {
		d := float64(k.reach-i) + float64(rest)/float64(k.rate)
		if r := d / wide; r*r < 1 {
			w[i] = k.band * sinc(k.band*d) * bessel(beta*math.Sqrt(1-float64(r*r))) / norm
		}
	}
	if k.kept+len(w) <= maxKept {
		k.known[rest], k.kept = w, k.kept+len(w)
	}
	return w
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term = float64(term * float64((x/(2*k))*(x/(2*k))))
		sum += term
	}
	return sum
}
