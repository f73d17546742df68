// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/testdata"
)

// small is a stream of one operation, or of a chain, on small maps.
type small struct {
	name    string
	accel   *ethosu.Accelerator
	words   []uint32
	regions Regions
	memory  []byte // of region 1
}

// fill gives the memory random bytes; of 32 bits few are large.
func (s *small) fill() {
	rng := rand.New(rand.NewPCG(43, 44))
	s.memory = make([]byte, s.regions[1].Size)
	for i := range s.memory {
		s.memory[i] = byte(rng.Uint32())
		if i%4 >= 2 {
			s.memory[i] = byte(int8(rng.IntN(9)) / 8)
		}
		if i >= 1024 && strings.HasPrefix(s.name, "SHR") { // by how much
			s.memory[i] %= 16
			if i%4 > 0 {
				s.memory[i] = 0
			}
		}
	}
}

// smallU55 are streams of every kind of operation of the U55 and the U65.
func smallU55(t *testing.T) (list []small) {
	u8, u16 := isa.DType{Bits: 8}, isa.DType{Bits: 16}
	type operation struct {
		name             string
		op               isa.Code
		mode             int
		in, out          isa.DType
		k                isa.Kernel
		h, w, c, oc      int // of the OFM; channels of the IFM and of the OFM
		global           int
		scale            isa.Scale
		round            int
		function         int
		upscale          int
		opa              isa.Scale
		inMode, constant int
	}
	point := isa.Kernel{H: 1, W: 1, StrideX: 1, StrideY: 1, DilationX: 1, DilationY: 1, DilatedH: 1, DilatedW: 1}
	three := isa.Kernel{H: 3, W: 2, StrideX: 1, StrideY: 2, DilationX: 2, DilationY: 1, DilatedH: 3, DilatedW: 3, Top: 1, Left: 1, Bottom: 1, Right: 1}
	two := isa.Kernel{H: 2, W: 2, StrideX: 2, StrideY: 2, DilationX: 1, DilationY: 1, DilatedH: 2, DilatedW: 2}
	padded := two
	padded.Top, padded.Left = 1, 1
	unit, half := isa.Scale{Value: 1}, isa.Scale{Value: 1 << 30, Shift: 31}
	for i, o := range []operation{
		{name: "CONV", op: isa.OpConv, in: s8, out: s8, k: point, h: 2, w: 3, c: 20, oc: 24},
		{name: "CONV of windows", op: isa.OpConv, in: u8, out: s16, k: three, h: 2, w: 3, c: 9, oc: 8, round: 2},
		{name: "CONV of 16 bits", op: isa.OpConv, in: s16, out: s16, k: point, h: 1, w: 2, c: 12, oc: 8},
		{name: "CONV with inserted zeros", op: isa.OpConv, in: s8, out: s32, k: padded, h: 2, w: 3, c: 9, oc: 8, upscale: 2},
		{name: "DEPTHWISE", op: isa.OpDepthwise, in: s8, out: u8, k: three, h: 2, w: 3, c: 17, oc: 17},
		{name: "MAX", op: isa.OpPool, mode: isa.PoolMax, in: s8, out: s8, k: two, h: 2, w: 2, c: 17, oc: 17},
		{name: "MAX of 1x1 with a table", op: isa.OpPool, mode: isa.PoolMax, in: u8, out: u8, k: point, h: 2, w: 2, c: 16, oc: 16, global: 1, scale: unit, function: isa.ActTable0 + 1},
		{name: "AVERAGE", op: isa.OpPool, mode: isa.PoolAverage, in: s8, out: s8, k: two, h: 2, w: 2, c: 17, oc: 17, global: 1, scale: isa.Scale{Value: 1 << 30, Shift: 32}},
		{name: "AVERAGE that counts", op: isa.OpPool, mode: isa.PoolAverage, in: s16, out: s16, k: padded, h: 2, w: 2, c: 5, oc: 5, upscale: 1},
		{name: "AVERAGE to 32 bits", op: isa.OpPool, mode: isa.PoolAverage, in: s8, out: s32, k: point, h: 1, w: 2, c: 5, oc: 5, global: 1, scale: isa.Scale{Value: 1 << 8}},
		{name: "REDUCE_SUM", op: isa.OpPool, mode: isa.PoolReduceSum, in: s32, out: s8, k: point, h: 2, w: 2, c: 9, oc: 1, global: 1, scale: isa.Scale{Value: 1, Shift: 30}},
		{name: "MUL", op: isa.OpElementwise, mode: isa.ElemMul, in: s8, out: s8, h: 2, w: 2, c: 17, oc: 17, global: 1, scale: isa.Scale{Value: 1 << 30, Shift: 36}},
		{name: "ADD", op: isa.OpElementwise, mode: isa.ElemAdd, in: s8, out: s8, h: 2, w: 2, c: 17, oc: 17, global: 1, scale: isa.Scale{Value: 1 << 30, Shift: 49}, inMode: 1, opa: isa.Scale{Value: 1 << 30, Shift: 11}},
		{name: "SUB from a constant with a table", op: isa.OpElementwise, mode: isa.ElemSub, in: s8, out: s8, h: 2, w: 2, c: 16, oc: 16, global: 1, scale: isa.Scale{Value: 1 << 30, Shift: 44}, opa: isa.Scale{Value: 20000}, function: isa.ActTable0, constant: 1},
		{name: "SUB of 16 bits", op: isa.OpElementwise, mode: isa.ElemSub, in: s16, out: s16, h: 2, w: 2, c: 5, oc: 5, global: 1, scale: isa.Scale{Value: 1 << 30, Shift: 44}, inMode: 2, opa: isa.Scale{Value: 1 << 30, Shift: 16}, function: isa.ActTable0},
		{name: "MUL with tanh", op: isa.OpElementwise, mode: isa.ElemMul, in: s16, out: s16, h: 1, w: 2, c: 5, oc: 5, global: 1, scale: half, function: isa.ActTanh},
		{name: "MIN", op: isa.OpElementwise, mode: isa.ElemMin, in: u16, out: u16, h: 2, w: 2, c: 5, oc: 5},
		{name: "LRELU", op: isa.OpElementwise, mode: isa.ElemLRelu, in: s8, out: s8, h: 2, w: 2, c: 16, oc: 16, global: 1, scale: isa.Scale{Value: 1 << 30, Shift: 32}},
		{name: "ABS", op: isa.OpElementwise, mode: isa.ElemAbs, in: s16, out: s32, h: 2, w: 2, c: 5, oc: 5, global: 1, scale: half, round: 1},
		{name: "SHR", op: isa.OpElementwise, mode: isa.ElemSHR, in: s32, out: s32, h: 1, w: 2, c: 5, oc: 5},
		{name: "CLZ", op: isa.OpElementwise, mode: isa.ElemCLZ, in: s32, out: s32, h: 1, w: 2, c: 5, oc: 5},
	} {
		accel := accelerator(t, []string{"ethos-u55-256", "ethos-u65-512", "ethos-u55-64"}[i%3])
		if o.op == isa.OpElementwise {
			o.k = point
		}
		rng := rand.New(rand.NewPCG(uint64(i), 41))
		c := &windowCase{op: o.op, pool: o.mode, k: o.k, blockDeep: 32, upscale: o.upscale}
		u := 1 + min(o.upscale, 1)
		h, w := (o.h-1)*o.k.StrideY+o.k.DilatedH-o.k.Top-o.k.Bottom, (o.w-1)*o.k.StrideX+o.k.DilatedW-o.k.Left-o.k.Right
		c.ifm = flatMap(0, (h+u-1)/u, (w+u-1)/u, o.c, o.in)
		c.ofm = flatMap(2048, o.h, o.w, o.oc, o.out)
		ifm2 := flatMap(1024, o.h, o.w, o.c, o.in)
		if o.in.Bits < 32 {
			c.ifm.ZeroPoint, ifm2.ZeroPoint = 3, 2
		}
		if o.function < isa.ActTanh || o.function > isa.ActSigmoid {
			c.ofm.ZeroPoint = 5
		}
		var s stream
		if accel.ParallelMode {
			s.raw(isa.SetParallelMode, accel.Cores-1)
		}
		if o.op == isa.OpConv || o.op == isa.OpDepthwise {
			n := o.k.H * o.k.W * o.c
			if o.op == isa.OpDepthwise {
				n = o.k.H * o.k.W
			}
			for range o.oc * n {
				c.weights = append(c.weights, int16(rng.IntN(255)-127))
			}
			for range o.oc {
				c.records = append(c.records, weights.Record{Bias: int64(rng.IntN(2000) - 1000), Scale: 1<<30 + rng.Uint32()>>3, Shift: uint8(40 + rng.IntN(2))})
			}
		}
		s.featureMap(isa.SetIFMBase0, &c.ifm, o.inMode, 0)
		s.featureMap(isa.SetIFM2Base0, &ifm2, 0, 0)
		s.featureMap(isa.SetOFMBase0, &c.ofm, o.global, o.round)
		s.kernel(&o.k)
		s.set(isa.SetIFMUpscale, "mode", o.upscale)
		s.set(isa.SetIFM2Broadcast, "broadcast_constant", o.constant, "operand_order", o.constant)
		s.raw(isa.SetIFM2Scalar, 7)
		acc := isa.AccI32
		if o.in.Bits == 16 {
			acc = isa.AccI40
		}
		s.block(accel, 2, 2, 32, o.op == isa.OpElementwise, int(acc))
		lo, hi := limits16(o.out)
		var flash []byte
		if o.op == isa.OpConv || o.op == isa.OpDepthwise {
			flash = c.streams(t, &s, accel)
		}
		if o.function >= isa.ActTable0 {
			size := map[int]int{8: 256, 16: 2048}[o.out.Bits]
			s.set(isa.SetDMA0SrcRegion, "region", 0)
			s.addr(isa.SetDMA0Src, int64(len(flash)))
			s.set(isa.SetDMA0DstRegion, "region", 3, "region_mode", 1)
			s.addr(isa.SetDMA0Dst, int64(accel.LUTBase()+256*(o.function-isa.ActTable0)))
			s.addr(isa.SetDMA0Len, int64(size))
			s.raw(isa.OpDMAStart, 0)
			for j := range size {
				flash = append(flash, byte(j*j/7+j%4/3*j))
			}
		}
		s.activation(o.function, 0, int(lo), int(hi))
		s.set(isa.SetOFMScale, "scale", int(o.scale.Value), "shift", o.scale.Shift)
		s.set(isa.SetOPAScale, "scale", int(o.opa.Value), "shift", o.opa.Shift)
		s.set(isa.SetOPBScale, "scale", 25000)
		s.raw(o.op, o.mode)
		s.stop()
		list = append(list, small{name: fmt.Sprintf("%s of %s", o.name, accel.Name), accel: accel, words: s.words, regions: Regions{{Content: flash}, {Size: 4096}}})
	}
	for _, mode := range []int{0, 1, 2} {
		list = append(list, small{name: fmt.Sprintf("rows of mode %d", mode), accel: accelerator(t, "ethos-u65-256"), words: dmaWords(16, 32, mode, 0, 24, 3, 2, 8, 40), regions: Regions{{Content: bytes.Repeat([]byte{1, 2, 3, 5, 7}, 60)}, {Size: 512}}})
	}
	return list
}

// smallU85 are streams of every kind of operation of the U85.
func smallU85(t *testing.T) (list []small) {
	point := isa.MapU85{}
	of := func(base uint64, h, w, c int, typ isa.DType) isa.MapU85 {
		m := point
		m.FeatureMap = flatMap(base, h, w, c, typ)
		return m
	}
	add := func(name, accel string, flash []byte, ops ...*isa.KernelU85) {
		var s stream
		table := isa.Span{Start: 0, End: 2048}
		s.tableU85(int64(len(flash)), table)
		for i := range 2048 {
			flash = append(flash, byte(i*i/7+i%4/3*i))
		}
		for _, k := range ops {
			s.kernelU85(k)
		}
		s.stop()
		list = append(list, small{name: name + " of " + accel, accel: accelerator(t, accel), words: s.words, regions: Regions{{Content: flash}, {Size: 4096}}})
	}
	for i, name := range []string{"ethos-u85-256", "ethos-u85-512", "ethos-u85-128"} {
		accel := accelerator(t, name)
		for n := range 2 { // convolutions, of which what is drawn is small
			for seed := uint64(0); ; seed++ {
				rng := rand.New(rand.NewPCG(seed, uint64(10*i+n)))
				c := randomConvU85(rng, accel)
				if c.OFM.C > 20 || c.IFM.C > 20 || c.IFM.H*c.IFM.W > 20 || c.OFM.H*c.OFM.W > 8 || (c.Op == isa.OpDepthwise) != (n == 1) {
					continue
				}
				for _, m := range []*isa.MapU85{&c.IFM, &c.IFM2, &c.OFM} {
					zp := m.ZeroPoint
					m.FeatureMap = flatMap(0, m.H, m.W, m.C, m.Type)
					m.ZeroPoint = zp
				}
				c.Transpose, c.Reverse = 0, 0
				c.IFM2.FeatureMap = flatMap(1024, c.OFM.H, c.OFM.W, c.OFM.C, c.IFM2.Type)
				c.OFM.Base[0] = 2048
				flash, err := c.encode()
				if err != nil {
					t.Fatal(err)
				}
				add(fmt.Sprintf("%v, %v", c.Op, c.IFM.Type), name, flash, c.KernelU85)
				break
			}
		}
	}
	for i, p := range []isa.PoolMode{isa.PoolMax, isa.PoolMin, isa.PoolAverage, isa.PoolSum, isa.PoolReduceSum, isa.PoolArgmaxX, isa.PoolArgmaxY, isa.PoolNone} {
		k := &isa.KernelU85{Op: isa.OpPool, Pool: p, Global: true, H: 1, W: 2, D: 16, OFMScale: unitScale, IFMScale: unitScale, IFM2Scale: unitScale, Window: pointWindow}
		k.Activation = isa.ActivationU85{Clip: true, Min: 0xFF80, Max: 127}
		k.IFM, k.IFM2, k.OFM = of(0, 2, 4, 17, s8), of(1024, 2, 4, 17, s32), of(2048, 2, 4, 17, s8)
		k.Acc.Micro = isa.Micro1x2
		switch p {
		case isa.PoolAverage:
			k.OFMScale.Round = isa.RoundHalfUp
			k.Window = isa.Kernel{H: 2, W: 2, StrideY: 1, StrideX: 2, DilationY: 1, DilationX: 1, DilatedH: 2, DilatedW: 2, Top: 1}
			k.IFM = of(0, 2, 8, 17, s8)
		case isa.PoolSum:
			k.OFMScale, k.Reverse = isa.ScaleU85{Value: 1 << 29, Shift: 31, Round: isa.RoundSymmetric}, isa.ReverseW
			k.Window.H, k.Window.DilatedH, k.IFM.FeatureMap = 2, 2, flatMap(0, 3, 4, 17, s8)
		case isa.PoolReduceSum:
			k.OFM, k.Acc.Micro, k.W, k.OFMScale = of(2048, 2, 4, 1, s16), isa.Micro1x4, 4, isa.ScaleU85{Value: 1 << 30, Shift: 33}
			k.Activation.Min, k.Activation.Max = 0x8000, 0x7FFF
		case isa.PoolArgmaxX, isa.PoolArgmaxY:
			k.OFM, k.OFMScale, k.Activation.Clip = of(2048, 2, 4, 17, s32), isa.ScaleU85{Value: 1, Shift: 16, Round: isa.RoundDown}, false
			if k.IFM = of(0, 2, 6, 17, s8); p == isa.PoolArgmaxX {
				k.Window.W, k.Window.DilatedW = 3, 3
			} else {
				k.Window.H, k.Window.DilatedH, k.IFM = 3, 3, of(0, 4, 4, 17, s8)
			}
		case isa.PoolNone:
			k.Acc.Input, k.IFM.ZeroPoint, k.OFMScale = isa.AccIFM2, 0, isa.ScaleU85{Value: 1, Shift: 25}
		case isa.PoolMin:
			k.Transpose, k.Activation.Function, k.Activation.Table = isa.TransposeWHC, isa.FuncS8ToS8, 2
			k.OFM = of(2048, 4, 2, 17, s8)
			k.OFM.H, k.OFM.W = 2, 4
		}
		if i%2 == 1 && p != isa.PoolNone {
			k.Acc.Format = isa.AccI48
		}
		add(fmt.Sprint("POOL ", p), "ethos-u85-256", nil, k)
	}
	for _, e := range []isa.ElementwiseMode{isa.ElemAdd, isa.ElemSub, isa.ElemMul, isa.ElemMin, isa.ElemXor, isa.ElemAbs, isa.ElemLRelu, isa.ElemCLZ, isa.ElemSHR} {
		pair := pairU85()
		k := pair[1]
		k.Elem, k.IFM.Storage = e, isa.Tile2x2
		k.IFM, k.IFM2, k.OFM = of(0, 2, 3, 20, s8), of(1024, 2, 3, 20, s8), of(2048, 2, 3, 20, s8)
		if k.OFMScale = unitScale; e == isa.ElemAdd || e == isa.ElemSub || e == isa.ElemLRelu {
			k.IFMScale, k.IFM2Scale = isa.ScaleU85{Value: 3, Shift: 1}, isa.ScaleU85{Value: 1 << 30, Shift: 31}
		}
		if e == isa.ElemCLZ || e == isa.ElemSHR {
			k.IFM, k.IFM2, k.OFM, k.Activation.Clip = of(0, 2, 3, 20, s32), of(1024, 2, 3, 20, s32), of(2048, 2, 3, 20, s32), false
		}
		if e == isa.ElemSub {
			k.IFM2.Broadcast, k.IFM2.Storage, k.Scalar = isa.BroadcastScalar, isa.NoStorage, 9
		}
		if e == isa.ElemMul {
			k.IFM2.FeatureMap = flatMap(1024, 1, 3, 20, s8)
			k.IFM2.Broadcast, k.OFMScale = isa.BroadcastH, isa.ScaleU85{Value: 1 << 30, Shift: 35}
		}
		add(fmt.Sprint(e), "ethos-u85-256", nil, k)
	}
	pair := pairU85()
	for _, k := range pair {
		k.IFM2.Base[0], k.OFM.Base[0] = 1024, 2048
	}
	add("a chain", "ethos-u85-256", nil, pair[0], pair[1])
	matrix := &isa.KernelU85{Op: isa.OpConv, MatMul: true, Global: true, H: 1, W: 4, D: 16, OFMScale: isa.ScaleU85{Value: 1 << 30, Shift: 36}, Window: pointWindow,
		IFM: of(0, 2, 2, 20, s8), IFM2: of(1024, 1, 8, 20, s8), OFM: of(2048, 2, 2, 8, s8), Activation: isa.ActivationU85{Clip: true, Min: 0xFF80, Max: 127}}
	matrix.Acc.Micro = isa.Micro1x4
	add("CONV with IFM2", "ethos-u85-256", nil, matrix)
	resize := &isa.KernelU85{Op: isa.OpResize, Mode: isa.ResizeNearest, Global: true, H: 1, W: 2, D: 16, OFMScale: isa.ScaleU85{Value: 1, Shift: 16}, Window: pointWindow,
		IFM: of(0, 2, 2, 9, s8), OFM: of(2048, 4, 4, 9, s8), Activation: isa.ActivationU85{Clip: true, Min: 0xFF80, Max: 127},
		Resize: [2]isa.ResizeU85{{N: 4, OneRest: 2, Offset: -1}, {N: 4, OneRest: 2, BlockRest: 2, Offset: 1}}}
	resize.Acc.Micro = isa.Micro1x2
	add("RESIZE", "ethos-u85-256", nil, resize)
	for _, d := range []*isa.DMAU85{
		{Mode: 2, Length: 20, Rows: 3, Planes: 2, SrcRegion: 0, DstRegion: 1, Src: 16, Dst: 48, SrcRow: 24, DstRow: 32, SrcPlane: 100, DstPlane: 160},
		{Mode: 1, Length: 20, Rows: 3, Planes: 1, SrcRegion: 0, DstRegion: 1, Src: 16, Dst: 48, SrcRow: 24, DstRow: 32, Gather: true, Index: 512, IndexMax: 7},
		{Mode: 1, Length: 20, Rows: 3, Planes: 1, SrcRegion: 0, DstRegion: 1, Src: 16, Dst: 48, SrcRow: 24, DstRow: 32, Scatter: true, Index: 512, IndexMax: 7},
	} {
		var s stream
		s.transferU85(d)
		s.stop()
		flash := append(bytes.Repeat([]byte{1, 2, 3, 5, 7, 11, 13, 17}, 64), 5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0)
		list = append(list, small{name: fmt.Sprintf("a transfer of mode %d, gather %v, scatter %v", d.Mode, d.Gather, d.Scatter), accel: accelerator(t, "ethos-u85-256"), words: s.words, regions: Regions{{Content: flash}, {Size: 512}}})
	}
	return list
}

// run tells what a stream leaves in memory, or the fault that it ends in; the plain loops
// must leave the same as those that are joined.
func (s *small) run(t *testing.T, words []uint32) (said string, ran bool) {
	t.Helper()
	var results []string
	for _, slow := range []bool{false, true} {
		p, err := PrepareWith(s.accel, words, s.regions, Options{MaxWork: 1 << 20, slow: slow})
		var m Memory
		if err == nil {
			m = p.NewMemory()
			copy(m[1], s.memory)
			err = p.Run(m)
			ran = err == nil
		}
		var f *Fault
		switch {
		case err == nil:
			results = append(results, fmt.Sprintf("%04x", crc32.ChecksumIEEE(m[1])&0xFFFF))
		case !errors.As(err, &f):
			t.Fatalf("%s: %v is no fault", s.name, err)
		case f.Cause == BadCommand: // the words are those of the ISA's table, which grows
			results = append(results, fmt.Sprintf("word %d: %v", f.Word, f.Cause))
		default:
			results = append(results, err.Error())
		}
		if p == nil { // it does not depend on the loops
			break
		}
	}
	if results[0] != results[len(results)-1] {
		t.Errorf("%s: joined loops leave %q, plain ones %q: %v", s.name, results[0], results[1], words)
	}
	return results[0], ran
}

// TestRecordedBorders: what streams of every operation leave in memory, or the fault that
// they end in, with each register on both sides of its borders. What right streams compute,
// other tests compare with what is worked out apart.
func TestRecordedBorders(t *testing.T) {
	b := testdata.NewRecording(t, "borders.txt", *update)
	for _, s := range slices.Concat(smallU55(t), smallU85(t)) {
		s.fill()
		said, ran := s.run(t, s.words)
		if fmt.Fprintf(b, "# %s: %s\n", s.name, said); !ran {
			t.Errorf("%s: %s", s.name, said)
		}
		for at := 0; at < len(s.words); {
			in, err := s.accel.Product.Next(s.words, at)
			if err != nil {
				t.Fatal(err)
			}
			word, shift := at, 16
			if in.Code.HasPayload() {
				word, shift = at+1, 0
			}
			v := s.words[word] >> shift
			h, found, changed := fnv.New32a(), []string{}, slices.Clone(s.words)
			for _, x := range []uint32{v + 1, v - 1, v + 16, 2 * v, 0, v ^ 2, v ^ 0x104} {
				changed[word] = x<<shift | s.words[word]&(1<<shift-1)
				now, ran := s.run(t, changed)
				fmt.Fprintln(h, now)
				switch {
				case now == said:
					now = "="
				case ran:
					now = "-"
				default:
					_, now, _ = strings.Cut(now, ": ")
					now, _, _ = strings.Cut(now, ":")
					now = strings.ReplaceAll(now, " ", "_")
				}
				found = append(found, now)
			}
			fmt.Fprintf(b, "%s: %s %04x\n", strings.TrimPrefix(s.accel.Product.Name(in.Code), "NPU_"), strings.Join(found, " "), h.Sum32()&0xFFFF)
			b.Part()
			at += in.Words()
		}
	}
	b.End()
}
