// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Range returns the representable range of an integer activation type.
func Range(t graph.DType) (lo, hi int32, err error) {
	switch t {
	case graph.Int8:
		return math.MinInt8, math.MaxInt8, nil
	case graph.Int16:
		return math.MinInt16, math.MaxInt16, nil
	}
	return 0, 0, fmt.Errorf("type %v cannot be quantized here, only int8 and int16", t)
}

// WideRange is Range with the types that only QUANTIZE makes.
func WideRange(t graph.DType) (lo, hi int32, err error) {
	switch t {
	case graph.Uint8:
		return 0, math.MaxUint8, nil
	case graph.Int32:
		return math.MinInt32, math.MaxInt32, nil
	}
	return Range(t)
}

// ClampRange returns the limits that a fused activation puts on the values of
// a tensor with type t and quantization q, which is no tighter than the type.
func ClampRange(act graph.Activation, t graph.DType, scale float32, zeroPoint int32) (lo, hi int32, err error) {
	lo, hi, err = Range(t)
	if err != nil {
		return 0, 0, err
	}
	at := func(f float32) int32 {
		q := math.Round(float64(f / scale))
		return zeroPoint + int32(min(max(q, -1<<24), 1<<24)) // far outside any type, so the limit cannot show
	}
	switch act {
	case graph.ActNone:
	case graph.ActRelu:
		lo = max(lo, at(0))
	case graph.ActReluN1To1:
		lo, hi = max(lo, at(-1)), min(hi, at(1))
	case graph.ActRelu6:
		lo, hi = max(lo, at(0)), min(hi, at(6))
	default:
		return 0, 0, fmt.Errorf("fused activation %v is not allowed on %v; use NONE, RELU, RELU_N1_TO_1 or RELU6, or a separate operator", act, t)
	}
	return lo, hi, nil
}

// operand is one tensor of an operator with its per-tensor quantization.
type operand struct {
	t     *graph.Tensor
	scale float32
	zero  int32
}

// operandOf returns a present, int8 or int16, sanely quantized tensor of op.
// zero16 says that the kernel ignores the zero point of int16 and so needs 0.
func operandOf(g *graph.Graph, ids []graph.TensorID, i int, role string, zero16 bool) (operand, error) {
	if i >= len(ids) || ids[i] < 0 || int(ids[i]) >= len(g.Tensors) {
		return operand{}, fmt.Errorf("%s (position %d) is missing", role, i)
	}
	t := g.Tensors[ids[i]]
	if err := t.CheckQuant(); err != nil {
		return operand{}, fmt.Errorf("%s %q: %w", role, t.Name, err)
	}
	if _, _, err := Range(t.Type); err != nil {
		return operand{}, fmt.Errorf("%s %q: %w", role, t.Name, err)
	}
	if len(t.Quant.Scales) != 1 {
		return operand{}, fmt.Errorf("%s %q: has %d scales, expected one for the whole tensor", role, t.Name, len(t.Quant.Scales))
	}
	if zero16 && t.Type == graph.Int16 && t.ZeroPoint() != 0 {
		return operand{}, fmt.Errorf("%s %q: int16 with zero point %d, expected 0; quantize it symmetrically", role, t.Name, t.ZeroPoint())
	}
	return operand{t, t.Scale(), t.ZeroPoint()}, nil
}

// operands returns the input at position 0 (and 1 when two is set) and the output.
func operands(g *graph.Graph, op *graph.Op, two, zero16 bool) (a, b, out operand, err error) {
	if a, err = operandOf(g, op.Inputs, 0, "input", zero16); err != nil {
		return
	}
	if two {
		if b, err = operandOf(g, op.Inputs, 1, "second input", zero16); err != nil {
			return
		}
	}
	out, err = operandOf(g, op.Outputs, 0, "output", zero16)
	return
}

// factor quantizes a real multiplier that a kernel will use.
func factor(d float64, what string) (Multiplier, error) {
	m := QuantizeMultiplier(d)
	if math.IsNaN(d) || math.IsInf(d, 0) || d <= 0 || m.Exp > 30 {
		return Multiplier{}, fmt.Errorf("%s is %g, expected a number above 0 and below 2^30; the scales do not fit together", what, d)
	}
	return m, nil
}

// signed is factor for a multiplier of any sign, 0 included.
func signed(d float64, what string) (Multiplier, error) {
	switch {
	case d == 0:
		return Multiplier{}, nil
	case d < 0:
		m, err := factor(-d, what)
		m.M = -m.M
		return m, err
	}
	return factor(d, what)
}

// at names the operator in an error.
func at(g *graph.Graph, op *graph.Op, err error) error {
	for i, o := range g.Ops {
		if o == op {
			return fmt.Errorf("%s: %w", g.OpString(i), err)
		}
	}
	return fmt.Errorf("%v: %w", op.Kind, err)
}

// attrError reports an attribute value of the wrong type.
func attrError(op *graph.Op, want any) error {
	return fmt.Errorf("attributes are %T, expected %T", op.Attr, want)
}
