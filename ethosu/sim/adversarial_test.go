// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestNoRaces: compilers that were checked against hardware leave no race, and the
// order of execution must not matter.
func TestNoRaces(t *testing.T) {
	for _, name := range compiledNames(t) {
		c := readCompiled(t, name)
		s, err := Prepare(c.accel, c.words, c.regions)
		if err != nil {
			t.Fatal(err)
		}
		races := s.Races()
		for _, r := range races[:min(len(races), 3)] {
			t.Errorf("%s: %v", name, r)
		}
		if strings.HasPrefix(name, "gru16") || strings.HasPrefix(name, "rnn64") {
			sameInEveryOrder(t, name, s, true)
		}
	}
}

// sameInEveryOrder runs the stream with each timing and compares the arenas.
func sameInEveryOrder(t *testing.T, name string, s *Sim, want bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(51, 52))
	first := s.NewMemory()
	for i := range first[1] {
		first[1][i] = byte(rng.Uint32())
	}
	second := Memory{1: bytes.Clone(first[1]), 2: bytes.Clone(first[2])}
	third := Memory{1: bytes.Clone(first[1]), 2: bytes.Clone(first[2])}
	if err := s.Run(first); err != nil {
		t.Fatal(err)
	}
	same := true
	for timing, m := range map[Timing]Memory{LateDMA: second, LateKernels: third} {
		// A fault, such as weights that are not there yet, is a difference too.
		same = s.RunWith(m, Exec{Timing: timing}) == nil && bytes.Equal(first[1], m[1]) && same
	}
	if same != want {
		t.Errorf("%s: the same result in every order: %v, expected %v", name, same, want)
	}
}

// TestRaces removes one wait or raises one BLOCKDEP at a time.
func TestRaces(t *testing.T) {
	good := exampleText(t)
	prepare := func(text string) *Sim {
		s, err := Prepare(accelerator(t, "ethos-u55-256"), assemble(t, text), exampleRegions())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if races := prepare(good).Races(); races != nil {
		t.Fatalf("the example has races: %v", races)
	}
	sameInEveryOrder(t, "the example", prepare(good), true)
	dmaWait := "NPU_OP_DMA_WAIT k=0\n"
	nth := func(n int, old, new string) string { // replaces the n-th occurrence
		parts := strings.SplitN(good, old, n+2)
		return strings.Join(parts[:n+1], old) + new + parts[n+1]
	}
	for _, c := range []struct {
		name, text string
		op         int
		want       string
	}{
		{"weights", nth(0, dmaWait, ""), 1, "operation 0 NPU_OP_DMA_START"},
		{"table", nth(1, dmaWait, ""), 3, "reads SHRAM 0xB800..0xB900"},
		{"second table", nth(2, dmaWait, ""), 5, "reads SHRAM 0xB900..0xBA00"},
		{"blockdep", strings.Replace(good, "NPU_SET_IFM2_SCALAR scalar=0\n", "NPU_SET_IFM2_SCALAR scalar=0\nNPU_SET_BLOCKDEP blockdep=1\n", 1), 3, "BLOCKDEP 1: job 0 reads what block 0 from the end of operation 1"},
	} {
		s := prepare(c.text)
		races := s.Races()
		if i := slices.IndexFunc(races, func(f *Fault) bool { return f.Op == c.op && strings.Contains(f.Detail, c.want) }); i < 0 {
			t.Errorf("%s: races %v, expected one at operation %d: ...%s...", c.name, races, c.op, c.want)
		}
		if c.name != "blockdep" {
			sameInEveryOrder(t, c.name, s, false)
		}
	}
	// A table that is replaced while an earlier operation may still read it.
	text := strings.Replace(good, "NPU_SET_DMA0_DST addr_hi=0 addr=47360", "NPU_SET_DMA0_DST addr=47104", 1)
	text = strings.Replace(text, "NPU_SET_ACTIVATION function=17", "NPU_SET_ACTIVATION function=16", 1)
	if races := prepare(text).Races(); races != nil {
		t.Errorf("with KERNEL_WAIT: %v", races)
	}
	s := prepare(strings.Replace(text, "NPU_OP_KERNEL_WAIT n=0\n", "", 1))
	if races := s.Races(); len(races) != 1 || races[0].Op != 4 || !strings.Contains(races[0].Detail, "NPU_OP_KERNEL_WAIT is missing") {
		t.Errorf("without KERNEL_WAIT: %v", races)
	}
	sameInEveryOrder(t, "overwritten table", s, false)
}
