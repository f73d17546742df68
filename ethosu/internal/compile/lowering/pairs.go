// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	lowerers.Set(lowerSquared, graph.SquaredDifference)
	lowerers.Set(lowerPRelu, graph.PRelu)
	lowerers.Set(lowerLeaky, graph.LeakyRelu)
	lowerers.Set(lowerAbs, graph.Abs)
	lowerers.Set(lowerQuotient, graph.Div)
	const cpu = "the NPU has no such operation; compute it on the CPU, or replace it by "
	lowerers.Without(cpu+"ADD of two at a time", graph.AddN)
	lowerers.Without(cpu+"ADD step by step", graph.Cumsum)
	lowerers.Without(cpu+"MINIMUM, MAXIMUM or a table operator such as RELU", graph.Equal, graph.NotEqual, graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual, graph.SelectV2)
	lowerers.Without(cpu+"a product of the input with itself", graph.Pow)
	lowerers.Without("it exists at the rim of a network alone, where compile takes it off; quantize the network around it", graph.Dequantize)
}

// chain emits elementwise kernels with intermediate results of 16 bits.
type chain struct {
	l    *lowering
	name string
	n    int
	err  error
}

func (l *lowering) chain(gop *graph.Op) *chain {
	return &chain{l: l, name: l.g.Tensors[gop.Outputs[0]].Name}
}

// fresh returns a new intermediate map.
func (c *chain) fresh(shape []int) view {
	c.n++
	return c.l.fresh(fmt.Sprintf("%s/%d", c.name, c.n), graph.Int16, shape)
}

// do emits out = a op b, scaled, with the zero point and the limits of out.
func (c *chain) do(mode int, a, b operand, s kernel.Scale, out view, zero, lo, hi int) view {
	if c.err != nil {
		return out
	}
	k := kernel.Kernel{Mode: mode, Rescale: kernel.Rescale{Out: s, OPA: kernel.Scale{Mul: 1}, OPB: 1}, Output: kernel.Output{Lo: lo, Hi: hi}}
	k.Global = mode == kernel.Mul || mode == kernel.Add || mode == kernel.Sub
	c.err = c.l.elementwise(k, a, &b, out, zero)
	return out
}

// wide is do into a new map of 16 bits.
func (c *chain) wide(mode int, a, b operand, s kernel.Scale, shape []int) operand {
	return operand{v: c.do(mode, a, b, s, c.fresh(shape), 0, -32768, 32767)}
}

// scale turns a multiplier into a scale and keeps the first failure.
func (c *chain) scale(m quant.Multiplier) kernel.Scale {
	s, err := kernel.ScaleOf(m)
	if c.err == nil {
		c.err = err
	}
	return s
}

func number(x int) operand { return operand{scalar: true, value: x} }

var unscaled = kernel.Scale{Mul: 1}

// asTable lowers an operator of which one operand is one constant value.
func (l *lowering) asTable(gop *graph.Op) (done bool, err error) {
	for _, id := range gop.Inputs {
		if t := l.g.Tensors[id]; !t.IsConst() && t.Type == graph.Int8 {
			if _, ok := l.pointwise(l.cur, id); ok {
				v, err := l.in(id)
				if err != nil {
					return true, err
				}
				return true, l.tableOnly(id, v, l.cur)
			}
		}
	}
	return false, nil
}

// lowerSquared lowers SQUARED_DIFFERENCE: both operands on one scale, in 16 bits, their
// difference, and its square.
func lowerSquared(l *lowering, gop *graph.Op) error {
	if done, err := l.asTable(gop); done {
		return err
	}
	q, err := quant.ForSquared(l.g, gop)
	if err != nil {
		return err
	}
	a, b, err := l.binary(gop)
	if err != nil {
		return err
	}
	if a.scalar || b.scalar {
		return fmt.Errorf("with one constant value of %v: use MUL and ADD, or int8, where it is a table", l.g.Tensors[gop.Outputs[0]].Type)
	}
	c := l.chain(gop)
	onScale := func(x operand, m quant.Multiplier) operand {
		half := m == quant.Multiplier{M: 1 << 30}
		switch {
		case q.LeftShift == 7 && half:
			return c.wide(kernel.Mul, x, number(64), unscaled, x.v.shape)
		case q.LeftShift == 7:
			x = c.wide(kernel.Mul, x, number(64), unscaled, x.v.shape)
			return c.wide(kernel.Mul, x, number(2), c.scale(m), x.v.shape)
		}
		return c.wide(kernel.Mul, x, number(1), c.scale(m), x.v.shape)
	}
	out := l.out(gop.Outputs[0])
	p, r := onScale(a, q.A), onScale(b, q.B)
	d := c.wide(kernel.Sub, p, r, unscaled, out.shape)
	if q.LeftShift == 0 { // 32768 does not fit 16 bits, but -32768 does, and one of both it is
		d = c.wide(kernel.Min, d, c.wide(kernel.Sub, r, p, unscaled, out.shape), unscaled, out.shape)
	}
	c.do(kernel.Mul, d, d, c.scale(q.Out), out, int(q.ZeroOut), int(q.Lo), int(q.Hi))
	return c.err
}

// lowerPRelu lowers PRELU to the sum of what it makes of values above and below 0, of
// which one is 0.
func lowerPRelu(l *lowering, gop *graph.Op) error {
	if done, err := l.asTable(gop); done {
		return err
	}
	q, err := quant.ForPRelu(l.g, gop)
	if err != nil {
		return err
	}
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	alpha, err := l.operandOf(gop.Inputs[1])
	if err != nil {
		return err
	}
	c := l.chain(gop)
	if v.dt == graph.Int16 {
		if q.Out != 0 {
			return fmt.Errorf("of int16 with output zero point %d, expected 0", q.Out)
		}
		if !alpha.scalar {
			alpha = c.wide(kernel.Mul, alpha, number(1), unscaled, alpha.v.shape)
		} else {
			alpha.value, alpha.zp = alpha.value-alpha.zp, 0
		}
	}
	lo, hi := kernel.TypeRange(v.dt)
	half := func(mode int, name string) operand {
		return operand{v: c.do(mode, operand{v: v}, number(int(q.In)), unscaled, l.fresh(c.name+name, v.dt, v.shape), 0, lo, hi), zp: int(q.In)}
	}
	above, below := half(kernel.Max, "/above"), half(kernel.Min, "/below")
	out := l.out(gop.Outputs[0])
	p := c.wide(kernel.Mul, above, number(1), c.scale(q.Pos), v.shape)
	n := c.wide(kernel.Mul, below, alpha, c.scale(q.Neg), out.shape)
	c.do(kernel.Add, n, p, unscaled, out, int(q.Out), int(q.Lo), int(q.Hi))
	return c.err
}

// lowerLeaky lowers LEAKY_RELU: a table of int8, else the greater of both branches, or
// the lesser where the negative branch is the steeper one.
func lowerLeaky(l *lowering, gop *graph.Op) error {
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	if v.dt == graph.Int8 {
		return lowerActivation(l, gop)
	}
	q, err := quant.ForLeaky(l.g, gop)
	if err != nil {
		return err
	}
	c := l.chain(gop)
	x := operand{v: v, zp: int(q.In)}
	branch := func(m quant.Multiplier, name string) operand {
		sign := 1
		if m.M < 0 {
			m.M, sign = -m.M, -1
		}
		return operand{v: c.do(kernel.Mul, x, number(sign), c.scale(m), l.fresh(c.name+name, v.dt, v.shape), int(q.Out), int(q.Lo), int(q.Hi))}
	}
	mode := kernel.Max
	if q.Neg.Real() > q.Pos.Real() {
		mode = kernel.Min
	}
	pos, neg := branch(q.Pos, "/above"), branch(q.Neg, "/below")
	c.do(mode, pos, neg, unscaled, l.out(gop.Outputs[0]), 0, int(q.Lo), int(q.Hi))
	return c.err
}

// lowerAbs lowers ABS: a table of int8, else the operation that the NPU has.
func lowerAbs(l *lowering, gop *graph.Op) error {
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	if v.dt == graph.Int8 {
		return lowerActivation(l, gop)
	}
	q, err := quant.ForAbs(l.g, gop)
	if err != nil {
		return err
	}
	k := kernel.Kernel{Mode: kernel.Abs, Rescale: kernel.Rescale{Global: true, Out: unscaled}, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}}
	if !q.Copy {
		if k.Out, err = kernel.ScaleOf(q.Out); err != nil {
			return err
		}
	}
	return l.elementwise(k, operand{v: v, zp: int(q.In)}, nil, l.out(gop.Outputs[0]), int(q.Zero))
}

// lowerQuotient lowers DIV where one operand is one constant value.
func lowerQuotient(l *lowering, gop *graph.Op) error {
	done, err := l.asTable(gop)
	if !done {
		err = fmt.Errorf("the NPU does not divide by values; divide by one constant, or multiply with the reciprocal")
	}
	return err
}
