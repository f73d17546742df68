// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
)

// programFlags say what program is made of a plain model: for which accelerator, of how
// many steps and windows, with which states.
type programFlags struct {
	npu      npuFlags
	sequence sequenceFlags
	windows  windowFlags
	states   *[]string
	set      *pflag.FlagSet
}

func (p *programFlags) add(f *pflag.FlagSet) {
	p.set = f
	p.npu.add(f)
	p.sequence.add(f)
	p.windows.add(f)
	p.states = addStates(f)
}

// check returns what the compiler is asked for, before anything is read.
func (p *programFlags) check() (compile.Options, error) {
	o, err := p.npu.options()
	if err != nil {
		return o, err
	}
	if err := p.sequence.check(p.set); err != nil {
		return o, err
	}
	return o, p.windows.check()
}

// compile reads a model and compiles it.
func (p *programFlags) compile(c *cli, name string, o compile.Options) (*model, *compile.Choice, error) {
	m, err := readPaired(c, name, *p.states)
	if err != nil {
		return nil, nil, err
	}
	if err := p.windows.apply(c, m, p.sequence.steps); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.sequence.checkModel(c, m); err != nil {
		return nil, nil, err
	}
	pr := c.compiling(&o)
	ch, err := p.sequence.program(m.graph, o)
	pr.finish()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, ch, nil
}

// settings are the choices as the manifest records them.
func (p *programFlags) settings() map[string]string {
	s := p.npu.settings()
	p.sequence.settings(s)
	if p.windows.n > 1 {
		s[windowsFlag] = fmt.Sprint(p.windows.n)
	}
	return s
}
