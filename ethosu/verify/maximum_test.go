// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math"
	"reflect"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

var (
	typeS8  = isa.DType{Signed: true, Bits: 8}
	typeU8  = isa.DType{Bits: 8}
	typeS16 = isa.DType{Signed: true, Bits: 16}
	typeS32 = isa.DType{Signed: true, Bits: 32}
)

// plain returns a map of one tile in region 1 whose elements lie one behind the other.
func plain(base uint64, h, w, c int, t isa.DType) isa.FeatureMap {
	row := int64(c * t.Bytes())
	return isa.FeatureMap{Region: 1, Base: [4]uint64{base}, Height0: h, Height1: h, Width0: w, H: h, W: w, C: c,
		StrideY: row * int64(w), StrideX: row, Type: t}
}

// lastOperation returns the operation at the end of some lines, with its registers.
func lastOperation(t *testing.T, lines string) *isa.Operation {
	t.Helper()
	words, err := isa.Assemble(lines + "\nNPU_OP_STOP mask=65535")
	if err != nil {
		t.Fatal(err)
	}
	var last *isa.Operation
	if err := isa.WalkAll(words, func(isa.Instruction) error { return nil }, func(o *isa.Operation) error {
		if o.Op != isa.OpStop {
			last = o
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return last
}

func checkerOf(t *testing.T, name string) *checker {
	t.Helper()
	a, err := ethosu.ParseAccelerator(name)
	if err != nil {
		t.Fatal(err)
	}
	return newChecker(a, Regions{{Size: 4096, Constant: true}, {Size: 1 << 20}})
}

const maxPool = "NPU_SET_ACTIVATION\nNPU_SET_ACTIVATION_MIN clip=65408\nNPU_SET_ACTIVATION_MAX clip=127\nNPU_OP_POOL pooling_mode=0"

// poolOf returns a pool from address 0 to 2048.
func poolOf(in, out isa.FeatureMap, h, w, stepY, stepX, dilationY, dilationX int) *kernel {
	k := &kernel{op: isa.OpPool, up: 1, ifm: in, ofm: out,
		k: isa.Kernel{H: h, W: w, StrideY: stepY, StrideX: stepX, DilationY: dilationY, DilationX: dilationX}}
	k.in, k.out = k.ifm.Spans(), k.ofm.Spans()
	return k
}

// TestMaximumOfBytes: the bytes of every window that lie together, against a count of the
// window's bytes one by one.
func TestMaximumOfBytes(t *testing.T) {
	o := lastOperation(t, maxPool)
	for _, h := range []int{1, 2} {
		for _, w := range []int{1, 2, 4} {
			for _, step := range []int{1, 2, 4} {
				for _, dilation := range []int{1, 2} {
					for _, depth := range []int{1, 2} {
						for _, pitch := range []int64{0, 1} {
							in, out := plain(0, 5, 12, depth, typeS8), plain(2048, 2, 3, depth, typeS8)
							in.StrideX += pitch
							in.StrideY = in.StrideX * 12
							k := poolOf(in, out, h, w, 2, step, dilation, dilation)
							c := checkerOf(t, "ethos-u55-128")
							c.maximum(o, k)
							want := map[int64]Range{}
							for y := range 2 {
								for x := range 3 {
									for ch := range depth {
										low, high, bytes := int64(math.MaxInt64), int64(0), map[int64]bool{}
										for ty := range h {
											for tx := range w {
												at := in.Address(2*y+dilation*ty, step*x+dilation*tx, ch)
												low, high, bytes[at] = min(low, at), max(high, at), true
											}
										}
										if high-low+1 == int64(h*w) && len(bytes) == h*w {
											want[out.Address(y, x, ch)] = Range{low, high + 1}
										}
									}
								}
							}
							if len(c.maxima) != 1 || !reflect.DeepEqual(c.maxima[0].of, want) {
								t.Fatalf("window %dx%d, step %d, dilation %d, depth %d: %v, expected %v", h, w, step, dilation, depth, c.maxima, want)
							}
							if m := c.maxima[0]; m.from != 1 || m.to != 1 || m.element != typeS8 || !reflect.DeepEqual(m.spans, append(in.Spans(), out.Spans()...)) {
								t.Fatalf("noted %+v", m)
							}
						}
					}
				}
			}
		}
	}
}

// TestMaximumIsNone: what is no plain maximum of its input is not taken for one.
func TestMaximumIsNone(t *testing.T) {
	lines := func(min, max, more string) string {
		return "NPU_SET_ACTIVATION" + more + "\nNPU_SET_ACTIVATION_MIN clip=" + min + "\nNPU_SET_ACTIVATION_MAX clip=" + max + "\nNPU_OP_POOL pooling_mode=0"
	}
	for _, c := range []struct {
		name, lines string
		change      func(k *kernel)
		noted       bool
	}{
		{"a maximum", maxPool, func(*kernel) {}, true},
		{"a wider clamp", lines("65407", "128", ""), func(*kernel) {}, true},
		{"a clamp from below", lines("65409", "127", ""), func(*kernel) {}, false},
		{"a clamp from above", lines("65408", "126", ""), func(*kernel) {}, false},
		{"unsigned", lines("0", "255", ""), func(k *kernel) { k.ifm.Type, k.ofm.Type = typeU8, typeU8 }, true},
		{"unsigned, a clamp from below", lines("1", "255", ""), func(k *kernel) { k.ifm.Type, k.ofm.Type = typeU8, typeU8 }, false},
		{"unsigned, a clamp from above", lines("0", "254", ""), func(k *kernel) { k.ifm.Type, k.ofm.Type = typeU8, typeU8 }, false},
		{"tanh", lines("65408", "127", " function=3"), func(*kernel) {}, false},
		{"another type", maxPool, func(k *kernel) { k.ofm.Type = typeU8 }, false},
		{"another zero point", maxPool, func(k *kernel) { k.ofm.ZeroPoint = 1 }, false},
		{"a table", maxPool, func(k *kernel) { k.table = true }, false},
		{"upscaling", maxPool, func(k *kernel) { k.up = 2 }, false},
		{"padding above", maxPool, func(k *kernel) { k.k.Top = 1 }, false},
		{"padding to the left", maxPool, func(k *kernel) { k.k.Left = 1 }, false},
		{"padding below", maxPool, func(k *kernel) { k.k.Bottom = 1 }, false},
		{"padding to the right", maxPool, func(k *kernel) { k.k.Right = 1 }, false},
		{"in place", maxPool, func(k *kernel) { k.out = k.in }, false},
		{"65536 elements", maxPool, func(k *kernel) { k.ofm.H, k.ofm.W, k.ofm.C, k.k.H, k.k.W = 4, 64, 1, 16, 16 }, true},
		{"65537 elements", maxPool, func(k *kernel) { k.ofm.H, k.ofm.W, k.ofm.C, k.k.H, k.k.W = 1, 1, 1, 65537, 1 }, false},
	} {
		check := checkerOf(t, "ethos-u55-128")
		k := poolOf(plain(0, 2, 8, 1, typeS8), plain(2048, 2, 2, 1, typeS8), 1, 4, 1, 4, 1, 1)
		c.change(k)
		if check.maximum(lastOperation(t, c.lines), k); len(check.maxima) > 0 != c.noted {
			t.Errorf("%s: noted %v, expected %v", c.name, !c.noted, c.noted)
		}
	}
}

// difference is x - max(x) of 2x1 pixels of 8 channels, each with two maxima of four.
const difference = "NPU_SET_IFM_PRECISION type=1\nNPU_SET_OPA_SCALE scale=3\nNPU_SET_OPB_SCALE scale=3\nNPU_SET_IFM2_BROADCAST\n"

// TestLeastDifference: which differences meet their maximum, and what that gives.
func TestLeastDifference(t *testing.T) {
	sub := "NPU_OP_ELEMENTWISE elementwise_mode=2"
	for _, c := range []struct {
		name, lines string
		change      func(c *checker, k *kernel)
		group       int
		some        bound
	}{
		{"a difference", difference + sub, func(*checker, *kernel) {}, 8, bound{12, 12}}, // (7 - 3) * 3
		{"one maximum for each element", difference + sub, func(c *checker, k *kernel) {
			k.ifm2 = plain(2048, 2, 1, 8, typeS8)
			for i := range int64(16) {
				c.maxima[1].of[2048+i] = Range{i, i + 1}
			}
		}, 1, bound{-9, -9}}, // (0 - 3) * 3
		{"ADD", difference + "NPU_OP_ELEMENTWISE elementwise_mode=1", func(*checker, *kernel) {}, 0, bound{}},
		{"a scalar", difference + sub, func(_ *checker, k *kernel) { k.hasIFM2 = false }, 0, bound{}},
		{"operands the other way round", difference + "NPU_SET_IFM2_BROADCAST operand_order=1\n" + sub, func(*checker, *kernel) {}, 0, bound{}},
		{"another depth", difference + sub, func(_ *checker, k *kernel) { k.ifm2.C = 2 }, 0, bound{}},
		{"32 bits", difference + sub, func(_ *checker, k *kernel) { k.ifm.Type = typeS32 }, 0, bound{}},
		{"a scaled operand", difference + "NPU_SET_IFM_PRECISION type=1 scale_mode=1\n" + sub, func(*checker, *kernel) {}, 0, bound{}},
		{"two scales", difference + "NPU_SET_OPB_SCALE scale=4\n" + sub, func(*checker, *kernel) {}, 0, bound{}},
		{"scales alike in 16 bits", difference + "NPU_SET_OPA_SCALE scale=65539\n" + sub, func(*checker, *kernel) {}, 8, bound{12, 12}},
		{"another height", difference + sub, func(_ *checker, k *kernel) { k.ifm2.H = 1 }, 0, bound{}},
		{"another width", difference + sub, func(_ *checker, k *kernel) { k.ifm2.W = 2 }, 0, bound{}},
		{"upscaling", difference + sub, func(_ *checker, k *kernel) { k.up = 2 }, 0, bound{}},
		{"another region of the bytes", difference + sub, func(c *checker, _ *kernel) { c.maxima[1].from = 2 }, 0, bound{}},
		{"another region of the maxima", difference + sub, func(c *checker, _ *kernel) { c.maxima[1].to = 2 }, 0, bound{}},
		{"another type", difference + sub, func(c *checker, _ *kernel) { c.maxima[1].element = typeU8 }, 0, bound{}},
		{"one maximum missing", difference + sub, func(c *checker, _ *kernel) { delete(c.maxima[1].of, 2049) }, 0, bound{}},
		{"of other bytes", difference + sub, func(c *checker, _ *kernel) { c.maxima[1].of[2049] = Range{9, 17} }, 0, bound{}},
		{"of fewer bytes", difference + sub, func(c *checker, _ *kernel) { c.maxima[1].of[2048] = Range{0, 7} }, 0, bound{}},
		{"bytes apart", difference + sub, func(_ *checker, k *kernel) {
			k.ifm.Format, k.ifm.C, k.ifm.StrideC, k.ifm.StrideX = isa.NHCWB16, 32, 64, 16
		}, 0, bound{}},
		{"no maximum", difference + sub, func(c *checker, _ *kernel) { c.maxima = nil }, 0, bound{}},
		{"65536 elements", difference + sub, func(c *checker, k *kernel) {
			k.ifm, k.ifm2 = plain(0, 1, 1, 65536, typeS8), plain(90000, 1, 1, 1, typeS8)
			c.maxima[1].of = map[int64]Range{90000: {0, 65536}}
		}, 65536, bound{0, 0}},
		{"65537 elements", difference + sub, func(c *checker, k *kernel) {
			k.ifm, k.ifm2 = plain(0, 1, 1, 65537, typeS8), plain(90000, 1, 1, 1, typeS8)
			c.maxima[1].of = map[int64]Range{90000: {0, 65537}}
		}, 0, bound{}},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.maxima = []maximum{{from: 5}, {from: 1, to: 1, element: typeS8, of: map[int64]Range{2048: {0, 8}, 2049: {8, 16}}}}
		k := &kernel{op: isa.OpElementwise, up: 1, hasIFM2: true, ifm: plain(0, 2, 1, 8, typeS8), ifm2: plain(2048, 2, 1, 1, typeS8), ofm: plain(4096, 2, 1, 8, typeS8)}
		k.ifm.ZeroPoint, k.ifm2.ZeroPoint = 3, 7
		c.change(check, k)
		group, some := check.leastDifference(lastOperation(t, c.lines), k, rounding{scale: isa.Scale{Value: 1}})
		if group != c.group || some != c.some {
			t.Errorf("%s: groups of %d with %v, expected %d with %v", c.name, group, some, c.group, c.some)
		}
	}
}
