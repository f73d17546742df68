// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/unroll-npu/unroll/testdata"
)

type streamCase struct {
	Name, Source, Encoded string
	Weights, Decoded      []int16
	Slices                []struct {
		Bit, Zdiv, Len, Wdiv, Trunc, Newpal, Dirofs, Palbits int
		Palette                                              []uint16
	}
	EndBit int `json:"end_bit"`
}

func streamCases(t testing.TB) []streamCase {
	var file struct{ Cases []streamCase }
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", "weight-stream.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no cases in weight-stream.json")
	}
	return file.Cases
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeVectors(t *testing.T) {
	for _, c := range streamCases(t) {
		stream := unhex(t, c.Encoded)
		got, err := Decode(stream)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if len(got)+len(c.Weights) > 0 && !cmp.Equal(got, c.Weights) {
			t.Errorf("%s: decoded weights differ:\n%s", c.Name, cmp.Diff(c.Weights, got))
		}
		slices, end, err := Slices(stream)
		if err != nil || len(slices) != len(c.Slices) || end != c.EndBit {
			t.Errorf("%s: %d slices, end at bit %d, error %v; want %d, %d", c.Name, len(slices), end, err, len(c.Slices), c.EndBit)
			continue
		}
		for i, s := range slices {
			w := c.Slices[i]
			if s.Bit != w.Bit || s.ZDIV != w.Zdiv || s.Len != w.Len || s.WDIV != w.Wdiv || s.Trunc != (w.Trunc == 1) || s.NewPalette != (w.Newpal == 1) ||
				s.NewPalette && (s.DirOfs != w.Dirofs || s.PalBits != w.Palbits || len(s.Palette)+len(w.Palette) > 0 && !cmp.Equal(s.Palette, w.Palette)) {
				t.Errorf("%s: slice %d is %+v, want %+v", c.Name, i, s, w)
			}
		}
	}
}

func TestEncodeVelaVectors(t *testing.T) {
	n := 0
	for _, c := range streamCases(t) {
		if c.Source != "vela" {
			continue
		}
		n++
		got, err := EncodeVela(c.Weights)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		} else if hex.EncodeToString(got) != c.Encoded {
			t.Errorf("%s:\n got %x\nwant %s", c.Name, got, c.Encoded)
		}
	}
	if n != 49 {
		t.Errorf("%d Vela vectors, want 49", n)
	}
}
