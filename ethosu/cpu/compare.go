// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	planners.Set(planCompare, graph.Equal, graph.NotEqual, graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual)
	planners.Set(planSelect, graph.SelectV2)
}

// relations are sets of outcomes for which a comparison holds: 1 below, 2 equal, 4 above.
var relations = map[graph.Kind]int{
	graph.Less: 1, graph.Equal: 2, graph.LessEqual: 3, graph.Greater: 4, graph.NotEqual: 5, graph.GreaterEqual: 6,
}

// side is one operand of a comparison: what it stands for, in 8 more bits.
type side struct {
	operand
	t    *graph.Tensor
	m    multiplier
	real bool // quantized
}

func (o *operator) side(i int) side {
	s := side{operand: o.operand(i), t: o.in(i)}
	if s.t.Quant != nil && s.t.Type != graph.Int32 {
		s.real, s.m = true, multiplierOf(quant.QuantizeMultiplier(float64(s.t.Scale())))
	}
	return s
}

func (s *side) value(in [][]byte, i int) int32 {
	v := integer(s.t.Type, s.of(in), i)
	if s.real {
		v = s.m.times((v - s.t.ZeroPoint()) << 8)
	}
	return v
}

func (s *side) args() []Arg {
	quantized := Integer(0)
	if s.real {
		quantized = 1
	}
	return args(s.arg(), quantized, Integer(s.t.ZeroPoint()), s.m.args())
}

// planCompare compares what two integers stand for.
func planCompare(o *operator) (*Kernel, error) {
	if o.in(0).Type == graph.Float32 {
		return planRealCompare(o)
	}
	a, b, which := o.side(0), o.side(1), relations[o.op.Kind]
	if t := o.in(0).Type; !integers(t) {
		return nil, o.refuse(0, "integers of at most 32 bits")
	}
	w := broadcast(o.out(0).Shape, a.t.Shape, b.t.Shape)
	return one("compare", func(in, out [][]byte) {
		w.each(func(i int, at []int) {
			outcome, x, y := 2, a.value(in, at[0]), b.value(in, at[1])
			if x < y {
				outcome = 1
			} else if x > y {
				outcome = 4
			}
			out[0][i] = 0
			if which&outcome != 0 {
				out[0][i] = 1
			}
		})
	}, args(Output(0), a.args(), b.args(), code(a.t.Type), Integer(which), w.args())...), nil
}

// planSelect takes each element from one of two tensors.
func planSelect(o *operator) (*Kernel, error) {
	condition, yes, no, n := o.operand(0), o.operand(1), o.operand(2), o.out(0).Type.Size()
	w := broadcast(o.out(0).Shape, o.in(0).Shape, o.in(1).Shape, o.in(2).Shape)
	return one("choose", func(in, out [][]byte) {
		w.each(func(i int, at []int) {
			from, k := no.of(in), at[2]
			if condition.of(in)[at[0]] != 0 {
				from, k = yes.of(in), at[1]
			}
			copy(out[0][n*i:][:n], from[n*k:])
		})
	}, args(Output(0), condition.arg(), yes.arg(), no.arg(), Integer(n), w.args())...), nil
}
