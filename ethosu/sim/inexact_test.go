// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// The tests below pin what the NPU computes where a compiler's registers are known
// not to give the reference's result: rows of "Where Vela 3.10 is not bit-exact" in
// the arithmetic specification. The simulator must reproduce the difference, not
// hide it.

// elementOp runs one elementwise operation on single elements.
type elementOp struct {
	mode      int
	in, out   isa.DType
	scaleMode int
	opa       isa.Scale
	opb       int
	scale     isa.Scale
	table     []byte // of 2048 bytes
}

func (e *elementOp) run(t *testing.T, a, b int64) int64 {
	t.Helper()
	accel := accelerator(t, "ethos-u55-128")
	flat := func(at uint64, typ isa.DType) isa.FeatureMap {
		return isa.FeatureMap{Region: 1, Base: [4]uint64{at}, Height0: 1, Height1: 1, Width0: 1, H: 1, W: 1, C: 1, StrideY: 16, StrideX: 16, StrideC: 1, Type: typ}
	}
	ifm, ifm2, ofm := flat(0, e.in), flat(16, e.in), flat(32, e.out)
	var s stream
	function := 0
	if e.table != nil {
		function = isa.ActTable0
		s.set(isa.SetDMA0SrcRegion, "region", 0)
		s.addr(isa.SetDMA0Src, 0)
		s.set(isa.SetDMA0DstRegion, "region", 3, "region_mode", 1)
		s.addr(isa.SetDMA0Dst, int64(accel.LUTBase()))
		s.addr(isa.SetDMA0Len, int64(len(e.table)))
		s.raw(isa.OpDMAStart, 0)
	}
	s.featureMap(isa.SetIFMBase0, &ifm, e.scaleMode, 0)
	s.featureMap(isa.SetIFM2Base0, &ifm2, 0, 0)
	s.featureMap(isa.SetOFMBase0, &ofm, 1, isa.RoundTFL)
	s.set(isa.SetIFM2Broadcast)
	s.set(isa.SetIFMUpscale, "mode", 0)
	s.block(accel, 1, 2, 8, true, isa.AccI32)
	lo, hi := limits16(e.out)
	s.activation(function, 0, int(lo), int(hi))
	s.set(isa.SetOFMScale, "scale", int(e.scale.Value), "shift", e.scale.Shift)
	s.set(isa.SetOPAScale, "scale", int(e.opa.Value), "shift", e.opa.Shift)
	s.set(isa.SetOPBScale, "scale", e.opb)
	s.raw(isa.OpElementwise, e.mode)
	s.stop()
	table := e.table
	if table == nil {
		table = []byte{}
	}
	sim, err := Prepare(accel, s.words, Regions{{Content: table}, {Size: 48}})
	if err != nil {
		t.Fatal(err)
	}
	m := sim.NewMemory()
	poke(m[1], &ifm, 0, 0, 0, a)
	poke(m[1], &ifm2, 0, 0, 0, b)
	if err := sim.Run(m); err != nil {
		t.Fatal(err)
	}
	return peek(m[1], &ofm, 0, 0, 0)
}

var s8, s16, s32 = isa.DType{Signed: true, Bits: 8}, isa.DType{Signed: true, Bits: 16}, isa.DType{Signed: true, Bits: 32}

// Row "ADD/SUB int8 with equal input scales": both scales 0.4751243591308594, output
// scale 1, a+b = 201. The reference gives 95; the simplified operand mode gives 96.
func TestInexactSimplifiedAdd(t *testing.T) {
	// 2*s/2^16 as a mantissa of 31 bits: 0.9502487182617188 = 2040643584 * 2^-31.
	const mantissa = 2040643584
	simple := elementOp{mode: isa.ElemAdd, in: s8, out: s8, opa: isa.Scale{Value: 0x8000}, opb: 0x8000, scale: isa.Scale{Value: mantissa, Shift: 47}}
	if got := simple.run(t, 101, 100); got != 96 {
		t.Errorf("simplified mode: %d, expected 96", got)
	}
	// The reference's own constants: both operands << 20 times 1/2, then 2*s/2^20.
	exact := elementOp{mode: isa.ElemAdd, in: s8, out: s8, scaleMode: 2, opa: isa.Scale{Value: 1 << 30, Shift: 11}, scale: isa.Scale{Value: mantissa, Shift: 51}}
	if got := exact.run(t, 101, 100); got != 95 {
		t.Errorf("scaled mode: %d, expected the reference's 95", got)
	}
}

// Row "softmax pass 28": one dominant element makes the reciprocal 2^30, and the
// multiplication by 2 saturates.
func TestInexactSoftmaxSaturation(t *testing.T) {
	double := elementOp{mode: isa.ElemMul, in: s32, out: s32, scale: isa.Scale{Value: 1}}
	if got := double.run(t, 1<<30, 2); got != 1<<31-1 {
		t.Errorf("2^30 * 2 is %d, expected 2^31-1", got)
	}
}

// Row "int16 tables with negative base": base -100, slope 64. Packed by adding, the
// base borrows one from the slope; packed with a mask it does not.
func TestInexactNegativeTableBase(t *testing.T) {
	for packed, want := range map[uint32]int64{
		64<<16 - 100:                          -69, // -100 + (63*63+64)>>7
		64<<16 | uint32(uint16(0xFFFF-100+1)): -68, // -100 + (64*63+64)>>7
	} {
		table := make([]byte, 2048)
		for i := 0; i < 4; i++ {
			table[4*256+i] = byte(packed >> (8 * i))
		}
		op := elementOp{mode: isa.ElemMul, in: s16, out: s16, scale: isa.Scale{Value: 1}, table: table}
		if got := op.run(t, 63, 1); got != want {
			t.Errorf("entry 0x%08X: %d, expected %d", packed, got, want)
		}
	}
}

// Row "FC int16 with int64 bias": near a tie the double rounding of TFL goes up, the
// single rounding of NATURAL, which the reference uses, does not.
func TestInexactFullyConnectedInt16(t *testing.T) {
	for mode, want := range map[int]int64{isa.RoundTFL: 1, isa.RoundNatural: 0} {
		accel := &ethosu.Accelerators[2]
		c := &windowCase{op: isa.OpConv, round: mode, blockDeep: 16,
			k:       isa.Kernel{H: 1, W: 1, StrideX: 1, StrideY: 1, DilationX: 1, DilationY: 1, DilatedH: 1, DilatedW: 1},
			weights: []int16{0}, records: []weights.Record{{Bias: 1<<20 - 1, Scale: 1 << 14, Shift: 35}}}
		c.ifm = isa.FeatureMap{Region: 1, Height0: 1, Height1: 1, Width0: 1, H: 1, W: 1, C: 1, StrideY: 16, StrideX: 16, StrideC: 2, Type: s16}
		c.ofm = c.ifm
		c.ofm.Base[0] = 16
		var s stream
		s.featureMap(isa.SetIFMBase0, &c.ifm, 0, 0)
		s.featureMap(isa.SetOFMBase0, &c.ofm, 0, mode)
		s.set(isa.SetIFMUpscale, "mode", 0)
		s.kernel(&c.k)
		s.block(accel, 1, 2, 16, false, isa.AccI40)
		s.activation(0, 0, -32768, 32767)
		flash := c.streams(t, &s, accel)
		s.raw(isa.OpConv, 0)
		s.stop()
		sim, err := Prepare(accel, s.words, Regions{{Content: flash}, {Size: 32}})
		if err != nil {
			t.Fatal(err)
		}
		m := sim.NewMemory()
		if err := sim.Run(m); err != nil {
			t.Fatal(err)
		}
		if got := peek(m[1], &c.ofm, 0, 0, 0); got != want {
			t.Errorf("round mode %d: %d, expected %d", mode, got, want)
		}
	}
}
