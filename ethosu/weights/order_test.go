// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/testdata"
)

func TestReorderVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Name, Accelerator, Kind, Traversal string
			IFMBits                            int `json:"ifm_bits"`
			OHWI                               [4]int
			OFMBlockDepth                      int    `json:"ofm_block_depth"`
			DilationXY                         [2]int `json:"dilation_xy"`
			Weights                            []int16
			Expected                           [][]int16
		}
	}
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", "weight-reorder.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 34 {
		t.Errorf("%d cases, want 34", len(file.Cases))
	}
	for _, c := range file.Cases {
		a, err := ethosu.ParseAccelerator(c.Accelerator)
		if err != nil {
			t.Fatal(err)
		}
		l := Layout{IFMBits: c.IFMBits, OFMBlockDepth: c.OFMBlockDepth, OFMUBlockDepth: a.UBlockD,
			O: c.OHWI[0], KH: c.OHWI[1], KW: c.OHWI[2], I: c.OHWI[3], DilationW: c.DilationXY[0], DilationH: c.DilationXY[1]}
		switch {
		case c.Kind == "depthwise":
			l.Traversal = Depthwise
		case c.Traversal == "PART_KERNEL_FIRST":
			l.Traversal = PartKernelFirst
		}
		layouts := CoreLayouts(l, a.Cores)
		parts := SplitCores(c.Weights, l.KH*l.KW*l.I, a.Cores)
		if len(layouts) != len(c.Expected) || len(parts) != len(c.Expected) {
			t.Errorf("%s: %d layouts, %d parts, want %d", c.Name, len(layouts), len(parts), len(c.Expected))
			continue
		}
		back := make([][]int16, len(parts))
		for i, want := range c.Expected {
			got := Reorder(parts[i], layouts[i])
			if !slices.Equal(got, want) {
				t.Errorf("%s, core %d:\n got %v\nwant %v", c.Name, i, got, want)
			}
			if v := Volume(layouts[i]); v != len(want) {
				t.Errorf("%s, core %d: volume %d, want %d", c.Name, i, v, len(want))
			}
			if back[i], err = Restore(want, layouts[i]); err != nil {
				t.Errorf("%s, core %d: %v", c.Name, i, err)
			}
		}
		if !slices.Equal(JoinCores(back, l.KH*l.KW*l.I), c.Weights) {
			t.Errorf("%s: Restore is not the inverse of Reorder", c.Name)
		}
	}
}

func TestRestoreRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		l := Layout{Traversal: Traversal(r.IntN(3)), IFMBits: 8 << r.IntN(2), OFMUBlockDepth: 4 << r.IntN(2),
			KH: 1 + r.IntN(10), KW: 1 + r.IntN(10), DilationH: r.IntN(3), DilationW: r.IntN(3), O: 1 + r.IntN(40), I: 1 + r.IntN(40)}
		l.OFMBlockDepth = l.OFMUBlockDepth * (1 + r.IntN(8))
		if l.Traversal == Depthwise {
			l.I = 1
		}
		w := make([]int16, l.O*l.KH*l.KW*l.I)
		for i := range w {
			w[i] = int16(i%200 + 1)
		}
		stream := Reorder(w, l)
		if len(stream) != Volume(l) {
			t.Fatalf("%+v: %d weights, volume %d", l, len(stream), Volume(l))
		}
		back, err := Restore(stream, l)
		if err != nil || !slices.Equal(back, w) {
			t.Fatalf("%+v: not restored: %v", l, err)
		}
		if at := slices.Index(stream, 0); at >= 0 {
			stream[at] = 1
			if _, err := Restore(stream, l); err == nil || !strings.Contains(err.Error(), "padding") {
				t.Fatalf("%+v: a weight in the padding gives error %v", l, err)
			}
		}
		if _, err := Restore(stream[1:], l); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Fatalf("%+v: a stream too short gives error %v", l, err)
		}
	}
}

func TestChooseTraversal(t *testing.T) {
	for _, c := range []struct {
		bits, kh, kw, i int
		want            Traversal
	}{
		{8, 3, 3, 3, PartKernelFirst},  // few channels
		{8, 1, 1, 64, DepthFirst},      // one element padded to four
		{8, 3, 3, 48, PartKernelFirst}, // a tie
		{8, 3, 3, 64, DepthFirst},
		{16, 3, 3, 16, DepthFirst},
		{16, 3, 3, 24, PartKernelFirst},
	} {
		if got := ChooseTraversal(c.bits, c.kh, c.kw, c.i); got != c.want {
			t.Errorf("%d bit, %dx%d, %d channels: %v, want %v", c.bits, c.kh, c.kw, c.i, got, c.want)
		}
	}
}

func TestRecords(t *testing.T) {
	records := []Record{
		{100, 1374389580, 37}, {-200, 1374389580, 37}, {-1, 1, 0}, {549755813887, 4294967295, 63}, {-549755813888, 2147483648, 31},
	}
	want := unhex(t, "64000000004c85eb5125"+"38ffffffff4c85eb5125"+"ffffffffff0100000000"+"ffffffff7fffffffff3f"+"0000000080000000801f"+"0000000000000000000000000000")
	got := PackRecords(records)
	if !slices.Equal(got, want) {
		t.Errorf("packed\n%x, want\n%x", got, want)
	}
	back, err := UnpackRecords(got, len(records))
	if err != nil || !slices.Equal(back, records) {
		t.Errorf("unpacked %v, %v", back, err)
	}
	if _, err := UnpackRecords(got, 7); err == nil {
		t.Error("64 bytes gave seven records")
	}
	got[9] |= 0x40
	if _, err := UnpackRecords(got, 1); err == nil {
		t.Error("a shift above 63 was read")
	}
}
