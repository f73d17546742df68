// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// transferU85 writes a transfer with all its registers.
func (s *stream) transferU85(d *isa.DMAU85) {
	s.put(isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: d.SrcRegion, RegionMode: d.SrcInternal, StrideMode: d.Mode, IdxMode: d.Gather}))
	s.put(isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: d.DstRegion, RegionMode: d.DstInternal, IdxMode: d.Scatter}))
	s.put(isa.PutDMA0Src(int64(d.Src)))
	s.put(isa.PutDMA0Dst(int64(d.Dst)))
	s.put(isa.PutDMA0Len(int64(d.Length)))
	s.raw(isa.SetDMA0Size0, d.Rows)
	s.raw(isa.SetDMA0Size1, d.Planes)
	wide := func(c isa.Code, v int64) { // strides have 40 bits
		s.words = isa.Command{Code: c, Param: uint16(v>>32) & 0xFF, Payload: uint32(v)}.Append(s.words)
	}
	wide(isa.SetDMA0SrcStride0, d.SrcRow)
	wide(isa.SetDMA0SrcStride1, d.SrcPlane)
	wide(isa.SetDMA0DstStride0, d.DstRow)
	wide(isa.SetDMA0DstStride1, d.DstPlane)
	s.raw(isa.SetDMA0IdxRegion, d.IndexRegion)
	s.put(isa.PutDMA0Idx(int64(d.Index)))
	s.put(isa.PutDMA0IdxMax(int(d.IndexMax)))
	wide(isa.SetDMA0IdxSkip1, d.IndexPlane)
	s.raw(isa.OpDMAStart, 0)
}

// TestTransfersU85 compares random transfers of one to three dimensions, with strides of
// both signs and lists of indices, with copies byte by byte.
func TestTransfersU85(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	accel := accelerator(t, "ethos-u85-256")
	for i := range 400 {
		d := &isa.DMAU85{Mode: rng.IntN(3), Length: uint64(1 + rng.IntN(40)), Rows: 1, Planes: 1, SrcRegion: 1, DstRegion: 2}
		if d.Mode > 0 {
			d.Rows = 1 + rng.IntN(6)
		}
		if d.Mode > 1 {
			d.Planes = 1 + rng.IntN(4)
		}
		pitch := func(n int64) int64 {
			n += int64(rng.IntN(20))
			if rng.IntN(4) == 0 {
				return -n
			}
			return n
		}
		d.SrcRow, d.DstRow = pitch(0), pitch(int64(d.Length))
		d.SrcPlane, d.DstPlane = pitch(100), pitch(600)
		d.Src, d.Dst = 3000, 3000
		indices := make([]int32, d.Rows)
		if d.Mode == 1 {
			d.Gather, d.Scatter = rng.IntN(3) == 0, false
			if !d.Gather {
				d.Scatter = rng.IntN(2) == 0
			}
		}
		d.IndexRegion, d.Index, d.IndexMax = 3, 16, int64(d.Rows+2)
		for k, v := range rng.Perm(d.Rows + 3)[:d.Rows] {
			indices[k] = int32(v)
		}
		var s stream
		s.transferU85(d)
		s.stop()
		sim, err := Prepare(accel, s.words, Regions{1: {Size: 6000}, 2: {Size: 6000}, 3: {Size: 64}})
		if err != nil {
			t.Fatalf("%d %+v: %v", i, d, err)
		}
		m := sim.NewMemory()
		for r := range m[:3] {
			for k := range m[r] {
				m[r][k] = byte(rng.Uint32())
			}
		}
		for k, v := range indices {
			binary.LittleEndian.PutUint32(m[3][16+4*k:], uint32(v))
		}
		want := bytes.Clone(m[2])
		for p := range d.Planes {
			for r := range d.Rows {
				from, to := int64(r), int64(r)
				if d.Gather {
					from = int64(indices[r])
				}
				if d.Scatter {
					to = int64(indices[r])
				}
				for k := range int64(d.Length) {
					want[int64(d.Dst)+int64(p)*d.DstPlane+to*d.DstRow+k] = m[1][int64(d.Src)+int64(p)*d.SrcPlane+from*d.SrcRow+k]
				}
			}
		}
		if err := sim.Run(m); err != nil {
			t.Fatalf("%d %+v: %v", i, d, err)
		}
		if !bytes.Equal(m[2], want) {
			t.Fatalf("%d %+v: memory differs from the copy byte by byte", i, d)
		}
	}
}

// TestTransferFaultsU85 breaks one thing at a time in a transfer that runs.
func TestTransferFaultsU85(t *testing.T) {
	for _, c := range []struct {
		name   string
		edit   func(d *isa.DMAU85)
		cause  Cause
		detail string
	}{
		{"nothing", func(d *isa.DMAU85) {}, 0, ""},
		{"two lists", func(d *isa.DMAU85) { d.Gather, d.Scatter = true, true }, Contradiction, "on both sides"},
		{"list of planes", func(d *isa.DMAU85) { d.Gather, d.Mode, d.Planes = true, 2, 2 }, Unknown, "only rows of mode 1"},
		{"list in one dimension", func(d *isa.DMAU85) { d.Scatter, d.Mode = true, 0 }, Unknown, "only rows of mode 1"},
		{"place of the list", func(d *isa.DMAU85) { d.Gather, d.Index = true, 2 }, Misaligned, "DMA0_IDX is 0x2"},
		{"list outside", func(d *isa.DMAU85) { d.Gather, d.Index = true, 1000 }, OutsideRegion, "the list of DMA indices"},
		{"what the list may reach", func(d *isa.DMAU85) { d.Gather, d.IndexMax = true, 400 }, OutsideRegion, "the DMA source"},
		{"index", func(d *isa.DMAU85) { d.Gather, d.IndexMax = true, 2 }, Unknown, "index 3 of the list is 3"},
		{"nothing to move", func(d *isa.DMAU85) { d.Rows = 0 }, Contradiction, "moves nothing"},
		{"overlap", func(d *isa.DMAU85) { d.DstRegion, d.Dst = 1, 32 }, Unknown, "in which order"},
		{"rows inside", func(d *isa.DMAU85) { d.DstInternal, d.Dst = true, 0 }, Unknown, "only one of multiples of 16"},
		{"place inside", func(d *isa.DMAU85) { d.DstInternal, d.Dst, d.Mode = true, 8, 0 }, Unknown, "only one of multiples of 16"},
		{"inside", func(d *isa.DMAU85) { d.DstInternal, d.Dst, d.Mode, d.Length = true, 16, 0, 32 }, 0, ""},
		{"bytes inside", func(d *isa.DMAU85) { d.DstInternal, d.Dst, d.Mode, d.Length = true, 0, 0, 24 }, Unknown, "only one of multiples of 16"},
		{"planes inside", func(d *isa.DMAU85) {
			d.DstInternal, d.Dst, d.Mode, d.Rows, d.Planes, d.SrcPlane, d.DstPlane = true, 0, 2, 1, 2, 16, 16
		}, Unknown, "only one of multiples of 16"},
		{"a list inside", func(d *isa.DMAU85) { d.DstInternal, d.Dst, d.Scatter, d.Rows, d.IndexMax = true, 0, true, 1, 0 }, Unknown, "only one of multiples of 16"},
		{"past the tables", func(d *isa.DMAU85) { d.DstInternal, d.Dst, d.Mode, d.Length = true, 2032, 0, 32 }, OutsideRegion, "0x7F0..0x810 of the LUT memory"},
		{"table not loaded", func(d *isa.DMAU85) { d.SrcInternal, d.Src, d.Mode = true, 0, 0 }, TableMissing, "not loaded at 0x0"},
		{"constant", func(d *isa.DMAU85) { d.DstRegion = 0 }, ReadOnly, "is constant"},
	} {
		d := &isa.DMAU85{Mode: 1, Length: 16, Rows: 4, Planes: 1, SrcRegion: 1, DstRegion: 2, SrcRow: 16, DstRow: 32, Index: 0, IndexRegion: 3, IndexMax: 3}
		c.edit(d)
		var s stream
		s.transferU85(d)
		s.stop()
		sim, err := Prepare(accelerator(t, "ethos-u85-128"), s.words, Regions{{Content: make([]byte, 256)}, {Size: 256}, {Size: 256}, {Size: 64}})
		if err == nil {
			m := sim.NewMemory()
			for i := range 4 {
				binary.LittleEndian.PutUint32(m[3][4*i:], uint32(i))
			}
			err = sim.Run(m)
		}
		var f *Fault
		if c.detail == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		} else if !errors.As(err, &f) || f.Cause != c.cause || !strings.Contains(f.Detail, c.detail) || f.Name != "NPU_OP_DMA_START" {
			t.Errorf("%s: %v\nexpected %v: ...%s...", c.name, err, c.cause, c.detail)
		}
	}
}
