// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/verify"
)

// What is beside a stream is checked, too: each change gives one finding, of the program
// or of the operation that does not do what is said of it.
func TestProgramRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *ethosu.Program, s *ethosu.Stage)
		rule   verify.Rule
		want   string
	}{
		{"nothing", func(*ethosu.Program, *ethosu.Stage) {}, "", ""},
		{"odd constants", func(p *ethosu.Program, _ *ethosu.Stage) { p.Constants = append(slices.Clone(p.Constants), 0) }, verify.RuleProgram, "constants has"},
		{"an odd arena", func(p *ethosu.Program, _ *ethosu.Stage) { p.ArenaSize += 8 }, verify.RuleProgram, "the arena has"},
		{"an odd scratch", func(p *ethosu.Program, _ *ethosu.Stage) { p.FastSize += 8 }, verify.RuleProgram, "the fast scratch has 8 bytes"},
		{"an input outside", func(p *ethosu.Program, _ *ethosu.Stage) { p.Inputs[0].Offset = -16 }, verify.RuleProgram, "input "},
		{"an output among constants", func(p *ethosu.Program, _ *ethosu.Stage) { p.Outputs[0].Region = 0 }, verify.RuleProgram, "output "},
		{"a state of nothing", func(p *ethosu.Program, _ *ethosu.Stage) { p.States[0].In = 9 }, verify.RuleProgram, "with input 9 of"},
		{"a state of another size", func(p *ethosu.Program, _ *ethosu.Stage) { p.Inputs[p.States[0].In].Size -= 16 }, verify.RuleProgram, "going out and"},
		{"an output that is never written", func(p *ethosu.Program, _ *ethosu.Stage) {
			p.Outputs[0].Offset, p.ArenaSize = p.ArenaSize, p.ArenaSize+16
			p.Stages[0].Windows[1].Size += 16
		}, verify.RuleUndefined, "was never written"},
		{"an input that is not there", func(p *ethosu.Program, _ *ethosu.Stage) {
			p.Inputs, p.Outputs, p.States = slices.Delete(p.Inputs, 0, 1), p.Outputs[:1], nil
		}, verify.RuleUndefined, "which was never written, and byte 0 of output"},
		{"another list of operations", func(_ *ethosu.Program, s *ethosu.Stage) { s.Ops[1].Word++ }, verify.RuleProgram, "it is not the list of this stream"},
		{"one operation more", func(_ *ethosu.Program, s *ethosu.Stage) {
			s.Ops = append(s.Ops, ethosu.OpInfo{Word: len(s.Commands)})
		}, verify.RuleProgram, "that are said to be here"},
		{"a tensor elsewhere", func(_ *ethosu.Program, s *ethosu.Stage) {
			last := s.Ops[len(s.Ops)-1].OFM
			i := slices.IndexFunc(s.Map, func(m ethosu.Placement) bool { return m.Name == last })
			s.Map[i].Offset += 16
		}, verify.RuleProgram, "the OFM is bytes"},
		{"weights elsewhere", func(_ *ethosu.Program, s *ethosu.Stage) {
			for i := range s.Map {
				if strings.HasSuffix(s.Map[i].Name, " records") {
					s.Map[i].Offset += 16
					return
				}
			}
		}, verify.RuleProgram, "which no tensor holds"},
		{"a window that is too small", func(p *ethosu.Program, _ *ethosu.Stage) { p.Stages[0].Windows[1].Size = 0 }, verify.RuleProgram, "expected multiples of 16"},
	} {
		p := *ours(t, "gru32x40_stream", "ethos-u55-128")
		c.change(&p, &p.Stages[0])
		r := verify.Program(&p)
		if c.rule == "" {
			if !r.Proven() || r.Operations == 0 {
				t.Errorf("%s: %v", c.name, r)
			}
			continue
		}
		if len(r.Findings) != 1 || len(r.Unproven) != 0 || r.Findings[0].Rule != c.rule || !strings.Contains(r.Findings[0].Msg, c.want) {
			t.Errorf("%s: %v\nexpected one finding of %s: ...%s...", c.name, r.All(), c.rule, c.want)
		}
	}
}
