package verify_test

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// streaming compiles five steps of a recorded model: load, step and head.
func streaming(t *testing.T, perStep bool) *ethosu.Program {
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
	p, err := compile.Sequence(g, compile.SequenceOptions{Steps: 5, PerStep: perStep}, compile.Options{Accel: a})
	if err != nil {
		t.Fatal(err)
	}
	return p
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
		if f := verify.Program(p); len(f) > 0 {
			t.Fatalf("undamaged: %v", f[0])
		}
	}
	for name, c := range map[string]struct {
		perStep bool
		damage  func(p *ethosu.Program, s []ethosu.Stage)
		want    string
	}{
		"nothing loads the constants": {false, func(p *ethosu.Program, s []ethosu.Stage) {
			p.Sequence.Stages = s[1:]
		}, "no stream before has copied all of them"},
		"the load is too short": {false, func(_ *ethosu.Program, s []ethosu.Stage) {
			payload(t, s[0].Commands, isa.SetDMA0Len, 0, func(n uint32) uint32 { return n - 16 })
		}, "no stream before has copied all of them"},
		"the load goes elsewhere": {false, func(p *ethosu.Program, s []ethosu.Stage) {
			s[0].Windows[1].Offset += 16
			p.ArenaSize += 16
		}, "no stream before has copied all of them"},
		"the load runs twice, so that nothing is known of what it leaves": {false, func(_ *ethosu.Program, s []ethosu.Stage) {
			s[0].Times = 2
		}, "no stream before has copied all of them"},
		"the head is missing": {false, func(p *ethosu.Program, s []ethosu.Stage) {
			p.Sequence.Stages = s[:2]
		}, "still holds constants"},
		"one step less": {true, func(_ *ethosu.Program, s []ethosu.Stage) {
			s[1].Times--
		}, "was never written"},
		"inputs closer than the rows": {false, func(_ *ethosu.Program, s []ethosu.Stage) {
			w := &s[1].Windows[len(s[1].Windows)-1]
			w.Advance -= 16
		}, "is never written for invocation"},
		"a kernel writes over the resident constants": {false, func(_ *ethosu.Program, s []ethosu.Stage) {
			for i, w := range s[1].Commands {
				if w&0x43FF == uint32(isa.SetOFMRegion) && i > 0 {
					s[1].Commands[i] = uint32(isa.SetOFMRegion)
					break
				}
			}
		}, "which holds constants"},
		"windows over each other": {false, func(_ *ethosu.Program, s []ethosu.Stage) {
			s[1].Windows[0].Offset = 0
		}, "overlap in invocation 0"},
	} {
		p := streaming(t, c.perStep)
		c.damage(p, p.Sequence.Stages)
		found := verify.Program(p)
		hit := false
		for _, f := range found {
			hit = hit || strings.Contains(f.String(), c.want)
		}
		if !hit {
			t.Errorf("%s: %d findings %v, expected one with %q", name, len(found), found[:min(len(found), 3)], c.want)
		}
	}
}
