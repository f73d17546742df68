// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// planner prepares the kernel of an operator.
type planner func(e *Exec, op *graph.Op) (kernel, error)

// planners is the table of operators. A movement and a function of one value need no
// row; every other operator is one file here, which sets its row.
var planners = graph.NewStage[planner]("float execution", func(d *graph.Descriptor) (planner, bool) {
	switch {
	case d.Moves != nil:
		return (*Exec).planMoves, true
	case d.Real != nil:
		return (*Exec).planReal, true
	}
	return nil, false
})

func init() {
	planners.Set((*Exec).planFullyConnected, graph.FullyConnected)
	planners.Set((*Exec).planBinary, graph.Add, graph.Sub, graph.Mul, graph.Minimum, graph.Maximum, graph.Div, graph.Pow, graph.SquaredDifference, graph.PRelu)
	planners.Set(element(sigmoid), graph.Logistic)
	planners.Set(element(tanh), graph.Tanh)
	planners.Set(element(func(x float32) float32 { return max(x, 0) }), graph.Relu)
	planners.Set(element(func(x float32) float32 { return min(max(x, 0), 6) }), graph.Relu6)
	planners.Set(element(func(x float32) float32 { return x }), graph.Quantize, graph.Dequantize)
	planners.Set((*Exec).planCast, graph.Cast)
	planners.Set((*Exec).planSoftmax, graph.Softmax)
	planners.Set(func(e *Exec, op *graph.Op) (kernel, error) { return e.planParts(op, op.Inputs[0], 0) }, graph.Reshape, graph.Squeeze, graph.ExpandDims)
	planners.Set((*Exec).planCut, graph.Split, graph.SplitV, graph.Unpack)
	planners.Set((*Exec).planJoin, graph.Concatenation, graph.Pack)
}

// element is the planner of a function that is computed in float32.
func element(f func(float32) float32) planner {
	return func(e *Exec, op *graph.Op) (kernel, error) { return e.planUnary(op, f) }
}

// plan returns the kernel of one operator.
func (e *Exec) plan(op *graph.Op) (kernel, error) {
	for _, id := range op.Inputs {
		if id != graph.None && (id < 0 || int(id) >= len(e.g.Tensors)) {
			return nil, fmt.Errorf("input %d is not a tensor of the graph", id)
		}
	}
	prepare, err := planners.Get(op.Kind)
	if err != nil {
		return nil, err
	}
	if op.Kind.Moves() {
		if err := e.g.CheckOp(op); err != nil {
			return nil, err
		}
	}
	return prepare(e, op)
}

func (e *Exec) shape(id graph.TensorID) []int { return e.g.Tensors[id].Shape }

// planReal applies the function of real numbers that the kind's description has.
func (e *Exec) planReal(op *graph.Op) (kernel, error) {
	real := graph.Describe(op.Kind).Real
	return e.planUnary(op, func(x float32) float32 { return float32(real(op, float64(x))) })
}

// planMoves copies the blocks of a movement.
func (e *Exec) planMoves(op *graph.Op) (kernel, error) {
	moves, err := graph.Describe(op.Kind).Moves(e.g, op)
	if err != nil {
		return nil, err
	}
	return func(r *Runner, batch int) error {
		for i, id := range op.Outputs {
			dst := r.alloc(id, batch)
			for b := range batch {
				for _, m := range moves {
					if m.Out == i {
						var from []float32
						if m.In != graph.Zero {
							from = r.views[op.Inputs[m.In]].Row(b)
						}
						copyBlock(dst.Row(b), from, m.Shape, m.DstStep, m.SrcStep, m.Dst, m.Src)
					}
				}
			}
		}
		return nil
	}, nil
}

// copyBlock copies the block of a move; without from it writes zeros.
func copyBlock(to, from []float32, shape, step, stepFrom []int, at, atFrom int) {
	if len(shape) == 0 {
		to[at] = 0
		if from != nil {
			to[at] = from[atFrom]
		}
		return
	}
	for range shape[0] {
		copyBlock(to, from, shape[1:], step[1:], stepFrom[1:], at, atFrom)
		at, atFrom = at+step[0], atFrom+stepFrom[0]
	}
}

// planCut cuts the input of SPLIT, SPLIT_V or UNPACK.
func (e *Exec) planCut(op *graph.Op) (kernel, error) {
	axis, err := e.g.Axis(op)
	if err != nil {
		return nil, err
	}
	return e.planParts(op, op.DataInputs()[0], axis)
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

// planJoin copies the inputs of CONCATENATION or PACK side by side.
func (e *Exec) planJoin(op *graph.Op) (kernel, error) {
	axis, err := e.g.Axis(op)
	if err != nil {
		return nil, err
	}
	shape := e.shape(op.Outputs[0])
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
