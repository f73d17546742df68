// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/cpu"
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

// TestCPUFunctions runs the C of every recorded operator that the CPU does, in one
// program, and compares all outputs. Every function of templates/cpu is among those.
func TestCPUFunctions(t *testing.T) {
	tool(t, "gcc")
	tool(t, "g++")
	var file struct{ Cases []recordedOperator }
	if err := json.Unmarshal(testdata.ReadShared(t, "data/operators/ops2.json"), &file); err != nil {
		t.Fatal(err)
	}
	need := &functions{}
	var code, main strings.Builder
	cases, moves := 0, 0
	array := func(name string, b []byte) {
		if len(b) == 0 {
			b = []byte{0}
		}
		fmt.Fprintf(&code, "static const uint8_t %s[] = {\n%s};\n", name, cBytes(b))
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
		alone, ids := g.Alone(0)
		k, err := cpu.New(alone)
		if err != nil || len(k.Calls) == 0 {
			continue
		}
		if f := k.Calls[0].Function; f == "move" || f == "fill" {
			if moves++; moves%4 != 1 {
				continue // two functions do all of them
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
		for i, id := range alone.Inputs {
			n := slices.IndexFunc(c.Inputs, func(v struct {
				Role, DType string
				Data        []any
			}) bool {
				return v.Role == g.Tensors[ids[id]].Name
			})
			name := fmt.Sprintf("%s_in%d", view.Name, i)
			array(name, valueOf(c.Inputs[n].DType, c.Inputs[n].Data))
			fmt.Fprintf(&in, "    memcpy(arena + %d, %s, %d);\n", op.Inputs[i].Offset, name, op.Inputs[i].Size)
		}
		for i, id := range alone.Outputs {
			n := slices.IndexFunc(c.Outputs, func(v struct {
				Role, DType string
				Data        []any
			}) bool {
				return v.Role == g.Tensors[ids[id]].Name
			})
			name := fmt.Sprintf("%s_out%d", view.Name, i)
			array(name, valueOf(c.Outputs[n].DType, c.Outputs[n].Data))
			fmt.Fprintf(&out, "    wrong |= memcmp(arena + %d, %s, %d) != 0;\n", op.Outputs[i].Offset, name, op.Outputs[i].Size)
		}
		fmt.Fprintf(&code, "static int %s(uint8_t *arena) {\n    int wrong = 0;\n    memset(arena, 0x77, %d);\n%s", view.Name, at, in.String())
		for _, l := range view.Lists {
			fmt.Fprintf(&code, "    const uint8_t *const %s[] = {%s};\n", l.Name, l.Items)
		}
		fmt.Fprintf(&code, "    %s\n%s    return wrong;\n}\n\n", strings.Join(view.Calls, "\n    "), out.String())
		fmt.Fprintf(&main, "    if (%s(arena)) {\n        printf(\"%s\\n\");\n        bad++;\n    }\n", view.Name, c.ID)
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
