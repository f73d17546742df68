// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// elemPlan is NPU_OP_ELEMENTWISE. a and b are the first and second mathematical
// operand: IFM and IFM2, or the other way round when the registers say so.
type elemPlan struct {
	blockPlan
	mode     isa.ElementwiseMode
	binary   bool
	constant bool // IFM2 is the value scalar
	reversed bool // a is IFM2
	scalar   int32
	bcast    isa.Broadcast // of IFM2
	bcast1   isa.Broadcast // of IFM, on the U85
	out      scaler
	byShift  func(n int32) scaler // SHR by n
	// ADD and SUB: a*mulA + b*mulB, or one operand scaled and the other multiplied, or both
	// scaled.
	mulA, mulB int64
	scaleA     *scaler
	scaleB     *scaler
}

// shift of the operand that is not scaled, and the bits the scaled one accounts for.
func fixedShift(bits int) (big uint, d uint) {
	if bits == 16 {
		return 14, 15
	}
	return 19, 20
}

func (b *builder) elementwise(p blockPlan, o *isa.Operation) (step, error) {
	sc, bc := o.Scaling(), o.Broadcast()
	e := &elemPlan{blockPlan: p, mode: o.ElementwiseMode(), binary: o.Binary()}
	e.byShift = func(n int32) scaler { return newScaler(isa.Scale{Value: 1, Shift: int(n)}, sc.OFMRound, 0) }
	if e.upscale == isa.UpscaleZeros {
		return nil, e.fault(Unknown, "ELEMENTWISE with inserted zeros (IFM_UPSCALE 2)")
	}
	if e.binary {
		e.bcast, e.constant, e.reversed = bc, bc.Constant, bc.Reversed
		if bc.Constant {
			e.scalar = o.ScalarValue() - zeroPoint2(o)
		}
	}
	s := sc.OFM
	if p.ifm.Type.Bits == 32 {
		s = wideScale(s)
	}
	e.out = newScaler(s, sc.OFMRound, 0)
	e.stage.exact32 = e.mode != isa.ElemMul
	switch e.mode {
	case isa.ElemMul, isa.ElemAdd, isa.ElemSub, isa.ElemLRelu, isa.ElemAbs:
		if !sc.Global {
			return nil, e.fault(Unknown, "OFM_PRECISION scale_mode 0, expected 1: there are no scale records to take")
		}
	}
	if e.mode == isa.ElemAdd || e.mode == isa.ElemSub {
		if err := e.operandScales(p.ifm.Type.Bits, &sc); err != nil {
			return nil, err
		}
	}
	if b.opts.slow {
		return e, nil
	}
	if (!e.binary || e.constant) && e.isBytewise() {
		return b.newBytewise(e.blockPlan, func(v *blockPlan, c *context) error {
			all := *e
			all.blockPlan = *v
			return all.run(c)
		})
	}
	return newPair8(e), nil
}

func zeroPoint2(o *isa.Operation) int32 {
	return o.IFM2().ZeroPoint
}

// operandScales fills the operand scaling of ADD and SUB.
func (p *elemPlan) operandScales(width int, sc *isa.Scaling) error {
	p.mulA, p.mulB = 1, 1
	if width == 32 {
		return nil
	}
	if sc.IFMMode == 0 {
		p.mulA, p.mulB = int64(sc.OPA.Value&0xFFFF), int64(sc.OPB&0xFFFF)
		return nil
	}
	if sc.IFMRound != isa.RoundTFL {
		return p.fault(Unknown, "IFM_PRECISION round_mode %d with scaled operands, only 0 is known", sc.IFMRound)
	}
	big, d := fixedShift(width)
	s := newScaler(sc.OPA, isa.RoundTFL, d)
	if sc.IFMMode == 1 {
		p.scaleA, p.mulB = &s, 1<<big
	} else {
		p.scaleB, p.mulA = &s, 1<<big
	}
	return nil
}

func (p *elemPlan) run(c *context) error {
	one, two := p.input(c, 0, &p.ifm), []byte(nil)
	if p.binary && !p.constant {
		two = p.input(c, 1, &p.ifm2)
	}
	n := p.ofm.C
	v, a := sized(&c.v, n), sized(&c.a, n)
	b := sized(&c.b, n)
	if p.constant {
		fill(b, p.scalar)
	}
	u := p.upscale // nearest: every stored element serves four
	for y := range p.ofm.H {
		for x := range p.ofm.W {
			iy, ix := y, x
			if u == isa.UpscaleNearest {
				iy, ix = y>>1, x>>1
			}
			p.loadOperand(a, &p.ifm, one, &p.bcast1, iy, ix)
			if two != nil {
				p.loadOperand(b, &p.ifm2, two, &p.bcast, y, x)
			}
			var err error
			switch {
			case !p.binary:
				p.unary(v, a)
			case p.reversed:
				err = p.combine(v, b, a)
			default:
				err = p.combine(v, a, b)
			}
			if err != nil {
				return err
			}
			if err := p.emit(c, y, x, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func fill(dst []int32, v int32) {
	for i := range dst {
		dst[i] = v
	}
}

// loadOperand reads an input with its broadcasts.
func (p *elemPlan) loadOperand(v []int32, f *fmap, buf []byte, bc *isa.Broadcast, y, x int) {
	if bc.H {
		y = 0
	}
	if bc.W {
		x = 0
	}
	if bc.C {
		f.load(v[:1], buf, f.at(y, x, 0))
		fill(v[1:], v[0])
		return
	}
	p.loadAll(v, f, buf, y, x, 0)
}

func (p *elemPlan) unary(v []int64, a []int32) {
	switch p.mode {
	case isa.ElemLRelu:
		if p.scaleA != nil {
			p.leakyU85(v, a)
			return
		}
		for i, e := range a {
			v[i] = int64(e)
			if e < 0 {
				v[i] = p.out.round(int64(e))
			}
		}
	case isa.ElemAbs:
		for i, e := range a {
			v[i] = p.out.round(abs(int64(e)))
		}
	case isa.ElemCLZ:
		for i, e := range a {
			v[i] = int64(bits.LeadingZeros32(uint32(e)))
		}
	case isa.ElemNot:
		for i, e := range a {
			v[i] = ^int64(e)
		}
	}
}

// combine applies a two-operand mode and its scaling.
func (p *elemPlan) combine(v []int64, a, b []int32) error {
	b = b[:len(a)]
	v = v[:len(a)]
	out := p.out
	switch p.mode {
	case isa.ElemMul:
		for i, e := range a {
			v[i] = out.round(int64(e) * int64(b[i]))
		}
	case isa.ElemAdd, isa.ElemSub:
		p.sum(v, a, b)
	case isa.ElemMin:
		for i, e := range a {
			v[i] = int64(min(e, b[i]))
		}
	case isa.ElemMax:
		for i, e := range a {
			v[i] = int64(max(e, b[i]))
		}
	case isa.ElemSHR, isa.ElemSHL:
		return p.shift(v, a, b)
	default:
		p.logicU85(v, a, b)
	}
	return nil
}

func (p *elemPlan) sum(v []int64, a, b []int32) {
	mulA, mulB, out := p.mulA, p.mulB, p.out
	if p.mode == isa.ElemSub {
		mulB = -mulB
	}
	switch {
	case p.scaleA != nil && p.scaleB != nil:
		p.sumU85(v, a, b)
	case p.scaleA != nil:
		s := *p.scaleA
		for i, e := range a {
			v[i] = out.round(s.round(int64(e)) + int64(b[i])*mulB)
		}
	case p.scaleB != nil:
		s, sign := *p.scaleB, int64(1)
		if p.mode == isa.ElemSub {
			sign = -1
		}
		for i, e := range a {
			v[i] = out.round(int64(e)*mulA + sign*s.round(int64(b[i])))
		}
	default:
		for i, e := range a {
			v[i] = out.round(int64(e)*mulA + int64(b[i])*mulB)
		}
	}
}

// shift is SHR and SHL. Amounts outside 0..31 and left shifts that lose bits have no
// known result.
func (p *elemPlan) shift(v []int64, a, b []int32) error {
	for i, e := range a {
		n := b[i]
		if n < 0 || n > 31 {
			return p.fault(Overflow, "element %d is shifted by %d, expected 0..31", i, n)
		}
		if p.mode == isa.ElemSHL {
			v[i] = int64(e) << n
			if v[i] != int64(int32(v[i])) {
				return p.fault(Overflow, "element %d: %d << %d does not fit 32 bits", i, e, n)
			}
			continue
		}
		s := p.byShift(n)
		v[i] = s.round(int64(e))
	}
	return nil
}
