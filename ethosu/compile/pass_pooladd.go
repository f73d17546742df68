package compile

import "github.com/unroll-npu/unroll/lower/graph"

// sumByPooling turns int8 ADD and SUB of two tensors into operations that the MAC
// array sums in less than half the cycles: the operands become two rows of one
// map, summed by an average pool when their scales are equal, or by a depthwise
// convolution with small integer weights when the scales are in their ratio. It is
// done where every possible pair of values gives the result of the elementwise
// form and the cycle model agrees.
func sumByPooling(m *module) error {
	for i, o := range m.ops {
		if p, ok := m.asPool(o); ok {
			m.ops[i] = p
		} else if p, ok := m.asDepthwise(o); ok {
			m.ops[i] = p
		}
	}
	return nil
}

func (m *module) asPool(o *op) (*op, bool) {
	if o.kind != opElementwise || o.mode != ewAdd || o.scalar || o.ifm.dt != graph.Int8 || o.ofm.dt != graph.Int8 ||
		o.operandMode != 2 || o.opa != (scale{1 << 30, 11}) || o.round != roundTFL {
		return nil, false
	}
	a, b, c := o.ifm, o.ifm2, o.ofm
	zero := a.zp + b.zp
	if zero%2 != 0 || !m.twoRows(o) || !sameSums(o, zero) {
		return nil, false
	}
	plain, err := m.chooseBlock(o, 0)
	if err != nil {
		return nil, false
	}
	was := plain.cycles
	var best *op
	var forms []*op
	for _, shape := range rowShapes(a.w, a.c, 16, a.w == 1 || (a.sx == a.c && c.sx == c.c)) {
		p := o.summing(shape, a, b)
		p.kind, p.mode = opPool, poolAverage
		p.ifm.zp = zero / 2
		p.out.shift -= 19
		c, err := m.chooseBlock(p, 0)
		if err != nil || c.cycles >= plain.cycles {
			continue
		}
		if forms = append(forms, p); c.cycles < was {
			best, was = p, c.cycles
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
func (m *module) twoRows(o *op) bool {
	a, b := o.ifm, o.ifm2
	return a.h == 1 && b.h == 1 && a.w == b.w && a.c == b.c && !a.buf.constant() && !b.buf.constant() && a.low == nil && b.low == nil &&
		m.regionOf(a.buf) == m.regionOf(b.buf) && (a.w == 1 || a.sx == b.sx) && !(m.accel.ReservedEndBanks == 0 && o.usesTable())
}

// summing returns a copy of an elementwise operation as one with a kernel of two
// rows, the rows a and b, in the given width and channels.
func (o *op) summing(shape [2]int, a, b *fmap) *op {
	p := *o
	p.kh, p.kw = 2, 1
	p.ifm2, p.operandMode, p.swapped, p.opa, p.opb = nil, 0, false, scale{}, 0
	in, out := *a, *o.ofm
	w, ch := shape[0], shape[1]
	in.h, in.w, in.c, in.low, in.lowOff, in.lowName = 2, w, ch, b.buf, b.off, b.name
	if out.w, out.c = w, ch; shape != [2]int{a.w, a.c} {
		in.sx, out.sx = ch, ch
	}
	in.sy, out.sy = w*in.sx, w*out.sx
	in.brick = ch == 16 && w > 1 && in.sx == 16 && out.sx == 16
	out.brick = in.brick
	p.ifm, p.ofm = &in, &out
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
func sameSums(o *op, zero int) bool {
	n := o.out.shift
	if n < 19 {
		return false
	}
	for s := -256 - zero; s <= 254-zero; s++ {
		x := scaleTFL(int64(s)<<19, o.out.mul, n)
		y := scaleTFL(int64(s), o.out.mul, n-19)
		clamp := func(v int64) int64 { return min(max(v+int64(o.ofm.zp), int64(o.lo)), int64(o.hi)) }
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
