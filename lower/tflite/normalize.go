// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// normalize makes of what a file says a graph that can be executed: variables become
// states, what depends on constants and shapes alone becomes constant, and facts that
// old converters wrote down wrongly are put right.
func (r *reader) normalize() error {
	g := r.m.Graph
	if err := indexable(g, &graph.Op{}); err != nil { // inputs and outputs, also of a graph without operators
		return err
	}
	for i, op := range g.Ops {
		if err := indexable(g, op); err != nil {
			return fmt.Errorf("operator %d (%v): %w", i, op.Kind, err)
		}
	}
	emptyConstants(g)
	for _, t := range g.Tensors {
		// The converter of TensorFlow 1 names dimension 3 of the weights for the bias.
		if len(t.Shape) == 1 && t.Quant != nil && len(t.Quant.Scales) == t.Shape[0] && (t.Type == graph.Int32 || t.Type == graph.Int64) {
			t.Quant.Axis = 0
		}
	}
	if r.real {
		n, err := hybrid(g)
		if err != nil {
			return err
		}
		r.m.Hybrid += n
	}
	for range 2 { // parameters that follow from shapes are known after the first time
		if err := writtenOut(g); err != nil {
			return err
		}
		if err := fold(g); err != nil {
			return err
		}
	}
	shapesOfOutputs(g)
	if err := r.variables(); err != nil {
		return err
	}
	return r.unfuse()
}

// indexable checks that an operator's tensors exist, before anything looks at them.
func indexable(g *graph.Graph, op *graph.Op) error {
	for _, ids := range [][]graph.TensorID{op.Inputs, op.Outputs} {
		for _, id := range ids {
			if id != graph.None && (id < 0 || int(id) >= len(g.Tensors)) {
				return fmt.Errorf("names tensor %d of %d", id, len(g.Tensors))
			}
		}
	}
	for _, ids := range [][]graph.TensorID{g.Inputs, g.Outputs} {
		for _, id := range ids {
			if id < 0 || int(id) >= len(g.Tensors) {
				return fmt.Errorf("the graph names input or output %d of %d tensors", id, len(g.Tensors))
			}
		}
	}
	return nil
}

// shapesOfOutputs gives a TRANSPOSE_CONV whose output shape comes at run time, as it does
// where the converter left the batch open, the shape that the file has for the output. TFLite
// Micro never reads another.
func shapesOfOutputs(g *graph.Graph) {
	for _, op := range g.Ops {
		if op.Kind != graph.TransposeConv || len(op.Inputs) < 3 || len(op.Outputs) != 1 || op.Inputs[0] == graph.None || op.Outputs[0] == graph.None {
			continue
		}
		shape := g.Tensors[op.Inputs[0]]
		if shape.IsConst() || shape.Type != graph.Int32 {
			continue
		}
		out := g.Tensors[op.Outputs[0]]
		known := &graph.Tensor{Name: shape.Name + "_known", Type: graph.Int32, Shape: []int{len(out.Shape)}}
		known.SetInts(out.Shape)
		op.Inputs[0] = g.Add(known)
	}
}

var errKeep = errors.New("depends on values")

// fold computes the operators whose inputs are constants, and SHAPE.
func fold(g *graph.Graph) error {
	given := map[graph.TensorID]bool{} // and what has to be computed
	for _, ids := range [][]graph.TensorID{g.Inputs, g.Outputs} {
		for _, id := range ids {
			given[id] = true
		}
	}
	made := 0
	kept := g.Ops[:0]
	for i, op := range g.Ops {
		err := error(errKeep)
		if foldable(g, op, given) {
			err = foldOne(g, op)
		}
		if err == nil {
			for _, id := range op.Outputs {
				made += len(g.Tensors[id].Data)
			}
			if made > graph.MaxGraphBytes {
				err = fmt.Errorf("the constants that follow from others up to here need more than %d bytes, which is the limit", graph.MaxGraphBytes)
			}
		}
		switch {
		case errors.Is(err, errKeep):
			kept = append(kept, op)
		case err != nil:
			return fmt.Errorf("operator %d (%v, output %q): %w", i, op.Kind, g.Tensors[op.Outputs[0]].Name, err)
		}
	}
	g.Ops = kept
	return nil
}

// foldable reports whether nothing else gives the outputs of an operator a value.
func foldable(g *graph.Graph, op *graph.Op, given map[graph.TensorID]bool) bool {
	for _, id := range op.Outputs {
		if id == graph.None || given[id] || g.Tensors[id].IsConst() || g.Tensors[id].Variable {
			return false
		}
	}
	return len(op.Outputs) > 0
}

// foldOne gives the outputs of an operator their constant values, or returns errKeep.
func foldOne(g *graph.Graph, op *graph.Op) error {
	if in := graph.None; op.Kind == graph.Dequantize && len(op.Inputs) == 1 && len(op.Outputs) == 1 {
		if in = op.Inputs[0]; in != graph.None && g.Tensors[in].IsConst() && g.Tensors[in].Type == graph.Float32 { // was float16
			g.Tensors[op.Outputs[0]].Data = g.Tensors[in].Data
			return nil
		}
	}
	if op.Kind == graph.Shape {
		return foldShape(g, op)
	}
	for _, id := range op.Inputs {
		if id == graph.None || !g.Tensors[id].IsConst() {
			return errKeep
		}
	}
	d := graph.Describe(op.Kind)
	switch {
	case len(op.Inputs) == 0:
		return errKeep
	case d.Moves != nil:
	case op.Kind == graph.Add || op.Kind == graph.Sub || op.Kind == graph.Mul:
		return foldArithmetic(g, op)
	default:
		return errKeep
	}
	for _, id := range append(append([]graph.TensorID{}, op.Inputs...), op.Outputs...) {
		if _, err := g.Tensors[id].CheckSize(); err != nil {
			return fmt.Errorf("tensor %q: %w", g.Tensors[id].Name, err)
		}
	}
	if err := g.CheckOp(op); err != nil {
		return err
	}
	moves, err := d.Moves(g, op)
	if err != nil {
		return err
	}
	for i, id := range op.Outputs {
		out := g.Tensors[id]
		out.Data = make([]byte, out.Bytes())
		for _, m := range moves {
			switch {
			case m.Out != i:
			case m.In == graph.Zero:
				m.Fill(out)
			default:
				m.Copy(out.Data, g.Tensors[op.Inputs[m.In]].Data, out.Type.Size())
			}
		}
	}
	return nil
}

// foldShape gives the output of SHAPE its value, which is that of batch 1.
func foldShape(g *graph.Graph, op *graph.Op) error {
	if len(op.Inputs) != 1 || op.Inputs[0] == graph.None {
		return fmt.Errorf("has %d inputs, expected one", len(op.Inputs))
	}
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if out.Type != graph.Int32 && out.Type != graph.Int64 {
		return fmt.Errorf("output %q is %v, expected int32 or int64", out.Name, out.Type)
	}
	if len(out.Shape) != 1 || out.Shape[0] != len(in.Shape) {
		return fmt.Errorf("output %q has shape %v, expected [%d], a number for every dimension of %v", out.Name, out.Shape, len(in.Shape), in.Shape)
	}
	out.SetInts(in.Shape)
	return nil
}

// foldArithmetic computes ADD, SUB and MUL of integers without a scale, of which
// converters make shapes.
func foldArithmetic(g *graph.Graph, op *graph.Op) error {
	if len(op.Inputs) != 2 {
		return errKeep
	}
	a, b, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]], g.Tensors[op.Outputs[0]]
	x, err := a.Ints()
	if err != nil {
		return errKeep // values with a scale
	}
	y, err := b.Ints()
	if err != nil || a.Type != out.Type || b.Type != out.Type {
		return errKeep
	}
	if len(x) != len(y) && len(x) != 1 && len(y) != 1 || max(len(x), len(y)) != out.Elems() {
		return errKeep
	}
	v := make([]int, max(len(x), len(y)))
	for i := range v {
		p, q := x[i%len(x)], y[i%len(y)]
		switch op.Kind {
		case graph.Add:
			v[i] = p + q
		case graph.Sub:
			v[i] = p - q
		default:
			v[i] = p * q
		}
	}
	out.SetInts(v)
	return nil
}

// emptyConstants gives constants without elements, as the shape of a number is, the data that a
// file has no room for: what is read and nobody computes.
func emptyConstants(g *graph.Graph) {
	made := g.Made()
	for _, op := range g.Ops {
		for _, id := range op.Inputs {
			if id != graph.None && !made[id] && g.Tensors[id].Data == nil && !g.Tensors[id].Variable && g.Tensors[id].Elems() == 0 {
				g.Tensors[id].Data = []byte{}
			}
		}
	}
}
