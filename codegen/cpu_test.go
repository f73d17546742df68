// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/cpu"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/templates"
	"github.com/unroll-npu/unroll/testdata"
)

// recordedOperator is an operator of TFLite Micro with the values of one call.
type recordedOperator struct {
	ID              string
	TFLite          string
	Inputs, Outputs []struct {
		Role, DType string
		Data        []any
	}
}

func valueOf(dtype string, data []any) []byte {
	b := []byte{}
	for _, x := range data {
		v, ok := x.(float64)
		if t, truth := x.(bool); truth && t {
			v, ok = 1, true
		}
		if dtype == "float32" {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			continue
		}
		n := map[string]int{"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "int64": 8}[dtype]
		_ = ok
		b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(int64(v)))[:n]...)
	}
	return b
}

// oneOperator is a graph of one operator with a call of it.
type oneOperator struct {
	id      string
	g       *graph.Graph
	in, out [][]byte // of Graph.Inputs and Graph.Outputs
}

// recordedOperators are those of TFLite Micro.
func recordedOperators(t *testing.T) (list []oneOperator) {
	t.Helper()
	var file struct{ Cases []recordedOperator }
	if err := json.Unmarshal(testdata.ReadShared(t, "data/operators/ops2.json"), &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		model, err := base64.StdEncoding.DecodeString(c.TFLite)
		if err != nil {
			t.Fatal(err)
		}
		g, err := tflite.Read(c.ID, model)
		if err != nil || len(g.Ops) != 1 || len(c.Outputs) == 0 {
			continue
		}
		o := oneOperator{id: c.ID, g: g}
		for _, id := range g.Inputs {
			for _, v := range c.Inputs {
				if v.Role == g.Tensors[id].Name {
					o.in = append(o.in, valueOf(v.DType, v.Data))
				}
			}
		}
		for _, id := range g.Outputs {
			for _, v := range c.Outputs {
				if v.Role == g.Tensors[id].Name {
					o.out = append(o.out, valueOf(v.DType, v.Data))
				}
			}
		}
		list = append(list, o)
	}
	return list
}

// realOperators are operators on real numbers with all that is special about those, and the
// interpreter's results.
func realOperators(t *testing.T) (list []oneOperator) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var values []byte
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 6, 7, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.MaxFloat32, 1 << 23, 1<<23 - 0.5, -(1<<23 - 0.5), 1 << 31, 0.49999997, 4, 2}
	const n = 600
	for i := range n {
		x := math.Float32frombits(r.Uint32())
		switch {
		case i < len(special):
			x = special[i]
		case i%3 == 1:
			x = float32(r.NormFloat64()) * 4
		}
		values = binary.LittleEndian.AppendUint32(values, math.Float32bits(x))
	}
	turned := append(bytes.Clone(values[4*17:]), values[:4*17]...)
	add := func(kind graph.Kind, attr any, ins int, out graph.DType) {
		g := &graph.Graph{}
		op := &graph.Op{Kind: kind, Attr: attr}
		o := oneOperator{id: kind.String() + " of float32", g: g}
		for i := range ins {
			op.Inputs = append(op.Inputs, g.Add(&graph.Tensor{Name: fmt.Sprint("x", i), Shape: []int{n}}))
			o.in = append(o.in, [][]byte{values, turned}[i])
		}
		op.Outputs = []graph.TensorID{g.Add(&graph.Tensor{Name: "y", Type: out, Shape: []int{n}})}
		g.Ops, g.Inputs, g.Outputs = []*graph.Op{op}, op.Inputs, op.Outputs
		m, err := runner.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		o.out = runner.Buffers(m.Outputs())
		if err := m.Invoke(o.in, o.out); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	for _, k := range []graph.Kind{graph.Abs, graph.Neg, graph.Square, graph.Sqrt, graph.Rsqrt, graph.Floor, graph.Ceil, graph.Round, graph.Sign, graph.Relu, graph.ReluN1To1, graph.Relu6,
		graph.Exp, graph.Log, graph.Sin, graph.Cos, graph.Tanh, graph.Logistic} {
		add(k, nil, 1, graph.Float32)
	}
	add(graph.LeakyRelu, graph.LeakyReluAttr{Alpha: 0.3}, 1, graph.Float32)
	for act := graph.ActNone; act <= graph.ActRelu6; act++ {
		add(graph.Add, graph.AddAttr{Activation: act}, 2, graph.Float32)
	}
	add(graph.Sub, graph.SubAttr{}, 2, graph.Float32)
	add(graph.Mul, graph.MulAttr{}, 2, graph.Float32)
	add(graph.Div, graph.DivAttr{}, 2, graph.Float32)
	for _, k := range []graph.Kind{graph.SquaredDifference, graph.Maximum, graph.Minimum} {
		add(k, nil, 2, graph.Float32)
	}
	for _, k := range []graph.Kind{graph.Equal, graph.NotEqual, graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual} {
		add(k, nil, 2, graph.Bool)
	}
	add(graph.Cast, graph.CastAttr{In: graph.Float32, Out: graph.Int32}, 1, graph.Int32)
	var pairs []byte // of four values the first two are a complex number of the spectrum
	for i := range n {
		pairs = append(append(pairs, values[4*i:4*i+4]...), turned[4*i:4*i+4]...)
	}
	list = append(list, spectrum(t, 4, []int{n, 1, 2}, pairs)...)
	return append(list, realSums(t)...)
}

// realSums are products and sums of real numbers, with values near 1 and, in every tenth
// place, of any size, and the interpreter's results.
func realSums(t *testing.T) (list []oneOperator) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	values := func(shape []int) (b []byte) {
		for range graph.Elems(shape) {
			x := float32(r.NormFloat64())
			if r.IntN(10) == 0 {
				x *= float32(math.Exp2(float64(r.IntN(60) - 30)))
			}
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		return b
	}
	type operator struct {
		kind   graph.Kind
		attr   any
		out    []int
		x      []int
		params [][]int
	}
	conv := graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 2, DilationH: 2, DilationW: 1, Activation: graph.ActRelu}
	depthwise := graph.DepthwiseConv2DAttr{Padding: graph.PadSame, StrideH: 2, StrideW: 1, DilationH: 1, DilationW: 1, DepthMultiplier: 2, Activation: graph.ActRelu6}
	valid := graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: graph.ActReluN1To1}
	for n := 2; n <= 256; n *= 2 {
		for _, shape := range [][]int{{3, 1, n - n/4}, {1, 1, n + 3}} {
			list = append(list, spectrum(t, n, shape, values(shape))...)
		}
	}
	for _, c := range []operator{
		{graph.FullyConnected, graph.FullyConnectedAttr{}, []int{3, 7}, []int{3, 33}, [][]int{{7, 33}, {7}}},
		{graph.FullyConnected, graph.FullyConnectedAttr{Activation: graph.ActRelu}, []int{1, 5}, []int{1, 20}, [][]int{{5, 20}}},
		{graph.Conv2D, conv, []int{2, 5, 3, 4}, []int{2, 5, 6, 3}, [][]int{{4, 3, 2, 3}, {4}}},
		{graph.Conv2D, valid, []int{1, 3, 3, 6}, []int{1, 4, 4, 4}, [][]int{{6, 2, 2, 2}}},
		{graph.DepthwiseConv2D, depthwise, []int{1, 3, 4, 6}, []int{1, 5, 4, 3}, [][]int{{1, 3, 3, 6}, {6}}},
		{graph.Softmax, graph.SoftmaxAttr{Beta: 1}, []int{4, 9}, []int{4, 9}, nil},
		{graph.Softmax, graph.SoftmaxAttr{Beta: 0.7}, []int{2, 3, 5}, []int{2, 3, 5}, nil},
	} {
		g := &graph.Graph{}
		x := g.Add(&graph.Tensor{Name: "x", Shape: c.x})
		op := &graph.Op{Kind: c.kind, Attr: c.attr, Inputs: []graph.TensorID{x}}
		for i, shape := range c.params {
			op.Inputs = append(op.Inputs, g.Add(&graph.Tensor{Name: fmt.Sprint("p", i), Shape: shape, Data: values(shape)}))
		}
		if c.kind != graph.Softmax && len(c.params) == 1 {
			op.Inputs = append(op.Inputs, graph.None)
		}
		op.Outputs = []graph.TensorID{g.Add(&graph.Tensor{Name: "y", Shape: c.out})}
		g.Ops, g.Inputs, g.Outputs = []*graph.Op{op}, []graph.TensorID{x}, op.Outputs
		m, err := runner.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		o := oneOperator{id: c.kind.String() + " of float32", g: g, in: [][]byte{values(c.x)}, out: runner.Buffers(m.Outputs())}
		if err := m.Invoke(o.in, o.out); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

// spectrum returns RFFT2D of rows and the operators that take its result, and the
// interpreter's results.
func spectrum(t *testing.T, n int, shape []int, x []byte) (list []oneOperator) {
	t.Helper()
	g := &graph.Graph{}
	in, length := g.Add(&graph.Tensor{Name: "x", Shape: shape}), g.Add(&graph.Tensor{Name: "length", Type: graph.Int32, Shape: []int{2}})
	g.Tensors[length].SetInts([]int{1, n})
	z := g.Add(&graph.Tensor{Name: "z", Type: graph.Complex64, Shape: []int{shape[0], 1, n/2 + 1}})
	g.Inputs = []graph.TensorID{in}
	g.Ops = []*graph.Op{{Kind: graph.RFFT2D, Inputs: []graph.TensorID{in, length}, Outputs: []graph.TensorID{z}}}
	for _, k := range []graph.Kind{graph.RealPart, graph.Imag, graph.ComplexAbs} {
		y := g.Add(&graph.Tensor{Name: k.String(), Shape: g.Tensors[z].Shape})
		g.Ops = append(g.Ops, &graph.Op{Kind: k, Inputs: []graph.TensorID{z}, Outputs: []graph.TensorID{y}})
		g.Outputs = append(g.Outputs, y)
	}
	m, err := runner.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	parts := runner.Buffers(m.Outputs())
	if err := m.Invoke([][]byte{x}, parts); err != nil {
		t.Fatal(err)
	}
	var complex []byte
	for i := range len(parts[0]) / 4 {
		complex = append(append(complex, parts[0][4*i:4*i+4]...), parts[1][4*i:4*i+4]...)
	}
	for i, op := range g.Ops {
		alone, _ := g.Alone(i)
		o := oneOperator{id: fmt.Sprintf("%v of %d", op.Kind, n), g: alone, in: [][]byte{complex}}
		if i == 0 {
			o.in, o.out = [][]byte{x}, [][]byte{complex}
		} else {
			o.out = [][]byte{parts[i-1]}
		}
		list = append(list, o)
	}
	return list
}

// extremeOperators are those of which a sum, or a shift, leaves 32 bits, and the
// interpreter's results.
func extremeOperators(t *testing.T) (list []oneOperator) {
	t.Helper()
	const n = 50
	low, wide := bytes.Repeat([]byte{0x80}, n), graph.PerTensor(1<<33, 0)
	for _, c := range []struct {
		kind graph.Kind
		attr any
		ins  int
		in   *graph.Quant
		out  *graph.Quant
	}{
		{graph.AddN, nil, n, graph.PerTensor(1, 127), graph.PerTensor(32, 0)},
		{graph.Cumsum, graph.CumsumAttr{}, 1, graph.PerTensor(1, 127), graph.PerTensor(32, 0)},
		{graph.Less, nil, 2, wide, nil},
	} {
		g := &graph.Graph{}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{n}, Quant: c.in})
		op := &graph.Op{Kind: c.kind, Attr: c.attr}
		for range c.ins {
			op.Inputs = append(op.Inputs, x)
		}
		if c.kind == graph.Cumsum {
			op.Inputs = append(op.Inputs, g.Add(&graph.Tensor{Name: "axis", Type: graph.Int32, Data: make([]byte, 4)}))
		}
		y := &graph.Tensor{Name: "y", Type: graph.Int8, Shape: []int{n}, Quant: c.out}
		if c.out == nil {
			y.Type = graph.Bool
		}
		op.Outputs = []graph.TensorID{g.Add(y)}
		g.Ops, g.Inputs, g.Outputs = []*graph.Op{op}, []graph.TensorID{x}, op.Outputs
		m, err := runner.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		o := oneOperator{id: c.kind.String() + " beyond 32 bits", g: g, in: [][]byte{low}, out: runner.Buffers(m.Outputs())}
		if err := m.Invoke(o.in, o.out); err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

// TestCPUFunctions runs the C of every recorded operator that the CPU does, and of those on
// real numbers and at extremes, in one program, and compares all outputs. Every function of templates/cpu is
// among those. The same in Go must give them, too.
func TestCPUFunctions(t *testing.T) {
	tool(t, "gcc")
	tool(t, "g++")
	need := &functions{}
	var code, main strings.Builder
	cases, moves := 0, 0
	array := func(name string, b []byte) {
		if len(b) == 0 {
			b = []byte{0}
		}
		fmt.Fprintf(&code, "static const uint8_t %s[] = {\n%s};\n", name, cBytes(b))
	}
	for _, c := range slices.Concat(recordedOperators(t), realOperators(t), extremeOperators(t)) {
		alone, _ := c.g.Alone(0)
		k, err := cpu.New(alone)
		if err != nil || len(k.Calls) == 0 {
			continue
		}
		if f := k.Calls[0].Function; f == "move" || f == "fill" {
			if moves++; moves%4 != 1 {
				continue // two functions do all of them
			}
		}
		got := make([][]byte, len(c.out))
		for i := range got {
			got[i] = make([]byte, len(c.out[i]))
		}
		k.Run(c.in, got)
		for i := range got {
			if !bytes.Equal(got[i], c.out[i]) {
				t.Errorf("%s: output %d in Go is %v, expected %v", c.id, i, got[i], c.out[i])
			}
		}
		op, at := &ethosu.CPUOp{Graph: alone}, 0
		place := func(id graph.TensorID) ethosu.Binding {
			b := ethosu.Binding{Name: alone.Tensors[id].Name, Offset: at, Size: alone.Tensors[id].Bytes()}
			at += roundUp(max(b.Size, 1), 32)
			return b
		}
		view := &cpuView{Name: fmt.Sprintf("case%d", cases)}
		for _, id := range alone.Inputs {
			op.Inputs = append(op.Inputs, place(id))
		}
		for _, id := range alone.Outputs {
			op.Outputs = append(op.Outputs, place(id))
		}
		for _, call := range k.Calls {
			if err := need.add(call.Function); err != nil {
				t.Fatal(err)
			}
			view.Calls = append(view.Calls, view.call(op, call))
		}
		for _, table := range view.Tables {
			fmt.Fprintf(&code, "static const uint32_t %s[] = {\n%s};\n", table.Name, cWords(table.Words))
		}
		var in, out strings.Builder
		for i, b := range op.Inputs {
			name := fmt.Sprintf("%s_in%d", view.Name, i)
			array(name, c.in[i])
			fmt.Fprintf(&in, "    memcpy(arena + %d, %s, %d);\n", b.Offset, name, b.Size)
		}
		for i, b := range op.Outputs {
			name := fmt.Sprintf("%s_out%d", view.Name, i)
			array(name, c.out[i])
			fmt.Fprintf(&out, "    wrong |= memcmp(arena + %d, %s, %d) != 0;\n", b.Offset, name, b.Size)
		}
		fmt.Fprintf(&code, "static int %s(uint8_t *arena) {\n    int wrong = 0;\n    memset(arena, 0x77, %d);\n%s", view.Name, at, in.String())
		for _, l := range view.Lists {
			fmt.Fprintf(&code, "    const uint8_t *const %s[] = {%s};\n", l.Name, l.Items)
		}
		fmt.Fprintf(&code, "    %s\n%s    return wrong;\n}\n\n", strings.Join(view.Calls, "\n    "), out.String())
		fmt.Fprintf(&main, "    if (%s(arena)) {\n        printf(\"%s\\n\");\n        bad++;\n    }\n", view.Name, c.id)
		cases++
	}
	if cases < 200 {
		t.Errorf("%d cases, expected more than 200", cases)
	}
	list, err := templates.Files.ReadDir("cpu")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if name := strings.TrimSuffix(f.Name(), ".c"); !need.seen[name] {
			t.Errorf("no recorded operator calls %s", f.Name())
		}
	}
	source := "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n\n" + strings.Join(need.text, "\n\n") + "\n\n" + code.String() +
		"int main(void) {\n    static uint8_t arena[65536];\n    int bad = 0;\n" + main.String() + "    return bad != 0;\n}\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cases.c"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", "-g"}
	compileAsCPlusPlus(t, dir, "cases.c")
	runIn(t, dir, "gcc", append(flags, "-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", "cases", "cases.c")...)
	if out := runIn(t, dir, "./cases"); out != "" {
		t.Errorf("the C gives other values for\n%s", out)
	}
	t.Logf("%d recorded operators in C", cases)
}
