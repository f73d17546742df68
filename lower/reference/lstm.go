// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// lstmGate is one gate's two products with their scaling. base folds bias and
// the zero point of the operand.
type lstmGate struct {
	in, re           *packed
	inBase, reBase   []int32
	inScale, reScale scaler
	core             func(int32) int32
}

// planLSTM executes UNIDIRECTIONAL_SEQUENCE_LSTM step by step, row by row of
// the batch. Hidden and cell state stay in their variable tensors.
func planLSTM(p *plan, op *graph.Op) (step, error) {
	l, err := quant.ForLSTM(p.g, op)
	if err != nil {
		return nil, err
	}
	if err := constantGates(p, op); err != nil {
		return nil, err
	}
	in, h := p.in(op, quant.LSTMInput), p.in(op, quant.LSTMHidden)
	batch, steps, features, units := in.Shape[0], in.Shape[1], in.Shape[2], h.Shape[1]
	timeMajor := op.Attr.(graph.LSTMAttr).TimeMajor
	if timeMajor {
		batch, steps = steps, batch
	}
	var gates [4]lstmGate
	for k := range gates {
		gates[k] = newGate(p, op, &l, k, units, features)
	}
	// Scratch: x holds the input row, then the hidden row; acc the products,
	// then the values of the four gates.
	lenX, lenAcc := gates[0].in.lenX(), gates[0].in.lenAcc()
	lenH := gates[0].re.lenX()
	p.need(lenX+lenH, lenAcc+4*units, 0)
	forget, update, hidden := newScaler(l.Forget), newScaler(l.Update), newScaler(l.Hidden)
	src, dst, hid, cell := op.Inputs[quant.LSTMInput], op.Outputs[0], op.Inputs[quant.LSTMHidden], op.Inputs[quant.LSTMCell]

	return func(m *memory) {
		x, hrow := m.x[:lenX], m.x[lenX:lenX+lenH]
		acc, values := m.acc[:lenAcc], m.acc[lenAcc:lenAcc+4*units]
		for t := range steps {
			for b := range batch {
				at := b*steps + t
				if timeMajor {
					at = t*batch + b
				}
				hb, cb := m.v[hid][b*units:(b+1)*units], m.v[cell][2*b*units:2*(b+1)*units]
				widen8(x, m.v[src][at*features:(at+1)*features])
				widen8(hrow, hb)
				for k := range gates {
					gates[k].run(values[k*units:(k+1)*units], acc, x, hrow)
				}
				y := m.v[dst][at*units : (at+1)*units]
				for u := range units {
					i, f, g, o := values[u], values[units+u], values[2*units+u], values[3*units+u]
					c := quant.Sat16(quant.Sat16(forget.apply(f*get16(cb, u))) + quant.Sat16(update.apply(i*g)))
					if l.CellClip > 0 {
						c = min(max(c, -l.CellClip), l.CellClip)
					}
					put16(cb, u, c)
					v := hidden.apply(quant.TanhCore(l.CellArgument(c))*o) + l.ZeroHidden
					y[u] = byte(min(max(v, -128), 127))
				}
				copy(hb, y)
			}
		}
	}, nil
}

func newGate(p *plan, op *graph.Op, l *quant.LSTM, k, units, features int) lstmGate {
	g := lstmGate{
		in:      pack(p.in(op, quant.LSTMInputWeights+k).Data, units, features),
		re:      pack(p.in(op, quant.LSTMRecurrentWeights+k).Data, units, units),
		inScale: newScaler(l.Gates[k].In),
		reScale: newScaler(l.Gates[k].Re),
		core:    quant.SigmoidCore,
	}
	if k == quant.GateCell {
		g.core = quant.TanhCore
	}
	bias := p.in(op, quant.LSTMBias+k).Data
	for u := range units {
		g.inBase = append(g.inBase, int32(binary.LittleEndian.Uint32(bias[4*u:]))-l.ZeroInput*g.in.sums[u])
		g.reBase = append(g.reBase, -l.ZeroHidden*g.re.sums[u])
	}
	return g
}

// run computes the gate's activations into y.
func (g *lstmGate) run(y, acc []int32, x, h []int16) {
	g.in.mul(acc, x)
	for u := range y {
		y[u] = quant.Sat16(g.inScale.apply(acc[u] + g.inBase[u]))
	}
	g.re.mul(acc, h)
	for u := range y {
		y[u] = g.core(3 * quant.Sat16(y[u]+quant.Sat16(g.reScale.apply(acc[u]+g.reBase[u]))))
	}
}

func constantGates(p *plan, op *graph.Op) error {
	for i := quant.LSTMInputWeights; i < quant.LSTMBias+4; i++ {
		if id := op.Inputs[i]; id != graph.None && !p.g.Tensors[id].IsConst() {
			return errComputed(op, i, p.g.Tensors[id].Name)
		}
	}
	return nil
}
