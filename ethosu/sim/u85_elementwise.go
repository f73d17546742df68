// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// elementwiseU85 plans NPU_OP_ELEMENTWISE of the U85. Its inputs have a scale each and a
// broadcast each, and either may be the scalar; p.ifm is then the one that is a map.
func (b *builder) elementwiseU85(p blockPlan, k *kernelU85) (step, error) {
	e := &elemPlan{blockPlan: p, mode: k.Elem, binary: !k.Unary(), mulA: 1, mulB: 1}
	if e.upscale != isa.UpscaleNone {
		return nil, e.fault(Unknown, "IFM_UPSCALE %d with ELEMENTWISE: only 0 is known", e.upscale)
	}
	if !k.Global {
		return nil, e.fault(Unknown, "OFM_PRECISION scale_mode 0 with ELEMENTWISE, expected 1: there are no scale records to take")
	}
	e.bcast1, e.bcast = axesU85(k.IFM.Broadcast), axesU85(k.IFM2.Broadcast)
	switch {
	case !e.binary:
	case k.scalarFirst():
		e.constant, e.reversed, e.bcast1 = true, true, e.bcast
		e.scalar = k.Scalar - k.IFM.ZeroPoint
	case k.scalarSecond():
		e.constant, e.scalar = true, k.Scalar-k.IFM2.ZeroPoint
	}
	out := k.OFMScale
	if p.ifm.Type.Bits == 32 {
		out = wideScaleU85(out)
	}
	e.out = newScalerU85(out)
	e.byShift = func(n int32) scaler {
		return newScalerU85(isa.ScaleU85{Value: 1, Shift: int(n), Double: k.OFMScale.Double, Round: k.OFMScale.Round})
	}
	if err := e.scalesU85(k); err != nil {
		return nil, err
	}
	if b.opts.slow || e.bcast1 != (isa.Broadcast{}) {
		return e, nil
	}
	if (!e.binary || e.constant) && e.isBytewise() {
		return b.newBytewise(e.blockPlan, func(v *blockPlan, c *context) error {
			all := *e
			all.blockPlan = *v
			return all.run(c)
		})
	}
	if e = e.simpleU85(); e.scaleA != nil && e.scaleB != nil {
		return e, nil
	}
	return newPair8(e), nil
}

func axesU85(b isa.BroadcastU85) isa.Broadcast {
	if b == isa.BroadcastScalar {
		return isa.Broadcast{}
	}
	return isa.Broadcast{H: b&isa.BroadcastH != 0, W: b&isa.BroadcastW != 0, C: b&isa.BroadcastC != 0}
}

// scalesU85 checks the scales of a mode, and takes those of the inputs where it has any.
func (p *elemPlan) scalesU85(k *kernelU85) error {
	width := p.ifm.Type.Bits
	unit := func(s isa.ScaleU85, name string) error {
		if s.Value == 1 && s.Shift == 0 {
			return nil
		}
		return p.fault(Unknown, "%s %d >> %d: with this operation only 1 >> 0 is known", name, s.Value, s.Shift)
	}
	inputs := func() error {
		if err := unit(k.IFMScale, "IFM_SCALE"); err != nil || !p.binary {
			return err
		}
		return unit(k.IFM2Scale, "IFM2_SCALE")
	}
	switch p.mode {
	case isa.ElemAdd, isa.ElemSub:
		if width == 32 {
			return inputs()
		}
		a, b := newScalerU85(k.IFMScale), newScalerU85(k.IFM2Scale)
		p.scaleA, p.scaleB = &a, &b
		return nil
	case isa.ElemLRelu:
		a, b := newScalerU85(k.IFMScale), newScalerU85(k.IFM2Scale)
		p.scaleA, p.scaleB = &a, &b
		return unit(k.OFMScale, "OFM_SCALE")
	case isa.ElemMul, isa.ElemAbs:
		return inputs()
	case isa.ElemMin, isa.ElemMax, isa.ElemCLZ, isa.ElemSHR, isa.ElemSHL:
	case isa.ElemAnd, isa.ElemOr, isa.ElemXor, isa.ElemNot, isa.ElemAndNot:
		if k.IFM.ZeroPoint|k.IFM2.ZeroPoint != 0 { // that of IFM2 is 0 where there is none
			return p.fault(Unknown, "zero points %d and %d with %v: only 0 is known", k.IFM.ZeroPoint, k.IFM2.ZeroPoint, p.mode)
		}
	default:
		return p.fault(Unknown, "%v: how its result is rounded or coded is not known", p.mode)
	}
	if err := unit(k.OFMScale, "OFM_SCALE"); err != nil {
		return err
	}
	return inputs()
}

// simpleU85 turns a scale that drops no bits into a factor, which is what the joined
// loops take for one of two operands.
func (p *elemPlan) simpleU85() *elemPlan {
	if p.scaleA == nil || p.scaleB == nil || p.mode == isa.ElemLRelu {
		return p
	}
	q := *p
	if f, ok := p.scaleA.exact(); ok {
		q.scaleA, q.mulA = nil, f
	} else if f, ok := p.scaleB.exact(); ok {
		q.scaleB, q.mulB = nil, f
	}
	return &q
}

// sumU85 is ADD and SUB with both operands scaled.
func (p *elemPlan) sumU85(v []int64, a, b []int32) {
	sa, sb, out, sign := *p.scaleA, *p.scaleB, p.out, int64(1)
	if p.mode == isa.ElemSub {
		sign = -1
	}
	for i, e := range a {
		v[i] = out.round(sa.round(int64(e)) + sign*sb.round(int64(b[i])))
	}
}

// leakyU85 is LRELU: IFM_SCALE for values from 0 on, IFM2_SCALE below.
func (p *elemPlan) leakyU85(v []int64, a []int32) {
	for i, e := range a {
		s := p.scaleA
		if e < 0 {
			s = p.scaleB
		}
		v[i] = s.round(int64(e))
	}
}

// logicU85 are the modes that work on bits.
func (p *elemPlan) logicU85(v []int64, a, b []int32) {
	for i, e := range a {
		switch x := b[i]; p.mode {
		case isa.ElemAnd:
			v[i] = int64(e & x)
		case isa.ElemOr:
			v[i] = int64(e | x)
		case isa.ElemXor:
			v[i] = int64(e ^ x)
		case isa.ElemAndNot:
			v[i] = int64(e &^ x)
		default:
			panic("BUG: ELEMENTWISE " + p.mode.String() + " has no arithmetic")
		}
	}
}
