// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// tape holds the values of all tensors for some sequences, and their gradients.
// The value of tensor t for sequence b is values[t][b*n:(b+1)*n], n its elements.
type tape struct {
	p         *program
	capacity  int
	batch     int // sequences in use
	values    [][]float32
	dead      [][]bool // where no gradient passes
	gradients [][]float32
	constants map[graph.TensorID][]float32 // gradients of the constants
}

func newTape(p *program, capacity int) *tape {
	n := len(p.g.Tensors)
	t := &tape{p: p, capacity: capacity, values: make([][]float32, n), dead: make([][]bool, n), gradients: make([][]float32, n),
		constants: map[graph.TensorID][]float32{}}
	for i, x := range p.g.Tensors {
		if c := p.consts[graph.TensorID(i)]; c != nil {
			t.constants[graph.TensorID(i)] = make([]float32, len(c.value))
		} else if !x.IsConst() {
			size := capacity * x.Elems()
			t.values[i], t.gradients[i], t.dead[i] = make([]float32, size), make([]float32, size), make([]bool, size)
		}
	}
	return t
}

// value returns tensor id of sequence b; a constant is the same for all.
func (t *tape) value(id graph.TensorID, b int) []float32 {
	if c := t.p.consts[id]; c != nil {
		return c.rounded
	}
	n := t.p.g.Tensors[id].Elems()
	return t.values[id][b*n : (b+1)*n]
}

// slope returns the gradient of tensor id of sequence b.
func (t *tape) slope(id graph.TensorID, b int) []float32 {
	if g := t.constants[id]; g != nil {
		return g
	}
	n := t.p.g.Tensors[id].Elems()
	return t.gradients[id][b*n : (b+1)*n]
}

// forward runs the graph on the values of the inputs. States begin with what their
// tensors hold, which is 0 in a new tape.
func (t *tape) forward() error {
	for i := range t.gradients {
		clear(t.gradients[i])
		clear(t.dead[i])
	}
	for _, g := range t.constants {
		clear(g)
	}
	for _, id := range t.p.fed {
		t.finish(id)
	}
	for i, op := range t.p.g.Ops {
		k, err := kernels.Get(op.Kind)
		if err != nil {
			return fmt.Errorf("%s: %w", t.p.g.OpString(i), err)
		}
		k.forward(t, op)
		for _, id := range op.Outputs {
			t.finish(id)
		}
	}
	return nil
}

// finish rounds a value that has just been computed to its grid.
func (t *tape) finish(id graph.TensorID) {
	n := t.batch * t.p.g.Tensors[id].Elems()
	t.p.grids[id].round(t.values[id][:n], t.dead[id][:n])
}

// backward carries the gradients of the outputs, which the caller has written, to all
// constants and inputs.
func (t *tape) backward() {
	for i := len(t.p.g.Ops) - 1; i >= 0; i-- {
		op := t.p.g.Ops[i]
		for _, id := range op.Outputs {
			for j, d := range t.dead[id] {
				if d {
					t.gradients[id][j] = 0
				}
			}
		}
		if op.Kind != graph.Softmax { // its gradient is part of the loss
			k, _ := kernels.Get(op.Kind) // the forward pass had it
			k.backward(t, op)
		}
	}
}
