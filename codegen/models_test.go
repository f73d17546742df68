package codegen

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
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

// compiled makes a project of a model of data/models, with the interpreter's
// recorded outputs as golden vectors, states in closed loop.
func compiled(t *testing.T, name, prefix string, calls int) Project {
	t.Helper()
	var r recorded
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "models", name+".io.json"), &r); err != nil {
		t.Fatal(err)
	}
	bin := testdata.ReadShared(t, "data", "models", name+".io.bin")
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
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
// and judged by the generated test against the interpreter's recorded outputs.
func TestModelsThroughEverything(t *testing.T) {
	for _, m := range []struct {
		name, prefix string
		calls        int
	}{{"gru32x40_stream", "stream", 84}, {"gru16_t4", "tiny", 10}, {"gru256_mnist_state", "gru", 10}, {"lstm64_mnist_state", "lstm", 10}} {
		t.Run(m.name, func(t *testing.T) {
			tool(t, "go")
			dir := onDisk(t, compiled(t, m.name, m.prefix, m.calls))
			asModule(t, dir)
			out := runIn(t, dir, "go", "test", "-mod=mod", "-count=1", "-v", ".")
			if !strings.Contains(out, "--- PASS: TestCommandStream") {
				t.Errorf("the command stream was not run:\n%s", out)
			}
			for _, line := range strings.Split(out, "\n") {
				if strings.Contains(line, "SKIPPED") || strings.Contains(line, "golden bytes") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}
