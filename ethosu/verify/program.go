package verify

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
)

// Program checks a compiled program: its stream, and that inputs, outputs and
// states lie where the stream leaves them. It returns at most 200 findings.
func Program(p *ethosu.Program) []Finding {
	if p.Sequence != nil {
		return sequence(p)
	}
	var regions Regions
	regions[ethosu.RegionConstants] = Region{Size: int64(len(p.Constants)), Constant: true, Content: p.Constants}
	regions[ethosu.RegionArena].Size = int64(p.ArenaSize)
	regions[ethosu.RegionFast].Size = int64(p.FastSize)
	for _, b := range slices.Concat(p.Inputs, p.Variables) {
		if b.Region > 0 && b.Region < len(regions) {
			r := &regions[b.Region]
			r.Defined = append(r.Defined, Range{int64(b.Offset), int64(b.Offset + b.Size)})
		}
	}
	c := newChecker(p.Accel, regions)
	c.names = map[int]string{}
	for _, o := range p.Ops {
		c.names[o.Word] = o.Name
	}
	c.program(p)
	c.walk(p.Commands)
	if len(c.findings) < maxFindings {
		c.outputs(p)
	}
	return c.findings
}

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

// outputs checks that the stream has written all of every output.
func (c *checker) outputs(p *ethosu.Program) {
	c.at = Finding{Word: len(p.Commands), Op: -1, Name: "end of the stream"}
	for _, b := range p.Outputs {
		if b.Region < 0 || b.Region >= len(c.defined) {
			continue // reported already
		}
		if at := c.defined[b.Region].missing(int64(b.Offset), int64(b.Offset+b.Size)); at >= 0 {
			c.report(RuleUndefined, "byte %d of output %q was never written", at-int64(b.Offset), b.Name)
		}
	}
}

// Summary is one line on what was checked, for a program without findings.
func Summary(p *ethosu.Program, findings []Finding) string {
	if n := len(findings); n > 0 {
		return fmt.Sprintf("%s: %d findings", p.Name, n)
	}
	return fmt.Sprintf("%s: %d words, %d operations, %d bytes of constants on %s: no findings", p.Name, len(p.Commands), len(p.Ops), len(p.Constants), p.Accel.Name)
}
