// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// mutant is a stream to be damaged.
type mutant struct {
	accel   *ethosu.Accelerator
	words   []uint32
	regions Regions
}

// mutants are streams with every kind of operation: fully connected, tables, DMA,
// softmax with 32-bit maps, int16 built-in functions.
func mutants(t testing.TB) []mutant {
	out := []mutant{{accelerator(t, "ethos-u55-256"), assemble(t, exampleText(t)), exampleRegions()}}
	for _, name := range []string{"gru16_t4.vela51he-u65-256.tflite", "gru32x40_stream.vela-u55-128.tflite", "hello_world_int8.vela-u55-128.tflite"} {
		c := readCompiled(t, name)
		out = append(out, mutant{c.accel, c.words, c.regions})
	}
	return out
}

// guarded surrounds every writable region with poison.
func guarded(r *Regions) (m Memory, intact func() bool) {
	const guard = 64
	var whole [][]byte
	for i := range r {
		if r[i].Content == nil && r[i].Size > 0 {
			b := bytes.Repeat([]byte{0xDB}, guard+int(r[i].Size)+guard)
			whole = append(whole, b)
			m[i] = b[guard : guard+r[i].Size : guard+r[i].Size]
		}
	}
	return m, func() bool {
		for _, b := range whole {
			for i := range guard {
				if b[i] != 0xDB || b[len(b)-1-i] != 0xDB {
					return false
				}
			}
		}
		return true
	}
}

// mutantWork bounds one run: a few milliseconds.
const mutantWork = 1 << 20

// runMutant prepares and runs a stream that may be damaged in any way.
func runMutant(t testing.TB, m *mutant, words []uint32) (ran bool) {
	s, err := PrepareWith(m.accel, words, m.regions, Options{MaxWork: mutantWork})
	if err != nil {
		if _, ok := err.(*Fault); !ok {
			t.Fatalf("%v is not a fault", err)
		}
		return false
	}
	mem, intact := guarded(&m.regions)
	err = s.Run(mem)
	if !intact() {
		t.Fatal("memory outside the regions was written")
	}
	if _, ok := err.(*Fault); err != nil && !ok {
		t.Fatalf("%v is not a fault", err)
	}
	return err == nil
}

// TestMutation flips one bit of a valid stream, ten thousand times: each either runs
// or reports, within bounded work and its own memory.
func TestMutation(t *testing.T) {
	list := mutants(t)
	rng := rand.New(rand.NewPCG(41, 42))
	ran := 0
	for range 10000 {
		m := &list[min(rng.IntN(12), len(list)-1)] // the smallest most often
		words := append([]uint32(nil), m.words...)
		words[rng.IntN(len(words))] ^= 1 << rng.IntN(32)
		if runMutant(t, m, words) {
			ran++
		}
	}
	t.Logf("%d of 10000 damaged streams ran, the others were reported", ran)
	if ran == 0 || ran == 10000 {
		t.Error("expected some streams to run and some to be reported")
	}
}

// TestMutatedConstants flips bits of weights, records and tables.
func TestMutatedConstants(t *testing.T) {
	list := mutants(t)
	rng := rand.New(rand.NewPCG(43, 44))
	for range 1000 {
		m := list[rng.IntN(len(list))]
		c := bytes.Clone(m.regions[0].Content)
		c[rng.IntN(len(c))] ^= 1 << rng.IntN(8)
		m.regions[0].Content = c
		runMutant(t, &m, m.words)
	}
}

// FuzzStream gives any words to the simulator.
func FuzzStream(f *testing.F) {
	m := mutant{accelerator(f, "ethos-u55-256"), assemble(f, exampleText(f)), exampleRegions()}
	var seed []byte
	for _, w := range m.words {
		seed = binary.LittleEndian.AppendUint32(seed, w)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		words := make([]uint32, len(b)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		runMutant(t, &m, words)
	})
}
