// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Recorded is one call and its results.
type Recorded struct {
	Reset   bool     // states started from reset
	Inputs  [][]byte // nil for carried states
	Outputs [][]byte
}

// Record runs n calls, carrying the model's own states, and keeps what went in and
// came out.
func Record(m Model, n int, feed Feed) ([]Recorded, error) {
	s := NewSession(m, m.States())
	carried := map[int]bool{}
	for _, st := range m.States() {
		carried[st.In] = true
	}
	rec := make([]Recorded, n)
	for call := range rec {
		r := &rec[call]
		r.Reset = feed(call, s.In) || call == 0
		if r.Reset {
			resetStates(s)
		}
		for i, v := range s.In {
			if carried[i] {
				r.Inputs = append(r.Inputs, nil)
			} else {
				r.Inputs = append(r.Inputs, bytes.Clone(v))
			}
		}
		if err := s.Call(); err != nil {
			return nil, err
		}
		for _, v := range s.Out {
			r.Outputs = append(r.Outputs, bytes.Clone(v))
		}
	}
	return rec, nil
}

// chain is the number of calls after which invented sequences start from reset.
const chain = 8

// RandomFeed fills every input that is not a state with bytes from a seed, the same
// for a call whatever was called before. Every eighth call starts from reset.
func RandomFeed(g *graph.Graph, seed uint64) Feed {
	state := map[graph.TensorID]bool{}
	for _, s := range g.States {
		state[s.In] = true
	}
	return func(call int, in [][]byte) bool {
		r := rand.New(rand.NewPCG(seed, uint64(call)))
		for i, id := range g.Inputs {
			if state[id] {
				continue
			}
			if g.Tensors[id].Type == graph.Float32 { // from -4 to 4
				for j := range len(in[i]) / 4 {
					v := float32(int32(r.Uint32())>>8) / (1 << 21)
					binary.LittleEndian.PutUint32(in[i][4*j:], math.Float32bits(v))
				}
				continue
			}
			for j := range in[i] {
				in[i][j] = byte(r.Uint32())
			}
		}
		return call%chain == 0
	}
}

// maxRecording bounds the bytes of recorded calls, which become C tables, with recordBytes
// for each call beside its values.
const (
	maxRecording = 64 << 20
	recordBytes  = 256
)

// CheckRecording refuses a recording whose values would take absurd room.
func CheckRecording(m Model, n int) error {
	bytes := 0
	for _, side := range [][]Tensor{m.Inputs(), m.Outputs()} {
		for i := range side {
			bytes += side[i].Bytes()
		}
	}
	if most := maxRecording / (bytes + recordBytes); n > most {
		return fmt.Errorf("a call has %d bytes of inputs and outputs, so that at most %d can be recorded", bytes, most)
	}
	return nil
}
