// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	goflag "flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/nudge"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

var update = goflag.Bool("update", false, "rewrite the recorded runs")

// outcome runs a stream that may be damaged, on memory of a seed: the fault, or a check
// sum of what it leaves, without joined loops too, and with the operations delayed.
func outcome(t *testing.T, m *mutant, words []uint32, seed uint64) string {
	t.Helper()
	fill := func(s *Sim) Memory {
		rng := rand.New(rand.NewPCG(seed, 1))
		mem := s.NewMemory()
		for i := range mem {
			if m.regions[i].Content == nil {
				for k := range mem[i] {
					mem[i][k] = byte(rng.Uint32())
				}
			}
		}
		return mem
	}
	said := func(err error) string {
		var f *Fault
		if !errors.As(err, &f) {
			t.Fatalf("%v is not a fault", err)
		}
		if f.Cause == BadCommand { // the words are those of the ISA's table, which grows
			return fmt.Sprintf("word %d: %v", f.Word, f.Cause)
		}
		return err.Error()
	}
	s, err := PrepareWith(m.accel, words, m.regions, Options{MaxWork: mutantWork})
	if err != nil {
		return said(err)
	}
	var out []string
	for _, x := range []Exec{{}, {Fetch: true, SHRAM: make([]byte, m.accel.SHRAMBanks*1024)}, {Timing: LateDMA}, {Timing: LateKernels}, {Timing: SwappedDMA}} {
		mem := fill(s)
		if err := s.RunWith(mem, x); err != nil {
			out = append(out, said(err))
			continue
		}
		sum := crc32.NewIEEE()
		for _, b := range mem {
			sum.Write(b)
		}
		text := fmt.Sprintf("%04x", sum.Sum32()&0xFFFF)
		if len(out) == 0 || out[0] != text {
			out = append(out, text)
		} else {
			out = append(out, "=")
		}
	}
	return strings.Join(out, " ")
}

// TestRecorded: what streams leave in memory that are one or two commands beside right
// ones, or the fault that they end in. What right streams compute, other tests compare
// with what others computed.
func TestRecorded(t *testing.T) {
	b := testdata.NewRecording(t, "runs.txt", *update)
	rng := rand.New(rand.NewPCG(17, 18))
	type base struct {
		name string
		m    mutant
		n    int
	}
	list := []base{{"example", mutant{accelerator(t, "ethos-u55-256"), assemble(t, exampleText(t)), exampleRegions()}, 900}}
	for _, name := range []string{"gru16_t4.vela51he-u65-256.tflite", "gru16_t4.vela-u55-128.tflite", "gru32x40_stream.vela-u55-128.tflite", "lstm64_mnist_state.vela51-u55-128.tflite"} {
		c := readCompiled(t, name)
		list = append(list, base{name, mutant{c.accel, c.words, c.regions}, 120})
	}
	for _, m := range list {
		var all []isa.Instruction
		if err := isa.WalkAll(m.m.words, func(in isa.Instruction) error { all = append(all, in); return nil }, func(*isa.Operation) error { return nil }); err != nil {
			t.Fatal(err)
		}
		all = all[:min(len(all)-1, 400)]
		fmt.Fprintf(b, "# %s\nnothing: %s\n", m.name, outcome(t, &m.m, m.m.words, 1))
		for i := range m.n {
			words := slices.Clone(m.m.words)
			what := nudge.Command(rng, all, words)
			if i%2 == 1 {
				what += " " + nudge.Command(rng, all, words)
			}
			fmt.Fprintf(b, "%s: %s\n", what, outcome(t, &m.m, words, uint64(i)))
			b.Part()
		}
	}
	b.End()
}
