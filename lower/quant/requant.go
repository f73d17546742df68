// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Requant holds the parameters of QUANTIZE between integer types, RELU and
// RELU6: y = clamp(MBQM(x - In, Out) + Zero, Lo, Hi). With Copy set the
// multiplier is not used: y = clamp(x, Lo, Hi).
type Requant struct {
	Out      Multiplier
	In, Zero int32 // zero points of input and output
	Lo, Hi   int32
	Copy     bool
}

// ForRequant computes the parameters of an integer QUANTIZE, RELU or RELU6.
func ForRequant(g *graph.Graph, op *graph.Op) (Requant, error) {
	p, err := forRequant(g, op)
	if err != nil {
		return Requant{}, at(g, op, err)
	}
	return p, nil
}

func forRequant(g *graph.Graph, op *graph.Op) (Requant, error) {
	if op.Kind == graph.Quantize {
		return forQuantize(g, op)
	}
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return Requant{}, err
	}
	lo, hi, err := Range(out.t.Type)
	if err != nil {
		return Requant{}, err
	}
	if in.t.Type != out.t.Type {
		return Requant{}, fmt.Errorf("input is %v and output %v, expected the same type", in.t.Type, out.t.Type)
	}
	p := Requant{In: in.zero, Zero: out.zero, Lo: lo, Hi: hi}
	var d float64
	switch op.Kind {
	case graph.Relu:
		d = float64(float32(in.scale / out.scale))
		p.Lo = max(lo, out.zero)
	case graph.Relu6:
		// The kernel clamps without rescaling, right only for equal quantization.
		if in.scale != out.scale || in.zero != out.zero {
			return Requant{}, fmt.Errorf("input has scale %g, zero point %d and output %g, %d, expected equal; fuse RELU6 into the operator before it", in.scale, in.zero, out.scale, out.zero)
		}
		p.Copy = true
		p.Lo = in.zero
		six := math.Round(float64(float32(6) / in.scale))
		p.Hi = max(min(int32(min(six, 1<<24))+in.zero, hi), lo)
		p.Out = Multiplier{M: 1 << 30, Exp: 1}
		return p, nil
	default:
		return Requant{}, fmt.Errorf("%v does not requantize", op.Kind)
	}
	p.Out, err = factor(d, "output multiplier")
	return p, err
}

// forQuantize has the types that QUANTIZE knows and other operators do not.
func forQuantize(g *graph.Graph, op *graph.Op) (Requant, error) {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	for _, t := range []*graph.Tensor{in, out} {
		if err := t.CheckQuant(); err != nil {
			return Requant{}, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	p := Requant{In: in.ZeroPoint(), Zero: out.ZeroPoint()}
	var err error
	if p.Lo, p.Hi, err = WideRange(out.Type); err != nil {
		return p, err
	}
	if in.Type == graph.Int16 && out.Type == graph.Uint8 || in.Type == graph.Uint8 && out.Type != graph.Int8 {
		return p, fmt.Errorf("from %v to %v, which no kernel has; use int8 on one side", in.Type, out.Type)
	}
	p.Out, err = factor(float64(in.Scale())/float64(out.Scale()), "output multiplier")
	return p, err
}
