// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// copyU85 is a transfer of 16 bytes from region 0 to a place in region 1.
func copyU85(to uint64) *isa.DMAU85 {
	return &isa.DMAU85{Length: 16, Rows: 1, Planes: 1, DstRegion: 1, Dst: to}
}

// TestRacesU85 leaves out one wait, or raises one BLOCKDEP, at a time.
func TestRacesU85(t *testing.T) {
	table := isa.Span{Region: SHRAM, Start: 256, End: 512}
	looks := func(k *isa.KernelU85) *isa.KernelU85 {
		k.Activation.Function, k.Activation.Table = isa.FuncS8ToS8, 1
		return k
	}
	load := func(s *stream, wait bool) {
		s.transferU85(&isa.DMAU85{Length: 256, Rows: 1, Planes: 1, DstRegion: 3, DstInternal: true, Dst: uint64(table.Start)})
		if wait {
			s.put(isa.PutDMAWaitU85(0))
		}
	}
	// alone is an operation of its own: ADD of two maps at 0 and 128 to 256.
	alone := func() *isa.KernelU85 {
		k := pairU85()[0]
		k.OFM.Storage = isa.Tile2x2
		return k
	}
	chain := func(s *stream) {
		pair := pairU85()
		s.kernelU85(pair[0])
		s.kernelU85(pair[1])
	}
	other := func() *isa.KernelU85 { // at 512, 640 and 768
		k := alone()
		k.IFM.Base[0], k.IFM2.Base[0], k.OFM.Base[0] = 512, 640, 768
		return k
	}
	for _, c := range []struct {
		name  string
		build func(s *stream)
		races []string // a part of each, in order
	}{
		{"table", func(s *stream) { load(s, true); s.kernelU85(looks(alone())) }, nil},
		{"table without a wait", func(s *stream) { load(s, false); s.kernelU85(looks(alone())) }, []string{"reads LUT memory 0x100..0x200"}},
		{"table that is replaced", func(s *stream) { load(s, true); s.kernelU85(looks(alone())); load(s, true) }, []string{"NPU_OP_KERNEL_WAIT is missing"}},
		{"transfers to one place", func(s *stream) { s.transferU85(copyU85(0)); s.transferU85(copyU85(8)) }, []string{"NPU_OP_DMA_WAIT is missing"}},
		{"the same with a wait", func(s *stream) { s.transferU85(copyU85(0)); s.put(isa.PutDMAWaitU85(0)); s.transferU85(copyU85(8)) }, nil},
		{"a wait for all but one", func(s *stream) {
			s.transferU85(copyU85(0))
			s.transferU85(copyU85(64))
			s.put(isa.PutDMAWaitU85(1))
			s.transferU85(copyU85(8))
		}, nil},
		{"the fourth transfer before", func(s *stream) {
			for i := range uint64(4) {
				s.transferU85(copyU85(64 * i))
			}
			s.transferU85(copyU85(8))
		}, nil},
		{"the third transfer before", func(s *stream) {
			for i := range uint64(3) {
				s.transferU85(copyU85(64 * i))
			}
			s.transferU85(copyU85(8))
		}, []string{"operation 0 NPU_OP_DMA_START"}},
		{"input of a chain", func(s *stream) { chain(s); s.transferU85(copyU85(0)) }, []string{"operation 0 NPU_OP_ELEMENTWISE ADD"}},
		{"input of a chain's end", func(s *stream) { chain(s); s.transferU85(copyU85(128)) }, []string{"operation 0 NPU_OP_ELEMENTWISE ADD", "operation 1 NPU_OP_ELEMENTWISE MUL"}},
		{"a chain is one operation", func(s *stream) {
			chain(s)
			s.put(isa.PutKernelWaitU85(1))
			s.transferU85(copyU85(0))
		}, []string{"operation 0 NPU_OP_ELEMENTWISE ADD"}},
		{"a chain that is done", func(s *stream) {
			chain(s)
			s.kernelU85(other())
			s.put(isa.PutKernelWaitU85(1))
			s.transferU85(copyU85(0))
		}, nil},
		{"the second operation before", func(s *stream) {
			s.kernelU85(alone())
			s.kernelU85(other())
			s.kernelU85(other())
			s.transferU85(copyU85(0))
		}, nil},
		{"BLOCKDEP 0", func(s *stream) { s.kernelU85(alone()); k := other(); k.IFM.Base[0] = 256; s.kernelU85(k) }, nil},
		{"BLOCKDEP 7", func(s *stream) {
			s.kernelU85(alone())
			k := other()
			k.IFM.Base[0], k.Dep = 256, 7
			s.kernelU85(k)
		}, []string{"BLOCKDEP 7: job 0 reads what block 1 from the end"}},
		{"BLOCKDEP 7 beside each other", func(s *stream) { s.kernelU85(alone()); k := other(); k.Dep = 7; s.kernelU85(k) }, nil},
		{"BLOCKDEP behind a transposition", func(s *stream) {
			k := alone()
			k.Transpose = isa.TransposeHCW
			k.OFM.Height0, k.OFM.Height1, k.OFM.Width0, k.OFM.StrideX, k.OFM.StrideY = 2, 2, 20, 3, 60
			s.kernelU85(k)
			k = other()
			k.IFM.Base[0], k.Dep = 256, 1
			s.kernelU85(k)
		}, []string{"BLOCKDEP 1"}},
	} {
		var s stream
		c.build(&s)
		s.stop()
		sim, err := Prepare(accelerator(t, "ethos-u85-256"), s.words, Regions{{Content: make([]byte, 512)}, {Size: 1024}})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		races := sim.Races()
		if len(races) > 0 != (len(c.races) > 0) {
			t.Errorf("%s: races %v, expected %q", c.name, races, c.races)
		}
		for _, want := range c.races {
			if !slices.ContainsFunc(races, func(f *Fault) bool { return strings.Contains(f.Error(), want) }) {
				t.Errorf("%s: races %v, expected one with %q", c.name, races, want)
			}
		}
	}
}
