// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// referenceModel is a plain graph on the reference interpreter.
type referenceModel struct {
	it     *reference.Interpreter
	ins    []Tensor
	outs   []Tensor
	states []State
}

// NewReference makes a Model of an integer graph. Variable tensors, which a graph may
// keep by itself, live as long as the Model.
func NewReference(g *graph.Graph) (Model, error) {
	it, err := reference.New(g)
	if err != nil {
		return nil, err
	}
	m := &referenceModel{it: it, ins: tensorsOf(g, g.Inputs), outs: tensorsOf(g, g.Outputs)}
	for _, s := range g.States {
		m.states = append(m.states, State{In: indexOf(g.Inputs, s.In), Out: indexOf(g.Outputs, s.Out)})
	}
	return m, nil
}

func tensorsOf(g *graph.Graph, ids []graph.TensorID) []Tensor {
	ts := make([]Tensor, len(ids))
	for i, id := range ids {
		t := g.Tensor(id)
		ts[i] = Tensor{Name: t.Name, Type: t.Type, Shape: t.Shape, Quant: t.Quant}
	}
	return ts
}

func indexOf(ids []graph.TensorID, id graph.TensorID) int {
	for i := range ids {
		if ids[i] == id {
			return i
		}
	}
	panic("BUG: a state is not among the graph's inputs and outputs")
}

func (m *referenceModel) Inputs() []Tensor  { return m.ins }
func (m *referenceModel) Outputs() []Tensor { return m.outs }
func (m *referenceModel) States() []State   { return m.states }

func (m *referenceModel) Invoke(in, out [][]byte) error {
	for i := range in {
		if err := m.it.Feed(i, in[i]); err != nil {
			return err
		}
	}
	if err := m.it.Invoke(); err != nil {
		return err
	}
	for i := range out {
		copy(out[i], m.it.Output(i))
	}
	return nil
}

func (m *referenceModel) Reset() { m.it.Reset() }

func (m *referenceModel) Clone() Model {
	c := *m
	c.it = m.it.Clone()
	c.Reset()
	return &c
}
