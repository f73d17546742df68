package compile

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// asDepthwise returns an int8 ADD or SUB as a depthwise convolution over two rows.
func (m *module) asDepthwise(o *op) (*op, bool) {
	if o.kind != opElementwise || (o.mode != ewAdd && o.mode != ewSub) || o.scalar || o.ifm.dt != graph.Int8 || o.ofm.dt != graph.Int8 ||
		o.operandMode == 0 || o.round != roundTFL || o.ifm.zp != o.ifm2.zp || !m.twoRows(o) {
		return nil, false
	}
	a, b := o.ifm, o.ifm2
	if o.swapped {
		a, b = b, a
	}
	sum, ok := m.depthSum(o, a.zp)
	if !ok {
		return nil, false
	}
	plain, err := m.chooseBlock(o, 0)
	if err != nil {
		return nil, false
	}
	was := plain.cycles
	var best *op
	for _, shape := range rowShapes(a.w, a.c, 8, a.w == 1 || (a.sx == a.c && o.ofm.sx == o.ofm.c)) {
		if shape[1] > 64 {
			continue // every channel costs weights and a record
		}
		p := o.summing(shape, a, b)
		p.kind, p.mode, p.global, p.out, p.round = opDepthwise, 0, false, scale{}, roundNatural
		values := make([]byte, 0, 2*shape[1])
		for range shape[1] {
			values = append(values, byte(sum.wa), byte(sum.wb))
			p.records = append(p.records, weights.Record{Scale: sum.out.mul, Shift: uint8(sum.out.shift)})
		}
		if p.weights, err = m.weightsOf("sum of two rows", values, shape[1], 2, 1, 1, true); err != nil {
			return nil, false
		}
		if m.prefetch {
			m.copies[p.weights] = copyBoth
		}
		p.recBuf = m.packRecords("sum records", p.records)
		if c, err := m.chooseBlock(p, 0); err == nil && c.cycles < min(0.75*plain.cycles, was) {
			best, was = p, c.cycles
		}
	}
	return best, best != nil
}

// depthSum holds the integer form of a rescaled sum, (wa*a + wb*b) * out rounded
// once: the second rounding of the elementwise form is 2^12 times finer or more,
// that of a small accumulator would be seen.
type depthSum struct {
	wa, wb int
	out    scale
	ok     bool
}

// sumKey is everything that the result of an ADD or SUB depends on.
type sumKey struct {
	mode, operandMode int
	opa, out          scale
	zin, zout, lo, hi int
}

// depthSum looks for the integer form of o and proves it on all pairs of values.
func (m *module) depthSum(o *op, zp int) (depthSum, bool) {
	key := sumKey{o.mode, o.operandMode, o.opa, o.out, zp, o.ofm.zp, o.lo, o.hi}
	if s, ok := m.sums[key]; ok {
		return s, s.ok
	}
	s := findSum(o, zp)
	m.sums[key] = s
	return s, s.ok
}

func findSum(o *op, zp int) depthSum {
	// The scaled operand counts r times the other, which is shifted by 19.
	r := math.Ldexp(float64(o.opa.mul), -o.opa.shift-19)
	for q := 1; q <= 128; q++ {
		p := math.Round(r * float64(q))
		if p < 1 || p > 128 || math.Abs(p/float64(q)-r) > 2e-7*r {
			continue
		}
		s := depthSum{wa: q, wb: int(p)}
		if o.operandMode == 1 {
			s.wa, s.wb = s.wb, s.wa
		}
		if o.mode == ewSub {
			s.wb = -s.wb
		}
		if max(s.wa, s.wb) > 127 {
			return s
		}
		out, err := shiftOf(quant.QuantizeMultiplier(math.Ldexp(float64(o.out.mul), 19-o.out.shift) / float64(q)))
		if err != nil {
			return s
		}
		s.out = out
		s.ok = out.shift > 0 && s.equals(o, zp)
		return s
	}
	return depthSum{}
}

// equals compares the two forms on every pair of int8 values.
func (s depthSum) equals(o *op, zp int) bool {
	sign := int64(1)
	if o.mode == ewSub {
		sign = -1
	}
	clamp := func(v int64) int64 { return min(max(v+int64(o.ofm.zp), int64(o.lo)), int64(o.hi)) }
	var scaled, plain [256]int64
	for i := range scaled {
		v := int64(i-128) - int64(zp)
		scaled[i], plain[i] = scaleTFLBy(v, o.opa.mul, o.opa.shift, 20), v<<19
	}
	first, second := &plain, &scaled
	if o.operandMode == 1 {
		first, second = &scaled, &plain
	}
	for i := range first {
		for k := range second {
			want := clamp(scaleTFL(first[i]+sign*second[k], o.out.mul, o.out.shift))
			acc := int64(s.wa)*(int64(i-128)-int64(zp)) + int64(s.wb)*(int64(k-128)-int64(zp))
			if clamp((acc*int64(s.out.mul)+1<<(s.out.shift-1))>>s.out.shift) != want {
				return false
			}
		}
	}
	return true
}
