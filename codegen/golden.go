// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"

	"github.com/unroll-npu/unroll/codegen/golden"
)

// addGoldenViews checks the golden calls and hands their values to the templates.
func (v *view) addGoldenViews(p *Project) error {
	for i, c := range p.Golden {
		if err := checkCall(p, v, i, c); err != nil {
			return err
		}
		reset := byte(0)
		if c.Reset {
			reset = 1
		}
		v.GoldenReset = append(v.GoldenReset, reset)
		for _, t := range v.Inputs {
			t.GoldenValues = append(t.GoldenValues, leValues(p.Program.Inputs[t.binding].Type, c.Inputs[t.binding]))
		}
		for _, t := range v.Outputs {
			t.GoldenValues = append(t.GoldenValues, leValues(p.Program.Outputs[t.binding].Type, c.Outputs[t.binding]))
		}
		var state []byte
		for _, t := range v.carried() {
			state = append(state, c.Outputs[t.outBinding]...)
		}
		v.GoldenState = append(v.GoldenState, state)
	}
	return nil
}

// carried gives the states that are fed back, without variables, which no golden
// call knows.
func (v *view) carried() []*tensorView {
	var list []*tensorView
	for _, t := range v.States {
		if !t.variable {
			list = append(list, t)
		}
	}
	return list
}

func checkCall(p *Project, v *view, i int, c Call) error {
	if len(c.Inputs) != len(p.Program.Inputs) || len(c.Outputs) != len(p.Program.Outputs) {
		return fmt.Errorf("golden call %d has %d inputs and %d outputs, the program %d and %d",
			i, len(c.Inputs), len(c.Outputs), len(p.Program.Inputs), len(p.Program.Outputs))
	}
	for _, t := range v.Inputs {
		if b := p.Program.Inputs[t.binding]; len(c.Inputs[t.binding]) != b.Size {
			return fmt.Errorf("golden call %d: input %q has %d bytes, expected %d", i, b.Name, len(c.Inputs[t.binding]), b.Size)
		}
	}
	for _, t := range v.carried() {
		if c.Inputs[t.binding] != nil {
			return fmt.Errorf("golden call %d: input %q is a state, which is carried from call to call: leave it nil", i, p.Program.Inputs[t.binding].Name)
		}
	}
	for o, b := range p.Program.Outputs {
		if len(c.Outputs[o]) != b.Size {
			return fmt.Errorf("golden call %d: output %q has %d bytes, expected %d", i, b.Name, len(c.Outputs[o]), b.Size)
		}
	}
	return nil
}

// addGolden writes the golden vectors for the Go test.
func addGolden(t Tree, p *Project, v *view) error {
	f := golden.Vectors{Inputs: []string{}, Outputs: []string{}, States: []string{}, Calls: []golden.Call{}}
	for _, in := range v.Inputs {
		f.Inputs = append(f.Inputs, p.Program.Inputs[in.binding].Name)
	}
	for _, out := range v.Outputs {
		f.Outputs = append(f.Outputs, p.Program.Outputs[out.binding].Name)
	}
	for _, s := range v.carried() {
		f.States = append(f.States, p.Program.Inputs[s.binding].Name)
	}
	for _, c := range p.Golden {
		e := golden.Call{Reset: c.Reset, Inputs: []golden.Hex{}, Outputs: []golden.Hex{}}
		for _, in := range v.Inputs {
			e.Inputs = append(e.Inputs, c.Inputs[in.binding])
		}
		for _, out := range v.Outputs {
			e.Outputs = append(e.Outputs, c.Outputs[out.binding])
		}
		for _, s := range v.carried() {
			e.States = append(e.States, c.Outputs[s.outBinding])
		}
		f.Calls = append(f.Calls, e)
	}
	b, err := f.Encode()
	if err != nil {
		return fmt.Errorf("BUG: %w", err)
	}
	t[golden.Path] = b
	return nil
}
