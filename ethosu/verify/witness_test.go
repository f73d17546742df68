// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim"
)

// witness runs a program on the simulator in every way that must not matter.
type witness struct {
	work   int64    // limit of one run
	inputs [][]byte // random bytes for all inputs and variables, one for each run
}

func newWitness(r *rand.Rand, work int64, runs int) *witness {
	w := &witness{work: work}
	for range runs {
		b := make([]byte, 1<<14)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		w.inputs = append(w.inputs, b)
	}
	return w
}

// judge returns why a program is bad, or nothing, and its outputs for every run.
func (w *witness) judge(p *ethosu.Program) (bad string, outputs []byte) {
	s, err := sim.PrepareWith(p.Accel, p.Stages[0].Commands, sim.RegionsOf(p, &p.Stages[0]), sim.Options{MaxWork: w.work})
	if err != nil {
		return err.Error(), nil
	}
	if races := s.Races(); len(races) > 0 {
		return races[0].Error(), nil
	}
	for n := range w.inputs {
		var first []byte
		for _, x := range []struct {
			name   string
			fill   byte
			timing sim.Timing
			fetch  bool
		}{
			{"in order", 0x5A, sim.InOrder, true},
			{"with other bytes where nothing was written", 0xC3, sim.InOrder, true},
			{"with late transfers", 0x5A, sim.LateDMA, true},
			{"with late kernels", 0x5A, sim.LateKernels, true},
			{"with transfers in another order", 0x5A, sim.SwappedDMA, true},
		} {
			out, err := w.run(s, p, n, x.fill, sim.Exec{Timing: x.timing, Fetch: x.fetch})
			if err != nil {
				return err.Error(), nil
			}
			if first == nil {
				first = out
			} else if !bytes.Equal(first, out) {
				return fmt.Sprintf("another result %s", x.name), nil
			}
		}
		outputs = append(outputs, first...)
	}
	return "", outputs
}

func (w *witness) run(s *sim.Sim, p *ethosu.Program, n int, fill byte, x sim.Exec) ([]byte, error) {
	m := s.NewMemory()
	for _, region := range m {
		for i := range region {
			region[i] = fill ^ byte(i*37)
		}
	}
	x.SHRAM = bytes.Repeat([]byte{fill}, 1024*p.Accel.SHRAMBanks+p.Accel.U85.Tables)
	at := 0
	for _, list := range [][]ethosu.Binding{p.Inputs, p.Variables} {
		for _, b := range list {
			for i := range b.Size {
				m[b.Region][b.Offset+i] = w.inputs[n][(at+i)%len(w.inputs[n])]
			}
			at += b.Size
		}
	}
	if err := s.RunWith(m, x); err != nil {
		return nil, err
	}
	var out []byte
	for _, b := range p.Outputs {
		out = append(out, m[b.Region][b.Offset:b.Offset+b.Size]...)
	}
	return out, nil
}
