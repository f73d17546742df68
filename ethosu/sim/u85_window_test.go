// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"fmt"
	"math/big"
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
		runWindowU85(t, rng, accel, k, name)
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

func runWindowU85(t *testing.T, rng *rand.Rand, accel *ethosu.Accelerator, k *isa.KernelU85, name string) {
	t.Helper()
	var a arena
	k.IFM.Region, k.IFM2.Region, k.OFM.Region = 1, 1, 1
	a.place(rng, &k.IFM.FeatureMap)
	if k.HasIFM2() {
		k.IFM2.H, k.IFM2.W, k.IFM2.C = k.OFM.H, k.OFM.W, k.OFM.C
		if k.MatMul {
			k.IFM2.H, k.IFM2.W, k.IFM2.C = 1, k.OFM.C, k.IFM.C
		}
		a.place(rng, &k.IFM2.FeatureMap)
	}
	written := k.Written().FeatureMap
	a.place(rng, &written)
	h, w, c := k.OFM.H, k.OFM.W, k.OFM.C
	k.OFM.FeatureMap = written
	k.OFM.H, k.OFM.W, k.OFM.C = h, w, c
	var s stream
	s.kernelU85(k)
	s.stop()
	sim, err := PrepareWith(accel, s.words, Regions{{}, {Size: a.size + 16}}, Options{slow: rng.IntN(3) == 0})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	m := sim.NewMemory()
	for i := range m[1] {
		m[1][i] = byte(rng.Uint32())
	}
	for _, f := range []*isa.MapU85{&k.IFM, &k.IFM2} { // sums must fit the accumulator
		for y := range f.H {
			for x := range f.W {
				for c := range f.C {
					if bits := f.Type.Bits; bits >= 32 {
						poke(m[1], &f.FeatureMap, y, x, c, peek(m[1], &f.FeatureMap, y, x, c)>>(17*bits/32-12))
					}
				}
			}
		}
	}
	want := bytes.Clone(m[1])
	known := true
	for y := range h {
		for x := range w {
			for c := range c {
				v, ok := directU85(k, m[1], y, x, c)
				known = known && ok
				wy, wx, wc := placeBySpec(k, y, x, c)
				poke(want, &written, wy, wx, wc, v)
			}
		}
	}
	err = sim.Run(m)
	if known == (err != nil) {
		t.Fatalf("%s: the result is known: %v, and the run says %v", name, known, err)
	}
	if known && !bytes.Equal(m[1], want) {
		t.Fatalf("%s: memory differs from what is expected", name)
	}
}

// placeBySpec is where an output element is written: the list of transpositions of the
// specification, and the three reversals.
func placeBySpec(k *isa.KernelU85, y, x, c int) (int, int, int) {
	switch k.Reverse {
	case isa.ReverseH:
		return k.OFM.H - 1 - y, x, c
	case isa.ReverseW:
		return y, k.OFM.W - 1 - x, c
	case isa.ReverseC:
		return y, x, k.OFM.C - 1 - c
	}
	switch k.Transpose {
	case 1:
		return x, y, c
	case 2:
		return y, c, x
	case 3:
		return x, c, y
	case 6:
		return c, y, x
	case 7:
		return c, x, y
	}
	return y, x, c
}

// directU85 computes one output from the definition; ok is false where the result is not
// known.
func directU85(k *isa.KernelU85, mem []byte, y, x, c int) (int64, bool) {
	in := func(y, x, c int) int64 { return peek(mem, &k.IFM.FeatureMap, y, x, c) - int64(k.IFM.ZeroPoint) }
	two := func(y, x, c int) int64 { return peek(mem, &k.IFM2.FeatureMap, y, x, c) - int64(k.IFM2.ZeroPoint) }
	v := new(big.Int)
	switch {
	case k.Op == isa.OpResize:
		pick := func(a *isa.ResizeU85, p, size int) int {
			// The output's place in halves of 1/N, moved by a half so that the floor is the nearest.
			d := a.OneWhole*a.N + a.OneRest
			q, _ := new(big.Int).DivMod(big.NewInt(int64(2*(p*d+a.Offset)+a.N)), big.NewInt(int64(2*a.N)), new(big.Int))
			return min(max(int(q.Int64()), 0), size-1)
		}
		v.SetInt64(in(pick(&k.Resize[0], y, k.IFM.H), pick(&k.Resize[1], x, k.IFM.W), c))
	case k.MatMul:
		for i := range k.IFM.C {
			v.Add(v, big.NewInt(in(y, x, i)*two(0, c, i)))
		}
		v = scaleBig(v, k.OFMScale)
	case k.Pool == isa.PoolNone:
		v = scaleBig(big.NewInt(two(y, x, c)), k.OFMScale)
	case k.Pool == isa.PoolReduceSum:
		for i := range k.IFM.C {
			v.Add(v, big.NewInt(in(y, x, i)))
		}
		v = scaleBig(v, k.OFMScale)
	default:
		v = poolU85(k, tapsU85(k, y, x), func(at [2]int) int64 { return in(at[0], at[1], c) })
	}
	x64 := v.Int64()
	if !v.IsInt64() {
		x64 = int64(v.Sign()) << 62
	}
	x64 += int64(k.OFM.ZeroPoint)
	lo, hi := k.OFM.Type.Limits()
	if k.OFM.Type.Bits == 64 {
		return x64, true
	}
	if !k.Activation.Clip {
		return x64, x64 >= lo && x64 <= hi
	}
	e := k.OFM.Type
	return min(max(x64, lo, int64(e.Extend(k.Activation.Min))), hi, int64(e.Extend(k.Activation.Max))), true
}

func poolU85(k *isa.KernelU85, taps [][2]int, in func([2]int) int64) *big.Int {
	sum, least, most, first := int64(0), in(taps[0]), in(taps[0]), 0
	for i, at := range taps {
		e := in(at)
		sum += e
		least = min(least, e)
		if e > most {
			most, first = e, i
		}
	}
	switch k.Pool {
	case isa.PoolMax:
		return big.NewInt(most)
	case isa.PoolMin:
		return big.NewInt(least)
	case isa.PoolArgmaxX, isa.PoolArgmaxY:
		return big.NewInt(int64(first))
	case isa.PoolAverage: // sum/n + 1/2, rounded down
		r := new(big.Rat).Add(big.NewRat(sum, int64(len(taps))), big.NewRat(1, 2))
		q, _ := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
		return q
	}
	return scaleBig(big.NewInt(sum), k.OFMScale)
}
