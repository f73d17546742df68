package runner

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim"
)

// simulatorModel is a compiled program on the NPU simulator.
type simulatorModel struct {
	p         *ethosu.Program
	s         *sim.Sim
	mem       sim.Memory
	ins, outs []Tensor
	states    []State
}

// NewSimulator makes a Model of a compiled program.
func NewSimulator(p *ethosu.Program) (Model, error) {
	s, err := sim.PrepareProgram(p)
	if err != nil {
		return nil, err
	}
	m := &simulatorModel{p: p, s: s, mem: s.NewMemory(), ins: tensorsOfBindings(p.Inputs), outs: tensorsOfBindings(p.Outputs)}
	for _, st := range p.States {
		m.states = append(m.states, State{In: st.In, Out: st.Out})
	}
	m.Reset()
	return m, nil
}

func tensorsOfBindings(bs []ethosu.Binding) []Tensor {
	ts := make([]Tensor, len(bs))
	for i, b := range bs {
		ts[i] = Tensor{Name: b.Name, Type: b.Type, Shape: b.Shape, Quant: b.Quant}
	}
	return ts
}

func (m *simulatorModel) Inputs() []Tensor  { return m.ins }
func (m *simulatorModel) Outputs() []Tensor { return m.outs }
func (m *simulatorModel) States() []State   { return m.states }

func (m *simulatorModel) Invoke(in, out [][]byte) error {
	for i, b := range m.p.Inputs {
		copy(m.mem[b.Region][b.Offset:b.Offset+b.Size], in[i])
	}
	if err := m.s.Run(m.mem); err != nil {
		return err
	}
	for i, b := range m.p.Outputs {
		copy(out[i], m.mem[b.Region][b.Offset:b.Offset+b.Size])
	}
	return nil
}

func (m *simulatorModel) Reset() {
	for _, b := range m.p.Variables {
		t := Tensor{Type: b.Type, Shape: b.Shape, Quant: b.Quant}
		FillReset(&t, m.mem[b.Region][b.Offset:b.Offset+b.Size])
	}
}

func (m *simulatorModel) Clone() Model {
	c := *m
	c.mem = m.s.NewMemory()
	c.Reset()
	return &c
}
