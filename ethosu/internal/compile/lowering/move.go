// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Data movement: the result is a view of the input wherever strides can say it.

func (l *lowering) set(id graph.TensorID, v view) error {
	t := l.g.Tensors[id]
	if !slices.Equal(v.shape, t.Shape) {
		w, ok := v.reshape(t.Shape)
		if !ok || w.elems() != v.elems() {
			return fmt.Errorf("tensor %q has shape %v, the operator makes %v", t.Name, t.Shape, v.shape)
		}
		v = w
	}
	if l.ofVariable(v) && l.changes(v.buf, id) { // what reads the result wants the value of now
		w := l.fresh(t.Name, t.Type, t.Shape)
		if err := l.copyView("COPY of variable", v, w); err != nil {
			return err
		}
		v = w
	}
	v.name = t.Name
	l.views[id] = v
	return nil
}

// ofVariable reports whether a view is of a variable, which a later operator may write.
func (l *lowering) ofVariable(v view) bool {
	if l.m == nil { // views alone are asked for
		return false
	}
	for _, x := range l.m.Variables {
		if x.Buf == v.buf {
			return true
		}
	}
	return false
}

func moveReshape(l *lowering, op *graph.Op) error {
	v, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	t := l.g.Tensors[op.Outputs[0]]
	if graph.Elems(t.Shape) != v.elems() {
		return fmt.Errorf("cannot reshape %v to %v", v.shape, t.Shape)
	}
	w, ok := v.reshape(t.Shape)
	if !ok {
		d, err := l.dense(v)
		if err != nil {
			return err
		}
		w, _ = d.reshape(t.Shape)
	}
	return l.set(op.Outputs[0], w)
}

func moveTranspose(l *lowering, op *graph.Op) error {
	v, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	perm, err := l.g.Permutation(op)
	if err != nil {
		return err
	}
	return l.set(op.Outputs[0], v.permute(perm))
}

// moveParts cuts the input of SPLIT, SPLIT_V or UNPACK into consecutive parts, whose
// extents the output shapes give.
func moveParts(l *lowering, op *graph.Op) error {
	axis, err := l.g.Axis(op)
	if err != nil {
		return err
	}
	v, err := l.in(op.DataInputs()[0])
	if err != nil {
		return err
	}
	at := 0
	for _, id := range op.Outputs {
		n := 1
		if op.Kind != graph.Unpack {
			n = l.g.Tensors[id].Shape[axis]
		}
		part := v.cut(axis, at, n, 1)
		if op.Kind == graph.Unpack {
			part = part.drop(axis)
		}
		if err := l.set(id, part); err != nil {
			return err
		}
		at += n
	}
	return nil
}

func moveSlice(l *lowering, op *graph.Op) error {
	v, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	spans, err := l.g.Spans(op)
	if err != nil {
		return err
	}
	for i, s := range spans {
		switch {
		case s.Count < 1:
			return fmt.Errorf("axis %d: the slice of shape %v is empty", i, v.shape)
		case s.Count > 1 && s.Step < 0: // an address only rises
			return moveBlocks(l, op)
		}
	}
	for i := len(spans) - 1; i >= 0; i-- {
		s := spans[i]
		v = v.cut(i, s.Begin, s.Count, s.Step)
		if s.Drop {
			v = v.drop(i)
		}
	}
	return l.set(op.Outputs[0], v)
}

// gather copies those inputs of a concatenation that were not written in place.
func (l *lowering) gather(op *graph.Op) error {
	out := l.slots[op.Outputs[0]]
	out.name = l.g.Tensors[op.Outputs[0]].Name
	l.views[op.Outputs[0]] = out
	parts, err := concatParts(l.g, op, out)
	if err != nil {
		return err
	}
	for k, id := range op.Inputs {
		v, err := l.in(id)
		if err != nil {
			return err
		}
		if a, b := l.g.Tensors[id], l.g.Tensors[op.Outputs[0]]; a.Scale() != b.Scale() || a.ZeroPoint() != b.ZeroPoint() {
			return fmt.Errorf("input %q has another quantization than the result", a.Name)
		}
		if v.buf == parts[k].buf && v.off == parts[k].off {
			continue
		}
		if err := l.copyView("COPY into "+op.Kind.String(), v, parts[k]); err != nil {
			return err
		}
	}
	return nil
}

// concatParts returns the windows of a CONCATENATION's or PACK's result, one for each input.
func concatParts(g *graph.Graph, op *graph.Op, out view) ([]view, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	var parts []view
	if op.Kind == graph.Pack {
		if len(op.Inputs) != out.shape[axis] {
			return nil, fmt.Errorf("%d inputs for an axis of %d", len(op.Inputs), out.shape[axis])
		}
		for i := range op.Inputs {
			parts = append(parts, out.cut(axis, i, 1, 1).drop(axis))
		}
	} else {
		at := 0
		for _, id := range op.Inputs {
			t := g.Tensors[id]
			if len(t.Shape) != len(out.shape) {
				return nil, fmt.Errorf("input %q of shape %v does not fit the result %v", t.Name, t.Shape, out.shape)
			}
			parts = append(parts, out.cut(axis, at, t.Shape[axis], 1))
			at += t.Shape[axis]
		}
		if at != out.shape[axis] {
			return nil, fmt.Errorf("inputs add up to %d along axis %d, the result has %d", at, axis, out.shape[axis])
		}
	}
	for k, id := range op.Inputs {
		if t := g.Tensors[id]; !slices.Equal(t.Shape, parts[k].shape) || t.Type != out.dt {
			return nil, fmt.Errorf("input %q is %v%v, its place in the result %v%v", t.Name, t.Type, t.Shape, out.dt, parts[k].shape)
		}
	}
	return parts, nil
}
