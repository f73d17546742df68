// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
)

// memories are what is known of the memories of a program, by region number, between
// the stages of a call. What is defined only ever grows.
type memories struct {
	defined [ethosu.RegionFast + 1]ranges
	known   [ethosu.RegionFast + 1]contents
	stale   [ethosu.RegionFast + 1][]stale // of the last stage
}

// Program checks a compiled program: every stage with what the stages before it left,
// and that inputs, outputs and states lie where the last one leaves them. The first
// invocation of a stage stands for all: the others find no less, and nothing else in
// the regions. The step that a program carries for runtimes without stages is checked,
// too. It reports at most 200 findings.
func Program(p *ethosu.Program) Report {
	operations, list := program(p)
	if p.Single != nil {
		n, more := program(p.Single)
		for _, f := range more {
			f.Name = "single step: " + f.Name
			list = append(list, f)
		}
		operations += n
	}
	return reportOf(operations, list)
}

func program(p *ethosu.Program) (operations int, list []Finding) {
	sizes := Regions{{Size: int64(len(p.Constants))}, {Size: int64(p.ArenaSize)}, {Size: int64(p.FastSize)}}
	all := newChecker(p.Accel, sizes)
	all.program(p)
	if len(all.findings) == 0 {
		if err := p.CheckStages(); err != nil {
			all.report(RuleProgram, "%v", err)
		}
	}
	if len(all.findings) > 0 {
		return 0, all.findings
	}
	m := memoriesOf(p)
	for i := range p.Stages {
		if p.Stages[i].CPU != nil {
			m.compute(all, &p.Stages[i])
			continue
		}
		c := m.check(p.Accel, &p.Stages[i])
		if i < len(p.Stages)-1 && p.Stages[i].Times > 1 {
			c.left() // other invocations rely on it; stages after it are told what has no value
		}
		operations += c.operations
		if all.findings = append(all.findings, c.findings...); len(all.findings) >= maxFindings {
			return operations, all.findings
		}
		m.after(c, &p.Stages[i], i == len(p.Stages)-1)
	}
	m.outputs(all, p)
	return operations, all.findings
}

// memoriesOf returns what is known before the first stage.
func memoriesOf(p *ethosu.Program) *memories {
	m := &memories{}
	m.defined[ethosu.RegionConstants].add(0, int64(len(p.Constants)))
	m.known[ethosu.RegionConstants].put(0, p.Constants)
	for _, b := range slices.Concat(p.Inputs, p.Variables) {
		for _, r := range b.Ranges() {
			m.defined[b.Region].add(int64(r[0]), int64(r[1]))
		}
	}
	return m
}

// check walks one stage.
func (m *memories) check(a *ethosu.Accelerator, s *ethosu.Stage) *checker {
	before := newChecker(a, Regions{})
	before.at = Finding{Op: -1, Name: "stage " + s.Name}
	c := newChecker(a, m.regions(before, s))
	c.findings, c.names = before.findings, map[int]string{}
	for _, o := range s.Ops {
		c.names[o.Word] = s.Title() + o.Name
	}
	c.beside = besideOf(s)
	c.walk(s.Commands)
	if c.beside != nil && len(c.findings) == 0 && c.operations != len(s.Ops) {
		c.at = Finding{Word: len(s.Commands), Op: -1, Name: "end of the stream"}
		c.report(RuleProgram, "%d operations, expected the %d that are said to be here", c.operations, len(s.Ops))
	}
	return c
}

// compute passes an operator of the CPU, which needs all of its inputs and writes all of
// its outputs.
func (m *memories) compute(c *checker, s *ethosu.Stage) {
	c.at = Finding{Op: -1, Name: "stage " + s.Name}
	for i := range s.CPU.Inputs {
		b := &s.CPU.Inputs[i]
		if at := m.defined[b.Region].missing(int64(b.Offset), int64(b.Offset+b.Size)); at >= 0 {
			c.report(RuleUndefined, "%v reads byte %d of %q, which was never written", s.CPU.Kind(), at-int64(b.Offset), b.Name)
		}
	}
	for _, b := range s.CPU.Outputs {
		m.defined[b.Region].add(int64(b.Offset), int64(b.Offset+b.Size))
		m.known[b.Region].forget(int64(b.Offset), int64(b.Offset+b.Size))
	}
}

// outputs checks that the stages have written all of every output.
func (m *memories) outputs(c *checker, p *ethosu.Program) {
	c.at = Finding{Word: len(p.Stages[len(p.Stages)-1].Commands), Op: -1, Name: "end of the stream"}
	for _, b := range slices.Concat(p.Outputs, p.Variables) {
		for _, r := range b.Ranges() {
			if at := m.defined[b.Region].missing(int64(r[0]), int64(r[1])); at >= 0 {
				m.never(c, &b, at)
				break
			}
			if m.known[b.Region].meets(int64(r[0]), int64(r[1])) {
				c.report(RuleUndefined, "output %q still holds constants that a stage copied there", b.Name)
				break
			}
		}
	}
}

// never reports a byte of an output that has no value, where it began.
func (m *memories) never(c *checker, b *ethosu.Binding, at int64) {
	for _, s := range m.stale[b.Region] {
		if s.Start <= at && at < s.End {
			f := s.origin
			f.Msg += fmt.Sprintf(", and byte %d of output %q depends on it", at-int64(b.Offset), b.Name)
			if len(c.findings) < maxFindings {
				c.findings = append(c.findings, f)
			}
			return
		}
	}
	c.report(RuleUndefined, "byte %d of output %q was never written", at-int64(b.Offset), b.Name)
}

// regions returns what the first invocation of a stage finds.
func (m *memories) regions(c *checker, s *ethosu.Stage) Regions {
	var regions Regions
	for _, w := range s.Windows {
		r := &regions[w.Region]
		r.Size = int64(w.Size)
		if w.Region == ethosu.RegionConstants {
			// Nothing may write there, so that all invocations find the same.
			r.Content, _ = m.known[w.In].get(int64(w.Offset), int64(w.Offset+w.Size))
			r.Constant = true
			if r.Content == nil || w.Advance != 0 {
				c.report(RuleUndefined, "region %d should hold constants, but no stream before has copied all of them to bytes %d to %d of memory %d",
					w.Region, w.Offset, w.Offset+w.Size, w.In)
			}
			continue
		}
		r.Defined = m.window(&w, 0)
		for n := 1; n < s.Times && w.Advance > 0; n++ {
			later := ranges(m.window(&w, n))
			for _, d := range r.Defined {
				if at := later.missing(d.Start, d.End); at >= 0 {
					c.report(RuleUndefined, "byte %d of region %d is never written for invocation %d, but is for the first", at, w.Region, n)
					n = s.Times
					break
				}
			}
		}
	}
	return regions
}

// window returns the defined bytes of a window in invocation n, relative to it.
func (m *memories) window(w *ethosu.Window, n int) []Range {
	at := int64(w.At(n))
	var list []Range
	for _, d := range m.defined[w.In] {
		if start, end := max(d.Start-at, 0), min(d.End-at, int64(w.Size)); start < end {
			list = append(list, Range{start, end})
		}
	}
	return list
}

// after takes over what a stage has written in all its invocations. Constants that the
// last one copies are meant to be there: they may be an output.
func (m *memories) after(c *checker, s *ethosu.Stage, last bool) {
	for _, w := range s.Windows {
		if w.Region == ethosu.RegionConstants {
			continue
		}
		for n := range s.Times {
			if n > 0 && w.Advance == 0 {
				break
			}
			at := int64(w.At(n))
			for _, s := range c.stale[w.Region] {
				r := Range{at + s.Start, at + s.End}
				m.defined[w.In].remove(r.Start, r.End)
				m.stale[w.In] = append(m.stale[w.In], stale{r, s.origin})
			}
			for _, d := range c.defined[w.Region] {
				m.defined[w.In].add(at+d.Start, at+d.End)
			}
			m.known[w.In].forget(at, at+int64(w.Size))
			if s.Times == 1 && !last {
				for _, k := range c.known[w.Region] {
					m.known[w.In].put(at+k.start, k.data)
				}
			}
		}
	}
}
