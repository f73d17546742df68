// SPDX-License-Identifier: Apache-2.0

package eval_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/internal/onnx/eval"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/testdata"
)

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

func floats(a *npy.Array) []float64 {
	out := make([]float64, a.Elements())
	for i := range out {
		out[i] = a.Float(i)
	}
	return out
}

// notComputed are the node tests that the evaluator refuses, with its words.
var notComputed = map[string]string{
	"test_batchnorm_epsilon_training_mode": "training mode",
	"test_batchnorm_example_training_mode": "training mode",
	"test_identity_opt":                    "optional",
	"test_identity_sequence":               "sequence",
}

// TestNodes compares with the outputs that ONNX's own generator recorded.
func TestNodes(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata.Shared(t, "data", "onnx"), "*.onnx"))
	if len(files) < 272 {
		t.Fatalf("%d node tests, expected 272", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		m, err := onnx.ReadFile(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		arrays := archive(t, strings.TrimSuffix(file, ".onnx")+".npz")
		in := map[string]*eval.Array{}
		for _, v := range m.Graph.Inputs {
			if a := arrays["in_"+v.Name]; a != nil {
				in[v.Name] = &eval.Array{Type: v.Type, Shape: a.Shape, Data: floats(a)}
			}
		}
		out, err := eval.New(m).Run(in)
		if err != nil {
			if want, ok := notComputed[name]; !ok || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			continue
		}
		for i, o := range m.Graph.Outputs {
			want := arrays["out_"+o.Name]
			if want == nil || m.Graph.Outputs[i].Type == onnx.BFloat16 { // recorded as bits
				continue
			}
			worst(t, name, out[i], want.Shape, floats(want), 1e-5)
		}
	}
}

func worst(t *testing.T, name string, got *eval.Array, shape []int, want []float64, limit float64) {
	t.Helper()
	if len(got.Data) != len(want) || shape != nil && !slices.Equal(got.Shape, shape) {
		t.Errorf("%s: shape %v, expected %v", name, got.Shape, shape)
		return
	}
	for i := range want {
		if d := difference(got.Data[i], want[i]); !(d <= limit) {
			t.Errorf("%s: element %d is %v, expected %v", name, i, got.Data[i], want[i])
			return
		}
	}
}

// TestNetworks compares whole recurrent networks, 16 calls each.
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
		arrays := archive(t, strings.TrimSuffix(file, ".onnx")+".npz")
		x, y := arrays["in_X"], arrays["out_out"]
		in, want := floats(x), floats(y)
		n := len(in) / x.Shape[0]
		k := len(want) / y.Shape[0]
		for call := range x.Shape[0] {
			out, err := eval.New(m).Run(map[string]*eval.Array{"X": {Type: onnx.Float, Shape: x.Shape[1:], Data: in[call*n : (call+1)*n]}})
			if err != nil {
				t.Fatal(err)
			}
			worst(t, filepath.Base(file), out[0], y.Shape[1:], want[call*k:(call+1)*k], 1e-6)
		}
	}
}
