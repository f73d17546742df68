// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/gemm"
)

// clampOf returns the range of a fused activation.
func clampOf(a graph.Activation) (lo, hi float32, err error) {
	switch a {
	case graph.ActNone:
		return float32(math.Inf(-1)), float32(math.Inf(1)), nil
	case graph.ActRelu:
		return 0, float32(math.Inf(1)), nil
	case graph.ActReluN1To1:
		return -1, 1, nil
	case graph.ActRelu6:
		return 0, 6, nil
	}
	return 0, 0, fmt.Errorf("fused activation %v has no float execution", a)
}

func clamp(row []float32, lo, hi float32) {
	for i, x := range row {
		row[i] = min(max(x, lo), hi)
	}
}

// planFullyConnected multiplies all rows of the batch in one product, with the
// weights packed once.
func (e *Exec) planFullyConnected(op *graph.Op) (kernel, error) {
	w, ok := e.consts[op.Inputs[1]]
	shape := e.shape(op.Inputs[1])
	if !ok || len(shape) != 2 {
		return nil, fmt.Errorf("weights must be a constant of two dimensions, found shape %v", shape)
	}
	in, out, outputs, inputs := op.Inputs[0], op.Outputs[0], shape[0], shape[1]
	rows := e.g.Tensors[in].Elems() / max(inputs, 1)
	if rows*inputs != e.g.Tensors[in].Elems() || rows*outputs != e.g.Tensors[out].Elems() {
		return nil, fmt.Errorf("input %v, weights %v and output %v do not fit", e.shape(in), shape, e.shape(out))
	}
	panels := make([]float32, gemm.PanelSize(inputs, outputs))
	gemm.Pack(panels, inputs, outputs, w.Data, 1, inputs)
	padded := gemm.PanelCount(outputs) * gemm.Width
	bias := make([]float32, outputs)
	if len(op.Inputs) > 2 && op.Inputs[2] != graph.None {
		b, ok := e.consts[op.Inputs[2]]
		if !ok || b.N != outputs {
			return nil, fmt.Errorf("the bias must be a constant of %d elements", outputs)
		}
		copy(bias, b.Data)
	}
	a, _ := op.Attr.(graph.FullyConnectedAttr)
	lo, hi, err := clampOf(a.Activation)
	if err != nil {
		return nil, err
	}
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		c := y.Data
		if padded != outputs {
			c = r.scratch(batch * rows * padded)
		}
		for i := 0; i < len(c); i += padded {
			copy(c[i:], bias)
		}
		product := func(first, rows, stride int, x []float32) {
			e.product(&gemm.Product{
				Rows: rows, Inner: inputs, Panels: padded / gemm.Width, Add: true,
				A: x, ARow: stride, AInner: 1,
				B: panels, BPanel: inputs * gemm.Width,
				C: c[first*padded:], CRow: padded, CPanel: gemm.Width,
			})
		}
		switch {
		case x.Stride == rows*inputs:
			product(0, batch*rows, inputs, x.Data)
		case rows == 1:
			product(0, batch, x.Stride, x.Data)
		default:
			for b := range batch {
				product(b*rows, rows, inputs, x.Row(b))
			}
		}
		if padded != outputs {
			for i := range batch * rows {
				copy(y.Data[i*outputs:(i+1)*outputs], c[i*padded:])
			}
		}
		if a.Activation != graph.ActNone {
			clamp(y.Data, lo, hi)
		}
		return nil
	}, nil
}

func addRow(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

func subRow(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] - b[i]
	}
}

func mulRow(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] * b[i]
	}
}

func (e *Exec) planUnary(op *graph.Op, f func(float32) float32) (kernel, error) {
	in, out := op.Inputs[0], op.Outputs[0]
	if e.g.Tensors[in].Elems() != e.g.Tensors[out].Elems() {
		return nil, fmt.Errorf("input %v and output %v differ in size", e.shape(in), e.shape(out))
	}
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		for b := range batch {
			from, to := x.Row(b), y.Row(b)
			for i, v := range from {
				to[i] = f(v)
			}
		}
		return nil
	}, nil
}

// planCast gives what the integers of the input stand for as those of the output.
func (e *Exec) planCast(op *graph.Op) (kernel, error) {
	in, out := e.g.Tensors[op.Inputs[0]], e.g.Tensors[op.Outputs[0]]
	if in.Scale() == 0 || out.Scale() == 0 {
		return nil, fmt.Errorf("needs the scales of %q and %q", in.Name, out.Name)
	}
	ratio, offset := out.Scale()/in.Scale(), out.Scale()*float32(in.ZeroPoint()-out.ZeroPoint())
	return e.planUnary(op, func(x float32) float32 { return float32(ratio*x) + offset })
}

// planSoftmax normalizes over the last dimension.
func (e *Exec) planSoftmax(op *graph.Op) (kernel, error) {
	in, out := op.Inputs[0], op.Outputs[0]
	shape := e.shape(in)
	if len(shape) == 0 {
		return nil, fmt.Errorf("softmax of a scalar")
	}
	k, beta := shape[len(shape)-1], float32(1)
	if a, ok := op.Attr.(graph.SoftmaxAttr); ok {
		beta = a.Beta
	}
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		for b := range batch {
			from, to := x.Row(b), y.Row(b)
			for o := 0; o < len(from); o += k {
				softmaxRow(to[o:o+k], from[o:o+k], beta)
			}
		}
		return nil
	}, nil
}

func softmaxRow(y, x []float32, beta float32) {
	top, sum := x[0], 0.0
	for _, v := range x {
		top = max(top, v)
	}
	for i, v := range x {
		y[i] = exp(float32(beta * (v - top)))
		sum += float64(y[i])
	}
	for i := range y {
		y[i] = float32(float64(y[i]) / sum)
	}
}
