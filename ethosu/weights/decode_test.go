// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDecodeErrors(t *testing.T) {
	good := "2e005c002c30e0ff0fa0f0ffffffffff" // [1, -1, 127, -127, 0, 5], plain
	for _, c := range []struct {
		name   string
		stream []byte
		bit    int
		want   string
	}{
		{"empty", nil, 0, "without an end marker"},
		{"no end", unhex(t, good)[:10], 36, "slice of 6 weights"},
		{"only a header", unhex(t, good)[:2], 0, "inside a slice header"},
		{"cut palette", unhex(t, "3e005c7084674523e072caf1ffffffff")[:6], 36, "palette of 8 entries"},
		{"ZDIV 4", []byte{0x04, 0, 0x5c, 0, 0xff}, 0, "ZDIV is 4"},
		{"ZDIV 5", []byte{0x05, 0, 0x5c, 0, 0xff}, 0, "ZDIV is 5"},
		{"WDIV 6", []byte{0x06, 0, 0x58, 0, 0xff}, 18, "WDIV is 6"},
		{"no palette", []byte{0x06, 0, 0x1c, 0, 0xff}, 22, "no palette fields"},
	} {
		w, err := Decode(c.stream)
		var se *StreamError
		if !errors.As(err, &se) {
			t.Errorf("%s: weights %v, error %v", c.name, w, err)
			continue
		}
		if se.Bit != c.bit || !strings.Contains(se.Msg, c.want) || w != nil {
			t.Errorf("%s: %v, want bit %d and %q", c.name, se, c.bit, c.want)
		}
	}
}

// A palette switch of the zero-run mode needs new palette fields, and an index
// must stay a 9-bit folded value after the direct offset.
func TestDecodeStateErrors(t *testing.T) {
	build := func(f func(b *bitWriter)) []byte {
		b := newBitWriter(0)
		f(b)
		return b.finish()
	}
	wide := &palette{dirofs: 31, bits: 9}
	for _, c := range []struct {
		name   string
		stream []byte
		want   string
	}{
		{"switched", build(func(b *bitWriter) {
			b.header(sliceCode{zdiv: zdivOff, wdiv: wdivRaw}, 1, &palette{bits: 2})
			b.chunks(sliceCode{zdiv: zdivOff, wdiv: wdivRaw}, []uint16{1}, nil, 2)
			b.header(sliceCode{zdiv: 0, wdiv: 0}, 1, nil)
		}), "switched from ZDIV 6 to 0"},
		{"folded value", build(func(b *bitWriter) {
			b.header(sliceCode{zdiv: zdivOff, wdiv: wdivRaw}, 1, wide)
			b.chunks(sliceCode{zdiv: zdivOff, wdiv: wdivRaw}, []uint16{500}, nil, 9)
		}), "past folded value 511"},
		{"index", build(func(b *bitWriter) {
			b.header(sliceCode{zdiv: zdivOff, wdiv: 5}, 1, &palette{bits: 2})
			b.chunks(sliceCode{zdiv: zdivOff, wdiv: 5}, []uint16{40 << 5}, nil, 2)
		}), "quotient"},
	} {
		if w, err := Decode(c.stream); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: weights %v, error %v, want %q", c.name, w, err, c.want)
		}
	}
}

// The whole blob of a small fully connected layer, records and streams, on one
// and on two cores.
func TestBlob(t *testing.T) {
	w := make([]int16, 15)
	for i := range w {
		w[i] = int16(i - 7)
	}
	records := []Record{{100, 0x51eb854c, 37}, {-200, 0x51eb854c, 37}, {300, 0x51eb854c, 37}}
	for cores, want := range map[int]string{
		1: "64000000004c85eb512538ffffffff4c85eb51252c010000004c85eb51250000" +
			"60005cd1f4debc9a78563402" + "4e0e004286cabd793503009cfffff8ffd8ffffff",
		2: "64000000004c85eb51252c010000004c85eb5125000000000000000000000000" +
			"40006893f4debc9a78c60fe0c0000022dd03002800f8ffefff67ffffffffffff" +
			"38ffffffff4c85eb5125000000000000" +
			"10005c31524e04800f0070fefffbffdbffffffffffffffffffffffffffffffff",
	} {
		l := Layout{IFMBits: 8, OFMBlockDepth: 16, OFMUBlockDepth: 8, KH: 1, KW: 1, O: 3, I: 5}
		var blob []byte
		rec := SplitCores(records, 1, cores)
		parts := SplitCores(w, 5, cores)
		for core, cl := range CoreLayouts(l, cores) {
			stream, err := EncodeVela(Reorder(parts[core], cl))
			if err != nil {
				t.Fatal(err)
			}
			blob = append(append(blob, PackRecords(rec[core])...), stream...)
		}
		if !slices.Equal(blob, unhex(t, want)) {
			t.Errorf("%d cores:\n got %x\nwant %s", cores, blob, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range []string{
		"2e005c002c30e0ff0fa0f0ffffffffff",
		"3e005c7084674523e072caf1ffffffff",
		"0a006021a42702a00f9e0100500004ccffffffffffffffffffffffffffffffff",
		"030040001000fe3eb0ffffffffffffff",
		"1600c000f0ffffff06d7ffffffffffff",
		"b8005c715e1ffc010305080c10903812d7993ad29924ae239da92300f0ffffff",
		"d8004001f07c00f0efffefff1ffe002600e0ffffbfffffff0d00ffffffff0f80ffffffffffffffffffffffffffffffff",
	} {
		f.Add(unhex(f, c))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		w, err := Decode(stream)
		if err != nil {
			var se *StreamError
			if !errors.As(err, &se) || se.Bit < 0 || se.Bit > len(stream)*8 {
				t.Fatalf("error %v of a stream of %d bits", err, len(stream)*8)
			}
			return
		}
		if len(w) > 64*len(stream) {
			t.Fatalf("%d bytes gave %d weights", len(stream), len(w))
		}
		if len(w) == 0 {
			return
		}
		again, err := Encode(w)
		decodeEqual(t, "encoded again", again, err, w)
	})
}

// Any change to a stream must end in weights or an error.
func TestDecodeMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 600 {
		stream, err := Encode(segments(r, 1+r.IntN(200)))
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + r.IntN(4) {
			stream[r.IntN(len(stream))] ^= 1 << r.IntN(8)
		}
		stream = stream[:r.IntN(len(stream)+1)]
		if w, err := Decode(stream); err == nil && len(w) > 64*len(stream) {
			t.Fatalf("%x gave %d weights", stream, len(w))
		}
	}
}
