// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// floatModel is a float graph on the float execution.
type floatModel struct {
	ins, outs []Tensor
	states    []State
	exec      *floatexec.Exec
	run       *floatexec.Runner
	values    [][]float32
}

// NewFloat makes a Model of a graph whose inputs and outputs are float32.
func NewFloat(g *graph.Graph) (Model, error) {
	for _, ids := range [][]graph.TensorID{g.Inputs, g.Outputs} {
		for _, id := range ids {
			if t := g.Tensors[id]; t.Type != graph.Float32 {
				return nil, fmt.Errorf("tensor %q is %v, expected float32", t.Name, t.Type)
			}
		}
	}
	exec, err := floatexec.New(g)
	if err != nil {
		return nil, err
	}
	m := &floatModel{ins: tensorsOf(g, g.Inputs), outs: tensorsOf(g, g.Outputs), exec: exec, run: exec.Runner()}
	for _, s := range g.States {
		m.states = append(m.states, State{In: indexOf(g.Inputs, s.In), Out: indexOf(g.Outputs, s.Out)})
	}
	for i := range m.ins {
		m.values = append(m.values, make([]float32, graph.Elems(m.ins[i].Shape)))
	}
	return m, nil
}

func (m *floatModel) Inputs() []Tensor  { return m.ins }
func (m *floatModel) Outputs() []Tensor { return m.outs }
func (m *floatModel) States() []State   { return m.states }

func (m *floatModel) Invoke(in, out [][]byte) error {
	for i, v := range m.values {
		for k := range v {
			v[k] = math.Float32frombits(binary.LittleEndian.Uint32(in[i][4*k:]))
		}
	}
	views, err := m.run.Run(1, m.values)
	if err != nil {
		return err
	}
	for i, v := range views {
		for k, x := range v.Row(0) {
			binary.LittleEndian.PutUint32(out[i][4*k:], math.Float32bits(x))
		}
	}
	return nil
}

func (m *floatModel) Reset() {}

func (m *floatModel) Clone() Model {
	c := *m
	c.run = m.exec.Runner()
	c.values = make([][]float32, len(m.values))
	for i := range c.values {
		c.values[i] = make([]float32, len(m.values[i]))
	}
	return &c
}

// Carried returns the states that the model declares, but for those that are given a
// value for every call: they are fed as they are given.
func Carried(m Model, arrays map[string]*Array) []State {
	ins := m.Inputs()
	var out []State
	for _, s := range m.States() {
		fed := false
		for name, a := range arrays {
			if i, err := find(ins, name, "input"); err == nil && i == s.In {
				fed = len(a.Shape) == len(ins[i].Shape)+1
			}
		}
		if !fed {
			out = append(out, s)
		}
	}
	return out
}
