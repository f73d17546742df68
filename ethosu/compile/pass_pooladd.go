package compile

import "github.com/unroll-npu/unroll/lower/graph"

// sumByPooling turns an int8 ADD of two tensors with equal scales into an average
// pool over two rows, the operands: the pool sums what the rescaling of ADD would
// sum, in half the cycles. It is done where every possible sum gives the same
// result in both forms and the cycle model agrees.
func sumByPooling(m *module) error {
	for i, o := range m.ops {
		if p, ok := m.asPool(o); ok {
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
	if zero%2 != 0 || a.h != 1 || b.h != 1 || a.w != b.w || a.c != b.c || a.buf.constant() || b.buf.constant() ||
		a.low != nil || b.low != nil || m.regionOf(a.buf) != m.regionOf(b.buf) || (m.accel.ReservedEndBanks == 0 && o.usesTable()) {
		return nil, false
	}
	if a.w > 1 && a.sx != b.sx {
		return nil, false
	}
	if !sameSums(o, zero) {
		return nil, false
	}
	_, was, err := m.chooseBlock(o)
	if err != nil {
		return nil, false
	}
	var best *op
	for _, shape := range rowShapes(a.w, a.c, a.w == 1 || (a.sx == a.c && c.sx == c.c)) {
		p := *o
		p.kind, p.mode, p.kh, p.kw = opPool, poolAverage, 2, 1
		p.ifm2, p.operandMode, p.swapped, p.opb = nil, 0, false, 0
		p.opa = scale{}
		p.out.shift -= 19
		w, ch := shape[0], shape[1]
		in, out := *a, *c
		in.h, in.w, in.c, in.low, in.lowOff = 2, w, ch, b.buf, b.off
		in.zp = zero / 2
		out.w, out.c = w, ch
		if shape != [2]int{a.w, a.c} {
			in.sx, out.sx = ch, ch
		}
		in.sy, out.sy = w*in.sx, w*out.sx
		in.name = a.name
		in.lowName = b.name
		p.ifm, p.ofm = &in, &out
		if _, t, err := m.chooseBlock(&p); err == nil && t < was {
			best, was = &p, t
		}
	}
	return best, best != nil
}

// rowShapes lists ways to write w pixels of c channels, when they are contiguous
// also as more pixels of fewer channels.
func rowShapes(w, c int, contiguous bool) [][2]int {
	s := [][2]int{{w, c}}
	if !contiguous {
		return s
	}
	n := w * c
	for x := 2; x <= 32; x *= 2 {
		if n%(16*x) == 0 && x != w {
			s = append(s, [2]int{x, n / x})
		}
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
func scaleTFL(v int64, mul uint32, n int) int64 {
	if n == 0 {
		return v * int64(mul)
	}
	r := int64(1) << (n - 1)
	if n > 31 {
		if v >= 0 {
			r += 1 << 30
		} else {
			r -= 1 << 30
		}
	}
	return (v*int64(mul) + r) >> n
}
