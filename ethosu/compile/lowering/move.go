package lowering

import (
	"encoding/binary"
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
	if l.ofVariable(v) { // what reads the result wants the value of now
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
	perm, err := l.ints(op.Inputs[1], "permutation")
	if err != nil {
		return err
	}
	if len(perm) != len(v.shape) {
		return fmt.Errorf("permutation %v does not fit shape %v", perm, v.shape)
	}
	seen := make([]bool, len(perm))
	for _, p := range perm {
		if p < 0 || p >= len(perm) || seen[p] {
			return fmt.Errorf("permutation %v is not one", perm)
		}
		seen[p] = true
	}
	return l.set(op.Outputs[0], v.permute(perm))
}

func moveSplit(l *lowering, op *graph.Op) error {
	axis, err := l.axis(op.Inputs[0], op.Inputs[1])
	if err != nil {
		return err
	}
	return l.parts(op.Inputs[1], axis, op.Outputs)
}

func moveSplitV(l *lowering, op *graph.Op) error {
	axis, err := l.axis(op.Inputs[2], op.Inputs[0])
	if err != nil {
		return err
	}
	return l.parts(op.Inputs[0], axis, op.Outputs)
}

// parts cuts a tensor into consecutive parts whose extents the output shapes give.
func (l *lowering) parts(in graph.TensorID, axis int, outs []graph.TensorID) error {
	v, err := l.in(in)
	if err != nil {
		return err
	}
	at := 0
	for _, id := range outs {
		t := l.g.Tensors[id]
		if len(t.Shape) != len(v.shape) || at+t.Shape[axis] > v.shape[axis] {
			return fmt.Errorf("part %q of shape %v does not fit %v along axis %d", t.Name, t.Shape, v.shape, axis)
		}
		if err := l.set(id, v.cut(axis, at, t.Shape[axis], 1)); err != nil {
			return err
		}
		at += t.Shape[axis]
	}
	return nil
}

func moveUnpack(l *lowering, op *graph.Op) error {
	a, _ := op.Attr.(graph.UnpackAttr)
	v, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	axis, err := normAxis(a.Axis, len(v.shape))
	if err != nil {
		return err
	}
	if len(op.Outputs) != v.shape[axis] {
		return fmt.Errorf("%d outputs for an axis of %d", len(op.Outputs), v.shape[axis])
	}
	for i, id := range op.Outputs {
		if err := l.set(id, v.cut(axis, i, 1, 1).drop(axis)); err != nil {
			return err
		}
	}
	return nil
}

func moveSlice(l *lowering, op *graph.Op) error {
	v, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	begin, err := l.ints(op.Inputs[1], "begin")
	if err != nil {
		return err
	}
	size, err := l.ints(op.Inputs[2], "size")
	if err != nil {
		return err
	}
	if len(begin) != len(v.shape) || len(size) != len(v.shape) {
		return fmt.Errorf("begin %v and size %v do not fit shape %v", begin, size, v.shape)
	}
	for i := range begin {
		n := size[i]
		if n == -1 {
			n = v.shape[i] - begin[i]
		}
		if begin[i] < 0 || n < 1 || begin[i]+n > v.shape[i] {
			return fmt.Errorf("slice %v + %v leaves shape %v", begin, size, v.shape)
		}
		v = v.cut(i, begin[i], n, 1)
	}
	return l.set(op.Outputs[0], v)
}

func moveStridedSlice(l *lowering, op *graph.Op) error {
	a, _ := op.Attr.(graph.StridedSliceAttr)
	if a.EllipsisMask != 0 || a.NewAxisMask != 0 {
		return fmt.Errorf("ellipsis_mask and new_axis_mask must be 0")
	}
	v, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	var arg [3][]int
	for k, what := range []string{"begin", "end", "strides"} {
		if arg[k], err = l.ints(op.Inputs[k+1], what); err != nil {
			return err
		}
		if len(arg[k]) > len(v.shape) {
			return fmt.Errorf("%s %v is longer than shape %v", what, arg[k], v.shape)
		}
	}
	if len(arg[0]) != len(arg[1]) || len(arg[0]) != len(arg[2]) {
		return fmt.Errorf("begin, end and strides have %d, %d and %d entries", len(arg[0]), len(arg[1]), len(arg[2]))
	}
	for i := len(arg[0]) - 1; i >= 0; i-- {
		bit := 1 << i
		start, n, step, err := sliceAxis(v.shape[i], arg[0][i], arg[1][i], arg[2][i], a.BeginMask&bit != 0, a.EndMask&bit != 0, a.ShrinkAxisMask&bit != 0)
		if err != nil {
			return fmt.Errorf("axis %d: %v", i, err)
		}
		v = v.cut(i, start, n, step)
		if a.ShrinkAxisMask&bit != 0 {
			v = v.drop(i)
		}
	}
	return l.set(op.Outputs[0], v)
}

// sliceAxis resolves one axis of a STRIDED_SLICE to first index, count and step.
func sliceAxis(d, b, e, t int, beginMask, endMask, shrink bool) (start, n, step int, err error) {
	if t == 0 {
		return 0, 0, 0, fmt.Errorf("stride 0")
	}
	lo, hi := 0, d
	if t < 0 {
		lo, hi = -1, d-1
	}
	wrap := func(x int) int {
		if x < 0 {
			x += d
		}
		return min(max(x, lo), hi)
	}
	start = wrap(b)
	if beginMask {
		start = 0
		if t < 0 {
			start = d - 1
		}
	}
	stop := wrap(e)
	switch {
	case shrink:
		stop = start + 1
		if t < 0 {
			t = 1
		}
	case endMask:
		stop = d
		if t < 0 {
			stop = -1
		}
	}
	if t > 0 {
		n = (stop - start + t - 1) / t
	} else {
		n = (start - stop - t - 1) / -t
	}
	if n < 1 || start < 0 || start >= d {
		return 0, 0, 0, fmt.Errorf("begin %d, end %d, stride %d of extent %d select nothing", b, e, t, d)
	}
	return start, n, t, nil
}

func moveConcatenation(l *lowering, op *graph.Op) error { return l.gather(op) }

func movePack(l *lowering, op *graph.Op) error { return l.gather(op) }

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
	var parts []view
	if a, ok := op.Attr.(graph.PackAttr); ok && op.Kind == graph.Pack {
		axis, err := normAxis(a.Axis, len(out.shape))
		if err != nil {
			return nil, err
		}
		if len(op.Inputs) != out.shape[axis] {
			return nil, fmt.Errorf("%d inputs for an axis of %d", len(op.Inputs), out.shape[axis])
		}
		for i := range op.Inputs {
			parts = append(parts, out.cut(axis, i, 1, 1).drop(axis))
		}
	} else {
		a, _ := op.Attr.(graph.ConcatenationAttr)
		if a.Activation != graph.ActNone {
			return nil, fmt.Errorf("fused activation %v of a CONCATENATION is not supported", a.Activation)
		}
		axis, err := normAxis(a.Axis, len(out.shape))
		if err != nil {
			return nil, err
		}
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

func normAxis(axis, rank int) (int, error) {
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return 0, fmt.Errorf("axis out of range for rank %d", rank)
	}
	return axis, nil
}

func (l *lowering) axis(id, of graph.TensorID) (int, error) {
	a, err := l.ints(id, "axis")
	if err != nil {
		return 0, err
	}
	if len(a) != 1 {
		return 0, fmt.Errorf("axis tensor has %d elements", len(a))
	}
	return normAxis(a[0], len(l.g.Tensors[of].Shape))
}

// ints returns the value of a constant integer tensor.
func (l *lowering) ints(id graph.TensorID, what string) ([]int, error) {
	if id == graph.None {
		return nil, fmt.Errorf("the %s input is missing", what)
	}
	t := l.g.Tensors[id]
	if !t.IsConst() {
		return nil, fmt.Errorf("the %s input %q is not a constant", what, t.Name)
	}
	n := t.Elems()
	if len(t.Data) != n*t.Type.Size() {
		return nil, fmt.Errorf("the %s input %q has %d bytes for %d elements", what, t.Name, len(t.Data), n)
	}
	v := make([]int, n)
	for i := range v {
		switch t.Type {
		case graph.Int32:
			v[i] = int(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
		case graph.Int64:
			v[i] = int(int64(binary.LittleEndian.Uint64(t.Data[8*i:])))
		default:
			return nil, fmt.Errorf("the %s input %q is %v, expected int32", what, t.Name, t.Type)
		}
	}
	return v, nil
}
