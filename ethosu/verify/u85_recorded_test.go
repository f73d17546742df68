// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// TestZeroPoints: the zero points that every type may have, and the next one.
func TestZeroPoints(t *testing.T) {
	for _, c := range []struct {
		t   isa.DType
		zp  int32
		may bool
	}{
		{typeS8, -128, true}, {typeS8, -129, false}, {typeS8, 127, true}, {typeS8, 128, false}, {typeU8, 0, true}, {typeU8, -1, false}, {typeU8, 255, true}, {typeU8, 256, false},
		{isa.DType{Bits: 16}, 0, true}, {isa.DType{Bits: 16}, 32768, true}, {isa.DType{Bits: 16}, 1, false}, {isa.DType{Bits: 16}, 32767, false},
		{typeS16, 0, true}, {typeS16, 1, false}, {typeS16, 32768, false}, {typeS32, 0, true}, {typeS32, -1, false}, {typeS32, 32768, false},
	} {
		if got := zeroPoint(c.t, c.zp); got != c.may {
			t.Errorf("%v may have zero point %d: %v, expected %v", c.t, c.zp, got, c.may)
		}
	}
}

// drawnU85 is a kernel of the U85 with maps at random places, which often meet.
func drawnU85(rng *rand.Rand) *kernelU85 {
	of := func(h, w, c int, t isa.DType) isa.MapU85 {
		f := drawnMap(rng, h, w, c, true)
		f.Type = t
		e := int64(t.Bytes())
		if f.StrideX, f.StrideC = e*int64(c), e; f.Format == isa.NHCWB16 {
			f.StrideX, f.StrideC = 16*e, 16*e*int64(w)
		}
		f.StrideY = f.StrideX * int64(w) * int64((c+15)/16)
		if f.Format == isa.NHWC {
			f.StrideY = f.StrideX * int64(w)
		}
		return isa.MapU85{FeatureMap: f}
	}
	types := []isa.DType{typeS8, typeS16, typeS32}
	k := &kernelU85{KernelU85: &isa.KernelU85{Op: []isa.Code{isa.OpConv, isa.OpDepthwise, isa.OpPool, isa.OpElementwise, isa.OpResize}[rng.IntN(5)],
		Pool: isa.PoolMode(rng.IntN(8)), Elem: isa.ElemAdd, MatMul: rng.IntN(5) == 0, Sparse: rng.IntN(5) == 0}}
	k.Window = isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
	oh, ow, oc, t := 1+rng.IntN(6), 1+rng.IntN(6), 1+rng.IntN(70), types[rng.IntN(3)]
	h, w, c := oh, ow, oc
	if k.Op != isa.OpElementwise && k.Op != isa.OpResize {
		n := &k.Window
		n.H, n.W, n.StrideY, n.StrideX, n.PartKernelFirst = 1+rng.IntN(3), 1+rng.IntN(3), 1+rng.IntN(2), 1+rng.IntN(2), rng.IntN(3) == 0
		n.DilatedH, n.DilatedW, n.Top, n.Left = n.H, n.W, rng.IntN(n.H), rng.IntN(n.W)
		k.Upscale = []isa.UpscaleMode{isa.UpscaleNone, isa.UpscaleNone, isa.UpscaleNearest}[rng.IntN(3)]
		h, w = max(1, ((h-1)*n.StrideY+n.H-n.Top)/k.Factor()), max(1, ((w-1)*n.StrideX+n.W-n.Left)/k.Factor())
	}
	if k.MatMul = k.MatMul && k.Op == isa.OpConv; k.Op == isa.OpConv {
		c = 1 + rng.IntN(100)
	}
	k.IFM, k.OFM = of(h, w, c, t), of(oh, ow, oc, t)
	if k.Op == isa.OpElementwise || k.MatMul {
		k.IFM2 = of(1+rng.IntN(oh), 1+rng.IntN(ow), 1+rng.IntN(oc), t)
	}
	k.H, k.W, k.D = 1+rng.IntN(4), 1+rng.IntN(4), 8*(1+rng.IntN(5))
	k.Acc.Micro = isa.Microblock(rng.IntN(6))
	k.out = k.OFM.Spans()
	return k
}

// TestRecordedU85: the memory of blocks for every micro-block and configuration, and how far
// kernels of all kinds may overlap with the one before.
func TestRecordedU85(t *testing.T) {
	var b strings.Builder
	rng := rand.New(rand.NewPCG(81, 82))
	for _, name := range []string{"ethos-u85-128", "ethos-u85-256", "ethos-u85-512", "ethos-u85-1024", "ethos-u85-2048"} {
		a, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "# %s\n", name)
		for _, m := range a.U85.MicroBlocks {
			for _, bits := range []int{8, 128, 129, 256, 257, 1024} {
				fmt.Fprintf(&b, "%v, %d bits: %v\n", m, bits, unitOf(a.MACs, m, bits))
			}
		}
		for range 150 {
			p, k := drawnU85(rng), drawnU85(rng)
			k.micro = a.U85.MicroBlocks[rng.IntN(len(a.U85.MicroBlocks))]
			c := newChecker(a, Regions{1: {Size: 1 << 16}})
			var may []int
			for _, depth := range []int{8, 16, 32} {
				if k.mayHave(a, depth) {
					may = append(may, depth)
				}
			}
			job := rng.IntN(4)
			box, ok := c.jobU85(k, inputU85{"IFM", &k.IFM}, job)
			most, why := c.maxBlockdepU85(p, k)
			fmt.Fprintf(&b, "%v %v of %d channels, block %dx%dx%d: class %d, depths %v, %d bytes, %d deep; job %d %v %v; %d %s\n", k.Op, k.IFM.Type, k.IFM.C, k.H, k.W, k.D,
				k.class(), may, c.inputBytes(k), k.inputDepth(a), job, box, ok, most, why)
		}
	}
	testdata.Recorded(t, "u85.txt", b.String(), *update)
}

// TestBlocksU85: the first block, the last, and that there is none before or behind them.
func TestBlocksU85(t *testing.T) {
	k := &kernelU85{KernelU85: &isa.KernelU85{H: 2, W: 3, D: 16}}
	k.OFM.FeatureMap = plain(0, 5, 4, 40, typeS8) // 3 x 2 x 3 blocks
	for i, want := range map[int]box{0: {0, 2, 0, 3, 0, 16}, 2: {0, 2, 0, 3, 32, 40}, 3: {0, 2, 3, 4, 0, 16}, 6: {2, 4, 0, 3, 0, 16}, 17: {4, 5, 3, 4, 32, 40}} {
		if b, ok := k.blockAt(i); b != want || !ok {
			t.Errorf("block %d is %v, %v, expected %v", i, b, ok, want)
		}
		if b, ok := k.lastBlock(17 - i); b != want || !ok {
			t.Errorf("block %d from the end is %v, %v, expected %v", 17-i, b, ok, want)
		}
	}
	for _, i := range []int{-1, 18} {
		if _, ok := k.blockAt(i); ok {
			t.Errorf("there is a block %d", i)
		}
		if _, ok := k.lastBlock(17 - i); ok {
			t.Errorf("there is a block %d from the end", 17-i)
		}
	}
}

// TestShiftTypesU85: CLZ and SHL of 32 bits write 32 bits.
func TestShiftTypesU85(t *testing.T) {
	for _, c := range []struct {
		elem  isa.ElementwiseMode
		out   isa.DType
		found bool
	}{{isa.ElemSHL, typeS32, false}, {isa.ElemSHL, typeS16, true}, {isa.ElemCLZ, typeS32, false}, {isa.ElemCLZ, typeS8, true}, {isa.ElemSHR, typeS16, false}} {
		unit := isa.ScaleU85{Value: 1}
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpElementwise, Elem: c.elem, Global: true, OFMScale: unit, IFMScale: unit, IFM2Scale: unit}}
		k.IFM.Type, k.IFM2.Type, k.OFM.Type = typeS32, typeS32, c.out
		check := checkerOf(t, "ethos-u85-256")
		if check.elementwiseU85(k); len(check.findings) == 1 != c.found {
			t.Errorf("%v from S32 to %v: %v, expected a finding: %v", c.elem, c.out, check.findings, c.found)
		}
	}
}
