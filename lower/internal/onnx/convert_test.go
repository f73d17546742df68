// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite the golden texts")

// difference is relative to the larger value, absolute below 1.
func difference(a, b float64) float64 {
	if a == b || a != a && b != b {
		return 0
	}
	return math.Abs(a-b) / math.Max(1, math.Max(math.Abs(a), math.Abs(b)))
}

func archive(t *testing.T, file string) map[string]*npy.Array {
	t.Helper()
	arrays, err := npy.OpenArchive(file)
	if err != nil {
		t.Fatal(err)
	}
	return arrays
}

// run executes the graph once.
func run(t *testing.T, g *graph.Graph, in [][]float32) [][]float32 {
	t.Helper()
	exec, err := floatexec.New(g)
	if err != nil {
		t.Fatal(err)
	}
	views, err := exec.Runner().Run(1, in)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	for _, v := range views {
		out = append(out, slices.Clone(v.Row(0)))
	}
	return out
}

// TestNodes converts ONNX's own node tests: each gives the recorded outputs or is
// refused in the words of the golden text.
func TestNodes(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata.Shared(t, "data", "onnx"), "*.onnx"))
	if len(files) < 272 {
		t.Fatalf("%d node tests, expected 272", len(files))
	}
	var refused strings.Builder
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		m, err := onnx.ReadFile(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		m.File = filepath.Base(file)
		r, err := onnx.Convert(m, onnx.Options{})
		if err != nil {
			fmt.Fprintf(&refused, "%v\n", err)
			continue
		}
		arrays := archive(t, strings.TrimSuffix(file, ".onnx")+".npz")
		var in [][]float32
		for _, id := range r.Graph.Inputs {
			in = append(in, arrays["in_"+r.Graph.Tensors[id].Name].Floats())
		}
		for i, out := range run(t, r.Graph, in) {
			o := r.Graph.Tensors[r.Graph.Outputs[i]]
			want := arrays["out_"+o.Name]
			if want == nil {
				t.Errorf("%s: no output %q was recorded", name, o.Name)
				continue
			}
			if !slices.Equal(o.Shape, want.Shape) {
				t.Errorf("%s: output %q has shape %v, expected %v", name, o.Name, o.Shape, want.Shape)
				continue
			}
			limit := 1e-5
			switch m.Graph.Outputs[i].Type { // computed values are not rounded to half precision
			case onnx.Float16:
				limit = 0x1p-11
			case onnx.BFloat16: // recorded as bits
				continue
			}
			for k := range out {
				if d := difference(float64(out[k]), want.Float(k)); !(d <= limit) {
					t.Errorf("%s: output %q: element %d is %v, expected %v", name, o.Name, k, out[k], want.Float(k))
					break
				}
			}
		}
	}
	testdata.Recorded(t, "refused_nodes.txt", refused.String(), *update)
}

// TestNetworks converts whole recurrent networks; the outputs of 16 calls each are
// of an evaluation that is not ours.
func TestNetworks(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata.Shared(t, "data", "cases"), "onnx_*", "*.onnx"))
	if len(files) < 19 {
		t.Fatalf("%d networks, expected 19", len(files))
	}
	for _, file := range files {
		m, err := onnx.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := onnx.Convert(m, onnx.Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		arrays := archive(t, strings.TrimSuffix(file, ".onnx")+".npz")
		x, y := arrays["in_X"], arrays["out_out"]
		in, calls := x.Floats(), x.Shape[0]
		n, k := len(in)/calls, y.Elements()/calls
		for call := range calls {
			out := run(t, r.Graph, [][]float32{in[call*n : (call+1)*n]})[0]
			if len(out) != k {
				t.Fatalf("%s: %d outputs, expected %d", file, len(out), k)
			}
			for i := range out {
				if d := difference(float64(out[i]), y.Float(call*k+i)); !(d <= 1e-5) {
					t.Fatalf("%s: call %d: element %d is %v, expected %v", filepath.Base(file), call, i, out[i], y.Float(call*k+i))
				}
			}
		}
	}
}
