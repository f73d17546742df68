// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestWindowsU85 compares random poolings, RESIZE and CONV with weights in IFM2, in every
// layout, transposed and reversed, with sums and maxima taken straight from the
// definition. Memory outside the output must stay as it was.
func TestWindowsU85(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	accels := everyU85(t)
	for i := range 600 {
		accel := accels[rng.IntN(len(accels))]
		k := randomWindowU85(rng, accel)
		name := fmt.Sprintf("%d %s %v pool %v, %v to %v, kernel %+v, upscale %d, transpose %v, reverse %v, scale %+v", i, accel.Name, k.Op, k.Pool, k.IFM.Type, k.OFM.Type, k.Window, k.Upscale, k.Transpose, k.Reverse, k.OFMScale)
		runWindowU85(t, rng, accel, k, nil, directU85, name)
		if t.Failed() {
			return
		}
	}
}

// pointWindow is a kernel of one element.
var pointWindow = isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}

// blockU85 gives an operation a small block and a microblock that it may have.
func blockU85(rng *rand.Rand, accel *ethosu.Accelerator, k *isa.KernelU85) {
	var legal []ethosu.MicroBlock
	b := &builder{Sim: &Sim{accel: accel}}
	for _, m := range accel.U85.MicroBlocks {
		if b.mayUse(&kernelU85{KernelU85: k}, &m) {
			legal = append(legal, m)
		}
	}
	m := legal[rng.IntN(len(legal))]
	k.Acc.Micro, _ = isa.MicroblockOf(m.H, m.W)
	k.H, k.W, k.D = m.H, m.W, max(16, m.D)
	if k.Reverse == isa.ReverseC && k.D > 16 {
		k.Reverse = isa.ReverseW // such a block is not legal
	}
	axes, _ := k.Transpose.Axes()
	switch {
	case k.OFM.Format == isa.NHWC:
	case axes[2] == 0: // what becomes the depth
		k.H = 16
	case axes[2] == 1:
		k.W = 16
	}
	if k.Op == isa.OpResize {
		k.H = 1
	}
}

func randomWindowU85(rng *rand.Rand, accel *ethosu.Accelerator) *isa.KernelU85 {
	k := &isa.KernelU85{Op: isa.OpPool, Global: true, Window: pointWindow}
	k.Pool = isa.PoolMode(rng.IntN(8))
	k.IFM.Type, k.OFM.Type = types8and16[rng.IntN(3)], append(types8and16, s32)[rng.IntN(4)]
	k.OFM.FeatureMap.H, k.OFM.FeatureMap.W, k.OFM.FeatureMap.C = 1+rng.IntN(6), 1+rng.IntN(6), 1+rng.IntN(40)
	k.OFMScale = isa.ScaleU85{Value: 1<<30 + rng.Uint32()>>2, Shift: 30 + rng.IntN(12), Round: isa.RoundModeU85(rng.IntN(6))}
	k.Transpose = []isa.Transpose{0, 0, 1, 2, 3, 6, 7}[rng.IntN(7)]
	if k.Transpose == 0 {
		k.Reverse = isa.Reverse(rng.IntN(4))
	}
	switch rng.IntN(8) {
	case 0:
		k.Op, k.Pool, k.Mode = isa.OpResize, 0, isa.ResizeNearest
		k.Transpose = 0
		k.OFMScale = isa.ScaleU85{Value: 1, Shift: 16, Round: isa.RoundSymmetric}
	case 1:
		k.Op, k.Pool, k.MatMul = isa.OpConv, 0, true
		k.IFM2.Type = k.IFM.Type
	}
	k.IFM.C = k.OFM.C
	window := false
	switch {
	case k.Op != isa.OpPool:
		if k.MatMul {
			k.IFM.C, k.Acc.Format = 1+rng.IntN(70), isa.AccI48
		}
	case k.Pool == isa.PoolReduceSum:
		k.IFM.C, k.OFM.C = k.OFM.C, 1
		if rng.IntN(2) == 0 {
			k.IFM.Type = s32
		}
	case k.Pool == isa.PoolNone:
		k.IFM2.Type = isa.DType{Signed: true, Bits: 32 << rng.IntN(2)}
		k.Acc.Input = isa.AccIFM2
		if k.IFM2.Type.Bits == 64 {
			k.Acc.Format = isa.AccI48
			if k.Transpose == 0 && rng.IntN(2) == 0 {
				k.OFM.Type, k.OFMScale = k.IFM2.Type, unitScale
			}
		}
		k.IFM.Type = s8
	case k.Pool >= isa.PoolArgmaxX:
		k.OFM.Type = s32
		k.OFMScale = isa.ScaleU85{Value: 1, Shift: 16, Round: isa.RoundDown}
		k.Window.H, k.Window.W = 1, 1+rng.IntN(8)
		if k.Pool == isa.PoolArgmaxY {
			k.Window.H, k.Window.W = k.Window.W, 1
		}
		k.Window.DilatedH, k.Window.DilatedW = k.Window.H, k.Window.W
		k.Window.StrideY, k.Window.StrideX = 1+rng.IntN(2), 1+rng.IntN(2)
	default:
		window = true
		if k.Pool == isa.PoolMax || k.Pool == isa.PoolMin {
			k.OFMScale = unitScale
		}
		if k.Pool == isa.PoolAverage {
			k.OFMScale = isa.ScaleU85{Value: 1, Round: isa.RoundHalfUp}
		}
	}
	if window {
		randomKernel(rng, k)
	} else {
		h, w := k.InputExtent()
		k.IFM.H, k.IFM.W = h, w
	}
	k.IFM.Format, k.IFM2.Format, k.OFM.Format = isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2))
	if k.Window.H*k.Window.W > 1 && k.Transpose != 0 {
		k.OFM.Format = isa.NHWC // bricks need deep blocks, which do not fit
	}
	zero := func(t isa.DType) int32 {
		if t.Bits >= 32 {
			return 0
		}
		return int32(rng.IntN(256)) - 128*int32(flag(t.Signed))
	}
	k.IFM.ZeroPoint, k.IFM2.ZeroPoint, k.OFM.ZeroPoint = zero(k.IFM.Type), zero(k.IFM2.Type), zero(k.OFM.Type)
	if k.Pool == isa.PoolNone && k.Op == isa.OpPool {
		k.IFM.ZeroPoint = 0
	}
	lo, hi := limits16(k.OFM.Type)
	k.Activation.Clip = k.OFM.Type.Bits < 32
	k.Activation.Min, k.Activation.Max = uint16(lo), uint16(hi)
	if k.Op == isa.OpResize {
		resizeOf(rng, k)
	}
	blockU85(rng, accel, k)
	if k.Op == isa.OpResize {
		for i, blk := range []int{k.H, k.W} {
			a := &k.Resize[i]
			d := a.OneWhole*a.N + a.OneRest
			a.BlockWhole, a.BlockRest = (blk-1)*d/a.N, (blk-1)*d%a.N
		}
	}
	return k
}

// randomKernel gives a pooling a window, strides, padding and upscaling that leave every
// output something to see.
func randomKernel(rng *rand.Rand, k *isa.KernelU85) {
	for {
		w := isa.Kernel{H: 1 + rng.IntN(4), W: 1 + rng.IntN(4), StrideY: 1 + rng.IntN(3), StrideX: 1 + rng.IntN(3), DilationY: 1 + rng.IntN(2), DilationX: 1 + rng.IntN(2)}
		w.DilatedH, w.DilatedW = (w.H-1)*w.DilationY+1, (w.W-1)*w.DilationX+1
		if rng.IntN(2) == 0 {
			w.Top, w.Left, w.Bottom, w.Right = rng.IntN(w.DilatedH), rng.IntN(w.DilatedW), rng.IntN(w.DilatedH), rng.IntN(w.DilatedW)
		}
		k.Window, k.Upscale = w, []isa.UpscaleMode{isa.UpscaleNone, isa.UpscaleNone, isa.UpscaleNearest}[rng.IntN(3)]
		h, wd := k.InputExtent()
		if h <= 0 || wd <= 0 {
			continue
		}
		u := k.Factor()
		k.IFM.H, k.IFM.W = (h+u-1)/u, (wd+u-1)/u
		seen := true
		for y := range k.OFM.H {
			for x := range k.OFM.W {
				seen = seen && len(tapsU85(k, y, x)) > 0
			}
		}
		if seen {
			return
		}
	}
}

// tapsU85 lists the stored elements that a window of an output covers.
func tapsU85(k *isa.KernelU85, y, x int) (at [][2]int) {
	h, w := k.InputExtent()
	for ty := range k.Window.H {
		for tx := range k.Window.W {
			iy, ix := y*k.Window.StrideY+ty*k.Window.DilationY-k.Window.Top, x*k.Window.StrideX+tx*k.Window.DilationX-k.Window.Left
			if iy >= 0 && ix >= 0 && iy < h && ix < w {
				at = append(at, [2]int{iy / k.Factor(), ix / k.Factor()})
			}
		}
	}
	return at
}

// resizeOf scales up by 1 to 4 with half-pixel centres, or by a fraction.
func resizeOf(rng *rand.Rand, k *isa.KernelU85) {
	k.IFM.H, k.IFM.W = 1+rng.IntN(5), 1+rng.IntN(5)
	for i, in := range []int{k.IFM.H, k.IFM.W} {
		a := &k.Resize[i]
		times := 1 + rng.IntN(4)
		a.N, a.OneWhole, a.OneRest = 2*times, 0, 2
		if times == 1 {
			a.OneWhole, a.OneRest = 1, 0
		}
		a.Offset = rng.IntN(2*a.N) - a.N
		if i == 0 {
			k.OFM.H = in * times
		} else {
			k.OFM.W = in * times
		}
	}
}
