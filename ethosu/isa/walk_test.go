// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWalkGolden(t *testing.T) {
	_, words := golden(t, "fully_connected_u55_256.txt")
	var ops []Operation
	var states []State
	err := Walk(words, func(op *Operation) error {
		ops = append(ops, *op)
		states = append(states, *op.Regs)
		if unset := op.Unset(U55, 1); unset != nil {
			t.Errorf("word %d: %v not set", op.Word, unset)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range ops {
		ops[i].Regs = &states[i]
		names = append(names, strings.TrimPrefix(ops[i].Op.String(), "NPU_OP_"))
	}
	want := "DMA_START DMA_WAIT CONV DMA_START DMA_WAIT ELEMENTWISE KERNEL_WAIT DMA_START DMA_WAIT ELEMENTWISE STOP"
	if got := strings.Join(names, " "); got != want {
		t.Fatalf("operations %s\nexpected %s", got, want)
	}

	conv, add := &ops[2], &ops[9]
	s8 := DType{Signed: true, Bits: 8}
	if diff := cmp.Diff(FeatureMap{Region: 1, Height0: 1, Height1: 65536, Width0: 1, H: 1, W: 1, C: 40,
		StrideY: 40, StrideX: 40, StrideC: 1, ZeroPoint: -3, Type: s8}, conv.IFM()); diff != "" {
		t.Error("IFM of CONV:", diff)
	}
	if got := conv.Weights(0); got != (Span{1, 2288, 2432}) {
		t.Error("weights", got)
	}
	if got := conv.Scales(0); got != (Span{1, 2048, 2288}) {
		t.Error("scales", got)
	}
	if diff := cmp.Diff(Block{H: 2, W: 2, D: 24, IBEnd: 10, ABStart: 30}, conv.Block()); diff != "" {
		t.Error("block of CONV:", diff)
	}
	if diff := cmp.Diff(Scaling{Global: true, OFM: Scale{1 << 30, 49}, OPA: Scale{1 << 30, 12}, IFMMode: 2}, add.Scaling()); diff != "" {
		t.Error("scaling of ADD:", diff)
	}
	if got := add.IFM2(); got.ZeroPoint != -7 || got.Base[0] != 160 || got.C != 24 {
		t.Errorf("IFM2 of ADD: %+v", got)
	}
	if got := add.Activation(); got.Function != ActTable0+1 || int16(got.Min) != -128 || got.Max != 127 {
		t.Errorf("activation of ADD: %+v", got)
	}
	dma := ops[3].DMA()
	if diff := cmp.Diff(DMA{Src: 0x400, Dst: 0xB800, DstRegion: 3, DstInternal: true, Length: 256}, dma); diff != "" {
		t.Error("table DMA:", diff)
	}
}

func TestWalkNeedsStop(t *testing.T) {
	err := Walk([]uint32{0x00000011}, func(*Operation) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "without NPU_OP_STOP") {
		t.Errorf("%v", err)
	}
	// What follows NPU_OP_STOP is never fetched.
	if err := Walk([]uint32{0xFFFF0000, 0xFFFFFFFF}, func(*Operation) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestUnset(t *testing.T) {
	words, err := Assemble("NPU_SET_DMA0_SRC_REGION region=0\nNPU_SET_DMA0_SRC addr=0\nNPU_OP_DMA_START\nNPU_OP_STOP mask=1")
	if err != nil {
		t.Fatal(err)
	}
	var got []Code
	if err := Walk(words, func(op *Operation) error {
		got = append(got, op.Unset(U55, 1)...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Code{SetDMA0DstRegion, SetDMA0Dst, SetDMA0Len}, got); diff != "" {
		t.Error(diff)
	}
}

// Addresses of a feature map with four tiles, against the layout formulas.
func TestFeatureMapAddress(t *testing.T) {
	f := FeatureMap{Base: [4]uint64{1000, 2000, 3000, 4000}, Height0: 2, Height1: 3, Width0: 4, H: 5, W: 6, C: 20,
		StrideY: 200, StrideX: 20, StrideC: 64, Type: DType{true, 16}}
	for _, c := range []struct {
		y, x, c int
		format  Format
		want    int64
	}{
		{0, 0, 0, NHWC, 1000}, {1, 3, 19, NHWC, 1000 + 200 + 60 + 38}, {2, 3, 0, NHWC, 3060},
		{2, 4, 1, NHWC, 2000 + 400 + 2}, {3, 5, 0, NHWC, 4020},
		{1, 1, 17, NHCWB16, 1000 + 200 + 20 + 64 + 2},
	} {
		f.Format = c.format
		if got := f.Address(c.y, c.x, c.c); got != c.want {
			t.Errorf("%v (%d,%d,%d): %d, expected %d", c.format, c.y, c.x, c.c, got, c.want)
		}
	}
	f.Format = NHWC
	for y := range f.H { // every element lies in exactly the span of its tile
		for x := range f.W {
			a, in := f.Address(y, x, 7), 0
			for _, s := range f.Spans() {
				if a >= s.Start && a+2 <= s.End {
					in++
				}
			}
			if in != 1 {
				t.Errorf("(%d,%d) lies in %d spans of %v", y, x, in, f.Spans())
			}
		}
	}
}

func TestNegativeStride(t *testing.T) {
	var s State
	s.Write(Command{SetOFMStrideY, 0, 0xFFFFFFF0})
	if got := signed(s.OFMStrideY()); got != -16 {
		t.Errorf("32 bits: %d", got)
	}
	s.Write(Command{SetOFMStrideY, 0xFF, 0xFFFFFFF0})
	if got := signed(s.OFMStrideY()); got != -16 {
		t.Errorf("40 bits: %d", got)
	}
}
