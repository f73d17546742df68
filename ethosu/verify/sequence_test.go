// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// streaming compiles five steps of a recorded model: input, load, step and
// head. Without the pass "project" the steps read their inputs themselves.
func streaming(t *testing.T, perStep bool, skip ...string) *ethosu.Program {
	t.Helper()
	const name = "gru32x40_stream"
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Sequence(g, compile.SequenceOptions{Steps: 5, PerStep: perStep}, compile.Options{Accel: a, Skip: skip})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// without leaves a stage out.
func without(p *ethosu.Program, name string) {
	p.Stages = slices.DeleteFunc(p.Stages, func(s ethosu.Stage) bool { return s.Name == name })
}

// payload changes the payload of the n-th command of a code.
func payload(t *testing.T, words []uint32, code isa.Code, n int, change func(uint32) uint32) {
	t.Helper()
	list, err := isa.Decode(words, isa.ProductOf(false))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range list {
		if in.Code == code {
			if n == 0 {
				words[in.Word+1] = change(words[in.Word+1])
				return
			}
			n--
		}
	}
	t.Fatalf("there is no such %v", code)
}

// TestSequenceFindings damages what one stage must leave to the next. Each of these
// stages is legal by itself.
func TestSequenceFindings(t *testing.T) {
	for _, p := range []*ethosu.Program{streaming(t, false), streaming(t, true)} {
		if f := verify.Program(p).All(); len(f) > 0 {
			t.Fatalf("undamaged: %v", f[0])
		}
	}
	for name, c := range map[string]struct {
		perStep bool
		skip    []string
		damage  func(p *ethosu.Program, s map[string]*ethosu.Stage)
		want    string
	}{
		"nothing loads the constants": {false, nil, func(p *ethosu.Program, _ map[string]*ethosu.Stage) {
			without(p, "load")
		}, "no stream before has copied all of them"},
		"nothing computes what the steps read": {false, nil, func(p *ethosu.Program, _ map[string]*ethosu.Stage) {
			without(p, "input")
		}, "which was never written"},
		"the load is too short": {false, nil, func(_ *ethosu.Program, s map[string]*ethosu.Stage) {
			payload(t, s["load"].Commands, isa.SetDMA0Len, 0, func(n uint32) uint32 { return n - 16 })
		}, "no stream before has copied all of them"},
		"the load goes elsewhere": {false, nil, func(p *ethosu.Program, s map[string]*ethosu.Stage) {
			s["load"].Windows[1].Offset += 16
			p.ArenaSize += 16
		}, "FULLY_CONNECTED): weights"},
		"the load runs twice, so that nothing is known of what it leaves": {false, nil, func(_ *ethosu.Program, s map[string]*ethosu.Stage) {
			s["load"].Times = 2
		}, "no stream before has copied all of them"},
		"the head is missing": {false, nil, func(p *ethosu.Program, _ map[string]*ethosu.Stage) {
			without(p, "head")
		}, "still holds constants"},
		"one step less": {true, nil, func(_ *ethosu.Program, s map[string]*ethosu.Stage) {
			s["step"].Times--
		}, "was never written"},
		"inputs closer than the rows": {false, []string{"project"}, func(_ *ethosu.Program, s map[string]*ethosu.Stage) {
			w := &s["step"].Windows[len(s["step"].Windows)-1]
			w.Advance -= 16
		}, "is never written for invocation"},
		"a kernel writes over the resident constants": {false, nil, func(_ *ethosu.Program, s map[string]*ethosu.Stage) {
			for i, w := range s["step"].Commands {
				if w&0x43FF == uint32(isa.SetOFMRegion) && i > 0 {
					s["step"].Commands[i] = uint32(isa.SetOFMRegion)
					break
				}
			}
		}, "which holds constants"},
		"windows over each other": {false, nil, func(_ *ethosu.Program, s map[string]*ethosu.Stage) {
			s["step"].Windows[0].Offset = 0
		}, "overlap in invocation 0"},
	} {
		p := streaming(t, c.perStep, c.skip...)
		stages := map[string]*ethosu.Stage{}
		for i := range p.Stages {
			stages[p.Stages[i].Name] = &p.Stages[i]
		}
		c.damage(p, stages)
		found := verify.Program(p).All()
		hit := false
		for _, f := range found {
			hit = hit || strings.Contains(f.String(), c.want)
		}
		if !hit {
			t.Errorf("%s: %d findings %v, expected one with %q", name, len(found), found[:min(len(found), 3)], c.want)
		}
	}
}
