// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Operators with a state of their own.
func init() {
	Register(
		Descriptor{Kind: UnidirectionalSequenceLSTM, Name: "UNIDIRECTIONAL_SEQUENCE_LSTM", Attr: LSTMAttr{}, Inputs: Count{24, 24}, Outputs: one,
			Optional: lstmOptional, Writes: func(pos int) bool { return pos == 18 || pos == 19 }, Types: typesLSTM, Shapes: shapesLSTM,
			File: File{Union: 71, Fields: func(f Fields, attr any) any {
				a, _ := attr.(LSTMAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				f.Float(1, &a.CellClip)
				f.Float(2, &a.ProjClip)
				f.Bool(3, &a.TimeMajor, false)
				return a
			}, Versions: [3]int{1, 1, 1}, Releases: since("1.13 1.14 2.3")}},
		Descriptor{Kind: UnidirectionalSequenceRNN, Name: "UNIDIRECTIONAL_SEQUENCE_RNN", Class: Structural, Attr: SequenceRNNAttr{}, Inputs: Count{5, 5}, Outputs: one,
			File: File{Union: 31, Fields: func(f Fields, attr any) any {
				a, _ := attr.(SequenceRNNAttr)
				f.Bool(0, &a.TimeMajor, false)
				f.Byte(1, (*uint8)(&a.Activation), 0)
				return a
			}, Versions: [3]int{1, 1, 1}, Releases: since("1.14")}},
		Descriptor{Kind: SVDF, Name: "SVDF", Attr: SVDFAttr{}, Inputs: Count{5, 5}, Outputs: one,
			Optional: func(pos int) bool { return pos == 3 }, Writes: func(pos int) bool { return pos == 4 }, Types: typesSVDF, Shapes: shapesSVDF,
			File: File{Union: 6, Fields: func(f Fields, attr any) any {
				a, _ := attr.(SVDFAttr)
				f.Int(0, &a.Rank, 0)
				f.Byte(1, (*uint8)(&a.Activation), 0)
				f.Bool(2, &a.Asymmetric, false)
				return a
			}, Versions: [3]int{1, 3, 3}, Releases: since("1.5 1.14 2.2 2.3")}},
		// In a file the first input is a handle; in a graph it is the variable itself.
		Descriptor{Kind: AssignVariable, Name: "ASSIGN_VARIABLE", Inputs: two, Outputs: Count{0, 0}, Data: Positions{1, 1},
			Writes: func(pos int) bool { return pos == 0 }, Types: typesAssign, Shapes: shapesAssign,
			File: File{Union: 113, Fields: NoFields, Releases: since("2.6")}},
	)
}

// typesAssign requires a variable and a value that is copied to it as it is.
func typesAssign(g *Graph, op *Op) error {
	v, t := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	switch {
	case !v.Variable:
		return fmt.Errorf("tensor %q is assigned to and is not a variable", v.Name)
	case v.Type != Int8 && v.Type != Uint8 && v.Type != Int16:
		return wrongType(v, "int8, uint8 or int16")
	case t.Type != v.Type:
		return mixedTypes(t, v)
	case !SameState(t.Quant, v.Quant):
		return otherQuant(t, v)
	}
	return nil
}

func shapesAssign(g *Graph, op *Op) ([][]int, error) {
	v, t := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	if !equalShape(WithoutOnes(v.Shape), WithoutOnes(t.Shape)) {
		return nil, fmt.Errorf("variable %q has shape %v, the value %q that is assigned to it %v, expected equal but for dimensions of 1", v.Name, v.Shape, t.Name, t.Shape)
	}
	return [][]int{}, nil
}

// lstmOptional are the peephole, projection and layer normalization inputs.
func lstmOptional(pos int) bool {
	return pos >= 9 && pos <= 11 || pos == 16 || pos == 17 || pos >= 20
}

func typesSVDF(g *Graph, op *Op) error {
	in, wf, wt, state, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]], g.Tensors[op.Inputs[2]], g.Tensors[op.Inputs[4]], g.Tensors[op.Outputs[0]]
	if err := TypesEqual(g, op); err != nil {
		return err
	}
	bias := Int32
	switch {
	case in.Type == Float32:
		bias = Float32
		for _, t := range []*Tensor{wf, wt, state} {
			if t.Type != Float32 {
				return wrongType(t, "float32 as the input")
			}
		}
	case in.Type == Int8:
		if wf.Type != Int8 {
			return wrongType(wf, "int8")
		}
		if wt.Type != state.Type || wt.Type != Int16 && wt.Type != Int8 {
			return fmt.Errorf("time weights %q are %v and the state %q %v, expected both int16 or both int8", wt.Name, wt.Type, state.Name, state.Type)
		}
		for _, t := range []*Tensor{wf, wt, state, out} {
			if err := checkActivation(t); err != nil {
				return err
			}
		}
	default:
		return wrongType(in, "int8 or float32")
	}
	if !state.Variable {
		return fmt.Errorf("state %q is not a variable tensor", state.Name)
	}
	if op.Inputs[3] == None {
		return nil
	}
	if b := g.Tensors[op.Inputs[3]]; b.Type != bias {
		return wrongType(b, bias.String())
	}
	return nil
}

func shapesSVDF(g *Graph, op *Op) ([][]int, error) {
	rank := op.Attr.(SVDFAttr).Rank
	in, wf, wt, state := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]], g.Tensors[op.Inputs[2]], g.Tensors[op.Inputs[4]]
	if len(in.Shape) != 2 || len(wf.Shape) != 2 || len(wt.Shape) != 2 || rank < 1 {
		return nil, fmt.Errorf("input %v, feature weights %v, time weights %v, rank %d: expected two dimensions each and a rank above 0", in.Shape, wf.Shape, wt.Shape, rank)
	}
	filters, memory := wf.Shape[0], wt.Shape[1]
	if wf.Shape[1] != in.Shape[1] || wt.Shape[0] != filters || filters%rank != 0 || memory < 1 || wf.Elems() == 0 {
		return nil, fmt.Errorf("input %v, feature weights %v, time weights %v, rank %d do not fit", in.Shape, wf.Shape, wt.Shape, rank)
	}
	if want := []int{in.Shape[0], memory * filters}; !equalShape(state.Shape, want) {
		return nil, fmt.Errorf("state %q has shape %v, expected %v", state.Name, state.Shape, want)
	}
	if op.Inputs[3] != None {
		if b := g.Tensors[op.Inputs[3]]; b.Elems() != filters/rank {
			return nil, fmt.Errorf("bias %q has %d elements, expected %d", b.Name, b.Elems(), filters/rank)
		}
	}
	return [][]int{{in.Shape[0], filters / rank}}, nil
}
