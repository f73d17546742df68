// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// dmaWords describes one DMA between regions 0 and 1 of a U65.
func dmaWords(src, dst int64, srcMode, dstMode int, length int64, rows, planes int, skip0, skip1 int64) []uint32 {
	var s stream
	s.raw(isa.SetParallelMode, 0)
	s.set(isa.SetDMA0SrcRegion, "region", 0, "stride_mode", srcMode)
	s.set(isa.SetDMA0DstRegion, "region", 1, "stride_mode", dstMode)
	s.addr(isa.SetDMA0Src, src)
	s.addr(isa.SetDMA0Dst, dst)
	s.addr(isa.SetDMA0Len, length)
	s.raw(isa.SetDMA0Size0, rows)
	s.raw(isa.SetDMA0Size1, planes)
	s.addr(isa.SetDMA0Skip0, skip0)
	s.addr(isa.SetDMA0Skip1, skip1)
	s.raw(isa.OpDMAStart, 0)
	s.stop()
	return s.words
}

// TestDMA moves rows and planes in both directions, at any alignment.
func TestDMA(t *testing.T) {
	rng := rand.New(rand.NewPCG(71, 72))
	accel := accelerator(t, "ethos-u65-256")
	for range 200 {
		length, rows, planes := int64(1+rng.IntN(20)), 1+rng.IntN(5), 1+rng.IntN(4)
		skip0 := int64(rng.IntN(9))
		// A plane begins after its rows, gaps between them included, or later.
		skip1 := int64(rows)*skip0 + int64(rng.IntN(9))
		mode, out := rng.IntN(3), rng.IntN(2) == 0
		srcMode, dstMode := mode, 0
		if out {
			srcMode, dstMode = 0, mode
		}
		words := dmaWords(3, 5, srcMode, dstMode, length, rows, planes, skip0, skip1)
		flash := make([]byte, 2048)
		for i := range flash {
			flash[i] = byte(rng.Uint32())
		}
		s, err := Prepare(accel, words, Regions{{Content: flash}, {Size: 2048}})
		if err != nil {
			t.Fatal(err)
		}
		m := s.NewMemory()
		want := bytes.Clone(m[1])
		if mode == 0 {
			rows, planes = 1, 1
		} else if mode == 1 {
			planes = 1
		}
		n := int64(0)
		for p := range int64(planes) {
			for r := range int64(rows) {
				strided := p*(length*int64(rows)+skip1) + r*(length+skip0)
				from, to := 3+strided, 5+n
				if out {
					from, to = 3+n, 5+strided
				}
				copy(want[to:to+length], flash[from:from+length])
				n += length
			}
		}
		if err := s.Run(m); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m[1], want) {
			t.Fatalf("modes %d to %d, %d planes of %d rows of %d bytes, skips %d and %d: memory differs", srcMode, dstMode, planes, rows, length, skip0, skip1)
		}
	}
}

func TestDMAFaults(t *testing.T) {
	accel := accelerator(t, "ethos-u65-256")
	for _, c := range []struct {
		name  string
		words []uint32
		cause Cause
	}{
		{"both strided", dmaWords(0, 0, 1, 1, 4, 2, 1, 4, 0), Unknown},
		{"nothing", dmaWords(0, 0, 0, 1, 4, 0, 1, 4, 0), Contradiction},
		{"behind the end", dmaWords(0, 100, 0, 1, 16, 4, 1, 16, 0), OutsideRegion},
		{"before the start", dmaWords(0, 16, 0, 1, 16, 4, 1, -40, 0), OutsideRegion},
	} {
		_, err := Prepare(accel, c.words, Regions{{Content: make([]byte, 256)}, {Size: 128}})
		var f *Fault
		if !errors.As(err, &f) || f.Cause != c.cause {
			t.Errorf("%s: %v, expected %v", c.name, err, c.cause)
		}
	}
}

// TestOverlap copies a map one element further on, within its own memory: all of the
// input counts as it was before.
func TestOverlap(t *testing.T) {
	accel := accelerator(t, "ethos-u55-128")
	ifm := isa.FeatureMap{Region: 1, Height0: 1, Height1: 1, Width0: 1, H: 1, W: 1, C: 32, StrideY: 32, StrideX: 32, StrideC: 1, Type: s8}
	ofm := ifm
	ofm.Base[0] = 1
	var s stream
	s.featureMap(isa.SetIFMBase0, &ifm, 0, 0)
	s.featureMap(isa.SetOFMBase0, &ofm, 1, isa.RoundNatural)
	s.set(isa.SetIFMUpscale, "mode", 0)
	s.kernel(&isa.Kernel{H: 1, W: 1, StrideX: 1, StrideY: 1, DilationX: 1, DilationY: 1})
	s.block(accel, 1, 2, 16, false, isa.AccI32)
	s.activation(0, 0, -128, 127)
	s.set(isa.SetOFMScale, "scale", -0x7fffffff, "shift", 31) // 0x80000001: how compilers write identity
	s.raw(isa.OpPool, isa.PoolAverage)
	s.stop()
	sim, err := Prepare(accel, s.words, Regions{1: {Size: 48}})
	if err != nil {
		t.Fatal(err)
	}
	m := sim.NewMemory()
	for i := range 32 {
		m[1][i] = byte(i + 1)
	}
	if err := sim.Run(m); err != nil {
		t.Fatal(err)
	}
	for i := range 32 {
		if m[1][i+1] != byte(i+1) {
			t.Fatalf("element %d is %d, expected %d", i, m[1][i+1], i+1)
		}
	}
}

// TestTablesOnBothCores: a table that one core lacks would give each another result.
func TestTablesOnBothCores(t *testing.T) {
	for mask := range 4 {
		var s stream
		s.raw(isa.SetParallelMode, 1)
		s.set(isa.SetDMA0SrcRegion, "region", 0)
		s.set(isa.SetDMA0DstRegion, "region", mask, "region_mode", 1)
		s.addr(isa.SetDMA0Src, 0)
		s.addr(isa.SetDMA0Dst, int64(accelerator(t, "ethos-u65-512").LUTBase()))
		s.addr(isa.SetDMA0Len, 256)
		s.raw(isa.OpDMAStart, 0)
		s.stop()
		for name, ok := range map[string]bool{"ethos-u65-512": mask == 3, "ethos-u65-256": mask&1 == 1} {
			words := append([]uint32(nil), s.words...)
			if name == "ethos-u65-256" {
				words[0] &= 0xFFFF // one core
			}
			_, err := Prepare(accelerator(t, name), words, Regions{{Content: make([]byte, 256)}})
			var f *Fault
			if (err == nil) != ok || err != nil && (!errors.As(err, &f) || f.Cause != Unknown) {
				t.Errorf("%s, core mask %d: %v, expected none: %v", name, mask, err, ok)
			}
		}
	}
}
