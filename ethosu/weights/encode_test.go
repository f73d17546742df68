// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func decodeEqual(t testing.TB, name string, stream []byte, err error, want []int16) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(stream)%16 != 0 {
		t.Fatalf("%s: %d bytes, want a multiple of 16", name, len(stream))
	}
	got, err := Decode(stream)
	if err != nil {
		t.Fatalf("%s: %v\n%x", name, err, stream)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: decodes to other weights\n got %v\nwant %v", name, got, want)
	}
}

// Every vector comes back from each encoder, and the search never loses to Vela.
func TestEncodeVectors(t *testing.T) {
	for _, c := range streamCases(t) {
		if len(c.Weights) == 0 {
			continue
		}
		stream, err := Encode(c.Weights)
		decodeEqual(t, c.Name, stream, err, c.Weights)
		plain, err := EncodePlain(c.Weights)
		decodeEqual(t, c.Name+" plain", plain, err, c.Weights)
		vela, err := EncodeVela(c.Weights)
		decodeEqual(t, c.Name+" vela", vela, err, c.Weights)
		if len(stream) > len(vela) || len(stream) > len(plain) {
			t.Errorf("%s: %d bytes, Vela %d, plain %d", c.Name, len(stream), len(vela), len(plain))
		}
	}
}

// distribution makes n weights of a named kind.
type distribution struct {
	name string
	make func(r *rand.Rand, n int) []int16
}

func clip(v float64, limit int) int16 {
	return int16(max(-float64(limit), min(float64(limit), math.Round(v))))
}

func gauss(sigma, zero float64) func(r *rand.Rand, n int) []int16 {
	return func(r *rand.Rand, n int) []int16 {
		out := make([]int16, n)
		for i := range out {
			if v := r.NormFloat64() * sigma; r.Float64() >= zero {
				out[i] = clip(v, 127)
			}
		}
		return out
	}
}

func distributions() []distribution {
	var d []distribution
	for _, sigma := range []float64{2, 5, 10, 20, 40} {
		d = append(d, distribution{fmt.Sprintf("gauss%g", sigma), gauss(sigma, 0)})
	}
	for _, zero := range []float64{0.5, 0.75, 0.9} {
		d = append(d, distribution{fmt.Sprintf("gauss20_zero%g", zero*100), gauss(20, zero)})
	}
	return append(d,
		distribution{"laplace10", func(r *rand.Rand, n int) []int16 {
			out := make([]int16, n)
			for i := range out {
				out[i] = clip(r.ExpFloat64()*10*float64(1-2*r.IntN(2)), 127)
			}
			return out
		}},
		distribution{"uniform", func(r *rand.Rand, n int) []int16 {
			out := make([]int16, n)
			for i := range out {
				out[i] = int16(r.IntN(255) - 127)
			}
			return out
		}},
		distribution{"clusters16", func(r *rand.Rand, n int) []int16 {
			out := make([]int16, n)
			for i := range out {
				out[i] = int16(r.IntN(16)*15 - 112)
			}
			return out
		}},
		distribution{"gauss8_30_alternating", func(r *rand.Rand, n int) []int16 {
			out := make([]int16, n)
			for i := range out {
				out[i] = clip(r.NormFloat64()*float64(8+22*(i/16384%2)), 127)
			}
			return out
		}})
}

// A gate matrix of a 256-unit GRU, by distribution. Bits per weight are pinned a
// little above the figures reached, so that a plan that stops working shows.
func TestEncodeSize(t *testing.T) {
	atMost := map[string]float64{
		"gauss2": 3.19, "gauss5": 4.54, "gauss10": 5.54, "gauss20": 6.53, "gauss40": 7.53,
		"gauss20_zero50": 4.20, "gauss20_zero75": 2.42, "gauss20_zero90": 1.12,
		"laplace10": 5.84, "uniform": 8.01, "clusters16": 4.01, "gauss8_30_alternating": 6.11,
	}
	const n = 256 * 768
	for _, d := range distributions() {
		w := d.make(rand.New(rand.NewPCG(1, 20)), n)
		stream, err := Encode(w)
		decodeEqual(t, d.name, stream, err, w)
		vela, err := EncodeVela(w)
		decodeEqual(t, d.name+" vela", vela, err, w)
		bpw := float64(len(stream)) * 8 / n
		t.Logf("%-22s %.3f bits per weight, Vela %.3f, ratio %.3f", d.name, bpw, float64(len(vela))*8/n, float64(len(stream))/float64(len(vela)))
		if bpw > atMost[d.name] {
			t.Errorf("%s: %.3f bits per weight, want at most %.2f", d.name, bpw, atMost[d.name])
		}
		if len(stream) > len(vela) {
			t.Errorf("%s: %d bytes, Vela needs %d", d.name, len(stream), len(vela))
		}
		if d.name == "gauss20" && float64(len(stream)) > 0.95*float64(len(vela)) {
			t.Errorf("%s: %d bytes, want at most 0.95 of Vela's %d", d.name, len(stream), len(vela))
		}
	}
}

// segments makes a list of stretches with different statistics over the whole
// range of weights.
func segments(r *rand.Rand, n int) []int16 {
	var out []int16
	for len(out) < n {
		limit := []int{3, 30, 127, MaxWeight}[r.IntN(4)]
		sigma := math.Exp(r.Float64() * 5.5)
		zero := max(0, r.Float64()*2-1)
		clusters := r.IntN(3) == 0
		k := 1 + r.IntN(40)
		for range 1 + r.IntN(n) {
			v := clip(r.NormFloat64()*sigma, limit)
			if clusters {
				v = clip(float64((r.IntN(k)-k/2)*2*limit/k), limit)
			}
			if r.Float64() < zero {
				v = 0
			}
			out = append(out, v)
		}
	}
	return out[:n]
}

func TestEncodeRandom(t *testing.T) {
	ours, velas := 0, 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := segments(r, 1+r.IntN(3000))
		name := fmt.Sprint("seed ", seed)
		stream, err := Encode(w)
		decodeEqual(t, name, stream, err, w)
		vela, err := EncodeVela(w)
		decodeEqual(t, name+" vela", vela, err, w)
		plain, err := EncodePlain(w)
		decodeEqual(t, name+" plain", plain, err, w)
		if len(stream) > len(vela) {
			t.Errorf("%s: %d bytes, Vela %d", name, len(stream), len(vela))
		}
		ours, velas = ours+len(stream), velas+len(vela)
	}
	t.Logf("%d bytes, Vela %d", ours, velas)
	if ours > velas*97/100 {
		t.Errorf("%d bytes in all, want at most 0.97 of Vela's %d", ours, velas)
	}
}

// size must predict what write does, or choices between plans are wrong.
func TestSize(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 9))
		w := segments(r, 1+r.IntN(1500))
		for _, s := range planSearch(w) {
			b := newBitWriter(0)
			s.write(b)
			if got, want := s.size(), b.length(); got != want {
				t.Fatalf("seed %d: size says %d bits, write wrote %d", seed, got, want)
			}
		}
	}
}

func TestEncodeRejects(t *testing.T) {
	for _, w := range [][]int16{nil, {0, 256}, {-256}, {math.MinInt16}, {math.MaxInt16}} {
		for name, f := range map[string]func([]int16) ([]byte, error){"Encode": Encode, "EncodeVela": EncodeVela, "EncodePlain": EncodePlain} {
			if b, err := f(w); err == nil || b != nil {
				t.Errorf("%s(%v) = %x, %v; want an error", name, w, b, err)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, d := range distributions() {
		w := d.make(rand.New(rand.NewPCG(1, 20)), 256*768)
		b.Run(d.name, func(b *testing.B) {
			var stream []byte
			for b.Loop() {
				stream, _ = Encode(w)
			}
			vela, err := EncodeVela(w)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(stream))*8/float64(len(w)), "bits/weight")
			b.ReportMetric(float64(len(stream))/float64(len(vela)), "of-vela")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	w := gauss(20, 0)(rand.New(rand.NewPCG(1, 20)), 256*768)
	stream, err := Encode(w)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(w)))
	for b.Loop() {
		if _, err := Decode(stream); err != nil {
			b.Fatal(err)
		}
	}
}
