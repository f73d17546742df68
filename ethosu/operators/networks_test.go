// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestNetworks runs networks of other people, with the state that they keep in
// variables, and compares every recorded byte: in the interpreter and on the NPU.
func TestNetworks(t *testing.T) {
	for _, name := range []string{"micro_wake_word_hey_mycroft", "kws_micronet_m", "person_detect"} {
		t.Run(name, func(t *testing.T) {
			file := testdata.ReadShared(t, "data/others/"+name+".tflite")
			g, err := tflite.Read(name, file)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := runner.NewReference(g)
			if err != nil {
				t.Fatal(err)
			}
			recorded(t, name, "interpreter", ref, 1<<30)
			for i, chip := range accelerators {
				accel, err := ethosu.ParseAccelerator(chip)
				if err != nil {
					t.Fatal(err)
				}
				p, err := compile.Compile(g, compile.Options{Accel: accel})
				if err != nil {
					t.Fatal(err)
				}
				npu, err := runner.NewSimulator(p)
				if err != nil {
					t.Fatal(err)
				}
				calls := 1 << 30
				if i > 0 {
					calls = 3
				}
				recorded(t, name, chip, npu, calls)
				if testing.Short() {
					break
				}
			}
		})
	}
}

// recorded runs the recorded calls of a network, at most so many, and compares its outputs.
func recorded(t *testing.T, name, where string, m runner.Model, most int) {
	t.Helper()
	type port struct{ Bytes, Offset int }
	var io struct {
		Count           int
		Inputs, Outputs []port
		SequenceLength  int `json:"sequence_length"`
	}
	if err := json.Unmarshal(testdata.ReadShared(t, "data/others/"+name+".io.json"), &io); err != nil {
		t.Fatal(err)
	}
	bin := testdata.ReadShared(t, "data/others/"+name+".io.bin")
	s := runner.NewSession(m, m.States())
	calls := min(io.Count, most)
	if testing.Short() {
		calls = min(calls, 3)
	}
	for k := range calls {
		if io.SequenceLength > 0 && k%io.SequenceLength == 0 {
			s.Reset()
		}
		for i, p := range io.Inputs {
			copy(s.In[i], bin[p.Offset+k*p.Bytes:][:p.Bytes])
		}
		if err := s.Call(); err != nil {
			t.Fatal(err)
		}
		for i, p := range io.Outputs {
			if want := bin[p.Offset+k*p.Bytes:][:p.Bytes]; !bytes.Equal(s.Out[i], want) {
				t.Fatalf("%s: call %d: output %d is %v, expected %v", where, k, i, s.Out[i], want)
			}
		}
	}
}
