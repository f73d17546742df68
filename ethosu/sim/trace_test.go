// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// exampleProgram is the ISA example with names for its tensors.
func exampleProgram(t *testing.T) *ethosu.Program {
	t.Helper()
	p := &ethosu.Program{Accel: accelerator(t, "ethos-u55-256"), Constants: exampleRegions()[0].Content, ArenaSize: 4096}
	stage := p.Whole(assemble(t, exampleText(t)), nil, nil)
	s, err := PrepareStage(p, &stage)
	if err != nil {
		t.Fatal(err)
	}
	names := map[int]string{1: "gates", 3: "table", 5: "sum"}
	s.Accesses(func(step, word int, a Access) {
		if len(stage.Ops) == step {
			stage.Ops = append(stage.Ops, ethosu.OpInfo{Word: word, Name: "OP", Step: step, OFM: names[step]})
		}
	})
	stage.Map = []ethosu.Placement{{Name: "gates", Region: 1, Offset: 64, Size: 24, First: 1, Last: 5}, {Name: "sum", Region: 1, Offset: 192, Size: 24, First: 5, Last: 5}}
	p.Stages = []ethosu.Stage{stage}
	return p
}

func TestTrace(t *testing.T) {
	p := exampleProgram(t)
	s, err := PrepareStage(p, &p.Stages[0])
	if err != nil {
		t.Fatal(err)
	}
	m := s.NewMemory()
	var b strings.Builder
	if err := s.Trace(m, &b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines, expected 6:\n%s", len(lines), b.String())
	}
	want := fmt.Sprintf("bytes 192..216 of region 1           24 B  %08x  sum", crc32.ChecksumIEEE(m[1][192:216]))
	if !strings.HasSuffix(lines[5], want) || !strings.Contains(lines[5], "NPU_OP_ELEMENTWISE ADD") {
		t.Errorf("%q does not end with %q", lines[5], want)
	}
	if !strings.Contains(lines[2], "SHRAM 0xB800..0xB900") || !strings.Contains(lines[1], "gates") {
		t.Errorf("%s", b.String())
	}
}

// TestCompare finds the operation that a wrong expectation belongs to.
func TestCompare(t *testing.T) {
	p := exampleProgram(t)
	s, err := PrepareStage(p, &p.Stages[0])
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]byte{}
	if err := s.RunWith(s.NewMemory(), Exec{After: func(e *Event) error {
		values[p.Stages[0].Ops[e.Index()].OFM] = e.Value()
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	expect := func(name string) []byte { return values[name] }
	d, n, err := s.Compare(&p.Stages[0], s.NewMemory(), expect)
	if d != nil || n != 3 || err != nil {
		t.Fatalf("%v, %d tensors, %v", d, n, err)
	}
	wrong := bytes.Clone(values["table"])
	wrong[7]++
	values["table"] = wrong
	d, _, err = s.Compare(&p.Stages[0], s.NewMemory(), expect)
	if err != nil || d == nil || d.Element != 7 || d.Count != 1 || d.Index != 3 || int8(d.Want) != int8(wrong[7]) {
		t.Fatalf("%v, %v", d, err)
	}
	if text := d.String(); !strings.Contains(text, `time step 3): tensor "table" differs in 1 elements, first element 7`) {
		t.Error(text)
	}
}

// TestFaultNamesTensor: the tensor of the program is part of the message.
func TestFaultNamesTensor(t *testing.T) {
	p := exampleProgram(t)
	s := &p.Stages[0]
	s.Windows[1].Size = 80
	if _, err := PrepareStage(p, s); err == nil || !strings.Contains(err.Error(), "region 1") {
		t.Errorf("%v", err)
	}
	s.Windows[1].Size = 2432 // the DMA fits
	s.Commands = assemble(t, strings.Replace(exampleText(t), "NPU_SET_OFM_BASE0 addr_hi=0 addr=192", "NPU_SET_OFM_BASE0 addr=2420", 1))
	s.Map = append(s.Map, ethosu.Placement{Name: "stray", Region: 1, Offset: 2400, Size: 100, First: 5, Last: 5})
	if _, err := PrepareStage(p, s); err == nil || !strings.Contains(err.Error(), `tensor "stray"`) {
		t.Errorf("%v", err)
	}
}

// TestConcurrentRuns shares one Sim between goroutines.
func TestConcurrentRuns(t *testing.T) {
	c := readCompiled(t, "gru16_t4.vela-u55-128.tflite")
	s, err := Prepare(c.accel, c.words, c.regions)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(61, uint64(g)))
			for range 20 {
				m := s.NewMemory()
				for i := range m[1] {
					m[1][i] = byte(rng.Uint32())
				}
				alone, err := Prepare(c.accel, c.words, c.regions)
				if err != nil {
					t.Error(err)
					return
				}
				n := Memory{1: bytes.Clone(m[1]), 2: bytes.Clone(m[2])}
				if s.Run(m) != nil || alone.Run(n) != nil || !bytes.Equal(m[1], n[1]) {
					t.Error("a shared simulator gives another result")
					return
				}
			}
		})
	}
	wg.Wait()
}
