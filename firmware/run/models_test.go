// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/firmware/run"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite golden files")

// readModel reads a model of data/models with its states paired.
func readModel(t *testing.T, name string) *graph.Graph {
	t.Helper()
	var recorded struct {
		Inputs, Outputs []struct{ Name string }
		State           []struct{ Output, Input int }
	}
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "models", name+".io.json"), &recorded); err != nil {
		t.Fatal(err)
	}
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", strings.TrimSuffix(name, "_published")+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]string{}
	for _, s := range recorded.State {
		pairs[recorded.Inputs[s.Input].Name] = recorded.Outputs[s.Output].Name
	}
	if err := tflite.PairStates(g, pairs); err != nil {
		t.Fatal(err)
	}
	return g
}

// project compiles a model and lets the reference interpreter say what so many calls
// with random inputs and carried states must give; every 40th starts from reset.
func project(t *testing.T, g *graph.Graph, accelerator, prefix string, calls int) codegen.Project {
	t.Helper()
	accel, err := ethosu.ParseAccelerator(accelerator)
	if err != nil {
		t.Fatal(err)
	}
	program, err := compile.Compile(g, compile.Options{Accel: accel, System: ethosu.DefaultSystemConfig(accel), Mode: ethosu.DefaultMemoryMode()})
	if err != nil {
		t.Fatal(err)
	}
	p := codegen.Project{Prefix: prefix, Program: program, Version: "0.0", Source: prefix + ".tflite"}
	it, err := reference.New(g)
	if err != nil {
		t.Fatal(err)
	}
	carried := map[graph.TensorID]bool{}
	for _, s := range g.States {
		carried[s.In] = true
	}
	r := rand.New(rand.NewPCG(1, 2))
	for n := range calls {
		c := codegen.Call{Reset: n%40 == 0}
		if c.Reset {
			it.Reset()
		} else {
			it.Carry()
		}
		for i, id := range g.Inputs {
			if carried[id] {
				c.Inputs = append(c.Inputs, nil)
				continue
			}
			in := make([]byte, len(it.Input(i)))
			for k := range in {
				in[k] = byte(r.Uint32())
			}
			if err := it.Feed(i, in); err != nil {
				t.Fatal(err)
			}
			c.Inputs = append(c.Inputs, in)
		}
		if err := it.Invoke(); err != nil {
			t.Fatal(err)
		}
		for i := range g.Outputs {
			c.Outputs = append(c.Outputs, append([]byte(nil), it.Output(i)...))
		}
		p.Golden = append(p.Golden, c)
	}
	return p
}

// sequenceProject compiles a model of one time step into calls of several, and lets
// the reference interpreter take the steps one by one.
func sequenceProject(t *testing.T, g *graph.Graph, accelerator, prefix string, seq compile.SequenceOptions, calls int) codegen.Project {
	t.Helper()
	accel, err := ethosu.ParseAccelerator(accelerator)
	if err != nil {
		t.Fatal(err)
	}
	program, err := compile.Sequence(g, seq, compile.Options{Accel: accel})
	if err != nil {
		t.Fatal(err)
	}
	step, err := runner.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	m, err := runner.NewCarried(step, seq.Steps, seq.PerStep)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := runner.Record(m, calls, runner.RandomFeed(g, 3))
	if err != nil {
		t.Fatal(err)
	}
	p := codegen.Project{Prefix: prefix, Program: program, Version: "0.0", Source: prefix + ".tflite"}
	for _, r := range rec {
		p.Golden = append(p.Golden, codegen.Call{Reset: r.Reset, Inputs: r.Inputs, Outputs: r.Outputs})
	}
	return p
}

// TestSequence runs projects whose calls are sequences of streams, more than a hundred
// calls with carried state: on the Cortex-M55 of QEMU, and under AddressSanitizer and
// UBSan on this machine. Every stream raises its interrupt.
func TestSequence(t *testing.T) {
	const calls = 110
	for _, c := range []struct {
		model, accel string
		seq          compile.SequenceOptions
		on           string
		long         bool
	}{
		{"gru32x40_stream", "ethos-u55-128", compile.SequenceOptions{Steps: 6}, "host", false},
		{"gru32x40_stream", "ethos-u55-128", compile.SequenceOptions{Steps: 28}, "qemu", true},
		{"gru32x40_stream", "ethos-u65-512", compile.SequenceOptions{Steps: 5, PerStep: true}, "qemu", true},
		{"rnnoise_int8_published", "ethos-u55-256", compile.SequenceOptions{Steps: 4, PerStep: true}, "host", true},
	} {
		t.Run(fmt.Sprintf("%s/%s/%s", c.model, c.accel, c.on), func(t *testing.T) {
			t.Parallel()
			if c.long && testing.Short() {
				t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
			}
			p := sequenceProject(t, readModel(t, c.model), c.accel, "seq", c.seq, calls)
			report := runProject(t, run.Options{Dir: write(t, generate(t, p)), On: c.on, Accel: p.Program.Accel, PlainCC: c.on == "host", Sanitize: c.on == "host"})
			wakeUps := p.Program.WakeUps()
			if !report.Pass || report.Calls != calls || report.Link.Interrupts != calls*wakeUps {
				t.Errorf("pass=%v calls=%d interrupts=%d, expected %d a call; problem=%q console:\n%s", report.Pass, report.Calls, report.Link.Interrupts, wakeUps, report.Problem, report.Console)
			}
			if c.on == "qemu" && (report.Code > 6<<10 || report.RAM > 256 || report.Stack > 512) {
				t.Errorf("%+v: the budget is 6 KiB, 256 and 512 bytes", report.Sizes)
			}
			t.Logf("%d starts of the NPU a call, %d cycles, %+v", wakeUps, report.Cycles, report.Sizes)
		})
	}
}

func write(t *testing.T, tree codegen.Tree) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fw")
	if err := tree.WriteTo(dir, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

func generate(t *testing.T, p codegen.Project) codegen.Tree {
	t.Helper()
	tree, err := codegen.Generate(p)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// runProject runs a project over the simulated NPU and skips where a tool is missing.
func runProject(t *testing.T, opt run.Options) *run.Report {
	t.Helper()
	opt.Connect = run.Simulated(opt.Accel)
	opt.Timeout = 5 * time.Minute
	report, err := run.Run(context.Background(), opt)
	if errors.Is(err, run.ErrNoTool) {
		t.Skipf("SKIPPED: %s is not proven here: %v", opt.On, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestModels runs generated projects of real networks on the Cortex-M55 of QEMU, the
// simulator behind the NPU's registers, for more than a hundred calls with carried
// state. Every byte must be the reference interpreter's. Sizes are in a golden table;
// "x28" is a call of 28 steps, a stream each. The rows of an Ethos-U85 are of board
// corstone320: its driver, ports and start-up.
func TestModels(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	const calls = 120
	golden := filepath.Join("testdata", "model-size.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	models := []struct {
		name, accel, prefix string
		always              bool
		steps               int // of a call that is a sequence of streams, or 0
	}{
		{"gru256_mnist_state", "ethos-u55-128", "gru", true, 0},
		{"gru256_mnist_state", "ethos-u65-512", "gru", false, 0},
		{"lstm64_mnist_state", "ethos-u55-256", "lstm", false, 0},
		{"gru32x40_stream", "ethos-u55-32", "stream", false, 0},
		{"gru32x40_stream", "ethos-u55-128", "stream", true, 28},
		{"rnnoise_int8_published", "ethos-u55-128", "rnnoise", true, 0},
		{"rnnoise_int8_published", "ethos-u55-128", "rnnoise", false, 4},
		{"gru256_mnist_state", "ethos-u85-256", "gru", false, 0},
		{"gru32x40_stream", "ethos-u85-128", "stream", true, 0},
		{"gru32x40_stream", "ethos-u85-512", "stream", false, 28},
		{"rnnoise_int8_published", "ethos-u85-2048", "rnnoise", false, 0},
	}
	all := *everything || os.Getenv("UNROLL_TEST_MODELS") == "all"
	rows := make([]string, len(models))
	t.Cleanup(func() {
		if *update && all && !t.Failed() {
			if err := os.WriteFile(golden, []byte(strings.Join(rows, "")), 0o666); err != nil {
				t.Error(err)
			}
		}
	})
	for i, m := range models {
		if !m.always && !all {
			continue
		}
		name := m.name
		if m.steps > 0 {
			name += fmt.Sprintf(" x%d", m.steps)
		}
		t.Run(name+"/"+m.accel, func(t *testing.T) {
			t.Parallel()
			var p codegen.Project
			if m.steps > 0 {
				p = sequenceProject(t, readModel(t, m.name), m.accel, m.prefix, compile.SequenceOptions{Steps: m.steps}, calls)
			} else {
				p = project(t, readModel(t, m.name), m.accel, m.prefix, calls)
			}
			report := runProject(t, run.Options{Dir: write(t, generate(t, p)), On: "qemu", Accel: p.Program.Accel})
			if !report.Pass || report.Calls != calls || report.Link.Interrupts != calls*p.Program.WakeUps() {
				t.Errorf("pass=%v calls=%d interrupts=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Link.Interrupts, report.Problem, report.Console)
			}
			if report.Code > 6<<10 || report.RAM > 256 || report.Stack > 512 {
				t.Errorf("%+v: the budget is 6 KiB, 256 and 512 bytes", report.Sizes)
			}
			row := fmt.Sprintf("%-25s %-14s code %4d  ram %3d  stack %3d\n", name, m.accel, report.Code, report.RAM, report.Stack)
			rows[i] = row
			if !*update && tableCompiler(t) && !strings.Contains(string(want), row) {
				t.Errorf("sizes changed to\n%s-everything -update accepts them; they were\n%s", row, want)
			}
		})
	}
}

// tableCompiler reports whether the compiler is the one the table of sizes is for.
func tableCompiler(t *testing.T) bool {
	out, err := exec.Command("arm-none-eabi-gcc", "-dumpversion").Output()
	if err == nil && strings.HasPrefix(string(out), "12.2") {
		return true
	}
	t.Logf("SKIPPED: the sizes are not compared, the table is for gcc 12.2, this is %q", out)
	return false
}

// TestModelOnHost runs the same C under AddressSanitizer and UBSan.
func TestModelOnHost(t *testing.T) {
	p := project(t, readModel(t, "gru32x40_stream"), "ethos-u55-128", "stream", 120)
	dir := write(t, generate(t, p))
	report := runProject(t, run.Options{Dir: dir, On: "host", PlainCC: true, Sanitize: true, Accel: p.Program.Accel})
	if !report.Pass || report.Calls != 120 {
		t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
}

// twoModels is a project with the library and golden vectors of a second model in it,
// and no main.
func twoModels(t *testing.T) (codegen.Tree, codegen.Project) {
	t.Helper()
	one := project(t, readModel(t, "gru32x40_stream"), "ethos-u55-128", "one", 40)
	two := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "two", 40)
	tree, other := generate(t, one), generate(t, two)
	for path, content := range other {
		switch filepath.ToSlash(filepath.Dir(path)) {
		case "src", "include":
			tree[path] = content
		}
	}
	tree["app/two_golden.h"], tree["app/golden_two.c"] = other["app/two_golden.h"], other["app/golden.c"]
	delete(tree, "manifest.json")
	cmake := string(tree["CMakeLists.txt"])
	cmake = strings.Replace(cmake, "src/one.c", "src/one.c src/two.c src/two_model.c", 1)
	tree["CMakeLists.txt"] = []byte(strings.Replace(cmake, "app/golden.c", "app/golden.c app/golden_two.c", 1))
	return tree, one
}

// TestTwoModels links two models into one image, with two instances of the first
// that share its arena, and lets them take turns on one NPU.
func TestTwoModels(t *testing.T) {
	tree, one := twoModels(t)
	main, err := os.ReadFile(filepath.Join("testdata", "two-models.c"))
	if err != nil {
		t.Fatal(err)
	}
	tree["app/main.c"] = main
	dir := filepath.Join(t.TempDir(), "fw")
	for _, path := range tree.Paths() {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, tree[path], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	on := []string{"qemu"}
	if *everything {
		on = append(on, "host")
	}
	for _, on := range on {
		t.Run(on, func(t *testing.T) {
			report := runProject(t, run.Options{Dir: dir, On: on, Accel: one.Program.Accel})
			if !report.Pass || report.Calls != 120 {
				t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
			}
		})
	}
}
