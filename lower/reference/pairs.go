// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	kernels.Set(planSquared, graph.SquaredDifference)
	kernels.Set(planPRelu, graph.PRelu)
	kernels.Set(planDiv, graph.Div)
	kernels.Set(planCompare, graph.Equal, graph.NotEqual, graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual)
	kernels.Set(planSelect, graph.SelectV2)
	kernels.Without("no integer kernel exists; use MUL for squares, or compute it outside of the network", graph.Pow)
}

// planPairs applies f to every pair of elements of two tensors.
func planPairs(p *plan, op *graph.Op, f func(a, b int32) int32) (step, error) {
	getA, getB, put := loader(p.in(op, 0).Type), loader(p.in(op, 1).Type), storer(p.out(op, 0).Type)
	return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
		for i, ja, jb := 0, 0, 0; i < n; i, ja, jb = i+1, ja+stepA, jb+stepB {
			put(y, i, f(getA(a, ja), getB(b, jb)))
		}
	})
}

func planSquared(p *plan, op *graph.Op) (step, error) {
	if p.in(op, 0).Type == graph.Float32 {
		return planRealPairs(p, op)
	}
	q, err := quant.ForSquared(p.g, op)
	if err != nil {
		return nil, err
	}
	return planPairs(p, op, q.Square)
}

func planPRelu(p *plan, op *graph.Op) (step, error) {
	if p.in(op, 0).Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForPRelu(p.g, op)
	if err != nil {
		return nil, err
	}
	return planPairs(p, op, q.Slope)
}

func planDiv(p *plan, op *graph.Op) (step, error) {
	if p.in(op, 0).Type == graph.Float32 {
		return planRealPairs(p, op)
	}
	q, err := quant.ForDiv(p.g, op)
	if err != nil {
		return nil, err
	}
	return planPairs(p, op, q.Quotient)
}

// planCompare compares the values that the operands stand for, in 8 more bits.
func planCompare(p *plan, op *graph.Op) (step, error) {
	a, b := p.in(op, 0), p.in(op, 1)
	if a.Type == graph.Float32 {
		return planRealCompare(p, op)
	}
	if a.Type == graph.Int64 {
		return nil, floatError(p, op)
	}
	scaled := func(t *graph.Tensor) func(v int32) int32 {
		if t.Quant == nil || t.Type == graph.Int32 {
			return func(v int32) int32 { return v }
		}
		m, zero := quant.QuantizeMultiplier(float64(t.Scale())), t.ZeroPoint()
		return func(v int32) int32 { return quant.MBQM((v-zero)<<8, m) }
	}
	fa, fb := scaled(a), scaled(b)
	holds := map[graph.Kind]func(a, b int32) bool{
		graph.Equal:        func(a, b int32) bool { return a == b },
		graph.NotEqual:     func(a, b int32) bool { return a != b },
		graph.Less:         func(a, b int32) bool { return a < b },
		graph.LessEqual:    func(a, b int32) bool { return a <= b },
		graph.Greater:      func(a, b int32) bool { return a > b },
		graph.GreaterEqual: func(a, b int32) bool { return a >= b },
	}[op.Kind]
	return planPairs(p, op, func(a, b int32) int32 {
		if holds(fa(a), fb(b)) {
			return 1
		}
		return 0
	})
}

// planSelect chooses between two tensors, all three broadcast to one shape.
func planSelect(p *plan, op *graph.Op) (step, error) {
	out := p.out(op, 0)
	size := out.Type.Size()
	var steps [3][]int
	for i := range steps {
		steps[i] = broadcastStrides(p.in(op, i).Shape, out.Shape)
	}
	condition, yes, no, dst := op.Inputs[0], op.Inputs[1], op.Inputs[2], op.Outputs[0]
	return func(m *memory) {
		for i := range out.Elems() {
			var at [3]int
			rest := i
			for d := len(out.Shape) - 1; d >= 0; d-- {
				k := rest % out.Shape[d]
				rest /= out.Shape[d]
				for j := range at {
					at[j] += k * steps[j][d]
				}
			}
			from, j := m.v[no], at[2]
			if m.v[condition][at[0]] != 0 {
				from, j = m.v[yes], at[1]
			}
			copy(m.v[dst][i*size:(i+1)*size], from[j*size:])
		}
	}, nil
}
