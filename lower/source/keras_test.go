// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/internal/keras"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/checkpoint"
)

func archive(t testing.TB, name string) map[string]*npy.Array {
	t.Helper()
	a, err := npy.OpenArchive(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// kerasFiles are models as h5py and Keras lay them out. The arrays beside them are what
// TensorFlow.js computes of the same descriptions and weights (4.22, backend cpu), but for
// keras_frames, which it cannot: that is NumPy's.
var kerasFiles = []string{"keras_both.h5", "keras_crnn.keras", "keras_frames.keras", "keras_space.keras", "keras_branches.keras"}

func openKerasFile(t testing.TB, name string) (*Network, map[string]*npy.Array) {
	t.Helper()
	stem, _, _ := strings.Cut(name, ".")
	arrays := archive(t, "testdata/"+stem+".npz")
	n, err := Open("testdata/"+name, Options{Arrays: map[string][]int{"x": arrays["x"].Shape}})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n, arrays
}

// TestKerasGraphs compares every output with another program's.
func TestKerasGraphs(t *testing.T) {
	for _, name := range kerasFiles {
		n, arrays := openKerasFile(t, name)
		if graph, err := IsGraph("testdata/" + name); err != nil || !graph {
			t.Errorf("%s: a graph: %v, %v", name, graph, err)
		}
		e, err := floatexec.New(n.Graph)
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Runner().Run(1, [][]float32{arrays["x"].Floats()})
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != len(arrays)-1 {
			t.Errorf("%s: %d outputs, expected %d", name, len(out), len(arrays)-1)
		}
		for i, id := range n.Graph.Outputs {
			want := arrays[n.Graph.Tensors[id].Name]
			if want == nil {
				t.Errorf("%s: output %q has no array", name, n.Graph.Tensors[id].Name)
				continue
			}
			got, top := out[i].Row(0), 0.01
			if len(got) != len(want.Floats()) {
				t.Errorf("%s: output %q: %d values, expected %d", name, n.Graph.Tensors[id].Name, len(got), len(want.Floats()))
				continue
			}
			worst := 0.0
			for _, v := range want.Floats() {
				top = math.Max(top, math.Abs(float64(v)))
			}
			for k, v := range want.Floats() {
				worst = math.Max(worst, math.Abs(float64(v-got[k])))
			}
			if worst > 2e-6*top {
				t.Errorf("%s: output %q differs by %g, its largest value is %g", name, n.Graph.Tensors[id].Name, worst, top)
			}
		}
	}
}

// TestKerasByStep runs a model frame by frame, and refuses to where a layer reads backward.
func TestKerasByStep(t *testing.T) {
	n, err := Open("testdata/keras_frames.keras", Options{Steps: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n.Stepped == nil || len(n.Graph.States) != 2 {
		t.Errorf("stepped %+v with %d states, expected a ring of the convolution and the state of the GRU", n.Stepped, len(n.Graph.States))
	}
	if _, err := Open("testdata/keras_both.h5", Options{Steps: 1}); err == nil || !strings.Contains(err.Error(), "backward or bidirectional") {
		t.Errorf("error %v, expected one about the layer that reads backward", err)
	}
	if _, err := Open("testdata/keras_frames.keras", Options{}); err == nil || !strings.Contains(err.Error(), "--shape x=") {
		t.Errorf("error %v, expected that the number of frames is open", err)
	}
}

// TestKerasWidths lowers operators whose kernels have 8 bits alone among values of 16.
func TestKerasWidths(t *testing.T) {
	n, arrays := openKerasFile(t, "keras_branches.keras")
	calls, _, err := NewCalls(n.Graph, map[string]*npy.Array{"x": arrays["x"]})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []lower.Options{{Activations: lower.Int16}, {Activations: lower.Int8}} {
		if _, err := lower.LowerGraph(context.Background(), n.Graph, n.Roles(), calls, o); err != nil {
			t.Errorf("%v: %v", o.Activations, err)
		}
	}
}

// TestKerasGraphRefusals changes the description of a model.
func TestKerasGraphRefusals(t *testing.T) {
	store, err := checkpoint.OpenKeras("testdata/keras_crnn.keras")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"merge_mode": "sum"`, `"merge_mode": "max"`, `layer "b" (Bidirectional): merge_mode max: expected concat, sum, mul, ave or none`},
		{`"stateful": false`, `"stateful": true`, "--steps, which carries it"},
		{`"class_name": "Reshape"`, `"class_name": "Lambda"`, `layer "r" (Lambda): it is Python code`},
		{`"class_name": "AveragePooling2D"`, `"class_name": "Novel"`, `layer "p2" (Novel): there is no form for it`},
		{`"epsilon": 0.001`, `"epsilon": 0.001, "virtual_batch_size": 4`, `layer "n1" (BatchNormalization): its description says virtual_batch_size=4`},
		{`"recurrent_activation": "sigmoid"`, `"recurrent_activation": "mish"`, "activation mish of a cell"},
		{`"filters": 6`, `"filters": 7`, `layer "c2" (Conv2D): its kernel has shape [3 3 4 6], expected [3 3 4 7]`},
		{`"data_format": "channels_last"`, `"data_format": "channels_first"`, "expected channels_last"},
		{`"kwargs": {}`, `"kwargs": {"initial_state": 3}`, "it is called with initial_state"},
		{`"target_shape": [-1, 18]`, `"target_shape": [-1, 19]`, "has not the 108 elements"},
		{`"class_name": "Functional"`, `"class_name": "Mine"`, `a model of class "Mine"`},
		{`"return_sequences": true`, `"return_sequences": 2`, "return_sequences is 2, expected true or false"},
		{`"strides": [2, 2]`, `"strides": [0, 0]`, `layer "p2" (AveragePooling2D): strides [0 0]: expected at least 1`},
		{`"kwargs": {}`, `"kwargs": {"training": true}`, "it is called with training=true"},
		{`"epsilon": 0.001`, `"epsilon": -5`, "epsilon is -5, expected 0 to 1"},
		{`"epsilon": 0.001`, `"epsilon": "a"`, "epsilon is a, expected a number"},
		{`"epsilon": 0.001`, `"epsilon": 0.001, "dtype": {"class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_float32"}}`, "save the model before it is quantized"},
		{`"recurrent_activation": "sigmoid"`, `"unroll": false`, "its description has no recurrent_activation"},
		{`"class_name": "BatchNormalization"`, `"class_name": "BatchNormalization", "registered_name": "mine>BatchNormalization"`, `layer "n1" (mine>BatchNormalization): there is no form for it`},
		{`"class_name": "BatchNormalization"`, `"class_name": "BatchNormalization", "module": "__main__"`, `layer "n1" (__main__.BatchNormalization): there is no form for it`},
		{`"class_name": "Reshape"`, `"class_name": "Average", "module": "keras.src.ops.numpy"`, `layer "r" (ops.Average): an operator on values, for which there is no form`},
		{`"epsilon": 0.001`, `"epsilon": 0.001, "novel": false`, `layer "n1" (BatchNormalization): its description says novel=false`},
		{`"dtype": "float32", "sparse"`, `"ragged": true, "sparse"`, "ragged: its rows differ in length"},
		{`"pool_size": [2, 2]`, `"pool_size": null`, `its description has no pool_size`},
		{`"pool_size": [2, 2]`, `"pool_size": [2, null]`, `expected 2 numbers`},
		{`"inbound_nodes": [{`, `"inbound_nodes": [], "was": [{`, `layer "c1" (Conv2D): it reads no layer`},
		{`"name": "n1"`, `"name": 3`, "name is 3, expected a text"},
		{`"dtype": "float32", "sparse"`, `"dtype": 7, "sparse"`, "dtype is 7, expected a text"},
		{`{"args": [`, `{"args": [2, `, "it is called with 2 in the place of a value"},
		{`["x", 0, 0]`, `["y", 0, 0]`, `layer "c1" (Conv2D): it reads what no layer gives, or itself`},
		{`"keras_history": ["r", 0, 0]`, `"keras_history": ["td", 0, 0]`, "it reads what no layer gives, or itself"},
	} {
		changed := *store
		changed.Config = []byte(strings.Replace(string(store.Config), c.from, c.to, 1))
		if string(changed.Config) == string(store.Config) {
			t.Fatalf("the description has no %s", c.from)
		}
		if !json.Valid(changed.Config) {
			t.Fatalf("%s: the description is no JSON any more", c.to)
		}
		m, err := keras.Read(&changed)
		if err == nil {
			_, err = m.ONNX(nil)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.to, err, c.want)
		}
	}
}

// TestKerasNumbersForFlags writes numbers for true and false, as a network that was made
// with use_bias=1 has them: it is the same network.
func TestKerasNumbersForFlags(t *testing.T) {
	store, err := checkpoint.OpenKeras("testdata/keras_crnn.keras")
	if err != nil {
		t.Fatal(err)
	}
	numbered := *store
	numbered.Config = regexp.MustCompile(`("(use_bias|return_sequences|reset_after|center|scale|stateful|go_backwards)": )(true|false)`).ReplaceAllFunc(store.Config, func(m []byte) []byte {
		if bytes.HasSuffix(m, []byte("true")) {
			return bytes.Replace(m, []byte("true"), []byte("1"), 1)
		}
		return bytes.Replace(m, []byte("false"), []byte("0"), 1)
	})
	if bytes.Equal(numbered.Config, store.Config) {
		t.Fatal("the description has none of the words")
	}
	var read [2]*onnx.Model
	for i, s := range []*checkpoint.KerasFile{store, &numbered} {
		m, err := keras.Read(s)
		if err == nil {
			read[i], err = m.ONNX(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(read[1], read[0]) {
		t.Error("the network is another one")
	}
}

// TestKerasCells gives cells activations with and without numbers of their own.
func TestKerasCells(t *testing.T) {
	store, err := checkpoint.OpenKeras("testdata/keras_both.h5")
	if err != nil {
		t.Fatal(err)
	}
	for _, activation := range []string{`null`, `"linear"`, `"elu"`, `"hard_sigmoid"`, `"softsign"`} {
		changed := *store
		changed.Config = []byte(strings.ReplaceAll(string(store.Config), `"activation": "tanh"`, `"activation": `+activation))
		if string(changed.Config) == string(store.Config) {
			t.Fatal("no cell has a tanh")
		}
		k, err := keras.Read(&changed)
		if err != nil {
			t.Fatal(err)
		}
		m, err := k.ONNX(nil)
		if err != nil {
			t.Errorf("%s: %v", activation, err)
			continue
		}
		if err := (&Network{Inputs: 2}).proveKeras(k, m); err != nil {
			t.Errorf("%s: %v", activation, err)
		}
	}
}

// TestKerasNames names layers as inner values of others are.
func TestKerasNames(t *testing.T) {
	store, err := checkpoint.OpenKeras("testdata/keras_branches.keras")
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{`"add"`: `"c1/transpose1"`, `"cat"`: `"x/out1"`} {
		changed := *store
		changed.Config = []byte(strings.ReplaceAll(string(store.Config), from, to))
		m, err := keras.Read(&changed)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.ONNX(nil)
		if clash := to != `"x/out1"`; clash != (err != nil && strings.Contains(err.Error(), `two values are named "c1/transpose1"`)) {
			t.Errorf("%s: error %v", to, err)
		}
	}
}

// FuzzKerasGraph damages the description of models; whatever is written is what the
// layers compute.
func FuzzKerasGraph(f *testing.F) {
	stores := map[string]*checkpoint.KerasFile{}
	for _, name := range kerasFiles {
		s, err := checkpoint.OpenKeras("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		stores[name] = s
		f.Add(name, s.Config)
	}
	f.Fuzz(func(t *testing.T, name string, config []byte) {
		s := stores[name]
		if s == nil {
			return
		}
		changed := *s
		changed.Config = config
		k, err := keras.Read(&changed)
		if err != nil {
			return
		}
		declared, err := k.Declared()
		if err != nil {
			return
		}
		shapes, size := map[string][]int{}, 1
		for _, d := range declared {
			shape := []int{}
			for _, n := range d.Dims {
				shape = append(shape, max(int(n.Size), 1))
				size *= max(int(n.Size), 1)
				if size > 1<<12 {
					return
				}
			}
			shapes[d.Name] = shape
		}
		m, err := k.ONNX(shapes)
		if err != nil {
			return
		}
		for _, node := range m.Graph.Nodes {
			if node.Op == "Conv" || node.Op == "ConvTranspose" || node.Op == "Expand" || node.Op == "Resize" {
				size *= 8
			}
		}
		if size > 1<<16 {
			return
		}
		if _, err := convertONNX("fuzz", m, Options{}); err != nil {
			if strings.Contains(err.Error(), "BUG") {
				t.Fatal(err)
			}
			return
		}
		n := &Network{Inputs: 1}
		if err := n.proveKeras(k, m); err != nil && strings.Contains(err.Error(), "BUG") {
			t.Error(err)
		}
	})
}

// TestKerasSequential reads the same layers as a Sequential model, whose description
// connects nothing, with and without a layer for its input.
func TestKerasSequential(t *testing.T) {
	store, err := checkpoint.OpenKeras("testdata/keras_crnn.keras")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(store.Config, &config); err != nil {
		t.Fatal(err)
	}
	inner := config["config"].(map[string]any)
	layers := inner["layers"].([]any)
	for _, l := range layers {
		delete(l.(map[string]any), "inbound_nodes")
	}
	x := archive(t, "testdata/keras_crnn.npz")
	in := &keras.Array{Shape: x["x"].Shape}
	for _, v := range x["x"].Floats() {
		in.Data = append(in.Data, float64(v))
	}
	for name, list := range map[string][]any{"x": layers, "c1_input": layers[1:]} {
		changed := *store
		if changed.Config, err = json.Marshal(map[string]any{"class_name": "Sequential", "config": map[string]any{"name": "s", "layers": list, "build_input_shape": []any{nil, 12, 10, 1}}}); err != nil {
			t.Fatal(err)
		}
		m, err := keras.Read(&changed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.ONNX(nil); err != nil {
			t.Errorf("input %q: %v", name, err)
		}
		got, err := m.Evaluate(map[string]*keras.Array{name: in})
		if err != nil {
			t.Errorf("input %q: %v", name, err)
			continue
		}
		for i, want := range x["out"].Floats() {
			if math.Abs(got[0].Data[i]-float64(want)) > 1e-6 {
				t.Errorf("input %q: value %d is %v, expected %v", name, i, got[0].Data[i], want)
			}
		}
	}
}
