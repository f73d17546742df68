package floatexec

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// plan returns the kernel of one operator.
func (e *Exec) plan(op *graph.Op) (kernel, error) {
	for _, id := range op.Inputs {
		if id != graph.None && (id < 0 || int(id) >= len(e.g.Tensors)) {
			return nil, fmt.Errorf("input %d is not a tensor of the graph", id)
		}
	}
	switch op.Kind {
	case graph.FullyConnected:
		return e.planFullyConnected(op)
	case graph.Add, graph.Sub, graph.Mul, graph.Minimum, graph.Maximum:
		return e.planBinary(op)
	case graph.Logistic:
		return e.planUnary(op, sigmoid)
	case graph.Tanh:
		return e.planUnary(op, tanh)
	case graph.Relu:
		return e.planUnary(op, func(x float32) float32 { return max(x, 0) })
	case graph.Relu6:
		return e.planUnary(op, func(x float32) float32 { return min(max(x, 0), 6) })
	case graph.Quantize, graph.Dequantize:
		return e.planUnary(op, func(x float32) float32 { return x })
	case graph.Cast:
		return e.planCast(op)
	case graph.Softmax:
		return e.planSoftmax(op)
	case graph.Reshape:
		return e.planParts(op, op.Inputs[0], 0)
	case graph.Split:
		axis, err := e.axis(op.Inputs[0], op.Inputs[1])
		if err != nil {
			return nil, err
		}
		return e.planParts(op, op.Inputs[1], axis)
	case graph.SplitV:
		axis, err := e.axis(op.Inputs[2], op.Inputs[0])
		if err != nil {
			return nil, err
		}
		return e.planParts(op, op.Inputs[0], axis)
	case graph.Unpack:
		a, _ := op.Attr.(graph.UnpackAttr)
		return e.planParts(op, op.Inputs[0], norm(a.Axis, len(e.shape(op.Inputs[0]))))
	case graph.Concatenation:
		a, _ := op.Attr.(graph.ConcatenationAttr)
		return e.planJoin(op, norm(a.Axis, len(e.shape(op.Outputs[0]))))
	case graph.Pack:
		a, _ := op.Attr.(graph.PackAttr)
		return e.planJoin(op, norm(a.Axis, len(e.shape(op.Outputs[0]))))
	}
	return nil, fmt.Errorf("%v has no float execution", op.Kind)
}

func (e *Exec) shape(id graph.TensorID) []int { return e.g.Tensors[id].Shape }

// axis reads the constant scalar that names a dimension of tensor of.
func (e *Exec) axis(id, of graph.TensorID) (int, error) {
	v, ok := e.consts[id]
	if !ok || v.N != 1 {
		return 0, fmt.Errorf("the axis is not a constant scalar")
	}
	return norm(int(v.Data[0]), len(e.shape(of))), nil
}

func norm(axis, rank int) int {
	if axis < 0 {
		return axis + rank
	}
	return axis
}

// planParts cuts the input along axis into the outputs, in order. Where all
// dimensions before the axis are 1 the parts are contiguous and become views.
func (e *Exec) planParts(op *graph.Op, in graph.TensorID, axis int) (kernel, error) {
	shape := e.shape(in)
	if axis < 0 || axis > len(shape) {
		return nil, fmt.Errorf("axis %d of an input of shape %v", axis, shape)
	}
	outer, total := graph.Elems(shape[:axis]), e.g.Tensors[in].Elems()
	offsets, at := make([]int, len(op.Outputs)), 0
	for i, id := range op.Outputs {
		offsets[i] = at
		at += e.g.Tensors[id].Elems() / outer
		if outer == 1 {
			e.owner[id] = e.owner[in]
		}
	}
	if at*outer != total {
		return nil, fmt.Errorf("outputs take %d elements of %d", at*outer, total)
	}
	inner := total / outer
	return func(r *Runner, batch int) error {
		src := r.views[in]
		for i, id := range op.Outputs {
			n := e.g.Tensors[id].Elems()
			if outer == 1 {
				r.views[id] = src.slice(offsets[i], n)
				continue
			}
			dst, part := r.alloc(id, batch), n/outer
			for b := range batch {
				from, to := src.Row(b), dst.Row(b)
				for o := range outer {
					copy(to[o*part:(o+1)*part], from[o*inner+offsets[i]:])
				}
			}
		}
		return nil
	}, nil
}

// planJoin copies the inputs side by side along axis of the output.
func (e *Exec) planJoin(op *graph.Op, axis int) (kernel, error) {
	shape := e.shape(op.Outputs[0])
	if axis < 0 || axis >= len(shape) {
		return nil, fmt.Errorf("axis %d of an output of shape %v", axis, shape)
	}
	outer, total, sum := graph.Elems(shape[:axis]), graph.Elems(shape), 0
	for _, id := range op.Inputs {
		sum += e.g.Tensors[id].Elems()
	}
	if sum != total {
		return nil, fmt.Errorf("inputs have %d elements, the output %v has %d", sum, shape, total)
	}
	return func(r *Runner, batch int) error {
		dst := r.alloc(op.Outputs[0], batch)
		for b := range batch {
			to, at := dst.Row(b), 0
			for _, id := range op.Inputs {
				from := r.views[id].Row(b)
				part := len(from) / outer
				for o := range outer {
					copy(to[o*(total/outer)+at:], from[o*part:(o+1)*part])
				}
				at += part
			}
		}
		return nil
	}, nil
}
