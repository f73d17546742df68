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
	for _, k := range []graph.Kind{graph.Abs, graph.Neg, graph.Square, graph.Sqrt, graph.Rsqrt, graph.Floor, graph.Ceil, graph.Round, graph.Relu, graph.ReluN1To1, graph.Relu6} {
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
	runIn(t, dir, "g++", append(flags, "-x", "c++", "-std=c++17", "-fsyntax-only", "cases.c")...)
	runIn(t, dir, "gcc", append(flags, "-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", "cases", "cases.c")...)
	if out := runIn(t, dir, "./cases"); out != "" {
		t.Errorf("the C gives other values for\n%s", out)
	}
	t.Logf("%d recorded operators in C", cases)
}
