// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// checkActivation accepts float32 and sanely quantized int8 and int16 tensors.
func checkActivation(t *Tensor) error {
	switch t.Type {
	case Float32:
		return nil
	case Int8, Int16:
		if err := t.CheckQuant(); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if len(t.Quant.Scales) != 1 {
			return fmt.Errorf("tensor %q has %d scales, expected one", t.Name, len(t.Quant.Scales))
		}
		return nil
	}
	return fmt.Errorf("tensor %q is %v, expected int8, int16 or float32", t.Name, t.Type)
}

func mixedTypes(t, first *Tensor) error {
	return fmt.Errorf("tensor %q is %v but %q is %v, expected the same type", t.Name, t.Type, first.Name, first.Type)
}

func otherQuant(t, first *Tensor) error {
	return fmt.Errorf("tensor %q has scale %g, zero point %d but %q has %g, %d; the values are copied, so make them equal or put a QUANTIZE between",
		t.Name, t.Scale(), t.ZeroPoint(), first.Name, first.Scale(), first.ZeroPoint())
}

func wrongType(t *Tensor, want string) error {
	return fmt.Errorf("tensor %q is %v, expected %s", t.Name, t.Type, want)
}

// TypesEqual requires activations of one type, each with its own quantization.
func TypesEqual(g *Graph, op *Op) error {
	first := g.Tensors[op.DataInputs()[0]]
	for _, ids := range [][]TensorID{op.DataInputs(), op.Outputs} {
		for _, id := range ids {
			t := g.Tensors[id]
			if err := checkActivation(t); err != nil {
				return err
			}
			if t.Type != first.Type {
				return mixedTypes(t, first)
			}
		}
	}
	return nil
}

// TypesMoved requires one type and one quantization of everything: values are
// copied or compared as they are. Integers without quantization may be moved.
func TypesMoved(g *Graph, op *Op) error {
	first := g.Tensors[op.DataInputs()[0]]
	for _, ids := range [][]TensorID{op.DataInputs(), op.Outputs} {
		for _, id := range ids {
			t := g.Tensors[id]
			if t.Type != first.Type {
				return mixedTypes(t, first)
			}
			if (t.Type == Int8 || t.Type == Int16) && t.Quant != nil {
				if err := checkActivation(t); err != nil {
					return err
				}
			}
			if !t.Quant.Equal(first.Quant) {
				return otherQuant(t, first)
			}
		}
	}
	return nil
}

func typesMAC(g *Graph, op *Op) error {
	in, w := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	if err := TypesEqual(g, op); err != nil {
		return err
	}
	want, bias := Int8, []DType{Int32}
	switch in.Type {
	case Float32:
		want, bias = Float32, []DType{Float32}
	case Int16:
		bias = []DType{Int64, Int32}
	}
	if in.Type == Float32 && w.Type == Int8 {
		return fmt.Errorf("weights %q are int8 and the values float32: a dynamic-range (hybrid) model, which keeps its arithmetic in floating point; unroll lower takes it, and the file that was converted without quantization better; or convert it with full integer quantization (a representative data set, int8 kernels only)", w.Name)
	}
	if w.Type != want {
		return fmt.Errorf("weights %q are %v, expected %v for %v input %q", w.Name, w.Type, want, in.Type, in.Name)
	}
	if in.Type != Float32 {
		if err := w.CheckQuant(); err != nil {
			return fmt.Errorf("weights %q: %w", w.Name, err)
		}
	}
	if len(op.Inputs) < 3 || op.Inputs[2] == None {
		return nil
	}
	b := g.Tensors[op.Inputs[2]]
	for _, d := range bias {
		if b.Type == d {
			return nil
		}
	}
	return fmt.Errorf("bias %q is %v, expected %v", b.Name, b.Type, bias)
}

func typesSoftmax(g *Graph, op *Op) error {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if in.Type == Int8 && out.Type == Int16 {
		if err := checkActivation(in); err != nil {
			return err
		}
		return checkActivation(out)
	}
	return TypesEqual(g, op)
}

// checkQuantized accepts the sanely quantized integers that QUANTIZE and DEQUANTIZE
// know, which are more than the other operators compute with.
func checkQuantized(t *Tensor) error {
	switch t.Type {
	case Int8, Int16:
		return checkActivation(t)
	case Uint8, Int32:
		if err := t.CheckQuant(); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if len(t.Quant.Scales) != 1 {
			return fmt.Errorf("tensor %q has %d scales, expected one", t.Name, len(t.Quant.Scales))
		}
		return nil
	}
	return wrongType(t, "int8, int16, uint8 or int32")
}

func typesQuantize(g *Graph, op *Op) error {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if in.Type != Float32 {
		if err := checkQuantized(in); err != nil {
			return err
		}
	}
	if out.Type == Float32 {
		return fmt.Errorf("output %q is float32, expected int8 or int16", out.Name)
	}
	return checkQuantized(out)
}

func typesDequantize(g *Graph, op *Op) error {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if in.Type == Float32 {
		return fmt.Errorf("input %q is float32, expected int8 or int16", in.Name)
	}
	if out.Type != Float32 {
		return fmt.Errorf("output %q is %v, expected float32", out.Name, out.Type)
	}
	return checkQuantized(in)
}

// typesCast allows the conversions that the reference kernels have. The
// quantizations need not agree: the numbers are copied, whatever they stand for.
func typesCast(g *Graph, op *Op) error {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if a := op.Attr.(CastAttr); a != (CastAttr{}) && (a.In != in.Type || a.Out != out.Type) {
		return fmt.Errorf("attributes say %v to %v, but %q is %v and %q is %v: they have to agree", a.In, a.Out, in.Name, in.Type, out.Name, out.Type)
	}
	switch in.Type {
	case Int8, Int16, Int32, Float32, Bool:
	default:
		return wrongType(in, "int8, int16, int32, float32 or bool, which CAST takes")
	}
	switch out.Type {
	case Int8, Int16, Int32, Float32:
	default:
		return wrongType(out, "int8, int16, int32 or float32, which CAST makes")
	}
	return nil
}

func typesLSTM(g *Graph, op *Op) error {
	for pos := range op.Inputs {
		absent := op.Inputs[pos] == None
		if lstmOptional(pos) && !absent {
			return fmt.Errorf("input %d %q is present; peephole, projection and layer normalization do not exist in the reference kernel", pos, g.Tensors[op.Inputs[pos]].Name)
		}
	}
	for _, c := range []struct {
		from, to int
		want     DType
	}{{0, 8, Int8}, {12, 15, Int32}, {18, 18, Int8}, {19, 19, Int16}} {
		for pos := c.from; pos <= c.to; pos++ {
			t := g.Tensors[op.Inputs[pos]]
			if t.Type != c.want {
				return fmt.Errorf("input %d %q is %v, expected %v (the kernel with int8 activations and weights and an int16 cell)", pos, t.Name, t.Type, c.want)
			}
			if c.want != Int32 {
				if err := checkActivation(t); err != nil {
					return fmt.Errorf("input %d: %w", pos, err)
				}
			}
			if pos >= 18 != t.Variable {
				return fmt.Errorf("input %d %q: variable is %v, expected it of the states (inputs 18 and 19) and of nothing else", pos, t.Name, t.Variable)
			}
		}
	}
	out, h := g.Tensors[op.Outputs[0]], g.Tensors[op.Inputs[18]]
	if out.Type != Int8 || !out.Quant.Equal(h.Quant) {
		return fmt.Errorf("output %q is %v with scale %g, zero point %d, expected int8 and the hidden state's %g, %d", out.Name, out.Type, out.Scale(), out.ZeroPoint(), h.Scale(), h.ZeroPoint())
	}
	return nil
}
