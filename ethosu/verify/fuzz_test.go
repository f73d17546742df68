// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Whatever the words are, the checks end, and within the promised number of
// findings.
func FuzzStream(f *testing.F) {
	var words []uint32
	for _, c := range []isa.Command{
		{Code: isa.SetParallelMode}, {Code: isa.SetDMA0Len, Payload: 256}, {Code: isa.SetDMA0DstRegion, Param: 0x103}, {Code: isa.SetDMA0Dst, Payload: 0xB800},
		{Code: isa.SetDMA0SrcRegion}, {Code: isa.SetDMA0Src}, {Code: isa.OpDMAStart},
		{Code: isa.SetIFMRegion, Param: 1}, {Code: isa.SetOFMRegion, Param: 1}, {Code: isa.SetOFMHeightM1, Param: 7}, {Code: isa.SetOFMWidthM1, Param: 7},
		{Code: isa.SetOFMDepthM1, Param: 15}, {Code: isa.SetIFMDepthM1, Param: 15}, {Code: isa.SetIFMStrideX, Payload: 16}, {Code: isa.SetIFMStrideY, Payload: 128},
		{Code: isa.SetOFMStrideX, Payload: 16}, {Code: isa.SetOFMStrideY, Payload: 128}, {Code: isa.OpPool}, {Code: isa.OpElementwise, Param: 1}, {Code: isa.OpStop},
	} {
		words = c.Append(words)
	}
	seed := make([]byte, 0, 4*len(words))
	for _, w := range words {
		seed = binary.LittleEndian.AppendUint32(seed, w)
	}
	f.Add(seed, byte(3))
	f.Fuzz(func(t *testing.T, b []byte, which byte) {
		words := make([]uint32, len(b)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		accels := ethosu.Of(ethosu.U55, ethosu.U65)
		a := accels[int(which)%len(accels)]
		var r Regions
		r[0] = Region{Size: 1024, Constant: true, Content: make([]byte, 1024)}
		r[1] = Region{Size: 1 << 20, Defined: []Range{{0, 1 << 16}}}
		if n := len(Stream(a, words, r).All()); n > maxFindings {
			t.Fatalf("%d findings", n)
		}
	})
}
