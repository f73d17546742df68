package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// lowerLSTM unrolls a UNIDIRECTIONAL_SEQUENCE_LSTM: one convolution for the
// inputs of all steps, then eight operations a step. The gates lie side by side
// in the order input, forget, output, cell, so that the three sigmoids are one
// operation.
func lowerLSTM(l *lowering, gop *graph.Op) error {
	q, err := quant.ForLSTM(l.g, gop)
	if err != nil {
		return err
	}
	a, _ := gop.Attr.(graph.LSTMAttr)
	x := l.g.Tensors[gop.Inputs[quant.LSTMInput]]
	hid := l.g.Tensors[gop.Inputs[quant.LSTMHidden]]
	if len(x.Shape) != 3 || len(hid.Shape) != 2 {
		return fmt.Errorf("input %v must have three and hidden state %v two dimensions", x.Shape, hid.Shape)
	}
	batch, steps := x.Shape[0], x.Shape[1]
	if a.TimeMajor {
		batch, steps = steps, batch
	}
	in, units := x.Shape[2], hid.Shape[1]
	order := []int{quant.GateInput, quant.GateForget, quant.GateOutput, quant.GateCell}
	var wx, wh []byte
	var rx, rh []weights.Record
	for _, k := range order {
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
		sx, err := shiftOf(q.Gates[k].In)
		if err != nil {
			return err
		}
		sh, err := shiftOf(q.Gates[k].Re)
		if err != nil {
			return err
		}
		for i := 0; i < units; i++ {
			rec := weights.Record{Scale: sx.mul, Shift: uint8(sx.shift)}
			if bias != nil {
				rec.Bias = bias[i]
			}
			rx = append(rx, rec)
			rh = append(rh, weights.Record{Scale: sh.mul, Shift: uint8(sh.shift)})
		}
	}
	name := l.g.Tensors[gop.Outputs[0]].Name
	kx, err := l.m.weightsOf(name+"/input weights", wx, 4*units, 1, 1, in, false)
	if err != nil {
		return err
	}
	kh, err := l.m.weightsOf(name+"/recurrent weights", wh, 4*units, 1, 1, units, false)
	if err != nil {
		return err
	}
	h, err := l.in(gop.Inputs[quant.LSTMHidden])
	if err != nil {
		return err
	}
	c, err := l.in(gop.Inputs[quant.LSTMCell])
	if err != nil {
		return err
	}
	v, err := l.rows(gop.Inputs[quant.LSTMInput], in)
	if err != nil {
		return err
	}
	full := func(p op) op { p.lo, p.hi = -32768, 32767; return p }
	timeAxis := 1
	if a.TimeMajor {
		timeAxis = 0
	}
	inputs := func(what string, v view) (view, error) {
		gx := l.fresh(name+what, graph.Int16, []int{v.shape[0], 4 * units})
		return gx, l.matmul(full(op{name: "LSTM input gates", weights: kx, records: rx, source: name}), v, gx, int(q.ZeroInput), 0)
	}
	var gx view
	if !l.m.small {
		if gx, err = inputs("/gx", v); err != nil {
			return err
		}
		gx, _ = gx.reshape([]int{x.Shape[0], x.Shape[1], 4 * units})
	}
	steps3, _ := v.reshape([]int{x.Shape[0], x.Shape[1], in})
	out := l.out(gop.Outputs[0])
	seq, ok := out.reshape([]int{x.Shape[0], x.Shape[1], units})
	if !ok {
		return fmt.Errorf("output %q is scattered", out.name)
	}
	scaleOf := func(m quant.Multiplier, err *error) scale {
		s, e := shiftOf(m)
		if e != nil {
			*err = e
		}
		return s
	}
	var serr error
	mi, mf, mh := scaleOf(q.Update, &serr), scaleOf(q.Forget, &serr), scaleOf(q.Hidden, &serr)
	if serr != nil {
		return serr
	}
	clip := 32767
	lo := -32768
	if q.CellClip > 0 {
		clip, lo = int(q.CellClip), -int(q.CellClip)
	}
	tanh := scale{3, 0}
	if q.CellShift >= 0 {
		tanh.mul = 3 << q.CellShift
	} else {
		tanh.shift = -q.CellShift
	}
	prev := h
	for t := 0; t < steps; t++ {
		first := len(l.m.ops)
		gh := l.fresh(fmt.Sprintf("%s/gh%d", name, t), graph.Int16, []int{batch, 4 * units})
		if err := l.matmul(full(op{name: "LSTM recurrent gates", weights: kh, records: rh, source: name}), prev, gh, int(q.ZeroHidden), 0); err != nil {
			return err
		}
		var xt view
		if l.m.small {
			in := steps3.cut(timeAxis, t, 1, 1).drop(timeAxis)
			in.name = v.name
			if xt, err = inputs(fmt.Sprintf("/gx%d", t), in); err != nil {
				return err
			}
		} else {
			xt = gx.cut(timeAxis, t, 1, 1).drop(timeAxis)
		}
		gates := gh
		if !l.m.small {
			gates = l.fresh(fmt.Sprintf("%s/gates%d", name, t), graph.Int16, []int{batch, 4 * units})
		}
		part := func(v view, from, n int) view { return v.cut(1, from*units, n*units, 1) }
		gate := func(from, n int, fn function, lo, hi int) error {
			p := op{name: "LSTM gates", source: name, mode: ewAdd, global: true, opa: scale{16384, 0}, opb: 16384, out: scale{1610612736, 43}, fn: fn, lo: lo, hi: hi}
			return l.elementwise(p, operand{v: part(xt, from, n)}, &operand{v: part(gh, from, n)}, part(gates, from, n), 0)
		}
		// The sum is not saturated to 16 bits before the function; limiting the
		// sigmoid to its values at the ends has the same effect.
		if err := gate(0, 3, fnSigmoid, 11, 32757); err != nil {
			return err
		}
		if err := gate(3, 1, fnTanh, -32768, 32767); err != nil {
			return err
		}
		tmp := func(what string) view {
			return l.fresh(fmt.Sprintf("%s/%s%d", name, what, t), graph.Int16, []int{batch, units})
		}
		ig, fc, th := tmp("ig"), tmp("fc"), tmp("tanh_c")
		mul := func(name string, s scale, a, b, to view, zp int) error {
			p := op{name: name, source: l.g.Tensors[gop.Outputs[0]].Name, mode: ewMul, global: true, out: s}
			p.lo, p.hi = typeRange(to.dt)
			return l.elementwise(p, operand{v: a}, &operand{v: b}, to, zp)
		}
		if err := mul("LSTM input*cell gate", mi, part(gates, 0, 1), part(gates, 3, 1), ig, 0); err != nil {
			return err
		}
		if err := mul("LSTM forget*cell", mf, part(gates, 1, 1), c, fc, 0); err != nil {
			return err
		}
		add := op{name: "LSTM cell", source: name, mode: ewAdd, global: true, opa: scale{1, 0}, opb: 1, out: scale{1, 0}, lo: lo, hi: clip}
		if err := l.elementwise(add, operand{v: ig}, &operand{v: fc}, c, 0); err != nil {
			return err
		}
		act := op{name: "LSTM tanh(cell)", source: name, mode: ewMul, global: true, out: tanh, fn: fnTanh, lo: -32768, hi: 32767}
		if err := l.elementwise(act, operand{v: c}, &operand{scalar: true, value: 1}, th, 0); err != nil {
			return err
		}
		ht := seq.cut(timeAxis, t, 1, 1).drop(timeAxis)
		ht.name = fmt.Sprintf("%s[%d]", name, t)
		if err := mul("LSTM hidden", mh, th, part(gates, 2, 1), ht, int(q.ZeroHidden)); err != nil {
			return err
		}
		prev = ht
		for _, o := range l.m.ops[first:] {
			o.step = t
		}
	}
	return l.copyView("LSTM state", prev, h)
}
