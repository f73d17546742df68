// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/hdf5"
	"github.com/unroll-npu/unroll/train/nn"
)

func kerasFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKerasModels reads one model as Keras 2 and Keras 3 save it: a GRU, a dense layer
// at every step and an LSTM with relu, whose names say nothing of their order. The
// arrays beside them are what the files were made of.
func TestKerasModels(t *testing.T) {
	arrays := map[string]*npy.Array{}
	for _, name := range []string{"keras.npz", "keras_mid.npz"} {
		raw := kerasFile(t, name)
		more, err := npy.ReadArchive(name, bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		for k, a := range more {
			arrays[k] = a
		}
	}
	for _, name := range []string{"model.h5", "model.keras"} {
		net, err := Open(filepath.Join("testdata", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if len(net.Layers) != 3 || net.Layers[0].Cell != nn.GRU || net.Layers[1].Kind != nn.Dense || net.Layers[2].Cell != nn.LSTM {
			t.Errorf("%s: layers %+v", name, net.Layers)
			continue
		}
		if net.Layers[0].Activation != nn.Tanh || net.Layers[1].Activation != nn.Relu || net.Layers[2].Activation != nn.Relu || !net.Layers[0].ResetAfter {
			t.Errorf("%s: activations %v %v %v", name, net.Layers[0].Activation, net.Layers[1].Activation, net.Layers[2].Activation)
		}
		if net.Steps != 6 || net.Features != 4 || net.Outputs != 2 || net.Task != nn.Classification || net.PerStep || len(net.Facts.Assumed) > 0 {
			t.Errorf("%s: %d steps, %d features, %d outputs, task %v, per step %v, assumed %q", name, net.Steps, net.Features, net.Outputs, net.Task, net.PerStep, net.Facts.Assumed)
		}
		for key, got := range map[string][]float32{
			"encoder/kernel": net.Layers[0].Kernel, "encoder/recurrent_kernel": net.Layers[0].Recurrent, "encoder/bias": net.Layers[0].Bias,
			"mid_kernel": net.Layers[1].Kernel, "mid_bias": net.Layers[1].Bias,
			"decoder/kernel": net.Layers[2].Kernel, "decoder/recurrent_kernel": net.Layers[2].Recurrent, "decoder/bias": net.Layers[2].Bias,
			"out/kernel": net.HeadKernel, "out/bias": net.HeadBias,
		} {
			if !slices.Equal(got, arrays[key].Floats()) {
				t.Errorf("%s: %s is not what was written", name, key)
			}
		}
		if _, err := OpenAs(filepath.Join("testdata", name), Stated{Activation: "relu"}); err == nil || !strings.Contains(err.Error(), "the file says itself") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	net, err := Open(filepath.Join("testdata", "weights.h5"))
	if err != nil || len(net.Layers) != 1 || len(net.Facts.Assumed) == 0 {
		t.Errorf("weights alone: %+v, %v", net, err)
	}
}

// TestKerasHeads says what is behind the outputs of a model that has nothing there; a softmax
// stays.
func TestKerasHeads(t *testing.T) {
	raw := kerasFile(t, "model.keras")
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, entry := range z.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Create(entry.Name)
		if err == nil {
			_, err = f.Write(bytes.ReplaceAll(data, []byte(`"softmax"`), []byte(`"linear"`)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	linear := filepath.Join(t.TempDir(), "linear.keras")
	if err := os.WriteFile(linear, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	for head, task := range map[string]nn.Task{"": nn.Regression, "none": nn.Regression, "softmax": nn.Classification} {
		if net, err := OpenAs(linear, Stated{Head: head}); err != nil || net.Task != task {
			t.Errorf("--head %s: %+v, %v", head, net, err)
		}
	}
	for head, want := range map[string]string{"sigmoid": "a detector here has one", "relu": "expected softmax, sigmoid or none"} {
		if _, err := OpenAs(linear, Stated{Head: head}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--head %s: error %v", head, err)
		}
	}
	if _, err := OpenAs(filepath.Join("testdata", "model.keras"), Stated{Head: "none"}); err == nil || !strings.Contains(err.Error(), "has a softmax at its end") {
		t.Errorf("error %v", err)
	}
}

// TestKerasRefusals changes the description of a model: what there is no form for is
// named with its layer.
func TestKerasRefusals(t *testing.T) {
	raw := kerasFile(t, "model.keras")
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	member := func(name string) []byte {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	config, weights := member("config.json"), member("model.weights.h5")
	for _, c := range []struct{ from, to, want string }{
		{`"recurrent_activation": "sigmoid"`, `"recurrent_activation": "hard_sigmoid"`, `layer "encoder" (GRU): recurrent_activation hard_sigmoid`},
		{`"go_backwards": false`, `"go_backwards": true`, "go_backwards: its outputs come in reverse order, for which there is no form"},
		{`"class_name": "TimeDistributed"`, `"class_name": "BatchNormalization"`, `layer "mid" (BatchNormalization): there is no form for it`},
		{`"class_name": "GRU"`, `"class_name": "Bidirectional"`, `layer "encoder" (Bidirectional): merge_mode`},
		{`"keras_history": ["encoder"`, `"keras_history": ["in"`, `layer "drop" does not read "encoder", the one before it, alone`},
		{`"units": 3`, `"units": 7`, `layer "decoder" (LSTM): its kernel has shape [6 12], expected [6 28]`},
		{`"return_sequences": true`, `"return_sequences": false`, "it reads one step"},
		{`"class_name": "Functional"`, `"class_name": "Mine"`, `a model of class "Mine"`},
		{`"softmax"`, `"gelu"`, "activation gelu of 2 outputs"},
		{`"keras_history": ["decoder", 0, 0]`, `"keras_history": ["decoder", 0, 2]`, `layer "out" does not read "decoder", the one before it, alone`},
		{`["out", 0, 0]]}`, `["decoder", 0, 0], ["out", 0, 0]]}`, `the model does not give the output of its last layer, "out", alone`},
		{`["out", 0, 0]]}`, `["decoder", 0, 0]]}`, `the model does not give the output of its last layer, "out", alone`},
		{`{"training": false, "mask": null}`, `{"training": true}`, `layer "encoder" is called with training=true`},
		{`{"training": false, "mask": null}`, `{"initial_state": {"class_name": "__keras_tensor__", "config": {"keras_history": ["in", 0, 0]}}}`, `layer "encoder" is called with initial_state`},
		{`"inbound_nodes": [{"args": [`, `"inbound_nodes": [{"args": [2, `, `layer "encoder" is called with 2 in the place of a value`},
		{`"class_name": "GRU"`, `"class_name": "GRU", "registered_name": "mine>GRU"`, "it is a mine>GRU, for which there is no form"},
		{`"go_backwards": false`, `"time_major": true`, "expected the batch before the steps"},
		{`"units": 5`, `"units": 5, "dtype": "int8_from_float32"`, "dtype int8_from_float32: its weights are no real numbers"},
		{`"class_name": "Dropout"`, `"class_name": "Softmax"`, `layer "mid" (TimeDistributed): it follows the layer with the outputs`},
		{`"class_name": "Dropout", "config": {`, `"class_name": "Softmax", "config": {"axis": 1, `, `layer "drop" (Softmax): axis 1, expected the last one`},
	} {
		changed := strings.Replace(string(config), c.from, c.to, 1)
		if changed == string(config) {
			t.Fatalf("the description has no %s", c.from)
		}
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, data := range map[string][]byte{"config.json": []byte(changed), "model.weights.h5": weights} {
			f, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			f.Write(data)
		}
		w.Close()
		if _, err := ReadKeras("m.keras", bytes.NewReader(b.Bytes()), int64(b.Len()), Stated{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.keras: ") {
			t.Errorf("%s: error %v, want one with %q", c.to, err, c.want)
		}
	}
}

// TestKerasSlashes finds the tensors of layers whose names have slashes, which are groups
// within groups, and takes none where one layer's lie within another's.
func TestKerasSlashes(t *testing.T) {
	group := func(name string, inner ...*hdf5.Node) *hdf5.Node { return &hdf5.Node{Name: name, Children: inner} }
	kernel := func() *hdf5.Node {
		return &hdf5.Node{Name: "kernel:0", Shape: []int{1}, Data: []float32{1}}
	}
	inner := kernel()
	b := group("b", group("a", group("b", inner)))
	k := &KerasFile{layers: group("model_weights", group("a", group("a", kernel()), b), group("c"))}
	if got := byName(k.Layer("a/b", "")); got["kernel"] != inner {
		t.Errorf("a/b: %v", got)
	}
	if got := byName(k.Layer("a", "")); got["kernel"] != nil {
		t.Errorf("a: took one of two kernels: %v", got)
	}
	for _, name := range []string{"c/b", "a//b", "", "/"} {
		if got := k.Layer(name, ""); got != nil {
			t.Errorf("%q: found %v", name, got)
		}
	}
}

func TestSnake(t *testing.T) {
	for class, want := range map[string]string{"GRU": "gru", "SimpleRNN": "simple_rnn", "LSTM": "lstm", "Dense": "dense", "TimeDistributed": "time_distributed", "InputLayer": "input_layer", "Conv1D": "conv1d"} {
		if got := snake(class); got != want {
			t.Errorf("%s: %s, expected %s", class, got, want)
		}
	}
}

func FuzzKerasConfig(f *testing.F) {
	raw := kerasFile(f, "model.keras")
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		f.Fatal(err)
	}
	var parts [2][]byte
	for i, name := range []string{"config.json", "model.weights.h5"} {
		c, err := z.Open(name)
		if err != nil {
			f.Fatal(err)
		}
		if parts[i], err = io.ReadAll(c); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(parts[0])
	f.Fuzz(func(t *testing.T, config []byte) {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i, name := range []string{"config.json", "model.weights.h5"} {
			e, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			e.Write([][]byte{config, parts[1]}[i])
		}
		w.Close()
		net, err := ReadKeras("fuzz", bytes.NewReader(b.Bytes()), int64(b.Len()), Stated{})
		if err == nil && net.Check() != nil {
			t.Errorf("a network that is not sound: %v", net.Check())
		}
	})
}

// TestKerasEarlyGRU reads a GRU without a bias, whose shape would tell, of a file that does not
// say reset_after: Keras 1 had the gate before the product.
func TestKerasEarlyGRU(t *testing.T) {
	array := func(name string, shape ...int) *hdf5.Node {
		return &hdf5.Node{Name: name, Shape: shape, Data: make([]float32, shape[0]*shape[1])}
	}
	for version, after := range map[string]bool{"": false, "1.2.2": false, "2.11.0": true, "3.8.0": true} {
		k := &KerasFile{File: "m.h5", Version: version, Config: []byte(`{"class_name": "Sequential", "config": {"name": "s", "layers": [
			{"class_name": "GRU", "config": {"name": "g", "batch_input_shape": [null, 5, 2], "units": 3, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": 0}},
			{"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "softmax", "use_bias": false}}]}}`),
			layers: &hdf5.Node{Children: []*hdf5.Node{{Name: "g", Children: []*hdf5.Node{array("kernel:0", 2, 9), array("recurrent_kernel:0", 3, 9)}},
				{Name: "d", Children: []*hdf5.Node{array("kernel:0", 3, 2)}}}}}
		net, err := k.network()
		if err != nil {
			t.Errorf("%s: %v", version, err)
		} else if net.Layers[0].ResetAfter != after {
			t.Errorf("version %q: reset_after %v", version, net.Layers[0].ResetAfter)
		}
	}
}
