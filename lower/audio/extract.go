// SPDX-License-Identifier: Apache-2.0

package audio

import (
	"math"
	"math/bits"
)

// Extractor makes features of a stream of samples. It is not safe for concurrent use.
type Extractor struct {
	p *Parameters
	t *Tables

	samples  []float32 // [Frame], emphasised; the first filled of them are there
	filled   int
	last     float32   // the sample before, as it came
	spectrum []float32 // [FFT]
	bands    []float32 // [Bands]
}

// NewExtractor makes an extractor; the parameters must be checked.
func NewExtractor(p *Parameters) *Extractor {
	return &Extractor{p: p, t: p.Tables(), samples: make([]float32, p.Frame), spectrum: make([]float32, p.FFT), bands: make([]float32, p.Bands)}
}

// Reset forgets the stream.
func (e *Extractor) Reset() { e.filled, e.last = 0, 0 }

// Push takes samples, between -1 and 1, until a row of features is complete or all are
// taken. It returns how many it took, and whether row, of Features values, was written.
func (e *Extractor) Push(samples []float32, row []float32) (used int, complete bool) {
	for i, x := range samples {
		e.samples[e.filled] = x - float32(e.p.PreEmphasis*e.last)
		e.last = x
		if e.filled++; e.filled == e.p.Frame {
			e.row(row)
			copy(e.samples, e.samples[e.p.Hop:])
			e.filled -= e.p.Hop
			return i + 1, true
		}
	}
	return len(samples), false
}

// Features returns the rows of a whole recording, [Rows][Features].
func (e *Extractor) Features(samples []float32) []float32 {
	e.Reset()
	width := e.p.Features()
	out := make([]float32, e.p.Rows(len(samples))*width)
	for rest := out; len(rest) > 0; rest = rest[width:] {
		used, _ := e.Push(samples, rest[:width])
		samples = samples[used:]
	}
	return out
}

// row makes the features of the frame.
func (e *Extractor) row(out []float32) {
	e.transform()
	e.powers()
	at := 0
	for b := range e.bands {
		sum := float32(0)
		for i, first := 0, e.t.First[b]; i < e.t.Count[b]; i++ {
			sum += float32(e.t.Weights[at] * e.power(first+i))
			at++
		}
		e.bands[b] = logarithm(max(sum, e.p.Floor))
	}
	if e.p.Kind == LogMel {
		copy(out, e.bands)
		return
	}
	for c := range e.p.Coefficients {
		sum := float32(0)
		for b, v := range e.bands {
			sum += float32(e.t.Cosine[c*len(e.bands)+b] * v)
		}
		out[c] = sum
	}
}

// transform puts the windowed frame into the spectrum, its even and odd samples as real
// and imaginary parts of half as many complex values, and transforms these in place:
// decimation in time, radix 2.
func (e *Extractor) transform() {
	z, m := e.spectrum, e.p.FFT/2
	shift := 32 - bits.Len(uint(m-1))
	clear(z)
	for i, w := range e.t.Window {
		to := int(bits.Reverse32(uint32(i/2)) >> shift)
		z[2*to+i%2] = float32(w * e.samples[i])
	}
	for half := 1; half < m; half *= 2 {
		stride := m / half // in the table, which is for twice the length
		for k := range half {
			c, s := e.t.Twiddle[2*k*stride], e.t.Twiddle[2*k*stride+1]
			for a := 2 * k; a < 2*m; a += 4 * half {
				b := a + 2*half
				re := float32(z[b]*c) - float32(z[b+1]*s)
				im := float32(z[b]*s) + float32(z[b+1]*c)
				z[b], z[b+1] = z[a]-re, z[a+1]-im
				z[a], z[a+1] = z[a]+re, z[a+1]+im
			}
		}
	}
}

// powers takes the transform of real samples out of that of the packed ones and leaves
// the squared magnitude of bin k at 2k, that of the last bin at 1.
func (e *Extractor) powers() {
	z, m := e.spectrum, e.p.FFT/2
	re, im := z[0], z[1]
	sum, difference := re+im, re-im
	z[0], z[1] = float32(sum*sum), float32(difference*difference)
	for k := 1; k <= m/2; k++ {
		a, b := 2*k, 2*(m-k)
		// The spectra of even and odd samples, twice as large.
		evenRe, evenIm := z[a]+z[b], z[a+1]-z[b+1]
		oddRe, oddIm := z[a+1]+z[b+1], z[b]-z[a]
		c, s := e.t.Twiddle[2*k], e.t.Twiddle[2*k+1]
		turnedRe := float32(oddRe*c) - float32(oddIm*s)
		turnedIm := float32(oddRe*s) + float32(oddIm*c)
		plusRe, plusIm := evenRe+turnedRe, evenIm+turnedIm
		minusRe, minusIm := evenRe-turnedRe, evenIm-turnedIm
		z[b] = 0.25 * (float32(minusRe*minusRe) + float32(minusIm*minusIm))
		z[a] = 0.25 * (float32(plusRe*plusRe) + float32(plusIm*plusIm))
	}
}

func (e *Extractor) power(bin int) float32 {
	if bin == e.p.FFT/2 {
		return e.spectrum[1]
	}
	return e.spectrum[2*bin]
}

// logarithm is the natural logarithm of a normal number above 0, to a unit or two in the
// last place. Libraries differ in last bits; this is the same everywhere, and its twin in
// the generated C.
func logarithm(x float32) float32 {
	const (
		mantissa = 1<<23 - 1
		rootHalf = 0x3f3504f3 // bits of the square root of 1/2
	)
	b := math.Float32bits(x) - rootHalf
	exponent := float32(int32(b) >> 23)
	m := math.Float32frombits(b&mantissa + rootHalf) // between the roots of 1/2 and of 2
	s := (m - 1) / (m + 1)
	q := float32(s * s)
	// log m = 2 artanh s, a series in odd powers of s, of which s² is at most 0.03.
	r := float32(q*0.22222222) + 0.2857143
	r = float32(q*r) + 0.4
	r = float32(q*r) + 0.6666667
	r = float32(q * r)
	return float32(exponent*0.6931472) + (float32(s*r) + float32(2*s))
}
