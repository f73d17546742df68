// SPDX-License-Identifier: Apache-2.0

package audio

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Kinds of features.
const (
	LogMel = "logmel" // natural logarithm of the energy in mel bands
	MFCC   = "mfcc"   // cepstral coefficients: a cosine transform of the former
)

// Windows, periodic ones: frame samples are a whole period.
const (
	Hann        = "hann"
	Hamming     = "hamming"
	Rectangular = "rectangular"
)

// Mel scales.
const (
	HTK    = "htk"    // 2595 log10(1 + f/700)
	Slaney = "slaney" // linear up to 1 kHz, 15 mels there; then 27 mels for a factor of 6.4
)

// Weights of mel bands.
const (
	NormNone = "none" // triangles of height 1
	NormArea = "area" // triangles of area 1 over frequency in Hz, as Slaney's
)

// Parameters say how samples become features. They travel with a network: what it was
// trained on is what it is given.
type Parameters struct {
	Kind         string  `json:"kind"`
	Rate         int     `json:"rate"`                   // samples a second
	Frame        int     `json:"frame"`                  // samples that a row of features is made of
	Hop          int     `json:"hop"`                    // samples from row to row
	FFT          int     `json:"fft"`                    // length of the transform, a power of 2, at least Frame; zeros fill it
	Window       string  `json:"window"`                 // over the frame
	PreEmphasis  float32 `json:"pre_emphasis,omitempty"` // a in x[i] - a x[i-1], over the whole stream, x[-1] = 0
	Bands        int     `json:"bands"`                  // mel bands
	Scale        string  `json:"mel_scale"`
	Norm         string  `json:"mel_norm"`
	Low          float64 `json:"low"`                    // Hz, lower edge of the first band
	High         float64 `json:"high"`                   // Hz, upper edge of the last band
	Floor        float32 `json:"floor"`                  // least energy of a band, of samples between -1 and 1
	Coefficients int     `json:"coefficients,omitempty"` // MFCC: how many, from the 0th
}

// Bounds of parameters.
const (
	maxFrame = 4096 // as CMSIS-DSP's transforms of real values
	minFFT   = 32
	maxBands = 256
)

// Features returns the width of a row.
func (p *Parameters) Features() int {
	if p.Kind == MFCC {
		return p.Coefficients
	}
	return p.Bands
}

// Rows returns how many rows a number of samples gives.
func (p *Parameters) Rows(samples int) int {
	if samples < p.Frame {
		return 0
	}
	return 1 + (samples-p.Frame)/p.Hop
}

// String returns the parameters as Parse takes them.
func (p *Parameters) String() string {
	s := fmt.Sprintf("%s,rate=%d,frame=%d,hop=%d,fft=%d,window=%s,pre-emphasis=%v,bands=%d,scale=%s,norm=%s,low=%v,high=%v,floor=%v",
		p.Kind, p.Rate, p.Frame, p.Hop, p.FFT, p.Window, p.PreEmphasis, p.Bands, p.Scale, p.Norm, p.Low, p.High, p.Floor)
	if p.Kind == MFCC {
		s += fmt.Sprintf(",coefficients=%d", p.Coefficients)
	}
	return s
}

// Wish is what a user says of the features before the rate of the recordings is known.
type Wish struct {
	kind   string
	values map[string]string
}

// Settings lists the names that a wish may set, for help texts.
const Settings = "frame, hop (samples, or as 25ms), fft, window (hann, hamming, rectangular), pre-emphasis, bands, scale (htk, slaney), norm (none, area), low, high (Hz), floor, coefficients"

var known = []string{"rate", "frame", "hop", "fft", "window", "pre-emphasis", "bands", "scale", "norm", "low", "high", "floor", "coefficients"}

// Parse reads a kind of features and settings: "mfcc,frame=30ms,hop=10ms,bands=40". The
// empty text is logmel with what is usual.
func Parse(text string) (*Wish, error) {
	parts := strings.Split(text, ",")
	w := &Wish{kind: strings.TrimSpace(parts[0]), values: map[string]string{}}
	switch w.kind {
	case "":
		w.kind = LogMel
	case LogMel, MFCC:
	default:
		return nil, fmt.Errorf("features %q: expected %s or %s, then settings such as frame=30ms", parts[0], LogMel, MFCC)
	}
	for _, p := range parts[1:] {
		k, v, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || v == "" {
			return nil, fmt.Errorf("%q is no setting of features: expected NAME=VALUE, of %s", p, Settings)
		}
		found := false
		for _, name := range known {
			found = found || name == k
		}
		if !found {
			return nil, fmt.Errorf("%q is no setting of features: expected %s", k, Settings)
		}
		if w.values[k] != "" {
			return nil, fmt.Errorf("setting %s of features is given twice", k)
		}
		w.values[k] = v
	}
	return w, nil
}

// At completes a wish for recordings of a sample rate: frames of 32 ms every 16 ms, the
// transform that holds a frame, 20 bands on the HTK scale from 60 Hz to half the rate, 13
// coefficients, a pre-emphasis of 0.97.
func (w *Wish) At(rate int) (*Parameters, error) {
	p := &Parameters{Kind: w.kind, Rate: rate, Window: Hann, Scale: HTK, PreEmphasis: 0.97, Bands: 20, Low: 60, High: float64(rate) / 2, Floor: 1e-6}
	var err error
	number := func(name string, usual float64) float64 {
		text := w.values[name]
		if text == "" {
			return usual
		}
		v, e := strconv.ParseFloat(text, 64)
		if (e != nil || math.IsNaN(v) || math.IsInf(v, 0)) && err == nil {
			err = fmt.Errorf("features: %s=%s is no number", name, text)
		}
		return v
	}
	whole := func(name string, usual int) int {
		v := number(name, float64(usual))
		if v != math.Trunc(v) || math.Abs(v) > 1<<30 {
			if err == nil {
				err = fmt.Errorf("features: %s=%s is no whole number", name, w.values[name])
			}
			return 0
		}
		return int(v)
	}
	samples := func(name string, usual int) int {
		text, inMS := strings.CutSuffix(w.values[name], "ms")
		if !inMS {
			return whole(name, usual)
		}
		v, e := strconv.ParseFloat(text, 64)
		if (e != nil || !(v > 0 && v < 1e6)) && err == nil {
			err = fmt.Errorf("features: %s=%s is no time", name, w.values[name])
		}
		return int(math.Round(float64(v*float64(rate)) / 1000))
	}
	if r := whole("rate", rate); r != rate && err == nil {
		return nil, fmt.Errorf("features are for %d samples a second, the recordings have %d: ask for that rate with --resample %d", r, rate, r)
	}
	p.Frame = samples("frame", rate*32/1000)
	p.Hop = samples("hop", max(p.Frame/2, 1))
	fft := minFFT
	if p.Frame > fft && p.Frame <= maxFrame {
		fft = 1 << bits.Len(uint(p.Frame-1))
	}
	p.FFT = whole("fft", fft)
	p.Bands = whole("bands", p.Bands)
	p.PreEmphasis, p.Floor = float32(number("pre-emphasis", 0.97)), float32(number("floor", 1e-6))
	p.Low, p.High = number("low", p.Low), number("high", p.High)
	for name, to := range map[string]*string{"window": &p.Window, "scale": &p.Scale} {
		if v := w.values[name]; v != "" {
			*to = v
		}
	}
	if p.Norm = w.values["norm"]; p.Norm == "" {
		p.Norm = NormNone
		if p.Scale == Slaney {
			p.Norm = NormArea
		}
	}
	if p.Kind == MFCC {
		p.Coefficients = whole("coefficients", min(13, p.Bands))
	} else if w.values["coefficients"] != "" {
		return nil, fmt.Errorf("features: coefficients are of %s; %s has as many features as bands", MFCC, LogMel)
	}
	if err != nil {
		return nil, err
	}
	return p, p.Check()
}

// Check reports parameters that mean nothing, by name.
func (p *Parameters) Check() error {
	bad := func(what string, args ...any) error {
		return fmt.Errorf("features: "+what, args...)
	}
	switch {
	case p.Kind != LogMel && p.Kind != MFCC:
		return bad("kind %q, expected %s or %s", p.Kind, LogMel, MFCC)
	case p.Rate < 1 || p.Rate > 1<<20:
		return bad("%d samples a second, expected 1 to %d", p.Rate, 1<<20)
	case p.Frame < 2 || p.Frame > maxFrame:
		return bad("frames of %d samples, expected 2 to %d", p.Frame, maxFrame)
	case p.Hop < 1 || p.Hop > p.Frame:
		return bad("a hop of %d samples with frames of %d: expected 1 to the frame's, or samples between frames are never heard", p.Hop, p.Frame)
	case p.FFT < minFFT || p.FFT > maxFrame || p.FFT&(p.FFT-1) != 0 || p.FFT < p.Frame:
		return bad("a transform of %d for frames of %d samples: expected a power of 2 from %d to %d, at least the frame", p.FFT, p.Frame, minFFT, maxFrame)
	case p.Window != Hann && p.Window != Hamming && p.Window != Rectangular:
		return bad("window %q, expected %s, %s or %s", p.Window, Hann, Hamming, Rectangular)
	case !(p.PreEmphasis >= 0 && p.PreEmphasis <= 1):
		return bad("a pre-emphasis of %v, expected 0 to 1", p.PreEmphasis)
	case p.Scale != HTK && p.Scale != Slaney:
		return bad("mel scale %q, expected %s or %s", p.Scale, HTK, Slaney)
	case p.Norm != NormNone && p.Norm != NormArea:
		return bad("mel norm %q, expected %s or %s", p.Norm, NormNone, NormArea)
	case p.Bands < 1 || p.Bands > maxBands:
		return bad("%d bands, expected 1 to %d", p.Bands, maxBands)
	case !(p.Low >= 0 && p.Low < p.High && p.High <= float64(p.Rate)/2):
		return bad("bands from %v to %v Hz, expected 0 to at most half of %d samples a second, the first below the second", p.Low, p.High, p.Rate)
	case !(p.Floor >= minFloor && p.Floor <= 1e6):
		return bad("a floor of %v, expected %v to 1e+06", p.Floor, minFloor)
	case p.Kind == MFCC && (p.Coefficients < 1 || p.Coefficients > p.Bands):
		return bad("%d coefficients of %d bands, expected 1 to as many", p.Coefficients, p.Bands)
	case p.Kind == LogMel && p.Coefficients != 0:
		return bad("%d coefficients, which %s does not have", p.Coefficients, LogMel)
	}
	return p.checkBands()
}

// minFloor keeps the argument of the logarithm a normal number.
const minFloor = 1e-30
