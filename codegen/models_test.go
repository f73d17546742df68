// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/run"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// recorded is the part of an .io.json that the tests need.
type recorded struct {
	Count           int
	Inputs, Outputs []struct {
		Name          string
		Bytes, Offset int
	}
	State          []struct{ Output, Input int }
	SequenceLength int `json:"sequence_length"`
}

// compiled makes a project of a model of a folder of data, with the interpreter's
// recorded outputs as golden vectors, states in closed loop.
func compiled(t *testing.T, folder, name, prefix string, calls int) Project {
	t.Helper()
	var r recorded
	if err := json.Unmarshal(testdata.ReadShared(t, "data", folder, name+".io.json"), &r); err != nil {
		t.Fatal(err)
	}
	bin := testdata.ReadShared(t, "data", folder, name+".io.bin")
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", folder, name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]string{}
	for _, s := range r.State {
		pairs[r.Inputs[s.Input].Name] = r.Outputs[s.Output].Name
	}
	if err := tflite.PairStates(g, pairs); err != nil {
		t.Fatal(err)
	}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	prog, err := compile.Compile(g, compile.Options{Accel: accel, System: ethosu.DefaultSystemConfig(accel), Mode: ethosu.DefaultMemoryMode()})
	if err != nil {
		t.Fatal(err)
	}
	p := Project{Prefix: prefix, Program: prog, Version: "0.0", Source: name + ".tflite"}
	isState := map[int]bool{}
	for _, s := range r.State {
		isState[s.Input] = true
	}
	for n := range min(calls, r.Count) {
		c := Call{Reset: r.SequenceLength > 0 && n%r.SequenceLength == 0}
		for i, in := range r.Inputs {
			if isState[i] {
				c.Inputs = append(c.Inputs, nil)
				continue
			}
			c.Inputs = append(c.Inputs, bin[in.Offset+n*in.Bytes:][:in.Bytes])
		}
		for _, out := range r.Outputs {
			c.Outputs = append(c.Outputs, bin[out.Offset+n*out.Bytes:][:out.Bytes])
		}
		p.Golden = append(p.Golden, c)
	}
	return p
}

// TestModelsThroughEverything takes real networks the whole way: compiled, generated,
// built and run, judged by the interpreter's recorded outputs.
func TestModelsThroughEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short, so the generated C is not proven on real networks")
	}
	for _, m := range []struct {
		folder, name, prefix string
		calls                int
		on                   []string
	}{
		{"models", "gru32x40_stream", "stream", 84, []string{"host", "qemu"}},
		{"models", "gru256_mnist_state", "gru", 10, []string{"qemu"}},
		{"models", "lstm64_mnist_state", "lstm", 10, []string{"host"}},
		{"others", "kws_micronet_m", "kws", 5, []string{"host", "qemu"}},
		{"others", "person_detect", "person", 4, []string{"host", "qemu"}},
	} {
		t.Run(m.name, func(t *testing.T) {
			p := compiled(t, m.folder, m.name, m.prefix, m.calls)
			dir := onDisk(t, p)
			for _, on := range m.on {
				report, err := run.Run(t.Context(), run.Options{
					Dir: dir, On: on, Accel: p.Program.Accel, Connect: run.Simulated(p.Program.Accel), Sanitize: on == "host",
				})
				if errors.Is(err, run.ErrNoTool) {
					t.Logf("SKIPPED: %s is not proven on %s: %v", m.name, on, err)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if !report.Pass || report.Calls != m.calls {
					t.Errorf("on %s: %d calls, %s\n%s", on, report.Calls, report.Problem, report.Console)
				}
				t.Logf("%s: %+v", on, report.Sizes)
			}
		})
	}
}
