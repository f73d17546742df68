// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// lstm is a UNIDIRECTIONAL_SEQUENCE_LSTM while it is unrolled: one convolution
// for the inputs of all steps, then eight operations a step. The gates lie side
// by side in the order input, forget, output, cell, so that the three sigmoids are
// one operation.
type lstm struct {
	l            *lowering
	q            quant.LSTM
	name         string
	batch, steps int
	units        int
	timeAxis     int

	input, recurrent       *kernel.Weights
	inputRec, recurrentRec []weights.Record
	mi, mf, mh, tanh       kernel.Scale
	lo, hi                 int // of the cell

	x, gx view // input rows [.., in]; input gates of all steps, unless memory is tight
	h, c  view // states
	seq   view // output [.., .., units]
}

func lowerLSTM(l *lowering, gop *graph.Op) error {
	q, err := quant.ForLSTM(l.g, gop)
	if err != nil {
		return err
	}
	s := &lstm{l: l, q: q, name: l.g.Tensors[gop.Outputs[0]].Name, timeAxis: 1}
	a, _ := gop.Attr.(graph.LSTMAttr)
	in := l.g.Tensors[gop.Inputs[quant.LSTMInput]]
	hidden := l.g.Tensors[gop.Inputs[quant.LSTMHidden]]
	if len(in.Shape) != 3 || len(hidden.Shape) != 2 {
		return fmt.Errorf("input %v must have three and hidden state %v two dimensions", in.Shape, hidden.Shape)
	}
	s.batch, s.steps, s.units = in.Shape[0], in.Shape[1], hidden.Shape[1]
	if a.TimeMajor {
		s.batch, s.steps, s.timeAxis = s.steps, s.batch, 0
	}
	if err := s.constants(gop, in.Shape[2]); err != nil {
		return err
	}
	if s.h, err = l.in(gop.Inputs[quant.LSTMHidden]); err != nil {
		return err
	}
	if s.c, err = l.in(gop.Inputs[quant.LSTMCell]); err != nil {
		return err
	}
	rows, err := l.rows(gop.Inputs[quant.LSTMInput], in.Shape[2])
	if err != nil {
		return err
	}
	if !l.opt.Tight {
		if s.gx, err = s.inputGates("/gx", rows); err != nil {
			return err
		}
		s.gx, _ = s.gx.reshape([]int{in.Shape[0], in.Shape[1], 4 * s.units})
	}
	s.x, _ = rows.reshape(in.Shape)
	var ok bool
	if s.seq, ok = l.sequenceOut(gop.Outputs[0], s.timeAxis, s.units).reshape([]int{in.Shape[0], in.Shape[1], s.units}); !ok {
		return fmt.Errorf("output %q is scattered", s.name)
	}
	h := s.h
	for t := 0; t < s.steps; t++ {
		first := len(l.m.Kernels)
		if h, err = s.step(t, h); err != nil {
			return err
		}
		for _, o := range l.m.Kernels[first:] {
			o.Step = t
		}
	}
	return l.copyView("LSTM state", h, s.h)
}

// constants puts weights, records and multipliers of the four gates side by side.
func (s *lstm) constants(gop *graph.Op, in int) error {
	l, units := s.l, s.units
	var wx, wh []byte
	for _, k := range []int{quant.GateInput, quant.GateForget, quant.GateOutput, quant.GateCell} {
		w := l.g.Tensors[gop.Inputs[quant.LSTMInputWeights+k]]
		r := l.g.Tensors[gop.Inputs[quant.LSTMRecurrentWeights+k]]
		if len(w.Data) != units*in || len(r.Data) != units*units {
			return fmt.Errorf("weights %q and %q must be constants of %dx%d and %dx%d", w.Name, r.Name, units, in, units, units)
		}
		wx, wh = append(wx, w.Data...), append(wh, r.Data...)
		bias, err := l.bias(gop.Inputs[quant.LSTMBias+k], units)
		if err != nil {
			return err
		}
		sx, err := kernel.ScaleOf(s.q.Gates[k].In)
		if err != nil {
			return err
		}
		sh, err := kernel.ScaleOf(s.q.Gates[k].Re)
		if err != nil {
			return err
		}
		for i := range units {
			rec := weights.Record{Scale: sx.Mul, Shift: uint8(sx.Shift)}
			if bias != nil {
				rec.Bias = bias[i]
			}
			s.inputRec = append(s.inputRec, rec)
			s.recurrentRec = append(s.recurrentRec, weights.Record{Scale: sh.Mul, Shift: uint8(sh.Shift)})
		}
	}
	var err error
	if s.input, err = l.m.Weights.Of(s.name+"/input weights", wx, 4*units, 1, 1, in, false); err != nil {
		return err
	}
	if s.recurrent, err = l.m.Weights.Of(s.name+"/recurrent weights", wh, 4*units, 1, 1, units, false); err != nil {
		return err
	}
	for _, p := range []struct {
		to *kernel.Scale
		m  quant.Multiplier
	}{{&s.mi, s.q.Update}, {&s.mf, s.q.Forget}, {&s.mh, s.q.Hidden}} {
		if *p.to, err = kernel.ScaleOf(p.m); err != nil {
			return err
		}
	}
	s.lo, s.hi = -32768, 32767
	if s.q.CellClip > 0 {
		s.lo, s.hi = -int(s.q.CellClip), int(s.q.CellClip)
	}
	s.tanh = kernel.Scale{Mul: 3}
	if s.q.CellShift >= 0 {
		s.tanh.Mul = 3 << s.q.CellShift
	} else {
		s.tanh.Shift = -s.q.CellShift
	}
	return nil
}

func (s *lstm) fresh(what string, n int) view {
	return s.l.fresh(s.name+what, graph.Int16, []int{s.batch, n})
}

// gate returns the columns of n gates.
func (s *lstm) gate(v view, from, n int) view { return v.cut(1, from*s.units, n*s.units, 1) }

// inputGates emits the input product of all gates for rows of the input.
func (s *lstm) inputGates(what string, rows view) (view, error) {
	out := s.l.fresh(s.name+what, graph.Int16, []int{rows.shape[0], 4 * s.units})
	p := kernel.Kernel{Name: "LSTM input gates", Weights: s.input, Records: s.inputRec, Source: s.name, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	return out, s.l.matmul(p, rows, out, int(s.q.ZeroInput), 0)
}

// recurrentGates emits the recurrent product of n gates.
func (s *lstm) recurrentGates(what string, h view, from, n int) (view, error) {
	w, rec := s.recurrent, s.recurrentRec
	if n < 4 {
		w = s.l.m.Weights.Slice(w, from*s.units, (from+n)*s.units)
		rec = rec[from*s.units : (from+n)*s.units]
	}
	out := s.fresh(what, n*s.units)
	p := kernel.Kernel{Name: "LSTM recurrent gates", Weights: w, Records: rec, Source: s.name, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	return out, s.l.matmul(p, h, out, int(s.q.ZeroHidden), 0)
}

// activate emits the sum of the two products and the gate function. The sum is not
// saturated to 16 bits before the function; limiting the sigmoid to its values at
// the ends has the same effect.
func (s *lstm) activate(a, b, to view, fn kernel.Function) error {
	p := kernel.Kernel{Name: "LSTM gates", Source: s.name, Mode: kernel.Add, Rescale: kernel.Rescale{Global: true, OPA: kernel.Scale{Mul: 16384}, OPB: 16384, Out: kernel.Scale{Mul: 1610612736, Shift: 43}}, Output: kernel.Output{Fn: fn, Lo: -32768, Hi: 32767}}
	if fn == kernel.FnSigmoid {
		p.Lo, p.Hi = 11, 32757
	}
	return s.l.elementwise(p, operand{v: a}, &operand{v: b}, to, 0)
}

// gates emits the four gates of a step and returns them.
func (s *lstm) gates(t int, h view) (view, error) {
	if !s.l.opt.Tight {
		gh, err := s.recurrentGates(fmt.Sprintf("/gh%d", t), h, 0, 4)
		if err != nil {
			return gh, err
		}
		gx := s.gx.cut(s.timeAxis, t, 1, 1).drop(s.timeAxis)
		g := s.fresh(fmt.Sprintf("/gates%d", t), 4*s.units)
		if err := s.activate(s.gate(gx, 0, 3), s.gate(gh, 0, 3), s.gate(g, 0, 3), kernel.FnSigmoid); err != nil {
			return g, err
		}
		return g, s.activate(s.gate(gx, 3, 1), s.gate(gh, 3, 1), s.gate(g, 3, 1), kernel.FnTanh)
	}
	// Tight: two gates at a time, each written over its input product.
	x := s.x.cut(s.timeAxis, t, 1, 1).drop(s.timeAxis)
	g, err := s.inputGates(fmt.Sprintf("/gx%d", t), x)
	if err != nil {
		return g, err
	}
	for from := 0; from < 4; from += 2 {
		gh, err := s.recurrentGates(fmt.Sprintf("/gh%d_%d", t, from), h, from, 2)
		if err != nil {
			return g, err
		}
		for k := range 2 {
			fn := kernel.FnSigmoid
			if from+k == 3 {
				fn = kernel.FnTanh
			}
			to := s.gate(g, from+k, 1)
			if err := s.activate(to, s.gate(gh, k, 1), to, fn); err != nil {
				return g, err
			}
		}
	}
	return g, nil
}

// step emits one time step and returns the view of the new hidden state.
func (s *lstm) step(t int, h view) (view, error) {
	g, err := s.gates(t, h)
	if err != nil {
		return h, err
	}
	mul := func(name string, m kernel.Scale, a, b, to view, zp int) {
		p := kernel.Kernel{Name: name, Source: s.name, Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: m}}
		p.Lo, p.Hi = kernel.TypeRange(to.dt)
		if err == nil {
			err = s.l.elementwise(p, operand{v: a}, &operand{v: b}, to, zp)
		}
	}
	ig, fc, th := s.fresh(fmt.Sprintf("/ig%d", t), s.units), s.fresh(fmt.Sprintf("/fc%d", t), s.units), s.fresh(fmt.Sprintf("/tanh_c%d", t), s.units)
	mul("LSTM input*cell gate", s.mi, s.gate(g, 0, 1), s.gate(g, 3, 1), ig, 0)
	mul("LSTM forget*cell", s.mf, s.gate(g, 1, 1), s.c, fc, 0)
	if err != nil {
		return h, err
	}
	add := kernel.Kernel{Name: "LSTM cell", Source: s.name, Mode: kernel.Add, Rescale: kernel.Rescale{Global: true, OPA: kernel.Scale{Mul: 1}, OPB: 1, Out: kernel.Scale{Mul: 1}}, Output: kernel.Output{Lo: s.lo, Hi: s.hi}}
	if err := s.l.elementwise(add, operand{v: ig}, &operand{v: fc}, s.c, 0); err != nil {
		return h, err
	}
	act := kernel.Kernel{Name: "LSTM tanh(cell)", Source: s.name, Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: s.tanh}, Output: kernel.Output{Fn: kernel.FnTanh, Lo: -32768, Hi: 32767}}
	if err := s.l.elementwise(act, operand{v: s.c}, &operand{scalar: true, value: 1}, th, 0); err != nil {
		return h, err
	}
	ht := s.seq.cut(s.timeAxis, t, 1, 1).drop(s.timeAxis)
	ht.name = fmt.Sprintf("%s[%d]", s.name, t)
	mul("LSTM hidden", s.mh, th, s.gate(g, 2, 1), ht, int(s.q.ZeroHidden))
	return ht, err
}

// sequenceOut returns where an LSTM writes its output. When all that is read of it
// is one time step, every step is written to the same place.
func (l *lowering) sequenceOut(id graph.TensorID, timeAxis, units int) view {
	t := l.g.Tensors[id]
	if _, taken := l.slots[id]; taken || l.output[id] || len(t.Shape) != 3 || t.Shape[timeAxis] < 2 {
		return l.out(id)
	}
	step := -1
	for _, i := range l.consumers[id] {
		op := l.g.Ops[i]
		if op.Kind != graph.Slice && op.Kind != graph.StridedSlice {
			return l.out(id)
		}
		spans, err := l.g.Spans(op)
		if err != nil || len(spans) != 3 || spans[timeAxis].Count != 1 || (step >= 0 && step != spans[timeAxis].Begin) {
			return l.out(id)
		}
		step = spans[timeAxis].Begin
	}
	if step != t.Shape[timeAxis]-1 {
		return l.out(id)
	}
	v := l.fresh(t.Name, t.Type, []int{1, t.Shape[1-timeAxis], units})
	shape, strides := append([]int(nil), t.Shape...), []int{units, units, 1}
	strides[timeAxis] = 0
	l.views[id] = view{buf: v.buf, dt: t.Type, shape: shape, strides: strides, name: t.Name}
	return l.views[id]
}
