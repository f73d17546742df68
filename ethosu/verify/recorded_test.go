// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/nudge"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite the recorded findings")

// brief is a report as a few letters: the rules in order, and a hash of all that is said.
func brief(list []Finding) string {
	if len(list) == 0 {
		return "-"
	}
	h := fnv.New32a()
	rules := map[string]int{}
	for _, f := range list {
		rule := string(f.Rule)
		if f.Unproven {
			rule += "?"
		}
		rules[rule]++
		if f.Rule == RuleStream { // the words are those of the ISA's table, which grows
			f.Msg = ""
		}
		fmt.Fprintln(h, f)
	}
	var b strings.Builder
	for _, r := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&b, "%s%d,", r, rules[r])
	}
	return fmt.Sprintf("%s%04x", b.String(), h.Sum32()&0xFFFF)
}

// TestRecordedRules: what every broken stream of the rules says in full, and what it says
// with one command more or less than right.
func TestRecordedRules(t *testing.T) {
	b := testdata.NewRecording(t, "rules.txt", *update)
	for _, c := range brokens {
		h := fnv.New64a() // of the name, so that a case more changes no line of the others
		h.Write([]byte(c.name))
		rng := rand.New(rand.NewPCG(11, h.Sum64()))
		a := c.accelerator(t)
		lines, _ := c.text(t)
		words, err := isa.Assemble(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		r := exampleMemory(t, a)
		if c.regions != nil {
			c.regions(&r)
		}
		fmt.Fprintf(b, "# %s\n", c.name)
		for _, f := range Stream(a, words, r).All() {
			if f.Rule == RuleStream {
				f.Msg = "as the ISA says"
			}
			fmt.Fprintf(b, "%v\n", f)
		}
		b.Part()
		var list []isa.Instruction
		if err := isa.WalkAll(words, func(in isa.Instruction) error { list = append(list, in); return nil }, func(*isa.Operation) error { return nil }); err != nil {
			t.Fatal(err)
		}
		list = list[:len(list)-1]
		// Most changes are near the end, where the operation is that the case is about.
		near := list[max(0, len(list)-40):]
		for i := range 30 {
			changed := slices.Clone(words)
			from := list
			if i%3 > 0 {
				from = near
			}
			what := nudge.Command(rng, from, changed)
			if i%2 == 1 {
				what += " " + nudge.Command(rng, from, changed)
			}
			fmt.Fprintf(b, "%s: %s\n", what, brief(Stream(a, changed, r).All()))
			b.Part()
		}
	}
	b.End()
}

// TestRecordedStreams: the same of recorded models, with what lies beside their streams.
func TestRecordedStreams(t *testing.T) {
	b := testdata.NewRecording(t, "streams.txt", *update)
	rng := rand.New(rand.NewPCG(13, 14))
	programs := compiled(t)
	for _, name := range []string{"gru16_t4.vela-u55-128", "gru16_t4.vela51he-u65-256", "gru32x40_stream.vela51-u65-256", "lstm64_mnist_state.vela51-u55-128", "rnn64_mnist.vela-u55-256"} {
		p := programs[name+".tflite"]
		list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "# %s\n", name)
		for i := range 80 {
			q, words := damaged(p)
			from := list
			if i%2 == 0 {
				from = list[:min(len(list), 300)]
			}
			what := nudge.Command(rng, from, words)
			fmt.Fprintf(b, "%s: %s\n", what, brief(Program(q).All()))
			b.Part()
		}
	}
	b.End()
}
