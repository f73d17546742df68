// SPDX-License-Identifier: Apache-2.0

package audio

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// wishes are parameters of every kind.
var wishes = []struct {
	text string
	rate int
}{
	{"", 8000},
	{"mfcc", 16000},
	{"logmel,frame=25ms,hop=10ms,bands=40,scale=slaney,low=0,pre-emphasis=0", 16000},
	{"logmel,frame=30ms,hop=20ms,bands=16,window=hamming,floor=1e-10,norm=area", 8000},
	{"mfcc,frame=512,hop=160,fft=1024,bands=26,coefficients=26,window=rectangular,scale=slaney,norm=none", 22050},
	{"logmel,frame=20,hop=7,fft=32,bands=3,low=100,high=3000", 8000},
	{"mfcc,frame=33,hop=33,fft=64,bands=4,coefficients=1", 11025},
	{"logmel,frame=1024,hop=1,bands=64,low=20", 48000},
}

func parameters(t testing.TB, text string, rate int) *Parameters {
	t.Helper()
	w, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.At(rate)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sounds are seeded signals: noise, a chirp, a loud tone between bins, silence with a click.
func sounds(rate, n int) map[string][]float32 {
	r := rand.New(rand.NewPCG(7, 1))
	all := map[string][]float32{"noise": nil, "chirp": nil, "tone": nil, "click": nil}
	for i := range n {
		x := float64(i) / float64(rate)
		all["noise"] = append(all["noise"], float32(0.3*r.NormFloat64()))
		all["chirp"] = append(all["chirp"], float32(0.8*math.Sin(2*math.Pi*(100*x+20000*x*x))))
		all["tone"] = append(all["tone"], float32(0.99*math.Sin(2*math.Pi*0.0731*float64(i))))
		click := float32(0)
		if i == n/3 {
			click = 1
		}
		all["click"] = append(all["click"], click)
	}
	return all
}

// byDefinition computes one row in float64 from the formulas alone: discrete Fourier
// transform, triangles over the mel axis, logarithm, cosine transform.
//
// resolution is what float32 can resolve of each: its unit, 6e-8, twice, of the amplitude
// of the loudest bin, seen from the amplitude of the band.
func byDefinition(p *Parameters, x []float32, row int) (out, resolution []float64) {
	frame := make([]float64, p.Frame)
	for i := range frame {
		at := row*p.Hop + i
		v := float64(x[at])
		if at > 0 {
			v -= float64(p.PreEmphasis) * float64(x[at-1])
		}
		phase := 2 * math.Pi * float64(i) / float64(p.Frame)
		switch p.Window {
		case "hann":
			v *= math.Pow(math.Sin(phase/2), 2)
		case "hamming":
			v *= 0.54 - 0.46*math.Cos(phase)
		}
		frame[i] = v
	}
	toMel := func(f float64) float64 { return 2595 * math.Log10(1+f/700) }
	if p.Scale == "slaney" {
		toMel = func(f float64) float64 {
			if f <= 1000 {
				return f / (200.0 / 3)
			}
			return 15 + math.Log(f/1000)*27/math.Log(6.4)
		}
	}
	toHertz := func(m float64) float64 { // by bisection: the scales rise
		lo, hi := 0.0, 1e6
		for range 200 {
			if mid := (lo + hi) / 2; toMel(mid) < m {
				lo = mid
			} else {
				hi = mid
			}
		}
		return (lo + hi) / 2
	}
	energy, loudest := make([]float64, p.FFT/2+1), 0.0
	for k := range energy {
		re, im := 0.0, 0.0
		for i, v := range frame {
			s, c := math.Sincos(-2 * math.Pi * float64(k*i%p.FFT) / float64(p.FFT))
			re, im = re+v*c, im+v*s
		}
		energy[k] = re*re + im*im
		loudest = math.Max(loudest, energy[k])
	}
	logs, blur := make([]float64, p.Bands), make([]float64, p.Bands)
	step := (toMel(p.High) - toMel(p.Low)) / float64(p.Bands+1)
	for b := range logs {
		a, m, z := toHertz(toMel(p.Low)+float64(b)*step), toHertz(toMel(p.Low)+float64(b+1)*step), toHertz(toMel(p.Low)+float64(b+2)*step)
		sum := 0.0
		for k, e := range energy {
			f := float64(k) * float64(p.Rate) / float64(p.FFT)
			switch {
			case f > a && f <= m:
				sum += e * (f - a) / (m - a)
			case f > m && f < z:
				sum += e * (z - f) / (z - m)
			}
		}
		height := 1.0
		if p.Norm == "area" {
			height = 2 / (z - a)
		}
		sum *= height
		blur[b] = 2 * 1.2e-7 * math.Sqrt(height*loudest/math.Max(sum, float64(p.Floor)))
		logs[b] = math.Log(math.Max(sum, float64(p.Floor)))
	}
	if p.Kind == "logmel" {
		return logs, blur
	}
	out, resolution = make([]float64, p.Coefficients), make([]float64, p.Coefficients)
	for c := range out {
		for b, v := range logs {
			resolution[c] += blur[b]
			out[c] += v * math.Cos(math.Pi*float64(c)*(float64(b)+0.5)/float64(p.Bands))
		}
		if out[c] *= math.Sqrt(2 / float64(p.Bands)); c == 0 {
			out[c] /= math.Sqrt2
		}
		resolution[c] *= math.Sqrt(2 / float64(p.Bands))
	}
	return out, resolution
}

func TestFeaturesAreTheirDefinition(t *testing.T) {
	for _, w := range wishes {
		p := parameters(t, w.text, w.rate)
		n := p.Frame + 3*p.Hop
		for name, x := range sounds(p.Rate, n) {
			got := NewExtractor(p).Features(x)
			if len(got) != 4*p.Features() {
				t.Fatalf("%v: %d values of %d samples, expected 4 rows of %d", p, len(got), n, p.Features())
			}
			for row := range 4 {
				want, resolution := byDefinition(p, x, row)
				if name == "noise" || name == "click" {
					clear(resolution) // no band is far quieter than another
				}
				most := 0.0
				for _, v := range want {
					most = math.Max(most, math.Abs(v))
				}
				for j, v := range want {
					if d := math.Abs(float64(got[row*len(want)+j]) - v); !(d <= 1e-5*most+resolution[j]) {
						t.Fatalf("%v, %s, row %d, feature %d: %v, expected %v: off by %.2g of %.3g", p, name, row, j, got[row*len(want)+j], v, d, most)
					}
				}
			}
		}
	}
}

// Samples in pieces of any size give what they give in one.
func TestPushInPieces(t *testing.T) {
	for _, w := range wishes[:6] {
		p := parameters(t, w.text, w.rate)
		x := sounds(p.Rate, p.Frame+9*p.Hop+p.Hop/2)["noise"]
		e := NewExtractor(p)
		want := e.Features(x)
		e.Reset()
		var got []float32
		row := make([]float32, p.Features())
		r := rand.New(rand.NewPCG(3, 4))
		for len(x) > 0 {
			piece := x[:min(len(x), r.IntN(2*p.Frame))]
			used, complete := e.Push(piece, row)
			if complete {
				got = append(got, row...)
			}
			x = x[used:]
		}
		if len(got) != len(want) {
			t.Fatalf("%v: %d values in pieces, %d in one", p, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%v: value %d is %v in pieces, %v in one", p, i, got[i], want[i])
			}
		}
	}
}

func TestLogarithm(t *testing.T) {
	worst := 0.0
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000000 {
		x := math.Float32frombits(0x00800000 + r.Uint32N(0x7f800000-0x00800000))
		want := math.Log(float64(x))
		if d := math.Abs(float64(logarithm(x))-want) / math.Max(math.Abs(want), 1e-3); d > worst {
			worst = d
		}
	}
	if worst > 3e-7 {
		t.Errorf("the logarithm is off by %.2g of itself", worst)
	}
	if logarithm(1) != 0 {
		t.Errorf("log 1 is %v", logarithm(1))
	}
}

// The bits are the same on every machine: other processors would show here.
func TestBits(t *testing.T) {
	p := parameters(t, "mfcc", 8000)
	x := make([]float32, p.Frame+p.Hop)
	state := uint32(1)
	for i := range x {
		state = state*1664525 + 1013904223
		x[i] = float32(int32(state)>>16) / 32768
	}
	sum := uint32(0)
	for _, v := range NewExtractor(p).Features(x) {
		sum = sum*31 + math.Float32bits(v)
	}
	if sum != 0x3978de2a {
		t.Errorf("features have the checksum %#x", sum)
	}
}

func TestWishes(t *testing.T) {
	for _, w := range wishes {
		p := parameters(t, w.text, w.rate)
		again := parameters(t, p.String(), w.rate)
		if *p != *again {
			t.Errorf("%v read again is %v", p, again)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var q Parameters
		if err := json.Unmarshal(b, &q); err != nil || q != *p {
			t.Errorf("%s is %v, expected %v (%v)", b, q, p, err)
		}
	}
	for text, want := range map[string]string{
		"plp":                           `"plp"`,
		"logmel,frames=3":               `"frames" is no setting`,
		"logmel,frame":                  `"frame" is no setting`,
		"logmel,hop=1,hop=2":            "twice",
		"logmel,frame=x":                "no number",
		"logmel,frame=1.5":              "no whole number",
		"logmel,frame=-3ms":             "no time",
		"logmel,coefficients=3":         "coefficients are of mfcc",
		"logmel,rate=16000":             "--resample 16000",
		"logmel,frame=1":                "frames of 1 samples",
		"logmel,frame=10000":            "frames of 10000 samples",
		"logmel,hop=257":                "never heard",
		"logmel,fft=300":                "power of 2",
		"logmel,fft=128":                "at least the frame",
		"logmel,window=kaiser":          `window "kaiser"`,
		"logmel,pre-emphasis=2":         "pre-emphasis of 2",
		"logmel,scale=bark":             `mel scale "bark"`,
		"logmel,norm=energy":            `mel norm "energy"`,
		"logmel,bands=0":                "0 bands",
		"logmel,bands=200":              "ask for fewer bands",
		"logmel,low=5000":               "bands from 5000",
		"logmel,high=4001":              "at most half",
		"logmel,floor=0":                "floor of 0",
		"mfcc,coefficients=0":           "0 coefficients",
		"mfcc,bands=10,coefficients=11": "11 coefficients of 10 bands",
	} {
		w, err := Parse(text)
		if err == nil {
			_, err = w.At(8000)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected one with %q", text, err, want)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	p := parameters(b, "", 16000)
	x := sounds(p.Rate, p.Rate)["noise"]
	e := NewExtractor(p)
	for b.Loop() {
		e.Features(x)
	}
}
