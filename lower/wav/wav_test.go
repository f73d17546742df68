// SPDX-License-Identifier: Apache-2.0

package wav

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/budget"
)

// file makes a WAV file of chunks.
func file(chunks ...[]byte) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	for _, c := range chunks {
		b = append(b, c...)
		if len(c)%2 == 1 {
			b = append(b, 0)
		}
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func chunk(id string, data []byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data))), data...)
}

func formatOf(encoding, channels, rate, bits int) []byte {
	b := make([]byte, 16)
	binary.LittleEndian.PutUint16(b, uint16(encoding))
	binary.LittleEndian.PutUint16(b[2:], uint16(channels))
	binary.LittleEndian.PutUint32(b[4:], uint32(rate))
	binary.LittleEndian.PutUint32(b[8:], uint32(rate*channels*bits/8))
	binary.LittleEndian.PutUint16(b[12:], uint16(channels*bits/8))
	binary.LittleEndian.PutUint16(b[14:], uint16(bits))
	return chunk("fmt ", b)
}

func TestRead(t *testing.T) {
	double := binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.5))
	single := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.25))
	extensible := make([]byte, 40)
	copy(extensible, formatOf(encodingExtensible, 1, 44100, 16)[8:])
	extensible[24] = encodingPCM
	for _, c := range []struct {
		name string
		file []byte
		want []float32
	}{
		{"8 bits", file(formatOf(1, 1, 8000, 8), chunk("data", []byte{0, 128, 255})), []float32{-1, 0, 127.0 / 128}},
		{"16 bits", file(formatOf(1, 1, 8000, 16), chunk("data", []byte{0, 0x80, 1, 0, 0xff, 0x7f})), []float32{-1, 1.0 / 32768, 32767.0 / 32768}},
		{"24 bits", file(formatOf(1, 1, 8000, 24), chunk("data", []byte{0, 0, 0x80, 1, 0, 0})), []float32{-1, 1.0 / (1 << 23)}},
		{"32 bits", file(formatOf(1, 1, 8000, 32), chunk("data", []byte{0, 0, 0, 0x80, 0, 0, 0, 0x40})), []float32{-1, 0.5}},
		{"float32", file(formatOf(3, 1, 8000, 32), chunk("data", single)), []float32{0.25}},
		{"float64", file(formatOf(3, 1, 8000, 64), chunk("data", double)), []float32{-0.5}},
		{"extensible", file(chunk("fmt ", extensible), chunk("data", []byte{0, 0x40})), []float32{0.5}},
		{"other chunks of odd length", file(chunk("LIST", []byte("abc")), formatOf(1, 1, 8000, 16), chunk("fact", []byte{1, 2, 3, 4}), chunk("data", []byte{0, 0x40}), chunk("id3 ", nil)), []float32{0.5}},
		{"nothing", file(formatOf(1, 1, 8000, 16), chunk("data", nil)), nil},
	} {
		s, err := Read("x.wav", c.file, "")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(s.Samples) != len(c.want) {
			t.Errorf("%s: %d samples, expected %d", c.name, len(s.Samples), len(c.want))
			continue
		}
		for i, w := range c.want {
			if s.Samples[i] != w {
				t.Errorf("%s: sample %d is %v, expected %v", c.name, i, s.Samples[i], w)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	data := chunk("data", []byte{0, 0})
	cut := file(formatOf(1, 1, 8000, 16), data)
	misaligned := formatOf(1, 1, 8000, 16)
	misaligned[8+12] = 4
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	loud := binary.LittleEndian.AppendUint32(nil, math.Float32bits(-1e20))
	for _, c := range []struct {
		file []byte
		want string
	}{
		{nil, "no WAV file"},
		{[]byte("RIFFxxxxAVI LIST"), "no WAV file"},
		{[]byte("RIFXxxxxWAVEfmt "), "RIFX"},
		{file(), "no format chunk"},
		{file(formatOf(1, 1, 8000, 16)), "no data chunk"},
		{file(data), "before the format chunk"},
		{file(chunk("fmt ", make([]byte, 4)), data), "format chunk of 4 bytes"},
		{cut[:len(cut)-1], "cut off"},
		{file(formatOf(1, 2, 8000, 16), data), "2 channels"},
		{file(formatOf(7, 1, 8000, 8), data), "encoding 0x7"},
		{file(formatOf(1, 1, 0, 16), data), "0 samples a second"},
		{file(formatOf(1, 1, 8000, 12), data), "12 bits"},
		{file(formatOf(3, 1, 8000, 16), data), "floats of 16 bits"},
		{file(misaligned, data), "block alignment"},
		{file(formatOf(1, 1, 8000, 16), chunk("data", []byte{1, 2, 3})), "no whole number"},
		{file(formatOf(3, 1, 8000, 32), chunk("data", nan)), "sample 0 is NaN"},
		{file(formatOf(3, 1, 8000, 32), chunk("data", loud)), "sample 0 is -1.00000002"},
	} {
		if _, err := Read("x.wav", c.file, ""); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x.wav: ") {
			t.Errorf("error %v, expected one with the file's name and %q", err, c.want)
		}
	}
}

// A program that writes into a pipe cannot say how long the data will be.
func TestEndless(t *testing.T) {
	b := file(formatOf(1, 1, 8000, 16), chunk("data", []byte{1, 0, 2, 0}))
	at := bytes.Index(b, []byte("data"))
	copy(b[at+4:], "\xff\xff\xff\xff")
	if s, err := Read("x.wav", b, ""); err != nil || len(s.Samples) != 2 {
		t.Errorf("%+v, %v: want both samples", s, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(formatOf(1, 1, 8000, 24), chunk("data", []byte{1, 2, 3})))
	f.Add(file(chunk("fact", nil), formatOf(3, 1, 8000, 32), chunk("data", make([]byte, 8))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Read("x", b, ""); err == nil && len(s.Samples) > len(b) {
			t.Fatalf("%d samples of %d bytes", len(s.Samples), len(b))
		}
	})
}

func TestOpenNamesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.wav")
	if err := os.WriteFile(name, []byte("RIFF"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, ""); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v does not name %s", err, name)
	}
}

// Tones within the band keep frequency, amplitude and phase; those above it vanish.
func TestResample(t *testing.T) {
	for _, rates := range [][2]int{{8000, 16000}, {16000, 8000}, {44100, 16000}, {22050, 8000}} {
		from, to := rates[0], rates[1]
		edge := float64(min(from, to)) / 2
		for _, c := range []struct{ hz, gain float64 }{{edge / 7, 1}, {0.7 * edge, 1}, {1.2 * edge, 0}} {
			if c.hz > 0.95*float64(from)/2 {
				continue
			}
			s := &Sound{Rate: from, Samples: make([]float32, from/4)}
			for i := range s.Samples {
				s.Samples[i] = float32(math.Sin(2 * math.Pi * c.hz * float64(i) / float64(from)))
			}
			r, err := s.Resample(to)
			if err != nil {
				t.Fatal(err)
			}
			if want := to / 4; len(r.Samples) < want || len(r.Samples) > want+1 || r.Rate != to {
				t.Fatalf("%d to %d: %d samples at %d, expected %d", from, to, len(r.Samples), r.Rate, want)
			}
			worst := 0.0
			for i := to / 20; i < to/5; i++ { // away from both ends
				want := c.gain * math.Sin(2*math.Pi*c.hz*float64(i)/float64(to))
				worst = math.Max(worst, math.Abs(float64(r.Samples[i])-want))
			}
			if worst > 2e-3 {
				t.Errorf("%d to %d, %.0f Hz: off by %.2g", from, to, c.hz, worst)
			}
		}
	}
	s := &Sound{Rate: 8000, Samples: []float32{1, 2}}
	if r, err := s.Resample(8000); err != nil || &r.Samples[0] != &s.Samples[0] {
		t.Errorf("the same rate changed the samples, or error %v", err)
	}
}

// A header that says one sample a second makes of every sample as many as the rate asked for.
func TestResampleWithinMemory(t *testing.T) {
	before := budget.Limit()
	budget.SetLimit(256 << 20)
	defer budget.SetLimit(before)
	s := &Sound{Rate: 1, Samples: make([]float32, 1<<14)}
	for rate, want := range map[int]string{48000: "of memory", 0: "expected 1 to", maxRate + 1: "expected 1 to"} {
		if _, err := s.Resample(rate); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("to %d: error %v, expected one with %q", rate, err, want)
		}
	}
	s = &Sound{Rate: maxRate, Samples: make([]float32, maxRate/64)}
	k := newKernel(s.Rate, 4096)
	for rest := range 2 + maxKept/k.width() {
		k.taps(rest)
		if k.kept > maxKept {
			t.Fatalf("%d weights are kept, expected at most %d", k.kept, maxKept)
		}
	}
}

// Of several channels nothing is taken unasked.
func TestChannels(t *testing.T) {
	stereo := file(formatOf(1, 2, 8000, 16), chunk("data", []byte{0, 0x40, 0, 0x20, 0, 0xc0, 0, 0}))
	for channel, want := range map[string][]float32{"left": {0.5, -0.5}, "1": {0.5, -0.5}, "right": {0.25, 0}, "2": {0.25, 0}, "mix": {0.375, -0.25}} {
		s, err := Read("x.wav", stereo, channel)
		if err != nil || !slices.Equal(s.Samples, want) {
			t.Errorf("%s: %+v, %v, want %v", channel, s, err, want)
		}
	}
	for channel, want := range map[string]string{"": "2 channels, expected 1", "3": "has no channel 3: it has 2", "0": `channel "0": expected mix`, "both": `channel "both"`} {
		if _, err := Read("x.wav", stereo, channel); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", channel, err, want)
		}
	}
	mono := file(formatOf(1, 1, 8000, 16), chunk("data", []byte{0, 0x40}))
	if s, err := Read("x.wav", mono, "mix"); err != nil || !slices.Equal(s.Samples, []float32{0.5}) {
		t.Errorf("the mix of one channel: %+v, %v", s, err)
	}
	if _, err := Read("x.wav", file(formatOf(1, 2, 8000, 16), chunk("data", []byte{0, 0x40, 0, 0x20, 0, 0xc0})), "mix"); err == nil || !strings.Contains(err.Error(), "no whole number of samples of 4 bytes") {
		t.Errorf("half a sample: %v", err)
	}
}
