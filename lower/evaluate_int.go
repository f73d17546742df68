// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
)

// Evaluate runs the quantized graph on the reference interpreter over the first
// limit sequences of a set (0 is all): the accuracy that the firmware has. A
// sequence starts at the reset state; with fewer steps a call than the
// network's, states are carried through its calls.
func (r *Result) Evaluate(ctx context.Context, set Samples, limit int) (Score, error) {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return Score{}, err
	}
	it, err := reference.New(r.Int8)
	if err != nil {
		return Score{}, err
	}
	n := set.Len()
	if limit > 0 {
		n = min(n, limit)
	}
	s := Score{Outputs: make([][]float32, n)}
	err = it.Parallel(n, func(w *reference.Interpreter, i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := make([]float32, r.net.Steps*r.net.Features)
		load(r.net, set, i, rows)
		part := make([]float32, c.steps*r.net.Features)
		for call := range c.calls {
			if call > 0 {
				w.Carry()
			}
			c.feed(part, rows, call*c.steps)
			if err := invoke(w, part); err != nil {
				return err
			}
			row, err := real32(w, w.Graph().Outputs[0])
			if err != nil {
				return err
			}
			s.Outputs[i] = c.keep(s.Outputs[i], row, call*c.steps)
		}
		return nil
	})
	if err != nil {
		return Score{}, err
	}
	s.count(r.net, set)
	return s, nil
}

// invoke runs one call on real inputs.
func invoke(w *reference.Interpreter, x []float32) error {
	g := w.Graph()
	if err := quantize.Values(w.Input(0), g.Tensors[g.Inputs[0]], x); err != nil {
		return err
	}
	return w.Invoke()
}

// decision returns the real output of the last step.
func decision(w *reference.Interpreter, outputs int) ([]float32, error) {
	g := w.Graph()
	v, err := real32(w, g.Outputs[0])
	if err != nil {
		return nil, err
	}
	return v[len(v)-outputs:], nil
}

// real32 returns the real values of a tensor.
func real32(w *reference.Interpreter, id graph.TensorID) ([]float32, error) {
	t := w.Graph().Tensors[id]
	v := make([]float32, t.Elems())
	return v, quantize.Real(v, t, w.Tensor(id))
}
