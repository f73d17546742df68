// SPDX-License-Identifier: Apache-2.0

// Package proof is what the Go test of every generated project stands on: is what lies
// in the folder what was generated, do the command streams in the C source give the
// golden vectors on the simulated NPU, and does the C, built and run with that NPU behind
// its registers?
//
// It is the one package that generated tests import, and what they use of it stays: a test
// that some version of unroll has written compiles and passes with every later one of the
// same major version. Fields may be added; none is removed or gets another meaning.
package proof

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/golden"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/firmware/run"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Project describes a generated project, in the folder that a test runs in, as its C
// source does.
type Project struct {
	Prefix      string // of every symbol and file
	Accelerator string // what the streams were compiled for, "ethos-u55-128"

	// Model is the compiled .tflite below the folder that describes the program instead
	// of the fields below, but for Stages: where operators are computed by the CPU.
	Model string

	// ArenaBytes and FastBytes are what the NPU uses of regions 1 and 2; Constants says that
	// region 0 has the array PREFIX_constants.
	ArenaBytes, FastBytes int
	Constants             bool

	// Inputs and Outputs are in the order of the program, the states among them; States are
	// pairs of one and the other. Variables stay in the arena by themselves.
	Inputs, Outputs, Variables []Tensor
	States                     []Pair

	// Stages are run in order; Steps is the number of time steps in a call, 0 where one
	// stream has all of them.
	Stages []Stage
	Steps  int
}

// Tensor is a value in the arena.
type Tensor struct {
	Name   string
	Type   string // "int8", "int16", ...
	Shape  []int
	Offset int // bytes from the start of the arena
	Zero   int // the integer that is real 0: what a state is reset to

	// Rows above 0 says that the value lies in so many rows, each Stride bytes behind the
	// one before.
	Rows, Stride int
}

// Pair is a state: the index of the input that reads it, and of the output that leaves it.
type Pair struct{ In, Out int }

// Stage is a command stream: where the C has it, how often a call runs it, and what the
// NPU's regions are meanwhile.
type Stage struct {
	Name    string
	Array   string // of 32-bit words in src/PREFIX_model.c; empty where the CPU computes
	Skip    int    // words of Array in front of the stream, which a driver reads
	Times   int
	Windows []Window
}

// Window makes a part of memory In a region of the NPU: Size bytes at Offset, moved on by
// Advance bytes with every run.
type Window struct{ Region, In, Offset, Size, Advance int }

// Unchanged compares every generated file with the manifest. Files that were added are
// nobody's business.
func (p *Project) Unchanged(t *testing.T) {
	t.Helper()
	differences, err := codegen.Check(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		if d.Kind != codegen.Extra {
			t.Error(d)
		}
	}
}

// Streams runs the words of the C source on the simulated NPU for every golden call, with
// the states carried from call to call, and compares bytes.
func (p *Project) Streams(t *testing.T) {
	t.Helper()
	program, err := p.program()
	if err != nil {
		t.Fatal(err)
	}
	npu, err := runner.NewSimulator(program)
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := golden.Read(filepath.FromSlash(golden.Path))
	if err != nil {
		t.Fatal(err)
	}
	session := runner.NewSession(npu, npu.States())
	for n, call := range vectors.Calls {
		if err := check(session, program, &call); err != nil {
			t.Fatalf("call %d: %v", n, err)
		}
	}
	t.Logf("%d calls give the golden bytes on the simulated NPU", len(vectors.Calls))
}

// check runs a golden call. The vectors have the states apart from inputs and outputs.
func check(session *runner.Session, p *ethosu.Program, call *golden.Call) error {
	if call.Reset {
		session.Reset()
	}
	carriedIn, carriedOut := map[int]bool{}, map[int]bool{}
	for _, s := range p.States {
		carriedIn[s.In], carriedOut[s.Out] = true, true
	}
	if in, out := len(p.Inputs)-len(carriedIn), len(p.Outputs)-len(carriedOut); len(call.Inputs) != in || len(call.Outputs) != out || len(call.States) != len(p.States) {
		return fmt.Errorf("%s has %d inputs, %d outputs and %d states, expected %d, %d and %d",
			golden.Path, len(call.Inputs), len(call.Outputs), len(call.States), in, out, len(p.States))
	}
	next := 0
	for i := range p.Inputs {
		if !carriedIn[i] {
			if len(call.Inputs[next]) != len(session.In[i]) {
				return fmt.Errorf("input %s has %d bytes, expected %d", p.Inputs[i].Name, len(call.Inputs[next]), len(session.In[i]))
			}
			copy(session.In[i], call.Inputs[next])
			next++
		}
	}
	if err := session.Call(); err != nil {
		return err
	}
	next = 0
	for o := range p.Outputs {
		if !carriedOut[o] {
			if err := compare(p.Outputs[o].Name, session.Out[o], call.Outputs[next]); err != nil {
				return err
			}
			next++
		}
	}
	for i, s := range p.States {
		if err := compare(p.Inputs[s.In].Name, session.Out[s.Out], call.States[i]); err != nil {
			return err
		}
	}
	return nil
}

// compare names the first byte of a tensor that differs.
func compare(name string, got, want []byte) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s has %d bytes, expected %d", name, len(got), len(want))
	}
	if bytes.Equal(got, want) {
		return nil
	}
	i := 0
	for got[i] == want[i] {
		i++
	}
	return fmt.Errorf("%s, byte %d is 0x%02x, expected 0x%02x", name, i, got[i], want[i])
}

// Builds builds the C for a board of the project and runs the golden vectors through driver
// and API, with the simulated NPU behind the registers: "host", or "qemu" for a Cortex-M55.
// Without the tools that it takes the test is skipped.
func (p *Project) Builds(t *testing.T, on string) {
	t.Helper()
	t.Parallel()
	accel, err := ethosu.ParseAccelerator(p.Accelerator)
	if err != nil {
		t.Fatal(err)
	}
	report, err := run.Run(t.Context(), run.Options{Dir: ".", On: on, Accel: accel, Connect: run.Simulated(accel), BuildDir: t.TempDir()})
	if errors.Is(err, run.ErrNoTool) {
		t.Skipf("SKIPPED: the C is not proven on %s: %v", on, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !report.Pass {
		t.Fatalf("%s; the console says\n%s", report.Problem, report.Console)
	}
	t.Logf("%d calls give the golden bytes on %s", report.Calls, on)
}

// program puts the program together from the description and the arrays of the C source.
func (p *Project) program() (*ethosu.Program, error) {
	made, err := p.described()
	if err != nil {
		return nil, err
	}
	source := filepath.Join("src", p.Prefix+"_model.c")
	if p.Constants {
		if made.Constants, err = golden.Bytes(source, p.Prefix+"_constants"); err != nil {
			return nil, err
		}
	}
	if len(p.Stages) != len(made.Stages) {
		return nil, fmt.Errorf("%s has %d stages, expected %d", p.Model, len(made.Stages), len(p.Stages))
	}
	for i, s := range p.Stages {
		if s.Array == "" {
			continue
		}
		words, err := golden.Words(source, s.Array)
		if err != nil {
			return nil, err
		}
		if s.Skip > len(words) {
			return nil, fmt.Errorf("%s: array %s has %d words, expected more than %d", source, s.Array, len(words), s.Skip)
		}
		made.Stages[i].Commands = words[s.Skip:]
	}
	return made, nil
}

// described is the program without its streams and constants.
func (p *Project) described() (*ethosu.Program, error) {
	if p.Model != "" {
		file, err := os.ReadFile(filepath.FromSlash(p.Model))
		if err != nil {
			return nil, err
		}
		return vela.Read(p.Model, file)
	}
	accel, err := ethosu.ParseAccelerator(p.Accelerator)
	if err != nil {
		return nil, err
	}
	made := &ethosu.Program{Name: p.Prefix, Accel: accel, ArenaSize: p.ArenaBytes, FastSize: p.FastBytes, Steps: p.Steps}
	for _, list := range []struct {
		from []Tensor
		to   *[]ethosu.Binding
	}{{p.Inputs, &made.Inputs}, {p.Outputs, &made.Outputs}, {p.Variables, &made.Variables}} {
		for i := range list.from {
			b, err := list.from[i].binding()
			if err != nil {
				return nil, err
			}
			*list.to = append(*list.to, b)
		}
	}
	for _, s := range p.States {
		if s.In < 0 || s.In >= len(p.Inputs) || s.Out < 0 || s.Out >= len(p.Outputs) {
			return nil, fmt.Errorf("state %v: there are %d inputs and %d outputs", s, len(p.Inputs), len(p.Outputs))
		}
		made.States = append(made.States, ethosu.StatePair(s))
	}
	for _, s := range p.Stages {
		stage := ethosu.Stage{Name: s.Name, Times: s.Times}
		for _, w := range s.Windows {
			stage.Windows = append(stage.Windows, ethosu.Window{Region: w.Region, In: w.In, Offset: w.Offset, Size: w.Size, Advance: w.Advance})
		}
		made.Stages = append(made.Stages, stage)
	}
	return made, nil
}

// binding places a tensor in the arena. Of the quantization only the zero point matters.
func (t *Tensor) binding() (ethosu.Binding, error) {
	for _, dt := range []graph.DType{graph.Int8, graph.Uint8, graph.Int16, graph.Int32, graph.Int64, graph.Bool, graph.Float32} {
		if dt.String() == t.Type {
			return ethosu.Binding{
				Name: t.Name, Type: dt, Shape: t.Shape, Quant: graph.PerTensor(1, int32(t.Zero)), Region: ethosu.RegionArena,
				Offset: t.Offset, Size: graph.Elems(t.Shape) * dt.Size(), Rows: t.Rows, Stride: t.Stride,
			}, nil
		}
	}
	return ethosu.Binding{}, fmt.Errorf("%s is of type %q, which is unknown", t.Name, t.Type)
}
