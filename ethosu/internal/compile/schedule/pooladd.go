// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// SumByPooling turns int8 ADD and SUB of two tensors into operations that the MAC
// array sums in less than half the cycles: the operands become two rows of one
// map, summed by an average pool when their scales are equal, or by a depthwise
// convolution with small integer weights when the scales are in their ratio. It is
// done where every possible pair of values gives the result of the elementwise
// form and the cycle model agrees.
func SumByPooling(pl *Plan) error {
	if pl.Accel.OwnMemories { // its output stage sums as fast
		return nil
	}
	for i, o := range pl.Ops {
		if p, ok := pl.asPool(o); ok {
			pl.Ops[i] = p
		} else if p, ok := pl.asDepthwise(o); ok {
			pl.Ops[i] = p
		}
	}
	return nil
}

func (pl *Plan) asPool(o *Op) (*Op, bool) {
	if o.Kind != kernel.Elementwise || o.Mode != kernel.Add || o.Scalar || o.IFM.Type != graph.Int8 || o.OFM.Type != graph.Int8 ||
		o.OperandMode != 2 || o.OPA != (kernel.Scale{Mul: 1 << 30, Shift: 11}) || o.Round != kernel.RoundTFL {
		return nil, false
	}
	a, b, c := o.IFM, o.IFM2, o.OFM
	zero := a.Zero + b.Zero
	if zero%2 != 0 || !pl.twoRows(o) || !sameSums(o, zero) {
		return nil, false
	}
	plain, err := pl.chooseBlock(o, 0)
	if err != nil {
		return nil, false
	}
	was := plain.Cycles
	var best *Op
	var forms []*Op
	for _, shape := range rowShapes(a.W, a.C, 16, a.W == 1 || (a.StrideX == a.C && c.StrideX == c.C)) {
		p := o.summing(shape, a, b)
		p.Kind, p.Mode = kernel.Pool, kernel.PoolAverage
		p.IFM.Zero = zero / 2
		p.Out.Shift -= 19
		c, err := pl.chooseBlock(p, 0)
		if err != nil || c.Cycles >= plain.Cycles {
			continue
		}
		if forms = append(forms, p); c.Cycles < was {
			best, was = p, c.Cycles
		}
	}
	if best == nil {
		return nil, false
	}
	best.forms = forms
	return best, true
}

// twoRows reports whether the operands of an elementwise operation can be two rows
// of one feature map.
func (pl *Plan) twoRows(o *Op) bool {
	a, b := o.IFM, o.IFM2
	return a.H == 1 && b.H == 1 && a.W == b.W && a.C == b.C && !a.Buf.Constant() && !b.Buf.Constant() && a.Low == nil && b.Low == nil &&
		pl.Memory.RegionOf(a.Buf) == pl.Memory.RegionOf(b.Buf) && (a.W == 1 || a.StrideX == b.StrideX) && !(pl.Accel.ReservedEndBanks == 0 && o.UsesTable())
}

// summing returns a copy of an elementwise operation as one with a kernel of two
// rows, the rows a and b, in the given width and channels.
func (o *Op) summing(shape [2]int, a, b *kernel.Map) *Op {
	p := *o
	p.KH, p.KW = 2, 1
	p.IFM2, p.OperandMode, p.Swapped, p.OPA, p.OPB = nil, 0, false, kernel.Scale{}, 0
	in, out := *a, *o.OFM
	w, ch := shape[0], shape[1]
	in.H, in.W, in.C, in.Low, in.LowOff, in.LowName = 2, w, ch, b.Buf, b.Off, b.Name
	if out.W, out.C = w, ch; shape != [2]int{a.W, a.C} {
		in.StrideX, out.StrideX = ch, ch
	}
	in.StrideY, out.StrideY = w*in.StrideX, w*out.StrideX
	in.Brick = ch == 16 && w > 1 && in.StrideX == 16 && out.StrideX == 16
	out.Brick = in.Brick
	p.IFM, p.OFM = &in, &out
	return &p
}

// rowShapes lists ways to write w pixels of c channels, when they are contiguous
// also as more pixels of fewer channels, at least the given number.
func rowShapes(w, c, least int, contiguous bool) [][2]int {
	s := [][2]int{{w, c}}
	if !contiguous {
		return s
	}
	n := w * c
	for x := 2; x <= 32; x *= 2 {
		if n%(least*x) == 0 && x != w {
			s = append(s, [2]int{x, n / x})
		}
	}
	if x := n / 16; n%16 == 0 && x > 1 && x != w && (x > 32 || x&(x-1) != 0) {
		s = append(s, [2]int{x, 16})
	}
	return s
}

// sameSums reports whether pooling gives the result of ADD for every sum of two
// int8 values with zero points adding up to zero.
func sameSums(o *Op, zero int) bool {
	n := o.Out.Shift
	if n < 19 {
		return false
	}
	for s := -256 - zero; s <= 254-zero; s++ {
		x := scaleTFL(int64(s)<<19, o.Out.Mul, n)
		y := scaleTFL(int64(s), o.Out.Mul, n-19)
		clamp := func(v int64) int64 { return min(max(v+int64(o.OFM.Zero), int64(o.Lo)), int64(o.Hi)) }
		if clamp(x) != clamp(y) {
			return false
		}
	}
	return true
}

// scaleTFL is the rescaling of the output stage with double rounding.
func scaleTFL(v int64, mul uint32, n int) int64 { return scaleTFLBy(v, mul, n, 0) }

// scaleTFLBy is the rescaling with the threshold of the second rounding moved down
// by d bits, as it is for an operand.
func scaleTFLBy(v int64, mul uint32, n, d int) int64 {
	if n == 0 {
		return v * int64(mul)
	}
	r := int64(1) << (n - 1)
	if n > 31-d {
		if v >= 0 {
			r += 1 << (30 - d)
		} else {
			r -= 1 << (30 - d)
		}
	}
	return (v*int64(mul) + r) >> n
}
