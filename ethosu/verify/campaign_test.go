// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"bytes"
	"flag"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

var (
	mutantCount = flag.Int("mutants", 300, "streams to damage in TestCampaign; with 1000 and more of them also those of networks that lie beside the project")
	mutantSeed  = flag.Uint64("seed", 1, "seed of TestCampaign")
)

// subject is a program to damage.
type subject struct {
	name     string
	p        *ethosu.Program
	commands []isa.Command
	outputs  []byte
}

func ours(t testing.TB, name, accel string) *ethosu.Program {
	t.Helper()
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := ethosu.ParseAccelerator(accel)
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(g, compile.Options{Accel: a, System: ethosu.DefaultSystemConfig(a), Mode: ethosu.DefaultMemoryMode()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newSubject decodes a program that must be right itself.
func newSubject(t testing.TB, w *witness, name string, p *ethosu.Program) subject {
	t.Helper()
	list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
	if err != nil {
		t.Fatal(err)
	}
	s := subject{name: name, p: p}
	for _, in := range list {
		s.commands = append(s.commands, in.Command)
	}
	var bad string
	if bad, s.outputs = w.judge(p); bad != "" {
		t.Fatalf("%s itself: %s", name, bad)
	}
	if r := verify.Program(p); !r.Proven() {
		t.Errorf("%s itself: %v", name, r.All()[0])
	}
	return s
}

func subjects(t testing.TB, w *witness) []subject {
	var out []subject
	add := func(name string, p *ethosu.Program) { out = append(out, newSubject(t, w, name, p)) }
	full := *mutantCount >= 1000
	names, patterns := []string{"gru16_t4"}, []string{"models/gru16_t4.vela*", "models/gru32x40_stream.vela51*"}
	if full {
		names = append(names, "gru32x40_stream", "rnn64_mnist", "hello_world_int8")
		patterns = append(patterns, "models/gru32x40_stream.vela-*", "models/rnn64_mnist.vela*", "models/hello*.vela*", "fvp/*.vela*", "others/*.vela*")
	}
	for _, name := range names {
		for i, a := range ethosu.Of(ethosu.U55, ethosu.U65) {
			if full || i%2 == 0 {
				add(name+" for "+a.Name, ours(t, name, a.Name))
			}
		}
	}
	for _, pattern := range patterns {
		for _, f := range testdata.Glob(t, "data", pattern) {
			p, err := vela.Read(path.Base(f), testdata.ReadShared(t, f))
			if err != nil {
				t.Fatal(err)
			}
			add(path.Base(f), p)
		}
	}
	return out
}

// tells reports whether a stream is not what the program says beside it.
func (s *subject) tells(commands []isa.Command) bool {
	q, stage := *s.p, s.p.Stages[0]
	stage.Commands = isa.Encode(commands)
	q.Stages = []ethosu.Stage{stage}
	return len(stage.Ops) > 0 && len(verify.Program(&q).Findings) > 0
}

// count is what became of the damaged streams of one kind.
type count struct{ damaged, found, unproven, same, told, other, missed int }

// TestCampaign damages streams and asks the simulator what became of them: a stream
// that cannot run, that races, or whose result depends on memory that nobody wrote,
// must not pass the verifier. A stream with another result that runs all the same is
// right for another network: scales, zero points and addresses of tensors are what a
// network means, and are in no stream.
func TestCampaign(t *testing.T) {
	r := rand.New(rand.NewPCG(*mutantSeed, 0x6d757461))
	w := newWitness(r, 1<<27, 2)
	campaign(t, r, w, subjects(t, w))
}

// TestCampaignU85 is TestCampaign with streams of Vela for the U85.
func TestCampaignU85(t *testing.T) {
	r := rand.New(rand.NewPCG(*mutantSeed, 0x753835))
	w := newWitness(r, 1<<27, 2)
	var list []subject
	for _, pattern := range []string{"gru16_t4.*", "gru32x40_stream.*", "rnn64_mnist.*256*", "ops/TANH_int16*", "ops/MUL_int8*", "ops/CONV*", "ops/SOFTMAX_int16_int16*", "ops/lstm3*"} {
		for _, f := range testdata.Glob(t, "data", "u85", path.Dir(pattern), path.Base(pattern)) {
			if !strings.Contains(f, ".vela") {
				continue
			}
			p, err := vela.Read(path.Base(f), testdata.ReadShared(t, f))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, newSubject(t, w, path.Base(f), p))
		}
	}
	campaign(t, r, w, list)
}

// campaign damages streams.
func campaign(t *testing.T, r *rand.Rand, w *witness, list []subject) {
	kinds := map[string]*count{}
	for n := 0; n < *mutantCount; {
		s, m := &list[r.IntN(len(list))], &mutations[r.IntN(len(mutations))]
		commands, what := m.apply(r, s.commands)
		if commands == nil {
			continue
		}
		n++
		if kinds[m.name] == nil {
			kinds[m.name] = &count{}
		}
		c := kinds[m.name]
		c.damaged++
		q, stage := *s.p, s.p.Stages[0]
		stage.Commands, stage.Map, stage.Ops = isa.Encode(commands), nil, nil
		q.Stages = []ethosu.Stage{stage}
		switch r := verify.Program(&q); {
		case len(r.Findings) > 0:
			c.found++
			continue
		case len(r.Unproven) > 0:
			c.unproven++
			continue
		}
		bad, outputs := w.judge(&q)
		switch {
		case bad != "":
			c.missed++
			t.Errorf("%s: %s: %s passes, but %s", s.name, m.name, what, bad)
		case bytes.Equal(outputs, s.outputs):
			c.same++
		case s.tells(commands):
			c.told++
		default:
			c.other++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		c := kinds[name]
		t.Logf("%-16s %5d damaged: %5d found, %4d unproven, %4d without effect, %4d told by what the program says, %4d another network's, %d missed", name, c.damaged, c.found, c.unproven, c.same, c.told, c.other, c.missed)
	}
}
