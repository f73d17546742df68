// SPDX-License-Identifier: Apache-2.0

package vela

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
)

// metaSequence holds the stages of a call of several time steps. The custom operator of
// the file cannot express them: it is one time step, and what reads this piece of
// metadata gets all of them.
const metaSequence = "unroll_sequence"

// stepNotes is all of a program whose stages share out time steps.
type stepNotes struct {
	Name                string
	System              ethosu.SystemConfig
	Mode                ethosu.MemoryMode
	InSRAM              bool
	Constants           []byte
	ArenaSize, FastSize int
	Inputs, Outputs     []ethosu.Binding
	Variables           []ethosu.Binding   `json:",omitempty"`
	States              []ethosu.StatePair `json:",omitempty"`
	Steps               int
	Stages              []ethosu.Stage
}

func notesOfSteps(p *ethosu.Program) stepNotes {
	return stepNotes{p.Name, p.System, p.Mode, p.WeightsInSRAM, p.Constants, p.ArenaSize, p.FastSize,
		p.Inputs, p.Outputs, p.Variables, p.States, p.Steps, p.Stages}
}

// program makes the program of a file whose operator is the given step.
func (n *stepNotes) program(step *ethosu.Program) (*ethosu.Program, error) {
	p := &ethosu.Program{Name: n.Name, Accel: step.Accel, System: n.System, Mode: n.Mode, WeightsInSRAM: n.InSRAM, Constants: n.Constants,
		ArenaSize: n.ArenaSize, FastSize: n.FastSize, Inputs: n.Inputs, Outputs: n.Outputs, Variables: n.Variables, States: n.States,
		Steps: n.Steps, Stages: n.Stages, Single: step}
	const most = 1 << 30
	if p.ArenaSize < 0 || p.ArenaSize > most || p.FastSize < 0 || p.FastSize > most {
		return nil, fmt.Errorf("metadata %s asks for an arena of %d and a fast scratch of %d bytes: expected at most %d", metaSequence, p.ArenaSize, p.FastSize, most)
	}
	if err := p.CheckStages(); err != nil {
		return nil, fmt.Errorf("metadata %s: %w", metaSequence, err)
	}
	for _, list := range [][]ethosu.Binding{p.Inputs, p.Outputs, p.Variables} {
		for _, b := range list {
			bytes := int64(1)
			for _, d := range b.Shape {
				if d < 0 || d > most || bytes > most {
					bytes = -1
					break
				}
				bytes *= int64(d)
			}
			if !b.Type.Known() || bytes < 0 || bytes*int64(b.Type.Size()) != int64(b.Size) || b.Region == ethosu.RegionConstants {
				return nil, fmt.Errorf("metadata %s: tensor %q has %d bytes in region %d for type %d and shape %v", metaSequence, b.Name, b.Size, b.Region, b.Type, b.Shape)
			}
		}
	}
	for _, s := range p.States {
		if s.In < 0 || s.In >= len(p.Inputs) || s.Out < 0 || s.Out >= len(p.Outputs) || p.Inputs[s.In].Size != p.Outputs[s.Out].Size {
			return nil, fmt.Errorf("metadata %s pairs input %d with output %d, which cannot be", metaSequence, s.In, s.Out)
		}
	}
	return p, nil
}
