// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// stream builds a command stream from the ISA tables.
type stream struct{ words []uint32 }

// set writes a register without payload from its fields.
func (s *stream) set(c isa.Code, fields ...any) {
	cmd := isa.Command{Code: c}
	r := isa.Lookup(c)
	for i := 0; i < len(fields); i += 2 {
		f, inPayload := r.Field(fields[i].(string))
		v := uint32(fields[i+1].(int))
		if inPayload {
			cmd.Payload = f.Put(cmd.Payload, v)
		} else {
			cmd.Param = uint16(f.Put(uint32(cmd.Param), v))
		}
	}
	s.words = cmd.Append(s.words)
}

// addr writes a register with a 40-bit address or a signed stride.
func (s *stream) addr(c isa.Code, v int64) {
	s.words = isa.Command{Code: c, Payload: uint32(v)}.Append(s.words)
}

// raw writes a register whose parameter is one value.
func (s *stream) raw(c isa.Code, v int) {
	s.words = isa.Command{Code: c, Param: uint16(v)}.Append(s.words)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// featureMap writes every register of a map; which is its first base register.
func (s *stream) featureMap(which isa.Code, f *isa.FeatureMap, scaleMode, round int) {
	var region, h0, h1, w0, zp, precision isa.Code
	var shift = 0
	switch which {
	case isa.SetIFMBase0:
		region, h0, h1, w0, zp, precision = isa.SetIFMRegion, isa.SetIFMHeight0M1, isa.SetIFMHeight1M1, isa.SetIFMWidth0M1, isa.SetIFMZeroPoint, isa.SetIFMPrecision
		s.raw(isa.SetIFMDepthM1, f.C-1)
	case isa.SetIFM2Base0:
		region, h0, h1, w0, zp, precision = isa.SetIFM2Region, isa.SetIFM2Height0M1, isa.SetIFM2Height1M1, isa.SetIFM2Width0M1, isa.SetIFM2ZeroPoint, isa.SetIFM2Precision
	default:
		region, h0, h1, w0, zp, precision = isa.SetOFMRegion, isa.SetOFMHeight0M1, isa.SetOFMHeight1M1, isa.SetOFMWidth0M1, isa.SetOFMZeroPoint, isa.SetOFMPrecision
		s.raw(isa.SetOFMHeightM1, f.H-1)
		s.raw(isa.SetOFMWidthM1, f.W-1)
		s.raw(isa.SetOFMDepthM1, f.C-1)
	}
	s.raw(region, f.Region)
	for i, b := range f.Base {
		s.addr(which+isa.Code(i), int64(b))
	}
	s.raw(h0, f.Height0-1)
	s.raw(h1, f.Height1-1)
	s.raw(w0, f.Width0-1)
	s.addr(which+4, f.StrideX)
	s.addr(which+5, f.StrideY)
	s.addr(which+6, f.StrideC)
	s.raw(zp, int(f.ZeroPoint)+shift)
	p := map[int]int{8: 0, 16: 1, 32: 2}[f.Type.Bits]
	switch which {
	case isa.SetIFM2Base0:
		s.set(precision, "type", flag(f.Type.Signed), "precision", p, "format", int(f.Format))
	default:
		s.set(precision, "type", flag(f.Type.Signed), "precision", p, "format", int(f.Format), "scale_mode", scaleMode, "round_mode", round)
	}
}

// kernel writes the window registers.
func (s *stream) kernel(k *isa.Kernel) {
	s.raw(isa.SetKernelHeightM1, (k.H-1)*k.DilationY)
	s.raw(isa.SetKernelWidthM1, (k.W-1)*k.DilationX)
	s.set(isa.SetKernelStride, "stride_x_lsb", (k.StrideX-1)&1, "stride_x_msb", (k.StrideX-1)>>1, "stride_y_lsb", (k.StrideY-1)&1,
		"stride_y_msb", (k.StrideY-1)>>1, "weight_order", flag(k.PartKernelFirst), "dilation_x", k.DilationX-1, "dilation_y", k.DilationY-1)
	s.raw(isa.SetIFMPadTop, k.Top)
	s.raw(isa.SetIFMPadLeft, k.Left)
	s.raw(isa.SetIFMPadBottom, k.Bottom)
	s.raw(isa.SetIFMPadRight, k.Right)
}

// block writes a block and a layout with room for it.
func (s *stream) block(a *ethosu.Accelerator, h, w, d int, elementwise bool, acc int) {
	s.raw(isa.SetOFMBLKHeightM1, h-1)
	s.raw(isa.SetOFMBLKWidthM1, w-1)
	s.raw(isa.SetOFMBLKDepthM1, d-1)
	top := a.TopBank(true)
	if elementwise {
		s.raw(isa.SetIFMIBEnd, top)
		s.raw(isa.SetABStart, top)
		s.raw(isa.SetIFM2IBStart, 2+(top-2)/4*2)
	} else {
		s.raw(isa.SetIFMIBEnd, top-4)
		s.raw(isa.SetABStart, top-4)
	}
	s.raw(isa.SetACCFormat, acc)
	s.raw(isa.SetBlockdep, 0)
}

func (s *stream) activation(function, clip, lo, hi int) {
	s.set(isa.SetActivation, "function", function, "clip_range", clip)
	s.raw(isa.SetActivationMin, lo)
	s.raw(isa.SetActivationMax, hi)
}

func (s *stream) stop() { s.raw(isa.OpStop, 0xFFFF) }

// arena hands out memory for the maps of a test.
type arena struct{ size int64 }

func (a *arena) take(n int64) uint64 {
	at := (a.size + 15) / 16 * 16
	a.size = at + n
	return uint64(at)
}

// place gives a map random tiles, strides and bases.
func (a *arena) place(rng *rand.Rand, f *isa.FeatureMap) {
	e := int64(f.Type.Bytes())
	pad := int64(rng.IntN(3))
	if f.Format == isa.NHCWB16 {
		f.StrideX = 16 * e
		f.StrideC = (int64(f.W) + pad) * 16 * e
		f.StrideY = f.StrideC * int64((f.C+15)/16)
	} else {
		f.StrideC = e
		f.StrideX = (int64(f.C) + pad) * e
		f.StrideY = (int64(f.W)*(int64(f.C)+pad) + pad) * e
	}
	f.Height0, f.Height1, f.Width0 = f.H, f.H, f.W
	f.Base[0] = a.take(int64(f.H) * f.StrideY)
	if rng.IntN(2) == 0 {
		f.Height0, f.Height1, f.Width0 = 1+rng.IntN(f.H), 1+rng.IntN(f.H), 1+rng.IntN(f.W)
		for i := 1; i < 4; i++ {
			f.Base[i] = a.take(int64(f.H) * f.StrideY)
		}
	}
}

// peek and poke access one element the plain way.
func peek(mem []byte, f *isa.FeatureMap, y, x, c int) int64 {
	at := f.Address(y, x, c)
	var v uint64
	for i := range f.Type.Bytes() {
		v |= uint64(mem[at+int64(i)]) << (8 * i)
	}
	if up := 64 - f.Type.Bits; f.Type.Signed {
		return int64(v<<up) >> up
	}
	return int64(v)
}

func poke(mem []byte, f *isa.FeatureMap, y, x, c int, v int64) {
	at := f.Address(y, x, c)
	for i := range f.Type.Bytes() {
		mem[at+int64(i)] = byte(v >> (8 * i))
	}
}

func accelerator(t testing.TB, name string) *ethosu.Accelerator {
	t.Helper()
	a, err := ethosu.ParseAccelerator(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
