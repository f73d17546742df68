// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Interpreter executes one graph. It is not safe for concurrent use; Clone
// gives another that shares constants and parameters.
type Interpreter struct {
	p *plan
	m memory
}

// memory is what one interpreter may write to.
type memory struct {
	v    [][]byte // value of every tensor, constants included
	x    []int16  // a widened input vector, padded with zeros
	acc  []int32  // accumulators
	wide []int64  // accumulators of int16 activations

	carried []byte // staging of Carry
}

// New validates the graph and prepares its execution. All tensors start at
// their zero point. The graph must not change while it is in use.
func New(g *graph.Graph) (*Interpreter, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	p, err := newPlan(g)
	if err != nil {
		return nil, err
	}
	it := &Interpreter{p: p, m: p.newMemory()}
	for id := range g.Tensors {
		it.fill(graph.TensorID(id))
	}
	return it, nil
}

// Clone returns an interpreter with the same graph and its own values, which
// are copies of the present ones.
func (it *Interpreter) Clone() *Interpreter {
	c := &Interpreter{p: it.p, m: it.p.newMemory()}
	for id, t := range it.p.g.Tensors {
		if !t.IsConst() {
			copy(c.m.v[id], it.m.v[id])
		}
	}
	return c
}

// Graph returns the graph that is executed.
func (it *Interpreter) Graph() *graph.Graph { return it.p.g }

// Invoke executes all operators once. Inputs stay as they were written;
// variable tensors keep what the operators leave in them.
func (it *Interpreter) Invoke() error {
	for i := range it.p.steps {
		it.p.steps[i](&it.m)
	}
	return nil
}

// Input returns the raw little-endian bytes of the graph's i-th input, to be
// written before Invoke.
func (it *Interpreter) Input(i int) []byte { return it.m.v[it.p.g.Inputs[i]] }

// Output returns the raw little-endian bytes of the graph's i-th output, valid
// until the next Invoke.
func (it *Interpreter) Output(i int) []byte { return it.m.v[it.p.g.Outputs[i]] }

// Tensor returns the raw bytes of any tensor, valid until the next Invoke.
func (it *Interpreter) Tensor(id graph.TensorID) []byte { return it.m.v[id] }

// Feed writes the i-th input after checking the number of bytes.
func (it *Interpreter) Feed(i int, value []byte) error {
	g := it.p.g
	if i < 0 || i >= len(g.Inputs) {
		return fmt.Errorf("input %d of a graph with %d inputs", i, len(g.Inputs))
	}
	dst := it.Input(i)
	if len(value) != len(dst) {
		t := g.Tensors[g.Inputs[i]]
		return fmt.Errorf("input %q: got %d bytes, expected %d (%v %v)", t.Name, len(value), len(dst), t.Type, t.Shape)
	}
	copy(dst, value)
	return nil
}

// Carry copies every state output to its state input, for the next call.
func (it *Interpreter) Carry() {
	g := it.p.g
	buf := it.m.carried
	for _, s := range g.States { // staged, since an output may be another state's input
		buf = buf[copy(buf, it.m.v[s.Out]):]
	}
	buf = it.m.carried
	for _, s := range g.States {
		buf = buf[copy(it.m.v[s.In], buf):]
	}
}

// Reset sets state inputs and variable tensors to their zero point.
func (it *Interpreter) Reset() {
	for _, s := range it.p.g.States {
		it.fill(s.In)
	}
	for id, t := range it.p.g.Tensors {
		if t.Variable {
			it.fill(graph.TensorID(id))
		}
	}
}

// fill sets a tensor that is not constant to its zero point.
func (it *Interpreter) fill(id graph.TensorID) {
	t := it.p.g.Tensors[id]
	if t.IsConst() {
		return
	}
	v := it.m.v[id]
	switch t.Type {
	case graph.Int8, graph.Uint8:
		for i := range v {
			v[i] = byte(t.ZeroPoint())
		}
	case graph.Int16:
		for i := range len(v) / 2 {
			put16(v, i, t.ZeroPoint())
		}
	default:
		clear(v)
	}
}
