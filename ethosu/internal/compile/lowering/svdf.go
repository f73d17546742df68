// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { lowerers.Set(lowerSVDF, graph.SVDF) }

// lowerSVDF lowers SVDF: the state moves on by a copy, a product of the input with the
// feature weights fills its last column, and the products with the time weights are
// added up, with the bias as one of them.
func lowerSVDF(l *lowering, gop *graph.Op) error {
	q, err := quant.ForSVDF(l.g, gop)
	if err != nil {
		return err
	}
	features, time, st := l.g.Tensors[gop.Inputs[1]], l.g.Tensors[gop.Inputs[2]], l.g.Tensors[gop.Inputs[4]]
	if !time.IsConst() {
		return fmt.Errorf("time weights %q are not constant", time.Name)
	}
	filters, memory, units := features.Shape[0], time.Shape[1], l.g.Tensors[gop.Outputs[0]].Shape[1]
	x, err := l.rows(gop.Inputs[0], features.Shape[1])
	if err != nil {
		return err
	}
	state, err := l.in(gop.Inputs[4])
	if err != nil {
		return err
	}
	batch := x.shape[0]
	state, _ = state.reshape([]int{batch, filters, memory})
	if memory > 1 {
		old := l.fresh(st.Name+"/old", st.Type, []int{batch, filters, memory - 1})
		if err := l.copyView("COPY of state", state.cut(2, 1, memory-1, 1), old); err != nil {
			return err
		}
		if err := l.copyView("COPY of state", old, state.cut(2, 0, memory-1, 1)); err != nil {
			return err
		}
	}
	if err := l.enterState(gop, q, x, state.cut(2, memory-1, 1, 1).drop(2)); err != nil {
		return err
	}
	s := &sums{l: l, name: l.g.Tensors[gop.Outputs[0]].Name, rows: units, terms: filters / units * memory}
	if s.bias, err = l.bias(gop.Inputs[3], units); err != nil {
		return err
	}
	weights, err := l.in(gop.Inputs[2])
	if err != nil {
		return err
	}
	out := l.out(gop.Outputs[0])
	for b := range batch {
		a, _ := state.cut(0, b, 1, 1).reshape([]int{units, s.terms})
		w, _ := weights.reshape([]int{units, s.terms})
		if err := s.emit(operand{v: a, zp: int(q.StateZero)}, operand{v: w}, q.Out, out.cut(0, b, 1, 1).drop(0), int(q.Zero), -128, 127); err != nil {
			return err
		}
	}
	return nil
}

// enterState multiplies the input with the feature weights into the last column of the
// state. The kernel adds the state's zero point modulo the type, which is a table.
func (l *lowering) enterState(gop *graph.Op, q quant.SVDF, x, column view) error {
	features, st := l.g.Tensors[gop.Inputs[1]], l.g.Tensors[gop.Inputs[4]]
	filters, inputs := features.Shape[0], features.Shape[1]
	p := kernel.Kernel{Kind: kernel.Conv, Output: kernel.Output{Lo: int(q.StateLo), Hi: int(q.StateHi)}}
	var err error
	if p.Weights, err = l.weightsOf(gop.Inputs[1], filters, 1, 1, inputs, false); err != nil {
		return err
	}
	mult := make([]quant.Multiplier, filters)
	for i := range mult {
		mult[i] = q.State
	}
	if p.Records, err = l.recordsOf(quant.MAC{Mult: mult}, graph.None); err != nil {
		return err
	}
	now := l.fresh(st.Name+"/new", st.Type, []int{x.shape[0], filters})
	if err := l.matmul(p, x, now, int(q.In), 0); err != nil || q.StateZero == 0 {
		if err == nil {
			err = l.copyView("COPY to state", now, column)
		}
		return err
	}
	if st.Type != graph.Int8 {
		return fmt.Errorf("state %q is %v with zero point %d, expected 0", st.Name, st.Type, q.StateZero)
	}
	var shifted [256]int8
	for i := range shifted {
		shifted[i] = int8(int32(i-128) + q.StateZero)
	}
	k := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: unscaled}, Output: kernel.Output{Lo: -128, Hi: 127, Fn: kernel.FnTable, Table: l.table8(shifted)}}
	return l.elementwise(k, operand{v: now}, &operand{scalar: true, value: 1}, column, 0)
}
