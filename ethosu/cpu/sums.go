// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	planners.Set(planAddN, graph.AddN)
	planners.Set(planCumsum, graph.Cumsum)
}

// sum adds terms of 20 more bits, of which half are counted.
type sum struct {
	zero, zeroOut int32
	out           multiplier
}

func (o *operator) sum() (sum, error) {
	if o.in(0).Type != graph.Int8 {
		return sum{}, o.refuse(0, "int8")
	}
	p, err := quant.ForSums(o.Graph, o.op)
	return sum{p.Zero, p.ZeroOut, multiplierOf(p.Out)}, err
}

func (s sum) term(x byte) int32 { return (int32(int8(x)) - s.zero) << 19 }

func (s sum) result(total int32) byte {
	return byte(clamp(int64(s.out.times(total)+s.zeroOut), -128, 127))
}

func (s sum) args() []Arg { return args(ints(int(s.zero), int(s.zeroOut)), s.out.args()) }

// planAddN adds all inputs.
func planAddN(o *operator) (*Kernel, error) {
	s, err := o.sum()
	if err != nil {
		return nil, err
	}
	n := o.out(0).Elems()
	var from []operand
	var pointers []Arg
	for i := range o.op.Inputs {
		p := o.operand(i)
		from, pointers = append(from, p), append(pointers, p.arg())
	}
	return one("add_n", func(in, out [][]byte) {
		for i := range n {
			total := s.term(0) // the kernel takes the negated zero point for a 0
			for _, p := range from {
				total += s.term(p.of(in)[i])
			}
			out[0][i] = s.result(total)
		}
	}, args(Output(0), Integer(n), s.args(), Integer(len(pointers)), List(pointers))...), nil
}

// planCumsum adds up along an axis.
func planCumsum(o *operator) (*Kernel, error) {
	s, err := o.sum()
	if err != nil {
		return nil, err
	}
	axis, err := o.Axis(o.op)
	if err != nil {
		return nil, err
	}
	a, x := o.op.Attr.(graph.CumsumAttr), o.operand(0)
	shape := o.in(0).Shape
	outer, n, inner := graph.Elems(shape[:axis]), shape[axis], graph.Elems(shape[axis+1:])
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return one("cumsum", func(in, out [][]byte) {
		for line := range outer * inner {
			first, total := line/inner*n*inner+line%inner, s.term(0)
			for i := range n {
				at := first + i*inner
				if a.Reverse {
					at = first + (n-1-i)*inner
				}
				before := total
				total += s.term(x.of(in)[at])
				out[0][at] = s.result(total)
				if a.Exclusive {
					out[0][at] = s.result(before)
				}
			}
		}
	}, args(Output(0), x.arg(), ints(outer, n, inner, flag(a.Reverse), flag(a.Exclusive)), s.args())...), nil
}
