// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// convU85 is a random convolution with its weights and records.
type convU85 struct {
	*isa.KernelU85
	accel   *ethosu.Accelerator
	weights []int16 // OHWI
	records []weights.RecordU85
}

// TestConvolutionsU85 compares random convolutions and depthwise ones, with standard,
// fast and sparse weights that the package for weights encoded, in all traversals, with
// sums taken straight from the definition.
func TestConvolutionsU85(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	accels := everyU85(t)
	for i := range 150 {
		c := randomConvU85(rng, accels[rng.IntN(len(accels))])
		name := fmt.Sprintf("%d %s %v, %v to %v, kernel %+v, %v, sparse %v, upscale %d, accumulators %+v, transpose %v", i, c.accel.Name, c.Op, c.IFM.Type, c.OFM.Type, c.Window, c.Format, c.Sparse, c.Upscale, c.Acc, c.Transpose)
		flash, err := c.encode()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runWindowU85(t, rng, c.accel, c.KernelU85, flash, c.direct, name)
		if t.Failed() {
			return
		}
	}
}

func randomConvU85(rng *rand.Rand, accel *ethosu.Accelerator) *convU85 {
	k := &isa.KernelU85{Op: isa.OpConv}
	c := &convU85{KernelU85: k, accel: accel}
	k.IFM.Type, k.OFM.Type = types8and16[rng.IntN(3)], append(types8and16, s32)[rng.IntN(4)]
	k.OFM.H, k.OFM.W, k.OFM.C = 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(90)
	k.IFM.C = 1 + rng.IntN(150)
	if rng.IntN(4) == 0 {
		k.Op, k.IFM.C = isa.OpDepthwise, k.OFM.C
	}
	randomKernel(rng, k)
	if rng.IntN(8) == 0 { // more than one sub-kernel
		k.Window = isa.Kernel{H: 9, W: 10, StrideY: 2, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 9, DilatedW: 10}
		k.Upscale = isa.UpscaleNone
		k.IFM.H, k.IFM.W = k.InputExtent()
		k.IFM.C = min(k.IFM.C, 20)
		if k.Op == isa.OpDepthwise {
			k.OFM.C = k.IFM.C
		}
	}
	if k.Op == isa.OpConv {
		k.Window.PartKernelFirst = rng.IntN(2) == 0
		switch rng.IntN(4) {
		case 0:
			k.Format = isa.WeightsFWD
		case 1:
			k.Sparse = true
		}
		if rng.IntN(6) == 0 {
			k.Acc.Input = isa.AccIFM2
			k.IFM2.Type = s32
		}
	}
	if k.IFM.Type.Bits == 16 || rng.IntN(8) == 0 {
		k.Acc.Format, k.IFM2.Type = isa.AccI48, isa.DType{Signed: true, Bits: 64}
	}
	k.OFMScale = isa.ScaleU85{Value: 1, Round: isa.RoundModeU85(rng.IntN(6))}
	k.IFM.Format, k.IFM2.Format, k.OFM.Format = isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2))
	k.IFM.ZeroPoint = int32(rng.IntN(256)) - 128*int32(flag(k.IFM.Type.Signed))
	k.Activation.Clip = k.OFM.Type.Bits < 32
	if k.Activation.Clip {
		k.OFM.ZeroPoint = int32(rng.IntN(256)) - 128*int32(flag(k.OFM.Type.Signed))
	}
	lo, hi := limits16(k.OFM.Type)
	k.Activation.Min, k.Activation.Max = uint16(lo), uint16(hi)
	blockU85(rng, accel, k)
	if k.D < 32 && rng.IntN(2) == 0 {
		k.D *= 2
	}
	if k.OFM.Format == isa.NHWC {
		k.Transpose = []isa.Transpose{0, 0, 0, 1, 2, 3, 6, 7}[rng.IntN(8)]
	}
	c.fill(rng)
	return c
}

func (c *convU85) inputs() int {
	if c.Op == isa.OpDepthwise {
		return 1
	}
	return c.IFM.C
}

func (c *convU85) fill(rng *rand.Rand) {
	n := c.Window.H * c.Window.W * c.inputs()
	c.weights = make([]int16, c.OFM.C*n)
	few := rng.IntN(3) // distinct values: many, up to 16, up to 4
	for i := range c.weights {
		v := int16(int8(rng.Uint32()))
		if few > 0 {
			v = v >> (3 + few) * 3
		}
		if c.Sparse && (i%n%c.inputs()%4 > 1 || v == -128) {
			v = 0
		}
		c.weights[i] = v
	}
	wide := c.Acc.Format == isa.AccI48
	one := rng.IntN(2) == 0
	for i := range c.OFM.C {
		r := weights.RecordU85{Bias: int64(int32(rng.Uint32())) >> 8, Scale: 1<<30 + rng.Uint32()>>2, Shift: uint8(34 + rng.IntN(12))}
		if wide {
			r.Bias, r.Scale, r.Shift = int64(rng.Uint64())>>26, 1<<14+uint32(rng.IntN(1<<14)), uint8(20+rng.IntN(15))
		}
		if one && i > 0 {
			r.Scale, r.Shift = c.records[0].Scale, c.records[0].Shift
		}
		c.records = append(c.records, r)
	}
}

// encode returns what region 0 holds, and puts the places into the kernel.
func (c *convU85) encode() ([]byte, error) {
	micro := microblock(c.accel, c.Acc.Micro)
	w := &c.Window
	l := weights.LayoutU85{Traversal: weights.DepthFirst, IFMBits: c.IFM.Type.Bits, Sparse: c.Sparse, MACs: c.accel.MACs, Cores: c.accel.Cores, OFMUBlockDepth: micro.D, OFMBlockDepth: c.D,
		KH: w.H, KW: w.W, StrideH: w.StrideY, StrideW: w.StrideX, DilationH: w.DilationY, DilationW: w.DilationX, O: c.OFM.C, I: c.inputs()}
	if c.Op == isa.OpDepthwise {
		l.Traversal = weights.Depthwise
	} else if w.PartKernelFirst {
		l.Traversal = weights.PartKernelFirst
	}
	streams, err := weights.EncodeU85(c.weights, l, c.Format == isa.WeightsFWD)
	if err != nil {
		return nil, err
	}
	flash := make([]byte, 32)
	add := func(b []byte) isa.Span {
		s := isa.Span{Region: 0, Start: int64(len(flash)), End: int64(len(flash) + len(b))}
		flash = append(flash, b...)
		return s
	}
	for i, s := range streams {
		c.Weights[i] = add(s)
	}
	c.Records = add(weights.PackRecordsU85(c.records, micro.D, c.Acc.Format == isa.AccI48))
	return flash, nil
}

// direct computes one output from the definition.
func (c *convU85) direct(k *isa.KernelU85, mem []byte, y, x, ch int) (int64, bool) {
	h, w := k.InputExtent()
	var sum int64
	for ty := range k.Window.H {
		for tx := range k.Window.W {
			iy, ix := y*k.Window.StrideY+ty*k.Window.DilationY-k.Window.Top, x*k.Window.StrideX+tx*k.Window.DilationX-k.Window.Left
			if iy < 0 || ix < 0 || iy >= h || ix >= w {
				continue
			}
			for i := range c.inputs() {
				from := i
				if k.Op == isa.OpDepthwise {
					from = ch
				}
				v := peek(mem, &k.IFM.FeatureMap, iy/k.Factor(), ix/k.Factor(), from) - int64(k.IFM.ZeroPoint)
				weight := c.weights[((ch*k.Window.H+ty)*k.Window.W+tx)*c.inputs()+i]
				sum += v * int64(weight)
			}
		}
	}
	if k.Acc.Input == isa.AccIFM2 {
		sum += peek(mem, &k.IFM2.FeatureMap, y, x, ch)
	}
	limit := (&kernelU85{KernelU85: k}).accLimit()
	r := c.records[ch]
	v, ok := finishU85(k, scaleBig(big.NewInt(sum+r.Bias), isa.ScaleU85{Value: r.Scale, Shift: int(r.Shift), Round: k.OFMScale.Round}))
	return v, ok && sum < limit && sum >= -limit
}

// TestAccumulatorEndsU85: sums of a convolution that start from given values reach both ends
// of 32 bits, and not a step beyond. The scale halves them, so that it is the sum alone that
// does not fit.
func TestAccumulatorEndsU85(t *testing.T) {
	for _, e := range []struct {
		start, x int64
		fits     bool
	}{{1<<31 - 1, 0, true}, {1<<31 - 1, 1, false}, {1<<31 - 2, 1, true}, {-1 << 31, 0, true}, {-1 << 31, -1, false}, {-1<<31 + 1, -1, true}} {
		k := &isa.KernelU85{Op: isa.OpConv, Global: false, Window: pointWindow}
		c := &convU85{KernelU85: k, accel: accelerator(t, "ethos-u85-256"), weights: []int16{1}, records: []weights.RecordU85{{Scale: 1 << 30, Shift: 31}}}
		k.OFM.H, k.OFM.W, k.OFM.C = 1, 1, 1
		k.IFM.H, k.IFM.W, k.IFM.C = 1, 1, 1
		k.IFM.Type, k.OFM.Type, k.IFM2.Type, k.Acc.Input = s8, s32, s32, isa.AccIFM2
		k.OFMScale = isa.ScaleU85{Value: 1, Round: isa.RoundDown}
		rng := rand.New(rand.NewPCG(1, 2))
		blockU85(rng, c.accel, k)
		flash, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		var a arena
		k.IFM.Region, k.IFM2.Region, k.OFM.Region = 1, 1, 1
		k.IFM2.H, k.IFM2.W, k.IFM2.C = 1, 1, 1
		a.place(rng, &k.IFM.FeatureMap)
		a.place(rng, &k.IFM2.FeatureMap)
		a.place(rng, &k.OFM.FeatureMap)
		var s stream
		s.kernelU85(k)
		s.stop()
		sim, err := Prepare(c.accel, s.words, Regions{{Content: flash}, {Size: a.size + 16}})
		if err != nil {
			t.Fatal(err)
		}
		m := sim.NewMemory()
		poke(m[1], &k.IFM.FeatureMap, 0, 0, 0, e.x)
		poke(m[1], &k.IFM2.FeatureMap, 0, 0, 0, e.start)
		err = sim.Run(m)
		var f *Fault
		if e.fits && (err != nil || peek(m[1], &k.OFM.FeatureMap, 0, 0, 0) != (e.start+e.x)>>1) || !e.fits && (!errors.As(err, &f) || f.Cause != Overflow) {
			t.Errorf("%d and %d: %v, result %d", e.start, e.x, err, peek(m[1], &k.OFM.FeatureMap, 0, 0, 0))
		}
	}
}
