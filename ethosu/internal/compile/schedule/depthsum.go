// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// asDepthwise returns an int8 ADD or SUB as a depthwise convolution over two rows.
func (pl *Plan) asDepthwise(o *Op) (*Op, bool) {
	if o.Kind != kernel.Elementwise || (o.Mode != kernel.Add && o.Mode != kernel.Sub) || o.Scalar || o.IFM.Type != graph.Int8 || o.OFM.Type != graph.Int8 ||
		o.OperandMode == 0 || o.Round != kernel.RoundTFL || o.IFM.Zero != o.IFM2.Zero || !pl.twoRows(o) {
		return nil, false
	}
	a, b := o.IFM, o.IFM2
	if o.Swapped {
		a, b = b, a
	}
	sum, ok := pl.depthSum(o, a.Zero)
	if !ok {
		return nil, false
	}
	plain, err := pl.chooseBlock(o, 0)
	if err != nil {
		return nil, false
	}
	was := plain.Cycles
	var best *Op
	for _, shape := range rowShapes(a.W, a.C, 8, a.W == 1 || (a.StrideX == a.C && o.OFM.StrideX == o.OFM.C)) {
		if shape[1] > 64 {
			continue // every channel costs weights and a record
		}
		p := o.summing(shape, a, b)
		p.Kind, p.Mode, p.Global, p.Out, p.Round = kernel.Depthwise, 0, false, kernel.Scale{}, kernel.RoundNatural
		var values []byte
		values, p.Records = sum.of(shape[1])
		if p.Weights, err = pl.mod.Weights.Of("sum of two rows", values, shape[1], 2, 1, 1, true); err != nil {
			return nil, false
		}
		if pl.prefetch {
			pl.copies[p.Weights] = copyBoth
		}
		p.Scales = pl.packRecords("sum records", p)
		if c, err := pl.chooseBlock(p, 0); err == nil && c.Cycles < min(0.75*plain.Cycles, was) {
			best, was = p, c.Cycles
		}
	}
	return best, best != nil
}

// depthSum holds the integer form of a rescaled sum, (wa*a + wb*b) * out rounded
// once: the second rounding of the elementwise form is 2^12 times finer or more,
// that of a small accumulator would be seen.
type depthSum struct {
	wa, wb int
	out    kernel.Scale
	ok     bool

	made map[int]sumConstants // by channels: the steps of a network share them
}

// sumConstants are the weights and the records of a sum.
type sumConstants struct {
	values  []byte
	records []weights.Record
}

// of returns the weights and the records for a number of channels.
func (s *depthSum) of(channels int) ([]byte, []weights.Record) {
	c, ok := s.made[channels]
	if !ok {
		for range channels {
			c.values = append(c.values, byte(s.wa), byte(s.wb))
			c.records = append(c.records, weights.Record{Scale: s.out.Mul, Shift: uint8(s.out.Shift)})
		}
		s.made[channels] = c
	}
	return c.values, c.records
}

// sumKey is everything that the result of an ADD or SUB depends on.
type sumKey struct {
	mode, operandMode int
	opa, out          kernel.Scale
	zin, zout, lo, hi int
}

// depthSum looks for the integer form of o and proves it on all pairs of values.
func (pl *Plan) depthSum(o *Op, zp int) (*depthSum, bool) {
	key := sumKey{o.Mode, o.OperandMode, o.OPA, o.Out, zp, o.OFM.Zero, o.Lo, o.Hi}
	if s, ok := pl.Memo.sums[key]; ok {
		return s, s.ok
	}
	found := findSum(o, zp)
	s := &found
	s.made = map[int]sumConstants{}
	pl.Memo.sums[key] = s
	return s, s.ok
}

func findSum(o *Op, zp int) depthSum {
	// The scaled operand counts r times the other, which is shifted by 19.
	r := math.Ldexp(float64(o.OPA.Mul), -o.OPA.Shift-19)
	for q := 1; q <= 128; q++ {
		p := math.Round(r * float64(q))
		if p < 1 || p > 128 || math.Abs(p/float64(q)-r) > 2e-7*r {
			continue
		}
		s := depthSum{wa: q, wb: int(p)}
		if o.OperandMode == 1 {
			s.wa, s.wb = s.wb, s.wa
		}
		if o.Mode == kernel.Sub {
			s.wb = -s.wb
		}
		if max(s.wa, s.wb) > 127 {
			return s
		}
		out, err := kernel.ScaleOf(quant.QuantizeMultiplier(math.Ldexp(float64(o.Out.Mul), 19-o.Out.Shift) / float64(q)))
		if err != nil {
			return s
		}
		s.out = out
		s.ok = out.Shift > 0 && s.equals(o, zp)
		return s
	}
	return depthSum{}
}

// equals compares the two forms on every pair of int8 values.
func (s depthSum) equals(o *Op, zp int) bool {
	sign := int64(1)
	if o.Mode == kernel.Sub {
		sign = -1
	}
	clamp := func(v int64) int64 { return min(max(v+int64(o.OFM.Zero), int64(o.Lo)), int64(o.Hi)) }
	var scaled, plain [256]int64
	for i := range scaled {
		v := int64(i-128) - int64(zp)
		scaled[i], plain[i] = scaleTFLBy(v, o.OPA.Mul, o.OPA.Shift, 20), v<<19
	}
	first, second := &plain, &scaled
	if o.OperandMode == 1 {
		first, second = &scaled, &plain
	}
	for i := range first {
		for k := range second {
			want := clamp(scaleTFL(first[i]+sign*second[k], o.Out.Mul, o.Out.Shift))
			acc := int64(s.wa)*(int64(i-128)-int64(zp)) + int64(s.wb)*(int64(k-128)-int64(zp))
			if clamp((acc*int64(s.out.Mul)+1<<(s.out.Shift-1))>>s.out.Shift) != want {
				return false
			}
		}
	}
	return true
}
