// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/cpu"
	"github.com/unroll-npu/unroll/ethosu/sim"
)

// simulatorModel is a compiled program on the NPU simulator, with what it leaves to the
// CPU beside it.
type simulatorModel struct {
	p         *ethosu.Program
	stages    []stage
	mem       memories
	ins, outs []Tensor
	states    []State
}

// stage is a stream of the program, or an operator of the CPU, ready to run.
type stage struct {
	*ethosu.Stage
	sim *sim.Sim
	cpu *cpu.Kernel
}

// prepare makes a stage ready.
func prepare(p *ethosu.Program, s *ethosu.Stage) (ready stage, err error) {
	ready.Stage = s
	if s.CPU != nil {
		ready.cpu, err = cpu.New(s.CPU.Graph)
	} else {
		ready.sim, err = sim.PrepareStage(p, s)
	}
	if err != nil && s.Name != "" {
		err = fmt.Errorf("stage %s: %w", s.Name, err)
	}
	return ready, err
}

// compute runs the operator of a stage of the CPU.
func (s *stage) compute(arena []byte) {
	values := func(list []ethosu.Binding) [][]byte {
		out := make([][]byte, len(list))
		for i, b := range list {
			out[i] = arena[b.Offset : b.Offset+b.Size : b.Offset+b.Size]
		}
		return out
	}
	s.cpu.Run(values(s.CPU.Inputs), values(s.CPU.Outputs))
}

// memories are the constants, the arena and the fast scratch, by region number.
type memories [ethosu.RegionFast + 1][]byte

// NewSimulator makes a Model of a compiled program.
func NewSimulator(p *ethosu.Program) (Model, error) { return newSimulator(p) }

func newSimulator(p *ethosu.Program) (*simulatorModel, error) {
	if err := p.CheckStages(); err != nil {
		return nil, err
	}
	m := &simulatorModel{p: p, ins: tensorsOfBindings(p.Inputs), outs: tensorsOfBindings(p.Outputs)}
	for i := range p.Stages {
		ready, err := prepare(p, &p.Stages[i])
		if err != nil {
			return nil, err
		}
		m.stages = append(m.stages, ready)
	}
	for _, st := range p.States {
		m.states = append(m.states, State{In: st.In, Out: st.Out})
	}
	m.mem = newMemories(p)
	m.Reset()
	return m, nil
}

func newMemories(p *ethosu.Program) memories {
	return memories{p.Constants, make([]byte, p.ArenaSize), make([]byte, p.FastSize)}
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
	m.store(in)
	if err := m.each(func(s *stage, _ int, mem sim.Memory) error { return s.sim.Run(mem) }); err != nil {
		return err
	}
	m.load(m.mem, out)
	return nil
}

// each calls run for every invocation of a stream in a call, with the regions where they
// are then, and computes what lies between.
func (m *simulatorModel) each(run func(s *stage, n int, mem sim.Memory) error) error {
	for i := range m.stages {
		s := &m.stages[i]
		if s.cpu != nil {
			s.compute(m.mem[ethosu.RegionArena])
			continue
		}
		for n := range s.Times {
			if err := run(s, n, m.mem.of(s, n)); err != nil {
				if s.Name != "" {
					err = fmt.Errorf("stage %s, invocation %d: %w", s.Name, n, err)
				}
				return err
			}
		}
	}
	return nil
}

// of returns the regions of invocation n of a stage.
func (m *memories) of(s *stage, n int) sim.Memory {
	var mem sim.Memory
	for _, w := range s.Windows {
		if w.In != ethosu.RegionConstants { // those are known to the simulator
			at := w.At(n)
			mem[w.Region] = m[w.In][at : at+w.Size : at+w.Size]
		}
	}
	return mem
}

func (m *simulatorModel) store(in [][]byte) {
	for i := range m.p.Inputs {
		b := &m.p.Inputs[i]
		b.Store(m.mem[b.Region], in[i])
	}
}

func (m *simulatorModel) load(mem memories, out [][]byte) {
	for i := range m.p.Outputs {
		b := &m.p.Outputs[i]
		b.Load(out[i], mem[b.Region])
	}
}

func (m *simulatorModel) Reset() {
	for _, b := range m.p.Variables {
		t := Tensor{Type: b.Type, Shape: b.Shape, Quant: b.Quant}
		FillReset(&t, m.mem[b.Region][b.Offset:b.Offset+b.Size])
	}
}

func (m *simulatorModel) Clone() Model {
	c := *m
	c.mem = newMemories(m.p)
	c.Reset()
	return &c
}
