// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu"

// program checks what is beside the stream.
func (c *checker) program(p *ethosu.Program) {
	c.at = Finding{Op: -1, Name: "program"}
	for _, s := range []struct {
		name string
		size int
	}{{"constants", len(p.Constants)}, {"the arena", p.ArenaSize}, {"the fast scratch", p.FastSize}} {
		if s.size%16 != 0 {
			c.report(RuleProgram, "%s has %d bytes, expected a multiple of 16", s.name, s.size)
		}
	}
	bindings := func(kind string, list []ethosu.Binding) {
		for _, b := range list {
			if b.Region < 1 || b.Region >= len(c.regions) || b.Offset < 0 || b.Size < 0 || int64(b.Offset+b.Size) > c.regions[b.Region].Size {
				c.report(RuleProgram, "%s %q is %d bytes at %d of region %d, which is not inside a region that can be written", kind, b.Name, b.Size, b.Offset, b.Region)
			}
		}
	}
	bindings("input", p.Inputs)
	bindings("output", p.Outputs)
	bindings("variable", p.Variables)
	for i, s := range p.States {
		if s.In < 0 || s.In >= len(p.Inputs) || s.Out < 0 || s.Out >= len(p.Outputs) {
			c.report(RuleProgram, "state %d pairs output %d with input %d of %d and %d", i, s.Out, s.In, len(p.Outputs), len(p.Inputs))
			continue
		}
		in, out := p.Inputs[s.In], p.Outputs[s.Out]
		if in.Size != out.Size || in.Type != out.Type {
			c.report(RuleProgram, "state %q is %d bytes of %v going out and %d of %v coming in as %q", out.Name, out.Size, out.Type, in.Size, in.Type, in.Name)
		}
	}
}
