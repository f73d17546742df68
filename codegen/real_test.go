// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/firmware/run"
	"github.com/unroll-npu/unroll/lower/graph"
)

// realProject takes samples as real numbers and gives a softmax of real numbers, with an
// integer network between the two and its own sum as another output.
func realProject(t *testing.T, prefix string) Project {
	t.Helper()
	r := rand.New(rand.NewPCG(2, 5))
	g := &graph.Graph{Name: prefix}
	q := graph.PerTensor(1.0/8, -100)
	add := func(dt graph.DType, q *graph.Quant, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: string(rune('a' + len(g.Tensors))), Type: dt, Shape: shape, Quant: q})
	}
	op := func(kind graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
		g.Ops = append(g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
		return out
	}
	x, length := add(graph.Float32, nil, 1, 1, 60), add(graph.Int32, nil, 2)
	g.Tensors[length].SetInts([]int{1, 64})
	z := op(graph.RFFT2D, nil, add(graph.Complex64, nil, 1, 1, 33), x, length)
	z = op(graph.ComplexAbs, nil, add(graph.Float32, nil, 1, 1, 33), z)
	w := add(graph.Float32, nil, 16, 33)
	for range 16 * 33 {
		g.Tensors[w].Data = binary.LittleEndian.AppendUint32(g.Tensors[w].Data, math.Float32bits(float32(r.IntN(256))/4096))
	}
	z = op(graph.FullyConnected, graph.FullyConnectedAttr{Activation: graph.ActRelu}, add(graph.Float32, nil, 1, 16), z, w, graph.None)
	z = op(graph.Log, nil, add(graph.Float32, nil, 1, 16), z)
	z = op(graph.Quantize, nil, add(graph.Int8, q, 1, 16), z)
	k := add(graph.Int8, graph.PerTensor(1.0/256, 0), 4, 16)
	for range 64 {
		g.Tensors[k].Data = append(g.Tensors[k].Data, byte(r.Uint32()))
	}
	sum := op(graph.FullyConnected, graph.FullyConnectedAttr{}, add(graph.Int8, graph.PerTensor(1.0/16, 0), 1, 4), z, k, graph.None)
	y := op(graph.Dequantize, nil, add(graph.Float32, nil, 1, 4), sum)
	y = op(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, add(graph.Float32, nil, 1, 4), y)
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y, sum}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	return compiledProject(t, prefix, g, compile.Options{Accel: accel}, 12)
}

// TestRealProject runs the C of a network with real numbers at both ends, as it is called
// with them and, on the host, through the form that takes real numbers for everything.
func TestRealProject(t *testing.T) {
	p := realProject(t, "tones")
	for _, on := range []string{"host", "qemu", "host in real numbers"} {
		dir := onDisk(t, p)
		if on == "host in real numbers" {
			on = "host"
			main := filepath.Join(dir, "app", "main.c")
			text, err := os.ReadFile(main)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, ok := strings.Cut(string(text), "status = tones_run(&model, ")
			if !ok {
				t.Fatal("main.c does not call tones_run")
			}
			names := strings.Split(rest[:strings.Index(rest, ")")], ", ")
			// Of the two outputs one is real as it is, the other becomes real and is turned back.
			more := "{ static float real[4]; status = tones_run_f32(&model, " + names[0] + ", " + names[1] + ", real); tones_quantize_back(real, " + names[2] + "); }"
			changed := strings.Replace(string(text), "status = tones_run(&model, "+strings.Join(names, ", ")+");", more, 1)
			changed = strings.Replace(changed, "/* One golden call;", "static void tones_quantize_back(const float *real, int8_t *to) {\n    for (int i = 0; i < 4; i++) {\n        to[i] = (int8_t)(real[i] * 16.0f);\n    }\n}\n\n/* One golden call;", 1)
			if err := os.WriteFile(main, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		report, err := run.Run(t.Context(), run.Options{Dir: dir, On: on, Accel: p.Program.Accel, Connect: run.Simulated(p.Program.Accel)})
		if errors.Is(err, run.ErrNoTool) {
			t.Skipf("SKIPPED: the C is not proven: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !report.Pass || report.Calls != 12 {
			t.Errorf("%s: %+v", on, report)
		}
	}
}
