// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/firmware/run"
	"github.com/unroll-npu/unroll/lower/graph"
)

// mixedProject is a network with a state that changes from one processor to the other:
// what the CPU does is before the first stream, between streams and behind the last.
func mixedProject(t *testing.T, prefix, accelerator, mode string) Project {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	g := &graph.Graph{Name: prefix}
	const n = 24
	row, q := []int{1, n}, graph.PerTensor(1.0/128, 0)
	add := func(dt graph.DType, shape []int, q *graph.Quant) graph.TensorID {
		return g.Add(&graph.Tensor{Name: fmt.Sprintf("t%d", len(g.Tensors)), Type: dt, Shape: shape, Quant: q})
	}
	weights := func() graph.TensorID {
		id := add(graph.Int8, []int{n, n}, graph.PerTensor(1.0/512, 0))
		g.Tensors[id].Data = make([]byte, n*n)
		for i := range g.Tensors[id].Data {
			g.Tensors[id].Data[i] = byte(r.Uint32())
		}
		return id
	}
	op := func(kind graph.Kind, attr any, dt graph.DType, q *graph.Quant, in ...graph.TensorID) graph.TensorID {
		out := add(dt, row, q)
		g.Ops = append(g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
		return out
	}
	dense := func(x graph.TensorID) graph.TensorID {
		return op(graph.FullyConnected, graph.FullyConnectedAttr{}, graph.Int8, q, x, weights(), graph.None)
	}
	x, h := add(graph.Int8, row, q), add(graph.Int8, row, q)
	unit := op(graph.L2Normalization, graph.L2NormAttr{}, graph.Int8, q, x) // first on the CPU
	sum := op(graph.Add, graph.AddAttr{}, graph.Int8, q, dense(unit), dense(h))
	next := op(graph.Tanh, nil, graph.Int8, q, sum)
	less := op(graph.Less, nil, graph.Bool, nil, next, h)
	pick := op(graph.SelectV2, nil, graph.Int8, q, less, next, unit)
	ratio := op(graph.Div, graph.DivAttr{}, graph.Int8, q, pick, next)
	far := dense(ratio)
	real := op(graph.Dequantize, nil, graph.Float32, nil, far)
	real = op(graph.Sqrt, nil, graph.Float32, nil, op(graph.Square, nil, graph.Float32, nil, real))
	for _, k := range []graph.Kind{graph.Exp, graph.Tanh, graph.Logistic, graph.Cos} {
		real = op(k, nil, graph.Float32, nil, real)
	}
	length := add(graph.Int32, []int{2}, nil)
	g.Tensors[length].SetInts([]int{1, 32})
	shaped := func(kind graph.Kind, attr any, dt graph.DType, q *graph.Quant, shape []int, in ...graph.TensorID) graph.TensorID {
		row = shape
		return op(kind, attr, dt, q, in...)
	}
	real = shaped(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, 1, n}}, graph.Float32, nil, []int{1, 1, n}, real)
	real = shaped(graph.RFFT2D, nil, graph.Complex64, nil, []int{1, 1, 17}, real, length)
	for _, k := range []graph.Kind{graph.ComplexAbs, graph.Log} {
		real = op(k, nil, graph.Float32, nil, real)
	}
	real = op(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, graph.Float32, nil, real)
	y := op(graph.Quantize, nil, graph.Int16, graph.PerTensor(1.0/32768, 0), real)
	g.Inputs, g.Outputs = []graph.TensorID{x, h}, []graph.TensorID{y, next}
	g.States = []graph.State{{In: h, Out: next}}

	var o compile.Options
	var err error
	if o.Accel, err = ethosu.ParseAccelerator(accelerator); err != nil {
		t.Fatal(err)
	}
	if o.Mode, err = ethosu.ParseMemoryMode(mode); err != nil {
		t.Fatal(err)
	}
	p := compiledProject(t, prefix, g, o, 20)
	var kinds []string
	for _, s := range p.Program.Stages {
		kind := "NPU"
		if s.CPU != nil {
			kind = s.CPU.Kind().String()
		}
		kinds = append(kinds, kind)
	}
	if want := "L2_NORMALIZATION NPU LESS SELECT_V2 DIV NPU DEQUANTIZE SQUARE SQRT EXP TANH LOGISTIC COS RESHAPE RFFT2D COMPLEX_ABS LOG SOFTMAX QUANTIZE"; strings.Join(kinds, " ") != want {
		t.Fatalf("stages are %v, expected %s", kinds, want)
	}
	return p
}

// compiledProject compiles a graph and records calls of the interpreter with random inputs.
func compiledProject(t *testing.T, prefix string, g *graph.Graph, o compile.Options, calls int) Project {
	t.Helper()
	p := Project{Prefix: prefix, Version: "0.0", Source: prefix + ".tflite"}
	var err error
	if p.Program, err = compile.Compile(g, o); err != nil {
		t.Fatal(err)
	}
	if p.Model, err = vela.Write(p.Program); err != nil {
		t.Fatal(err)
	}
	ref, err := runner.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := runner.Record(ref, calls, runner.RandomFeed(g, 3))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range golden {
		p.Golden = append(p.Golden, Call{Reset: c.Reset, Inputs: c.Inputs, Outputs: c.Outputs})
	}
	return p
}

// TestMixedProject runs the C of a network whose operators are divided between the
// processors, with its state carried, against the interpreter's bytes.
func TestMixedProject(t *testing.T) {
	for _, c := range []struct{ accelerator, mode, on string }{
		{"ethos-u55-128", "Shared_Sram", "host"},
		{"ethos-u65-256", "Dedicated_Sram", "qemu"},
		{"ethos-u55-64", "Sram_Only", "qemu"},
	} {
		p := mixedProject(t, "mixed", c.accelerator, c.mode)
		report, err := run.Run(t.Context(), run.Options{
			Dir: onDisk(t, p), On: c.on, Accel: p.Program.Accel, Connect: run.Simulated(p.Program.Accel), Sanitize: c.on == "host",
		})
		if errors.Is(err, run.ErrNoTool) {
			t.Logf("SKIPPED: the C is not proven on %s: %v", c.on, err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !report.Pass || report.Calls != len(p.Golden) {
			t.Errorf("%s on %s: %d calls, %s\n%s", c.accelerator, c.on, report.Calls, report.Problem, report.Console)
		}
		if testing.Short() {
			break
		}
	}
}

// TestMixedBlob runs a network with operators on both processors whose streams and
// constants come as a blob; those that are linked in are damaged. A blob of one whose CPU
// computes something else does not fit.
func TestMixedBlob(t *testing.T) {
	p := mixedProject(t, "mixed", "ethos-u55-128", "Shared_Sram")
	runMixedBlob(t, p)
	arm := p
	arm.Options.Driver = ArmDriver
	runMixedBlob(t, arm)

	v, err := newView(&p)
	if err != nil {
		t.Fatal(err)
	}
	fits := blobID(p.Program, v)
	v.Arm = true
	if blobID(p.Program, v) == fits {
		t.Error("a blob of streams fits code that takes payloads")
	}
	v.Arm = false
	table1 := v.CPU[0].Tables
	v.CPU[0].Calls[0] += " "
	if blobID(p.Program, v) == fits {
		t.Error("a blob fits code whose CPU calls something else")
	}
	v.CPU[0].Calls[0] = strings.TrimSuffix(v.CPU[0].Calls[0], " ")
	v.CPU[0].Tables = append(slices.Clone(table1), tableView{"x", []uint32{1}})
	if blobID(p.Program, v) == fits {
		t.Error("a blob fits code whose CPU has other tables")
	}
}

// runMixedBlob runs a project whose own streams and constants are damaged, with its blob.
func runMixedBlob(t *testing.T, p Project) {
	t.Helper()
	tree := generate(t, p)
	replace := func(path, old, new string) {
		text := string(tree[path])
		if strings.Count(text, old) != 1 {
			t.Fatalf("%s has %q %d times", path, old, strings.Count(text, old))
		}
		tree[path] = []byte(strings.Replace(text, old, new, 1))
	}
	var table strings.Builder
	for _, b := range tree["model/mixed.blob"] {
		fmt.Fprintf(&table, "%d,", b)
	}
	replace("app/golden.c", "#include \"mixed_golden.h\"\n", "#include \"mixed_golden.h\"\n\nextern const uint8_t blob[];\nextern const size_t blob_bytes;\n"+
		"_Alignas(32) UNROLL_NPU_MODEL const uint8_t blob[] = {"+table.String()+"};\nconst size_t blob_bytes = sizeof(blob);\n")
	file, npu, before := "app/main.c", "&npu", "static unroll_npu npu;"
	if p.Options.Driver == ArmDriver {
		file, npu, before = "app/check.c", "npu", "static mixed_context model;"
	}
	replace(file, before, "extern const uint8_t blob[];\nextern const size_t blob_bytes;\n"+before)
	replace(file, "mixed_init(&model, "+npu+", arena, NULL)", "mixed_init_from(&model, "+npu+", arena, NULL, blob, blob_bytes)")
	words := regexp.MustCompile(`(mixed_(?:commands\w*|payload\w*|constants)\[\] = \{\s*)0x[0-9A-F]{8}`)
	damaged := words.ReplaceAll(tree["src/mixed_model.c"], []byte("${1}0x00000001"))
	if bytes.Equal(damaged, tree["src/mixed_model.c"]) {
		t.Fatal("nothing to damage")
	}
	tree["src/mixed_model.c"] = damaged
	dir := filepath.Join(t.TempDir(), "mixed")
	if err := tree.WriteTo(dir, false); err != nil {
		t.Fatal(err)
	}
	report, err := run.Run(t.Context(), run.Options{Dir: dir, On: "host", Accel: p.Program.Accel, Connect: run.Simulated(p.Program.Accel), PlainCC: true, Sanitize: true})
	if err != nil && !errors.Is(err, run.ErrNoTool) {
		t.Fatal(err)
	}
	if err == nil && (!report.Pass || report.Calls != len(p.Golden)) {
		t.Errorf("%d calls, %s\n%s", report.Calls, report.Problem, report.Console)
	}
}

// TestManyStages runs a network of more stages than a byte can number, whose file gives
// them names that are no good for C.
func TestManyStages(t *testing.T) {
	g := &graph.Graph{Name: "many"}
	q, shape := graph.PerTensor(1.0/128, 0), []int{1, 8}
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: shape, Quant: q})
	g.Inputs = []graph.TensorID{x}
	op := func(kind graph.Kind, attr any, in ...graph.TensorID) {
		x = g.Add(&graph.Tensor{Name: fmt.Sprintf("t%d", len(g.Tensors)), Type: graph.Int8, Shape: shape, Quant: q})
		g.Ops = append(g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: []graph.TensorID{x}})
	}
	for range 260 {
		op(graph.L2Normalization, graph.L2NormAttr{}, x)
	}
	op(graph.Tanh, nil, x)
	op(graph.L2Normalization, graph.L2NormAttr{}, x)
	op(graph.Tanh, nil, x)
	g.Outputs = []graph.TensorID{x}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p := Project{Prefix: "many", Version: "0.0", Source: "many.tflite"}
	if p.Program, err = compile.Compile(g, compile.Options{Accel: accel}); err != nil {
		t.Fatal(err)
	}
	if n := len(p.Program.Stages); n != 263 {
		t.Fatalf("%d stages", n)
	}
	for i := range p.Program.Stages {
		p.Program.Stages[i].Name = []string{"memcpy", "int", "cpu_scale", "int"}[i%4]
	}
	if p.Model, err = vela.Write(p.Program); err != nil {
		t.Fatal(err)
	}
	if p.Program, err = vela.Read("many", p.Model); err != nil {
		t.Fatal(err)
	}
	ref, err := runner.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := runner.Record(ref, 3, runner.RandomFeed(g, 3))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		p.Golden = append(p.Golden, Call{Reset: c.Reset, Inputs: c.Inputs, Outputs: c.Outputs})
	}
	report, err := run.Run(t.Context(), run.Options{Dir: onDisk(t, p), On: "host", Accel: accel, Connect: run.Simulated(accel)})
	if errors.Is(err, run.ErrNoTool) {
		t.Skipf("SKIPPED: the C is not proven: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !report.Pass || report.Calls != len(p.Golden) {
		t.Errorf("%d calls, %s\n%s", report.Calls, report.Problem, report.Console)
	}
}

// TestMixedProjectC: the library has no heap, no stdio and no symbol without the prefix,
// and compiles without warnings, as C++ too.
func TestMixedProjectC(t *testing.T) {
	tool(t, "gcc")
	tool(t, "g++")
	for _, driver := range []Driver{OwnDriver, ArmDriver} {
		p := mixedProject(t, "mixed", "ethos-u55-128", "Shared_Sram")
		p.Options.Driver = driver
		dir := onDisk(t, p)
		if driver == ArmDriver {
			copyFiles(t, dir, "testdata/arm/ethosu_driver.h", "npu/ethosu_driver.h")
		}
		for _, file := range []string{"mixed_cpu", "mixed"} {
			flags := []string{"-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", "-Iinclude", "-Inpu", "-Isrc", "-c", "src/" + file + ".c", "-o", file + ".o"}
			runIn(t, dir, "gcc", append([]string{"-std=c11", "-O2"}, flags...)...)
		}
		compileAsCPlusPlus(t, dir, "src/mixed_cpu.c", "src/mixed.c", "src/mixed_model.c")
		runIn(t, dir, "gcc", "-std=c11", "-Iinclude", "-Inpu", "-Isrc", "-c", "src/mixed_cpu.c", "-o", "mixed_cpu.o")
		for _, line := range strings.Split(strings.TrimSpace(runIn(t, dir, "nm", "mixed_cpu.o")), "\n") {
			f := strings.Fields(line)
			name, kind := f[len(f)-1], f[len(f)-2]
			if kind == "U" && !slices.Contains([]string{"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}, name) || strings.ToUpper(kind) == kind && kind != "U" && !strings.HasPrefix(name, "mixed_") {
				t.Errorf("symbol %q of kind %s", name, kind)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "src", "mixed_cpu.c")); err != nil {
			t.Error(err)
		}
	}
}
