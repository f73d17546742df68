// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

type vectorsU85 struct {
	SWD, FWD []struct {
		Name      string
		ForcedRaw bool `json:"forced_raw"`
		Weights   []int16
		Encoded   string
	}
	Order []struct {
		Name           string
		MACs           int
		Traversal      string
		OFMUBlockDepth int `json:"ofm_ublock_depth"`
		OFMBlockDepth  int `json:"ofm_block_depth"`
		IFMBlockDepth  int `json:"ifm_block_depth"`
		IFMBits        int `json:"ifm_bits"`
		Sparse         bool
		StrideYX       [2]int `json:"stride_yx"`
		DilationYX     [2]int `json:"dilation_yx"`
		OHWI           [4]int
		Weights        []int16
		Expected       [][]int16
	}
}

func readU85(t testing.TB) *vectorsU85 {
	var v vectorsU85
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "u85", "weight-stream-u85.json"), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.SWD) != 60 || len(v.FWD) != 40 || len(v.Order) != 70 {
		t.Fatalf("%d standard streams, %d fast ones and %d orders, expected 60, 40 and 70", len(v.SWD), len(v.FWD), len(v.Order))
	}
	return &v
}

// TestStandardStreamsU85: streams of Vela 5.1 decode to their weights, and ours of the
// same weights are never longer.
func TestStandardStreamsU85(t *testing.T) {
	ours, theirs := 0, 0
	for _, c := range readU85(t).SWD {
		want := unhex(t, c.Encoded)
		got, err := Decode(want)
		if err != nil || !slices.Equal(got, c.Weights) {
			t.Errorf("%s decodes to %v: %v", c.Name, got, err)
		}
		b, err := Encode(c.Weights)
		decodeEqual(t, c.Name, b, err, c.Weights)
		if len(b) > len(want) {
			t.Errorf("%s: %d bytes, Vela's stream has %d", c.Name, len(b), len(want))
		}
		ours, theirs = ours+len(b), theirs+len(want)
	}
	t.Logf("%d bytes, Vela's %d", ours, theirs)
}

// TestFastStreams: streams for the fast decoder are Vela's byte for byte, there and back.
func TestFastStreams(t *testing.T) {
	for _, c := range readU85(t).FWD {
		want := unhex(t, c.Encoded)
		got, err := EncodeFast(c.Weights, c.ForcedRaw)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, expected %x: %v", c.Name, got, want, err)
		}
		back, err := DecodeFast(want, len(c.Weights))
		if err != nil || !slices.Equal(back, c.Weights) {
			t.Errorf("%s decodes to %v: %v", c.Name, back, err)
		}
	}
}

// TestOrderU85 compares the order of weights with that of Vela's encoder.
func TestOrderU85(t *testing.T) {
	seen := map[Traversal]int{}
	for _, c := range readU85(t).Order {
		l := LayoutU85{Traversal: map[string]Traversal{"df": DepthFirst, "pk": PartKernelFirst, "dw": Depthwise}[c.Traversal], IFMBits: c.IFMBits,
			Sparse: c.Sparse, MACs: c.MACs, Cores: len(c.Expected), OFMUBlockDepth: c.OFMUBlockDepth, OFMBlockDepth: c.OFMBlockDepth,
			O: c.OHWI[0], KH: c.OHWI[1], KW: c.OHWI[2], I: c.OHWI[3],
			StrideH: c.StrideYX[0], StrideW: c.StrideYX[1], DilationH: c.DilationYX[0], DilationW: c.DilationYX[1]}
		seen[l.Traversal]++
		if err := l.Check(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if l.Traversal != Depthwise && l.IFMBlockDepth() != c.IFMBlockDepth {
			t.Errorf("%s: IFM block depth %d, expected %d", c.Name, l.IFMBlockDepth(), c.IFMBlockDepth)
		}
		got := l.Reorder(c.Weights)
		for core, want := range c.Expected {
			if !slices.Equal(got[core], want) {
				t.Errorf("%s, core %d of %d: %+v:\n got %v\nwant %v", c.Name, core, l.Cores, l, got[core], want)
			}
			if l.Volume() != len(want) {
				t.Errorf("%s: volume %d, expected %d: %+v", c.Name, l.Volume(), len(want), l)
			}
		}
		back, err := l.Restore(got)
		if err != nil || !slices.Equal(back, c.Weights) {
			t.Errorf("%s does not come back: %v", c.Name, err)
		}
		longer := slices.Clone(got)
		longer[0] = append(slices.Clone(got[0]), 0)
		if _, err := l.Restore(longer); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("has %d weights, expected %d", len(got[0])+1, len(got[0]))) {
			t.Errorf("%s, a zero behind the weights: %v", c.Name, err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("traversals %v, expected all three", seen)
	}
}

// randomLayout returns a legal layout, its weights being few enough to walk.
func randomLayout(r *rand.Rand) LayoutU85 {
	rows := []struct{ macs, cores, ublock int }{{128, 1, 8}, {128, 1, 16}, {256, 1, 8}, {256, 1, 16}, {512, 2, 16}, {1024, 4, 32}, {1024, 4, 16}, {2048, 4, 64}, {2048, 4, 16}}
	row := rows[r.IntN(len(rows))]
	l := LayoutU85{Traversal: Traversal(r.IntN(3)), IFMBits: 8 << r.IntN(2), MACs: row.macs, Cores: row.cores, OFMUBlockDepth: row.ublock,
		KH: 1 + r.IntN(10), KW: 1 + r.IntN(10), StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3), DilationH: 1 + r.IntN(2), DilationW: 1 + r.IntN(2),
		O: 1 + r.IntN(70), I: 1 + r.IntN(150)}
	if l.Traversal == Depthwise {
		l.I = 1
	} else {
		l.Sparse = r.IntN(3) == 0
		l.KH, l.KW = 1+r.IntN(3), 1+r.IntN(3)
	}
	l.OFMBlockDepth = row.ublock * (1 + r.IntN(4))
	return l
}

func randomWeights(r *rand.Rand, l LayoutU85) []int16 {
	w := make([]int16, l.O*l.KH*l.KW*l.I)
	values := 1 + r.IntN(20)
	for i := range w {
		if !l.Sparse || i%l.I%4 < 2 {
			w[i] = int16(r.IntN(values)) - int16(values/2)
		}
	}
	return w
}

// TestRoundTripU85: what is encoded comes back, for either decoder; a stream of another
// layout does not pass for one's own.
func TestRoundTripU85(t *testing.T) {
	r := rand.New(rand.NewPCG(85, 1))
	fast := 0
	for range 300 {
		l := randomLayout(r)
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		w := randomWeights(r, l)
		for _, quick := range []bool{false, true} {
			if quick && !l.Fast() {
				if _, err := EncodeU85(w, l, true); err == nil {
					t.Error("depthwise weights have a stream for the fast decoder")
				}
				continue
			}
			streams, err := EncodeU85(w, l, quick)
			if err != nil {
				t.Fatalf("%+v: %v", l, err)
			}
			back, err := DecodeU85(streams, l, quick)
			if err != nil || !slices.Equal(back, w) {
				t.Fatalf("%+v, fast %v, does not come back: %v", l, quick, err)
			}
			if quick {
				fast++
			}
			if l.O <= 4*l.Cores && l.Traversal != DepthFirst {
				continue
			}
			other := l
			other.O = l.O + l.OFMUBlockDepth
			other.OFMBlockDepth = roundUp(other.O, l.OFMUBlockDepth)
			if l.OFMBlockDepth >= l.O {
				if _, err := DecodeU85(streams, other, quick); err == nil {
					t.Errorf("%+v, fast %v: a stream of %d channels passes for one of %d", l, quick, l.O, other.O)
				}
			}
		}
	}
	if fast < 100 {
		t.Errorf("%d layouts with the fast decoder", fast)
	}
}

// FuzzDecodeFast: what decodes has whole 32 bytes and encodes to no more, and nothing panics.
func FuzzDecodeFast(f *testing.F) {
	for _, c := range readU85(f).FWD {
		f.Add(unhex(f, c.Encoded), len(c.Weights))
	}
	f.Fuzz(func(t *testing.T, stream []byte, n int) {
		if n > 1<<16 {
			return
		}
		w, err := DecodeFast(stream, n)
		if err != nil || n == 0 || CheckRange(w) != nil {
			return
		}
		b, err := EncodeFast(w, stream[0] == fastRaw)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > len(stream) {
			t.Errorf("%d bytes of %d", len(b), len(stream))
		}
		again, err := DecodeFast(b, n)
		if err != nil || !slices.Equal(again, w) {
			t.Errorf("%v comes back as %v: %v", w, again, err)
		}
	})
}

// TestFastErrors: what no encoder writes is refused.
func TestFastErrors(t *testing.T) {
	good, err := EncodeFast([]int16{1, 2, 3}, false)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, to byte) []byte {
		b := slices.Clone(good)
		b[at] = to
		return b
	}
	for _, c := range []struct {
		stream []byte
		n      int
		want   string
	}{
		{good[:31], 0, "expected a header of 32"},
		{good, 129, "the stream ends behind 128 weights, expected 129"},
		{change(0, 3), 3, "mode 3, expected 0, 1 or 2"},
		{change(1, 1), 3, "reserved bits are set"},
		{change(13, 1), 3, "weights that are no bytes"},
		{change(33, 1), 3, "bits behind the last weight are set"},
		{good[:48], 3, "the stream has 48 bytes, expected 64 for 3 weights of 2 bits"},
		{append(slices.Clone(good), make([]byte, 32)...), 3, "the stream has 96 bytes, expected 64"},
	} {
		if _, err := DecodeFast(c.stream, c.n); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, expected %q", err, c.want)
		}
	}
	if _, err := EncodeFast([]int16{-128, 255}, true); err == nil {
		t.Error("bytes hold 384 values")
	}
	if _, err := EncodeFast(nil, false); err == nil {
		t.Error("no weights have a stream")
	}
}

func TestSparse(t *testing.T) {
	for _, c := range []struct {
		w    []int16
		want string
	}{
		{[]int16{0, 1, 2, 0, 127, 0, 0, -127, 1, 1}, ""},
		{[]int16{0, 1, 2, 0, 1, 1, 1, 0}, "weights 4 to 7 of a 2:4 sparse stream: 3 are not 0"},
		{[]int16{-128, 0, 0, 0}, "weight 0 of a 2:4 sparse stream is -128"},
	} {
		if err := CheckSparse(c.w); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, expected %q", c.w, err, c.want)
		}
	}
}

func TestChooseTraversalU85(t *testing.T) {
	for _, c := range []struct {
		kh, kw, i int
		sparse    bool
		want      Traversal
	}{{1, 1, 12, false, PartKernelFirst}, {1, 1, 64, false, DepthFirst}, {3, 3, 24, false, PartKernelFirst}, {3, 3, 64, false, PartKernelFirst}, {5, 2, 64, false, DepthFirst}, {1, 1, 64, true, DepthFirst}} {
		if got := ChooseTraversalU85(c.kh, c.kw, c.i, c.sparse); got != c.want {
			t.Errorf("kernel %dx%d, %d channels, sparse %v: %v, expected %v", c.kh, c.kw, c.i, c.sparse, got, c.want)
		}
	}
}

func TestRecordsU85(t *testing.T) {
	for _, wide := range []bool{false, true} {
		list := []RecordU85{{Bias: -1, Scale: 1, Shift: 63}, {Bias: -1 << 31, Scale: 0x7FFF}, {Bias: 1<<31 - 1, Scale: 0x1234, Shift: 5}}
		if wide {
			list = append(list, RecordU85{Bias: -1 << 47, Scale: 0x7FFF}, RecordU85{Bias: 1<<47 - 1})
		} else {
			list = append(list, RecordU85{Scale: 1<<31 - 1})
		}
		b := PackRecordsU85(list, 32, wide)
		if len(b) != 320 {
			t.Errorf("%d bytes for %d records with a micro-block of 32, expected 320", len(b), len(list))
		}
		back, err := UnpackRecordsU85(b, len(list), wide)
		if err != nil || !reflect.DeepEqual(back, list) {
			t.Errorf("%v come back as %v: %v", list, back, err)
		}
		b[9] = 1
		if _, err := UnpackRecordsU85(b, 1, wide); err == nil {
			t.Error("a last byte of 1 is read")
		}
	}
	if n := RecordsLengthU85(10, 8); n != 160 {
		t.Errorf("10 channels with a micro-block of 8: %d bytes, expected 160", n)
	}
	if n := RecordsLengthU85(48, 64); n != 640 {
		t.Errorf("48 channels with a micro-block of 64: %d bytes, expected 640", n)
	}
	for _, c := range []struct {
		r    RecordU85
		wide bool
	}{{RecordU85{Bias: 1 << 31}, false}, {RecordU85{Scale: 1 << 31}, false}, {RecordU85{Shift: 64}, false}, {RecordU85{Scale: 1 << 15}, true}, {RecordU85{Bias: 1 << 47}, true}} {
		if c.r.Check(c.wide) == nil {
			t.Errorf("%+v, wide %v, is packed", c.r, c.wide)
		}
	}
}
