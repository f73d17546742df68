// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// windowCase is one random operation with a window.
type windowCase struct {
	op        isa.Code
	pool      int
	ifm, ofm  isa.FeatureMap
	k         isa.Kernel
	upscale   int
	round     int
	global    bool // OFM_SCALE instead of records
	scale     isa.Scale
	weights   []int16 // OHWI
	records   []weights.Record
	lo, hi    int64
	counted   bool // AVERAGE with scale_mode 0, or with padding and a scale of 1 >> 0
	blockDeep int
}

// TestWindows compares random convolutions, depthwise convolutions and poolings, in
// every layout, with sums taken straight from the definition. Memory outside the
// output must stay as it was.
func TestWindows(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	accels := ethosu.Of(ethosu.U55, ethosu.U65)
	for i := range 300 {
		accel := accels[rng.IntN(len(accels))]
		c := randomWindow(rng, accel)
		name := fmt.Sprintf("%d %s %v pool %d, %v to %v, kernel %+v, upscale %d", i, accel.Name, c.op, c.pool, c.ifm.Type, c.ofm.Type, c.k, c.upscale)
		runWindow(t, rng, accel, c, name)
		if t.Failed() {
			return
		}
	}
}

var types8and16 = []isa.DType{{Signed: true, Bits: 8}, {Bits: 8}, {Signed: true, Bits: 16}}

func randomWindow(rng *rand.Rand, accel *ethosu.Accelerator) *windowCase {
	c := &windowCase{op: []isa.Code{isa.OpConv, isa.OpConv, isa.OpDepthwise, isa.OpPool}[rng.IntN(4)], round: rng.IntN(3)}
	c.ifm.Type = types8and16[rng.IntN(3)]
	c.ofm.Type = append(types8and16, isa.DType{Signed: true, Bits: 32})[rng.IntN(4)]
	c.k = isa.Kernel{H: 1 + rng.IntN(4), W: 1 + rng.IntN(4), StrideY: 1 + rng.IntN(3), StrideX: 1 + rng.IntN(3), DilationY: 1 + rng.IntN(2), DilationX: 1 + rng.IntN(2)}
	if rng.IntN(20) == 0 {
		c.k.H, c.k.W = 9, 10 // more than one sub-kernel
	}
	c.ofm.C = 1 + rng.IntN(40)
	c.ifm.C = c.ofm.C
	c.upscale = []int{0, 0, isa.UpscaleNearest, isa.UpscaleZeros}[rng.IntN(4)]
	switch c.op {
	case isa.OpConv:
		c.ifm.C = 1 + rng.IntN(70)
		c.k.PartKernelFirst = rng.IntN(2) == 0
	case isa.OpPool:
		c.pool = rng.IntN(3)
		c.k.H, c.k.W = min(c.k.H, 8), min(c.k.W, 8)
		c.upscale = min(c.upscale, isa.UpscaleNearest)
		if c.pool == isa.PoolReduceSum {
			c.k = isa.Kernel{H: 1, W: 1, StrideX: 1, StrideY: 1, DilationX: 1, DilationY: 1}
			c.upscale = 0
			c.ofm.C = 1
			if rng.IntN(2) == 0 {
				c.ifm.Type = isa.DType{Signed: true, Bits: 32}
			}
		} else if c.pool == isa.PoolMax && c.ofm.Type.Bits == 32 {
			c.ofm.Type = c.ifm.Type
		}
		c.counted = c.pool == isa.PoolAverage && rng.IntN(2) == 0
		c.global = c.pool != isa.PoolMax && !c.counted
	}
	c.k.DilatedH, c.k.DilatedW = (c.k.H-1)*c.k.DilationY+1, (c.k.W-1)*c.k.DilationX+1
	for { // extents that leave an input
		c.ofm.H, c.ofm.W = 1+rng.IntN(6), 1+rng.IntN(6)
		c.k.Top, c.k.Left, c.k.Bottom, c.k.Right = rng.IntN(c.k.DilatedH), rng.IntN(c.k.DilatedW), rng.IntN(c.k.DilatedH), rng.IntN(c.k.DilatedW)
		hv := (c.ofm.H-1)*c.k.StrideY + c.k.DilatedH - c.k.Top - c.k.Bottom
		wv := (c.ofm.W-1)*c.k.StrideX + c.k.DilatedW - c.k.Left - c.k.Right
		u := 1 + min(c.upscale, 1)
		c.ifm.H, c.ifm.W = (hv+u-1)/u, (wv+u-1)/u
		if hv > 0 && wv > 0 && c.seesInput(hv, wv) {
			break
		}
	}
	c.ifm.Format, c.ofm.Format = isa.Format(rng.IntN(2)), isa.Format(rng.IntN(2))
	if c.ifm.Type.Bits == 32 {
		c.ifm.Format = isa.NHWC
	} else {
		c.ifm.ZeroPoint = int32(rng.IntN(256)) - 128*int32(flag(c.ifm.Type.Signed))
	}
	c.ofm.ZeroPoint = int32(rng.IntN(200)) - 100*int32(flag(c.ofm.Type.Signed))
	c.scale = isa.Scale{Value: rng.Uint32() >> 1, Shift: 30 + rng.IntN(12)}
	if padded := c.k.Top+c.k.Left+c.k.Bottom+c.k.Right > 0; c.op == isa.OpPool && c.pool == isa.PoolAverage && c.global && padded {
		c.counted, c.scale = true, isa.Scale{Value: 1} // as Vela 5.1 writes it
	}
	c.lo, c.hi = limits16(c.ofm.Type)
	if rng.IntN(2) == 0 {
		c.lo, c.hi = c.lo/2+1, c.hi/3
	}
	c.blockDeep = max(accel.UBlockD, 16*accel.Cores*(1+rng.IntN(2)))
	if c.op != isa.OpPool {
		n := c.k.H * c.k.W
		if c.op == isa.OpConv {
			n *= c.ifm.C
		}
		c.weights = make([]int16, n*c.ofm.C)
		nine := rng.IntN(2) // weights of nine bits, as of uint8 networks, or of eight
		for i := range c.weights {
			c.weights[i] = int16(rng.IntN(511)-255) >> nine
		}
		c.global = rng.IntN(8) == 0
		one := weights.Record{Scale: rng.Uint32() >> 1, Shift: uint8(38 + rng.IntN(10))}
		perChannel := rng.IntN(2) == 0
		for range c.ofm.C {
			r := one
			if perChannel {
				r = weights.Record{Scale: rng.Uint32() >> 1, Shift: uint8(38 + rng.IntN(10))}
			}
			r.Bias = rng.Int64N(1<<20) - 1<<19
			c.records = append(c.records, r)
		}
	}
	return c
}

// limits16 returns the clamp values of a type as the 16-bit registers hold them.
func limits16(t isa.DType) (lo, hi int64) {
	lo, hi = t.Limits()
	if t.Bits == 32 {
		return -128, 127 // unrelated values, which must not be applied
	}
	return lo, hi
}

// seesInput reports whether every window holds an element of the input.
func (c *windowCase) seesInput(hv, wv int) bool {
	axis := func(out, stride, taps, dilation, pad, size int) bool {
		for o := range out {
			seen := false
			for t := range taps {
				at := o*stride + t*dilation - pad
				seen = seen || at >= 0 && at < size
			}
			if !seen {
				return false
			}
		}
		return true
	}
	return axis(c.ofm.H, c.k.StrideY, c.k.H, c.k.DilationY, c.k.Top, hv) && axis(c.ofm.W, c.k.StrideX, c.k.W, c.k.DilationX, c.k.Left, wv)
}

func runWindow(t *testing.T, rng *rand.Rand, accel *ethosu.Accelerator, c *windowCase, name string) {
	t.Helper()
	var a arena
	c.ifm.Region, c.ofm.Region = 1, 1
	a.place(rng, &c.ifm)
	a.place(rng, &c.ofm)
	var s stream
	if accel.ParallelMode {
		s.raw(isa.SetParallelMode, accel.Cores-1)
	}
	s.featureMap(isa.SetIFMBase0, &c.ifm, 0, 0)
	s.featureMap(isa.SetOFMBase0, &c.ofm, flag(c.global), c.round)
	s.set(isa.SetIFMUpscale, "mode", c.upscale)
	s.kernel(&c.k)
	acc := isa.AccI32
	if c.ifm.Type.Bits == 16 {
		acc = isa.AccI40
	}
	s.block(accel, accel.UBlockH, accel.UBlockW, c.blockDeep, false, acc)
	s.activation(0, 0, int(c.lo), int(c.hi))
	s.set(isa.SetOFMScale, "scale", int(c.scale.Value), "shift", c.scale.Shift)
	flash := c.streams(t, &s, accel)
	s.raw(c.op, c.pool)
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
	if c.ifm.Type.Bits == 32 { // sums must fit the accumulator
		for y := range c.ifm.H {
			for x := range c.ifm.W {
				for ch := range c.ifm.C {
					poke(m[1], &c.ifm, y, x, ch, rng.Int64N(1<<20)-1<<19)
				}
			}
		}
	}
	want := bytes.Clone(m[1])
	c.direct(m[1], want)
	if err := sim.Run(m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !bytes.Equal(m[1], want) {
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
}

// streams encodes weights and records of all cores and writes their registers.
func (c *windowCase) streams(t *testing.T, s *stream, accel *ethosu.Accelerator) []byte {
	if c.op == isa.OpPool {
		return []byte{}
	}
	l := weights.Layout{Traversal: weights.DepthFirst, IFMBits: c.ifm.Type.Bits, OFMBlockDepth: c.blockDeep, OFMUBlockDepth: accel.UBlockD,
		KH: c.k.H, KW: c.k.W, DilationH: c.k.DilationY, DilationW: c.k.DilationX, O: c.ofm.C, I: c.ifm.C}
	if c.op == isa.OpDepthwise {
		l.Traversal, l.I = weights.Depthwise, 1
	} else if c.k.PartKernelFirst {
		l.Traversal = weights.PartKernelFirst
	}
	n := l.KH * l.KW * l.I
	parts := weights.SplitCores(c.weights, n, accel.Cores)
	recs := weights.SplitCores(c.records, 1, accel.Cores)
	layouts := weights.CoreLayouts(l, accel.Cores)
	var flash []byte
	regs := [2][4]isa.Code{{isa.SetScaleBase, isa.SetScaleLength, isa.SetWeightBase, isa.SetWeightLength},
		{isa.SetScale1Base, isa.SetScale1Length, isa.SetWeight1Base, isa.SetWeight1Length}}
	s.raw(isa.SetWeightRegion, 0)
	s.raw(isa.SetScaleRegion, 0)
	if len(layouts) < accel.Cores { // one channel: the second core has nothing to do
		for _, r := range regs[1] {
			s.addr(r, 0)
		}
	}
	for core, cl := range layouts {
		packed := weights.PackRecords(recs[core])
		ordered := weights.Reorder(parts[core], cl)
		coded, err := weights.EncodePlain(ordered)
		if err != nil {
			t.Fatal(err)
		}
		s.addr(regs[core][0], int64(len(flash)))
		s.addr(regs[core][1], int64(len(packed)))
		flash = append(flash, packed...)
		s.addr(regs[core][2], int64(len(flash)))
		s.addr(regs[core][3], int64(len(coded)))
		flash = append(flash, coded...)
	}
	return flash
}

// direct computes the operation from its definition.
func (c *windowCase) direct(in, out []byte) {
	u := 1 + min(c.upscale, 1)
	hv := (c.ofm.H-1)*c.k.StrideY + c.k.DilatedH - c.k.Top - c.k.Bottom
	wv := (c.ofm.W-1)*c.k.StrideX + c.k.DilatedW - c.k.Left - c.k.Right
	for oy := range c.ofm.H {
		for ox := range c.ofm.W {
			for o := range c.ofm.C {
				var acc int64
				best, count := int64(-1<<62), 0
				for ky := range c.k.H {
					for kx := range c.k.W {
						vy, vx := oy*c.k.StrideY+ky*c.k.DilationY-c.k.Top, ox*c.k.StrideX+kx*c.k.DilationX-c.k.Left
						if vy < 0 || vx < 0 || vy >= hv || vx >= wv || c.upscale == isa.UpscaleZeros && (vy%2 != 0 || vx%2 != 0) {
							continue
						}
						count++
						sample := func(ch int) int64 { return peek(in, &c.ifm, vy/u, vx/u, ch) - int64(c.ifm.ZeroPoint) }
						tap := ky*c.k.W + kx
						switch {
						case c.op == isa.OpConv:
							for i := range c.ifm.C {
								acc += sample(i) * int64(c.weights[(o*c.k.H*c.k.W+tap)*c.ifm.C+i])
							}
						case c.op == isa.OpDepthwise:
							acc += sample(o) * int64(c.weights[o*c.k.H*c.k.W+tap])
						case c.pool == isa.PoolReduceSum:
							for i := range c.ifm.C {
								acc += sample(i)
							}
						default:
							acc += sample(o)
							best = max(best, sample(o))
						}
					}
				}
				v := acc
				switch {
				case c.op == isa.OpPool && c.pool == isa.PoolMax:
					v = best
				case c.counted:
					// Half away from zero, plus what the reciprocal's error adds: compare with it.
					v = roundBig(acc, reciprocal(count), c.round, 0)
				case c.global:
					if c.records != nil {
						v += c.records[o].Bias
					}
					v = roundBig(v, c.scale, c.round, 0)
				default:
					r := c.records[o]
					v = roundBig(acc+r.Bias, isa.Scale{Value: r.Scale, Shift: int(r.Shift)}, c.round, 0)
				}
				if c.ofm.Type.Bits == 32 {
					v = min(max(v, -1<<31), 1<<31-1)
				} else {
					v = min(max(v+int64(c.ofm.ZeroPoint), c.lo), c.hi)
				}
				poke(out, &c.ofm, oy, ox, o, v)
			}
		}
	}
}

// TestUnknownPools: what no compiler writes is not guessed.
func TestUnknownPools(t *testing.T) {
	accel := accelerator(t, "ethos-u55-128")
	s8 := isa.DType{Signed: true, Bits: 8}
	for _, c := range []struct {
		name        string
		pool        int
		global      bool
		scale       isa.Scale
		pad         int
		out         isa.DType
		want        Cause
		runs, fails bool
	}{
		{name: "a maximum with a scale", pool: isa.PoolMax, global: true, scale: isa.Scale{Value: 2}, out: s8, want: Unknown},
		{name: "a maximum with a shift", pool: isa.PoolMax, global: true, scale: isa.Scale{Value: 1, Shift: 1}, out: s8, want: Unknown},
		{name: "a maximum", pool: isa.PoolMax, global: true, scale: isa.Scale{Value: 1}, out: s8, runs: true},
		{name: "a maximum without the scale", pool: isa.PoolMax, scale: isa.Scale{Value: 2}, out: s8, runs: true},
		{name: "a padded average with a shift", pool: isa.PoolAverage, global: true, scale: isa.Scale{Value: 1, Shift: 1}, pad: 1, out: s8, want: Unknown},
		{name: "a padded average", pool: isa.PoolAverage, global: true, scale: isa.Scale{Value: 1}, pad: 1, out: s8, runs: true},
		{name: "a sum without a scale", pool: isa.PoolReduceSum, scale: isa.Scale{Value: 1}, out: s8, want: Unknown},
		{name: "a maximum of 32 bits", pool: isa.PoolMax, global: true, scale: isa.Scale{Value: 1}, out: isa.DType{Signed: true, Bits: 32}, want: Contradiction},
		{name: "an average of 32 bits", pool: isa.PoolAverage, global: true, scale: isa.Scale{Value: 1 << 24}, out: isa.DType{Signed: true, Bits: 32}, runs: true},
		{name: "an average beyond 32 bits", pool: isa.PoolAverage, global: true, scale: isa.Scale{Value: 1<<24 + 1<<20}, out: isa.DType{Signed: true, Bits: 32}, want: Overflow, fails: true},
	} {
		depth := 8
		if c.pool == isa.PoolReduceSum {
			depth = 1
		}
		e := int64(c.out.Bits / 8)
		ifm := isa.FeatureMap{Region: 1, Height0: 1, Height1: 1, Width0: 1, H: 1, W: 1, C: 8, StrideY: 16, StrideX: 16, StrideC: 1, Type: s8}
		ofm := isa.FeatureMap{Region: 1, Base: [4]uint64{64}, Height0: 1, Height1: 1, Width0: 1, H: 1, W: 1, C: depth, StrideY: 8 * e, StrideX: 8 * e, StrideC: 1, Type: c.out}
		k := isa.Kernel{H: 1 + c.pad, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1 + c.pad, DilatedW: 1, Top: c.pad}
		var s stream
		s.featureMap(isa.SetIFMBase0, &ifm, 0, 0)
		s.featureMap(isa.SetOFMBase0, &ofm, flag(c.global), isa.RoundNatural)
		s.set(isa.SetIFMUpscale, "mode", 0)
		s.kernel(&k)
		s.block(accel, 1, 2, 8, false, isa.AccI32)
		s.activation(0, 0, -128, 127)
		s.set(isa.SetOFMScale, "scale", int(c.scale.Value), "shift", c.scale.Shift)
		s.raw(isa.OpPool, c.pool)
		s.stop()
		var r Regions
		r[1].Size = 128
		sim, err := Prepare(accel, s.words, r)
		if err == nil {
			m := sim.NewMemory()
			for i := range 16 {
				m[1][i] = 0x80 // -128
			}
			if err = sim.Run(m); err == nil && c.out.Bits == 32 {
				if got := peek(m[1], &ofm, 0, 0, 7); got != -128<<24 {
					t.Errorf("%s: %d, expected %d", c.name, got, -128<<24)
				}
			}
		} else if c.fails {
			t.Errorf("%s: refused before it runs: %v", c.name, err)
		}
		if c.runs {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if f, ok := err.(*Fault); !ok || f.Cause != c.want {
			t.Errorf("%s: %v, expected %v", c.name, err, c.want)
		}
	}
}
