// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// elemCase is one random elementwise operation.
type elemCase struct {
	mode           int
	ifm, ifm2, ofm isa.FeatureMap
	bc             isa.Broadcast
	scalar         int64
	scaleMode      int
	round          int
	opa, out       isa.Scale
	opb            int
	lo, hi         int64
	function, clip int
	lut            []byte
	inPlace        bool
	upscale        int // 1 or 2, nearest
}

// TestElementwise compares every mode, type, layout, broadcast and table with the
// formulas, written out once more. Memory outside the output must stay as it was.
func TestElementwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	accels := ethosu.Of(ethosu.U55, ethosu.U65)
	for i := range 600 {
		accel := accels[rng.IntN(len(accels))]
		c := randomElem(rng)
		name := fmt.Sprintf("%d %s mode %d, %v to %v, scale mode %d, round %d, function %d, broadcast %+v, in place %v",
			i, accel.Name, c.mode, c.ifm.Type, c.ofm.Type, c.scaleMode, c.round, c.function, c.bc, c.inPlace)
		runElem(t, rng, accel, c, name)
		if t.Failed() {
			return
		}
	}
}

func randomElem(rng *rand.Rand) *elemCase {
	s32 := isa.DType{Signed: true, Bits: 32}
	c := &elemCase{mode: rng.IntN(10), round: rng.IntN(3)}
	c.ifm.Type = append(types8and16, s32)[rng.IntN(4)]
	c.ofm.Type = append(types8and16, s32)[rng.IntN(4)]
	if c.mode >= isa.ElemCLZ {
		c.ifm.Type = s32
		if c.mode != isa.ElemSHR {
			c.ofm.Type = s32
		}
	}
	c.ofm.H, c.ofm.W, c.ofm.C = 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(40)
	c.ifm.H, c.ifm.W, c.ifm.C = c.ofm.H, c.ofm.W, c.ofm.C
	c.ifm2 = c.ifm
	c.upscale = 1
	if rng.IntN(8) == 0 {
		c.upscale, c.ifm.H, c.ifm.W = 2, (c.ofm.H+1)/2, (c.ofm.W+1)/2
	}
	if c.mode != isa.ElemLRelu && c.mode != isa.ElemAbs && c.mode != isa.ElemCLZ {
		c.bc = isa.Broadcast{H: rng.IntN(4) == 0, W: rng.IntN(4) == 0, C: rng.IntN(4) == 0, Reversed: rng.IntN(2) == 0}
		if c.ifm.Type.Bits < 32 && rng.IntN(4) == 0 {
			c.bc = isa.Broadcast{Constant: true, Reversed: c.bc.Reversed}
		}
	}
	if c.bc.H {
		c.ifm2.H = 1
	}
	if c.bc.W {
		c.ifm2.W = 1
	}
	if c.bc.C {
		c.ifm2.C = 1
	}
	c.ifm.Format, c.ifm2.Format, c.ofm.Format = isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2))
	zp := func(t isa.DType) int32 {
		if t.Bits == 32 {
			return 0
		}
		return int32(rng.IntN(256)) - 128*int32(flag(t.Signed))
	}
	c.ifm.ZeroPoint, c.ifm2.ZeroPoint, c.ofm.ZeroPoint = zp(c.ifm.Type), zp(c.ifm2.Type), zp(isa.DType{Signed: c.ofm.Type.Signed, Bits: 8})
	if c.ofm.Type.Bits == 32 {
		c.ofm.ZeroPoint = 72 // must not be applied
	}
	lo, _ := c.ifm.Type.Limits()
	c.scalar = lo + rng.Int64N(256)
	c.scaleMode = rng.IntN(3)
	if c.mode != isa.ElemAdd && c.mode != isa.ElemSub || c.ifm.Type.Bits == 32 {
		c.scaleMode = 0
	}
	c.opa, c.opb = isa.Scale{Value: uint32(rng.IntN(1 << 16))}, rng.IntN(1<<16)
	if c.scaleMode > 0 {
		c.opa = isa.Scale{Value: 1<<30 + rng.Uint32()>>2, Shift: 11 + rng.IntN(20)}
	}
	c.out = isa.Scale{Value: 1<<30 + rng.Uint32()>>2, Shift: 31 + rng.IntN(25)}
	if c.ifm.Type.Bits == 32 {
		c.out.Shift = rng.IntN(40)
	}
	c.lo, c.hi = limits16(c.ofm.Type)
	if rng.IntN(2) == 0 {
		c.lo, c.hi = c.lo/2+1, c.hi/3
	}
	c.activation(rng)
	c.inPlace = c.upscale == 1 && c.ofm.Type.Bits == c.ifm.Type.Bits && rng.IntN(3) == 0
	return c
}

// activation picks a function or table that the types allow.
func (c *elemCase) activation(rng *rand.Rand) {
	signed16 := c.ofm.Type == isa.DType{Signed: true, Bits: 16}
	switch rng.IntN(3) {
	case 0:
		if signed16 {
			c.ofm.ZeroPoint = 0
			c.function = []int{isa.ActTanh, isa.ActSigmoid}[rng.IntN(2)]
		}
	case 1:
		slot, size := rng.IntN(8), 256
		switch {
		case c.ofm.Type.Bits == 32:
			slot, size, c.clip = 4*rng.IntN(2), 1024, isa.ClipInt8
			c.lo, c.hi = -128, 127
		case signed16:
			slot, size = 0, 2048
		case c.ofm.Type.Bits == 16:
			return
		}
		c.function = isa.ActTable0 + slot
		c.lut = make([]byte, size)
		for i := range c.lut {
			c.lut[i] = byte(rng.Uint32())
		}
		if signed16 { // bases and slopes that stay within 16 bits
			for i := 0; i < size; i += 4 {
				binary.LittleEndian.PutUint16(c.lut[i:], uint16(int16(rng.IntN(40000)-20000)))
				binary.LittleEndian.PutUint16(c.lut[i+2:], uint16(int16(rng.IntN(2000)-1000)))
			}
		}
	}
}

func runElem(t *testing.T, rng *rand.Rand, accel *ethosu.Accelerator, c *elemCase, name string) {
	t.Helper()
	var a arena
	c.ifm.Region, c.ifm2.Region, c.ofm.Region = 1, 1, 1
	a.place(rng, &c.ifm)
	a.place(rng, &c.ifm2)
	if c.inPlace {
		zp, typ := c.ofm.ZeroPoint, c.ofm.Type
		c.ofm = c.ifm
		c.ofm.ZeroPoint, c.ofm.Type = zp, typ
	} else {
		a.place(rng, &c.ofm)
	}
	var s stream
	if accel.ParallelMode {
		s.raw(isa.SetParallelMode, accel.Cores-1)
	}
	flash := make([]byte, 16, 4096)
	if c.lut != nil {
		s.set(isa.SetDMA0SrcRegion, "region", 0)
		s.addr(isa.SetDMA0Src, int64(len(flash)))
		s.set(isa.SetDMA0DstRegion, "region", 3, "region_mode", 1)
		s.addr(isa.SetDMA0Dst, int64(accel.LUTBase()+256*(c.function-isa.ActTable0)))
		s.addr(isa.SetDMA0Len, int64(len(c.lut)))
		flash = append(flash, c.lut...)
		s.raw(isa.OpDMAStart, 0)
	}
	s.featureMap(isa.SetIFMBase0, &c.ifm, c.scaleMode, 0)
	s.featureMap(isa.SetIFM2Base0, &c.ifm2, 0, 0)
	s.featureMap(isa.SetOFMBase0, &c.ofm, 1, c.round)
	s.set(isa.SetIFM2Broadcast, "broadcast_h", flag(c.bc.H), "broadcast_w", flag(c.bc.W), "broadcast_c", flag(c.bc.C),
		"operand_order", flag(c.bc.Reversed), "broadcast_constant", flag(c.bc.Constant))
	s.raw(isa.SetIFM2Scalar, int(c.scalar))
	s.set(isa.SetIFMUpscale, "mode", (c.upscale-1)*isa.UpscaleNearest)
	s.block(accel, accel.UBlockH, accel.UBlockW, 16, true, isa.AccI32)
	s.activation(c.function, c.clip, int(c.lo), int(c.hi))
	s.set(isa.SetOFMScale, "scale", int(c.out.Value), "shift", c.out.Shift)
	s.set(isa.SetOPAScale, "scale", int(c.opa.Value), "shift", c.opa.Shift)
	s.set(isa.SetOPBScale, "scale", c.opb)
	s.raw(isa.OpElementwise, c.mode)
	s.stop()

	var r Regions
	r[0].Content, r[1].Size = flash, a.size
	sim, err := Prepare(accel, s.words, r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	m := sim.NewMemory()
	for i := range m[1] {
		m[1][i] = byte(rng.Uint32())
	}
	c.limitInputs(rng, m[1])
	want := bytes.Clone(m[1])
	c.direct(bytes.Clone(m[1]), want)
	if err := sim.Run(m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if bytes.Equal(m[1], want) {
		return
	}
	for y := range c.ofm.H {
		for x := range c.ofm.W {
			for ch := range c.ofm.C {
				if g, w := peek(m[1], &c.ofm, y, x, ch), peek(want, &c.ofm, y, x, ch); g != w {
					t.Fatalf("%s: element (%d,%d,%d) is %d, expected %d", name, y, x, ch, g, w)
				}
			}
		}
	}
	t.Fatalf("%s: memory outside the output was written", name)
}

// limitInputs keeps 32-bit operands where the results are known.
func (c *elemCase) limitInputs(rng *rand.Rand, mem []byte) {
	if c.ifm.Type.Bits != 32 {
		return
	}
	for i, f := range []*isa.FeatureMap{&c.ifm, &c.ifm2} {
		for y := range f.H {
			for x := range f.W {
				for ch := range f.C {
					v := int64(int32(rng.Uint32())) >> rng.IntN(30)
					switch c.mode {
					case isa.ElemSHL:
						v >>= 16
					case isa.ElemAdd, isa.ElemSub:
						v >>= 1
					}
					// The shift amount is the second mathematical operand.
					if (c.mode == isa.ElemSHL || c.mode == isa.ElemSHR) && (i == 1) != c.bc.Reversed {
						v = rng.Int64N(32)
						if c.mode == isa.ElemSHL {
							v = rng.Int64N(15)
						}
					}
					poke(mem, f, y, x, ch, v)
				}
			}
		}
	}
}

func (c *elemCase) direct(in, out []byte) {
	at := func(i int, flat bool) int {
		if flat {
			return 0
		}
		return i
	}
	for y := range c.ofm.H {
		for x := range c.ofm.W {
			for ch := range c.ofm.C {
				a := peek(in, &c.ifm, y/c.upscale, x/c.upscale, ch) - int64(c.ifm.ZeroPoint)
				b := c.scalar - int64(c.ifm2.ZeroPoint)
				if !c.bc.Constant {
					b = peek(in, &c.ifm2, at(y, c.bc.H), at(x, c.bc.W), at(ch, c.bc.C)) - int64(c.ifm2.ZeroPoint)
				}
				if c.bc.Reversed {
					a, b = b, a
				}
				poke(out, &c.ofm, y, x, ch, c.finish(c.combine(a, b)))
			}
		}
	}
}

func (c *elemCase) combine(a, b int64) int64 {
	out := c.out
	if c.ifm.Type.Bits == 32 {
		out.Value = 1
	}
	sr := func(v int64) int64 { return roundBig(v, out, c.round, 0) }
	sign := int64(1)
	switch c.mode {
	case isa.ElemMul:
		return sr(a * b)
	case isa.ElemSub:
		sign = -1
		fallthrough
	case isa.ElemAdd:
		big, d := uint(19), uint(20)
		if c.ifm.Type.Bits == 16 {
			big, d = 14, 15
		}
		switch {
		case c.ifm.Type.Bits == 32:
			return sr(a + sign*b)
		case c.scaleMode == 1:
			return sr(roundBig(a, c.opa, isa.RoundTFL, d) + sign*(b<<big))
		case c.scaleMode == 2:
			return sr(a<<big + sign*roundBig(b, c.opa, isa.RoundTFL, d))
		}
		return sr(a*int64(c.opa.Value) + sign*b*int64(c.opb))
	case isa.ElemMin:
		return min(a, b)
	case isa.ElemMax:
		return max(a, b)
	case isa.ElemLRelu:
		if a < 0 {
			return sr(a)
		}
		return a
	case isa.ElemAbs:
		if a < 0 {
			a = -a
		}
		return sr(a)
	case isa.ElemCLZ:
		return int64(32 - bits.Len32(uint32(a)))
	case isa.ElemSHR:
		return roundBig(a, isa.Scale{Value: 1, Shift: int(b)}, c.round, 0)
	}
	return a << b
}

func (c *elemCase) finish(v int64) int64 {
	if c.ofm.Type.Bits == 32 && c.lut == nil {
		return min(max(v, -1<<31), 1<<31-1)
	}
	v += int64(c.ofm.ZeroPoint)
	switch c.function {
	case isa.ActTanh:
		v = tanhCore(v)
	case isa.ActSigmoid:
		v = sigmoidCore(v)
	}
	v = min(max(v, c.lo), c.hi)
	switch {
	case len(c.lut) == 1024:
		return int64(int32(binary.LittleEndian.Uint32(c.lut[4*(v+128):])))
	case len(c.lut) == 256 && c.ofm.Type.Signed:
		return int64(int8(c.lut[v+128]))
	case len(c.lut) == 256:
		return int64(c.lut[v])
	case len(c.lut) == 2048:
		i, o := (v+32768)/128, (v+32768)%128
		base := int64(int16(binary.LittleEndian.Uint16(c.lut[4*i:])))
		slope := int64(int16(binary.LittleEndian.Uint16(c.lut[4*i+2:])))
		return base + (slope*o+64)>>7
	}
	return v
}
