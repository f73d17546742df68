// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Gates of UNIDIRECTIONAL_SEQUENCE_LSTM in the order of the operator's inputs.
const (
	GateInput = iota
	GateForget
	GateCell
	GateOutput
)

// Inputs of UNIDIRECTIONAL_SEQUENCE_LSTM; of the groups of four, gate k is
// at the position plus k.
const (
	LSTMInput            = 0
	LSTMInputWeights     = 1
	LSTMRecurrentWeights = 5
	LSTMBias             = 12
	LSTMHidden           = 18
	LSTMCell             = 19
	LSTMInputs           = 24
)

// LSTM holds the parameters of UNIDIRECTIONAL_SEQUENCE_LSTM with int8
// activations and weights and an int16 cell. For every gate
//
//	s = sat16(sat16(MBQM(W x + bias, In)) + sat16(MBQM(R h, Re)))
//
// is in units of 2^-12, the gate SigmoidCore(3*s) or TanhCore(3*s).
type LSTM struct {
	Gates      [4]LSTMGate
	Forget     Multiplier // of f*c
	Update     Multiplier // of i*g
	Hidden     Multiplier // of tanh(c)*o
	CellClip   int32      // limit of |c|, 0 for none
	CellShift  int        // tanh's argument is c*3*2^CellShift
	ZeroInput  int32
	ZeroHidden int32
}

// LSTMGate holds the multipliers of one gate's input and recurrent product.
type LSTMGate struct{ In, Re Multiplier }

// CellArgument scales a cell value to the argument of TanhCore.
func (l *LSTM) CellArgument(c int32) int32 {
	if n := l.CellShift; n < 0 {
		return (3*c + 1<<(-n-1)) >> -n
	}
	return c * (3 << l.CellShift)
}

// ForLSTM computes the parameters of a UNIDIRECTIONAL_SEQUENCE_LSTM. Peephole,
// projection, layer normalization and coupled gates do not exist in the kernel.
func ForLSTM(g *graph.Graph, op *graph.Op) (LSTM, error) {
	l, err := forLSTM(g, op)
	if err != nil {
		return LSTM{}, at(g, op, err)
	}
	return l, nil
}

func forLSTM(g *graph.Graph, op *graph.Op) (l LSTM, err error) {
	attr, ok := op.Attr.(graph.LSTMAttr)
	if !ok {
		return l, attrError(op, graph.LSTMAttr{})
	}
	if attr.Activation != graph.ActTanh {
		return l, fmt.Errorf("activation is %v, expected TANH", attr.Activation)
	}
	in, _, out, err := operands(g, op, false, true)
	if err != nil {
		return l, err
	}
	h, err := operandOf(g, op.Inputs, LSTMHidden, "hidden state", true)
	if err != nil {
		return l, err
	}
	c, err := operandOf(g, op.Inputs, LSTMCell, "cell state", true)
	if err != nil {
		return l, err
	}
	if in.t.Type != graph.Int8 || out.t.Type != graph.Int8 || h.t.Type != graph.Int8 || c.t.Type != graph.Int16 {
		return l, fmt.Errorf("types are input %v, hidden %v, cell %v, output %v, expected int8, int8, int16, int8", in.t.Type, h.t.Type, c.t.Type, out.t.Type)
	}
	if h.scale != out.scale || h.zero != out.zero {
		return l, fmt.Errorf("output has scale %g, zero point %d and hidden state %g, %d, expected equal", out.scale, out.zero, h.scale, h.zero)
	}
	l.ZeroInput, l.ZeroHidden = in.zero, h.zero
	const gateScale = 1.0 / 4096
	for k := range l.Gates {
		w, err := gateWeights(g, op, LSTMInputWeights+k)
		if err != nil {
			return l, err
		}
		r, err := gateWeights(g, op, LSTMRecurrentWeights+k)
		if err != nil {
			return l, err
		}
		if l.Gates[k].In, err = factor(float64(float32(in.scale*w))/gateScale, fmt.Sprintf("input multiplier of gate %d", k)); err != nil {
			return l, err
		}
		if l.Gates[k].Re, err = factor(float64(float32(h.scale*r))/gateScale, fmt.Sprintf("recurrent multiplier of gate %d", k)); err != nil {
			return l, err
		}
	}
	frac, exp := math.Frexp(float64(c.scale))
	pow := exp - 1
	if frac != 0.5 || pow < -27 || pow > 0 {
		return l, fmt.Errorf("cell state scale is %g, expected a power of two from 2^-27 to 1", c.scale)
	}
	l.CellShift = 15 + pow - 3
	l.Forget = QuantizeMultiplier(1.0 / (1 << 15))
	l.Update = QuantizeMultiplier(1.0 / (1 << 30) / float64(c.scale))
	if l.Hidden, err = factor(1.0/(1<<30)/float64(h.scale), "hidden multiplier"); err != nil {
		return l, err
	}
	if clip := attr.CellClip; clip > 0 {
		l.CellClip = int32(min(clip/c.scale, math.MaxInt16)) // truncated, as the kernel does
	} else if !(clip == 0) {
		return l, fmt.Errorf("cell clip is %g, expected 0 or above", clip)
	}
	return l, nil
}

// gateWeights checks a weight matrix and returns its scale.
func gateWeights(g *graph.Graph, op *graph.Op, i int) (float32, error) {
	w, err := operandOf(g, op.Inputs, i, fmt.Sprintf("weight matrix %d", i), false)
	if err != nil {
		return 0, err
	}
	if w.t.Type != graph.Int8 || w.zero != 0 {
		return 0, fmt.Errorf("weight matrix %q is %v with zero point %d, expected int8 and 0", w.t.Name, w.t.Type, w.zero)
	}
	return w.scale, nil
}
