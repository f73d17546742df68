// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// Probe looks into the simulator while a compiled program is called. Every part may
// be left out.
type Probe struct {
	// Trace gets one line for each operation of each call.
	Trace io.Writer
	// Adversarial also runs every call with the DMAs, and with the block operations,
	// as late as the waits of the stream allow.
	Adversarial bool
	// Report gets the races and the outputs that depend on them, one at a time.
	Report func(finding string)
	// Expect is the plain graph that was compiled. Differs gets the first operation
	// whose output is not the tensor of that name; a compiler may well compute an
	// inner tensor in another way, so it only matters when the outputs differ. Where
	// stages share out time steps, and the graph is one step, operations are not
	// compared.
	Expect  *graph.Graph
	Differs func(first string)
}

// probed is a simulator under observation.
type probed struct {
	*simulatorModel
	probe Probe
	it    *reference.Interpreter
	ids   map[string]graph.TensorID
	calls int
	found bool
}

// NewProbed is NewSimulator under observation. Races of the stream are reported at
// once. A clone of the Model is not observed.
func NewProbed(p *ethosu.Program, probe Probe) (Model, error) {
	m, err := newSimulator(p)
	if err != nil {
		return nil, err
	}
	w := &probed{simulatorModel: m, probe: probe}
	if probe.Adversarial {
		for _, s := range m.stages {
			if s.cpu != nil {
				continue
			}
			for _, race := range s.sim.Races() {
				probe.Report(race.Error())
			}
		}
	}
	if g := probe.Expect; g != nil && p.Steps == 0 {
		if w.it, err = reference.New(g); err != nil {
			return nil, err
		}
		w.ids = map[string]graph.TensorID{}
		for id := range g.Tensors {
			w.ids[g.Tensors[id].Name] = graph.TensorID(id)
		}
	}
	return w, nil
}

func (m *probed) Reset() {
	m.simulatorModel.Reset()
	if m.it != nil {
		m.it.Reset()
	}
}

func (m *probed) Invoke(in, out [][]byte) error {
	m.store(in)
	before := m.mem.clone()
	if m.probe.Trace != nil {
		fmt.Fprintf(m.probe.Trace, "call %d\n", m.calls)
	}
	err := m.each(func(s *stage, n int, mem sim.Memory) error {
		if m.probe.Trace != nil {
			if s.Name != "" {
				fmt.Fprintf(m.probe.Trace, "stage %s, invocation %d\n", s.Name, n)
			}
			if err := s.sim.Trace(cloneMemory(mem), m.probe.Trace); err != nil {
				return err
			}
		}
		return m.run(s, mem, in)
	})
	if err != nil {
		return err
	}
	m.load(m.mem, out)
	if m.probe.Adversarial {
		m.late(before, out)
	}
	m.calls++
	return nil
}

// run executes an invocation, beside the reference interpreter when there is one.
func (m *probed) run(s *stage, mem sim.Memory, in [][]byte) error {
	if m.it == nil {
		return s.sim.Run(mem)
	}
	for i := range in {
		if err := m.it.Feed(i, in[i]); err != nil {
			return err
		}
	}
	if err := m.it.Invoke(); err != nil {
		return err
	}
	first, _, err := s.sim.Compare(s.Stage, mem, func(name string) []byte {
		if id, ok := m.ids[name]; ok {
			return m.it.Tensor(id)
		}
		return nil
	})
	if first != nil && !m.found {
		m.found = true
		m.probe.Differs(fmt.Sprintf("call %d: %v", m.calls, first))
	}
	return err
}

// late repeats the call with delayed engines and reports outputs that change.
func (m *probed) late(before memories, want [][]byte) {
	for _, t := range []struct {
		timing sim.Timing
		name   string
	}{{sim.LateDMA, "late DMAs"}, {sim.LateKernels, "late block operations"}, {sim.SwappedDMA, "swapped DMAs"}} {
		again := *m.simulatorModel
		again.mem = before.clone()
		err := again.each(func(s *stage, _ int, mem sim.Memory) error {
			return s.sim.RunWith(mem, sim.Exec{Timing: t.timing})
		})
		if err != nil {
			m.probe.Report(fmt.Sprintf("call %d with %s: %v", m.calls, t.name, err))
			continue
		}
		got := Buffers(m.outs)
		m.load(again.mem, got)
		if d := difference(m.outs, want, got); d != nil {
			d.Call = m.calls
			m.probe.Report(fmt.Sprintf("with %s: %v", t.name, d))
		}
	}
}

func (m *memories) clone() memories {
	c := *m
	for i := range c {
		if i != ethosu.RegionConstants {
			c[i] = bytes.Clone(c[i])
		}
	}
	return c
}

func cloneMemory(m sim.Memory) sim.Memory {
	for i := range m {
		m[i] = bytes.Clone(m[i])
	}
	return m
}
