// SPDX-License-Identifier: Apache-2.0

package audio

import (
	"fmt"
	"math"
)

// Tables are the constants of the arithmetic, computed in float64 and rounded once.
type Tables struct {
	Window []float32 // [Frame]

	// Twiddle has cos and -sin of 2πk/FFT for k < FFT/2, in pairs.
	Twiddle []float32

	// Filters are the mel bands: Weights of Count bins from First, one after the other.
	First, Count []int
	Weights      []float32

	// Cosine is the orthonormal cosine transform of MFCC, [Coefficients][Bands]; else nil.
	Cosine []float32
}

// mel returns frequency f, in Hz, on a scale.
func mel(scale string, f float64) float64 {
	if scale == HTK {
		return 2595 * math.Log10(1+f/700)
	}
	if f < 1000 {
		return f * 3 / 200
	}
	return 15 + 27*math.Log(f/1000)/math.Log(6.4)
}

// hertz is the inverse of mel.
func hertz(scale string, m float64) float64 {
	if scale == HTK {
		return 700 * (math.Pow(10, m/2595) - 1)
	}
	if m < 15 {
		return m * 200 / 3
	}
	return 1000 * math.Pow(6.4, (m-15)/27)
}

// edges returns the frequencies, in Hz, that bands begin, peak and end at: band b from
// edge b to edge b+2. They are evenly spaced on the scale.
func (p *Parameters) edges() []float64 {
	low, high := mel(p.Scale, p.Low), mel(p.Scale, p.High)
	e := make([]float64, p.Bands+2)
	for i := range e {
		e[i] = hertz(p.Scale, low+float64((high-low)*float64(i))/float64(p.Bands+1))
	}
	return e
}

// filter returns the first bin and the weights of band b. Bin k of the transform is at
// k·Rate/FFT Hz; weights rise from edge b to edge b+1 and fall to edge b+2.
func (p *Parameters) filter(e []float64, b int) (first int, weights []float32) {
	height := 1.0
	if p.Norm == NormArea {
		height = 2 / (e[b+2] - e[b])
	}
	for k := 0; k <= p.FFT/2; k++ {
		f := float64(k) * float64(p.Rate) / float64(p.FFT)
		w := math.Min((f-e[b])/(e[b+1]-e[b]), (e[b+2]-f)/(e[b+2]-e[b+1]))
		if w <= 0 {
			continue
		}
		if weights == nil {
			first = k
		}
		weights = append(weights, float32(height*w))
	}
	return first, weights
}

// checkBands refuses bands so narrow that no bin of the transform is in them.
func (p *Parameters) checkBands() error {
	e := p.edges()
	for b := range p.Bands {
		if _, w := p.filter(e, b); w == nil {
			return fmt.Errorf("features: band %d, from %.1f to %.1f Hz, lies between two frequencies of a transform of %d (%.1f Hz apart): ask for fewer bands than %d, a longer transform (fft=), or a higher lower edge (low=)",
				b, e[b], e[b+2], p.FFT, float64(p.Rate)/float64(p.FFT), p.Bands)
		}
	}
	return nil
}

// Tables computes the constants. The parameters must be checked.
func (p *Parameters) Tables() *Tables {
	t := &Tables{Window: make([]float32, p.Frame), Twiddle: make([]float32, p.FFT)}
	for i := range t.Window {
		c := math.Cos(2 * math.Pi * float64(i) / float64(p.Frame))
		switch p.Window {
		case Hann:
			t.Window[i] = float32(0.5 - float64(0.5*c))
		case Hamming:
			t.Window[i] = float32(0.54 - float64(0.46*c))
		default:
			t.Window[i] = 1
		}
	}
	for k := range p.FFT / 2 {
		s, c := math.Sincos(2 * math.Pi * float64(k) / float64(p.FFT))
		t.Twiddle[2*k], t.Twiddle[2*k+1] = float32(c), float32(-s)
	}
	e := p.edges()
	for b := range p.Bands {
		first, weights := p.filter(e, b)
		t.First, t.Count, t.Weights = append(t.First, first), append(t.Count, len(weights)), append(t.Weights, weights...)
	}
	for c := range p.Coefficients {
		norm := math.Sqrt(2 / float64(p.Bands))
		if c == 0 {
			norm = math.Sqrt(1 / float64(p.Bands))
		}
		for b := range p.Bands {
			t.Cosine = append(t.Cosine, float32(norm*math.Cos(math.Pi*float64(c)*(float64(b)+0.5)/float64(p.Bands))))
		}
	}
	return t
}
