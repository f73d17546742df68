// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/internal/keras"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/checkpoint"
)

// TestKerasLayers opens models that Keras 3.16 wrote, one for each kind of layer and of its
// options: in testdata/keras_layers.zip, as .keras and some as .h5, with seeded inputs (in_)
// and what Keras computed of them with NumPy (out_0, …). Each has Keras' outputs, or is
// refused as testdata/keras_refused.txt says, by the name of its layer.
func TestKerasLayers(t *testing.T) {
	members, names := kerasLayers(t)
	dir := t.TempDir()
	var refused strings.Builder
	right := 0
	for _, name := range names {
		stem := strings.TrimSuffix(name, filepath.Ext(name))
		arrays, err := npy.ReadArchive(stem, bytes.NewReader(members[stem+".npz"]), int64(len(members[stem+".npz"])))
		if err != nil {
			t.Fatal(err)
		}
		shapes := map[string][]int{}
		for key, a := range arrays {
			if in, ok := strings.CutPrefix(key, "in_"); ok {
				shapes[in] = a.Shape
			}
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, members[name], 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := Open(file, Options{Arrays: shapes, States: []string{"none"}})
		if err != nil {
			why, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), file+": "), "\n")
			if !strings.HasPrefix(why, "layer ") {
				t.Errorf("%s: refused without the name of a layer: %s", name, why)
			}
			fmt.Fprintf(&refused, "%s: %s\n", name, why)
			continue
		}
		if why := likeKeras(n, arrays); why != "" {
			t.Errorf("%s: %s", name, why)
		}
		right++
	}
	if right < 250 {
		t.Errorf("%d models are right, expected 250 and more", right)
	}
	const golden = "testdata/keras_refused.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(refused.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != refused.String() {
		t.Errorf("refused:\n%s\nexpected\n%s", refused.String(), want)
	}
}

// kerasLayers are the members of the archive, and the names of those that are models.
func kerasLayers(t *testing.T) (members map[string][]byte, names []string) {
	t.Helper()
	z, err := zip.OpenReader("testdata/keras_layers.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	members = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if members[f.Name] = b; !strings.HasSuffix(f.Name, ".npz") {
			names = append(names, f.Name)
		}
	}
	return members, names
}

// TestKerasTwoNested reads models within models as Keras 2 describes them: calls in lists, and
// those of models that begin with an input layer counted from 1.
func TestKerasTwoNested(t *testing.T) {
	members, _ := kerasLayers(t)
	for _, stem := range []string{"f_nested", "f_nested_twice", "f_nested_two_in", "f_shared_order", "encdec_LSTM"} {
		file := filepath.Join(t.TempDir(), stem+".h5")
		if err := os.WriteFile(file, members[stem+".h5"], 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := checkpoint.OpenKeras(file)
		if err != nil {
			t.Fatal(err)
		}
		var model map[string]any
		if err := json.Unmarshal(store.Config, &model); err != nil {
			t.Fatal(err)
		}
		asKerasTwo(model["config"].(map[string]any))
		if store.Config, err = json.Marshal(model); err != nil {
			t.Fatal(err)
		}
		k, err := keras.Read(store)
		if err != nil {
			t.Errorf("%s: %v", stem, err)
			continue
		}
		arrays, err := npy.ReadArchive(stem, bytes.NewReader(members[stem+".npz"]), int64(len(members[stem+".npz"])))
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]*keras.Array{}
		for key, a := range arrays {
			if name, ok := strings.CutPrefix(key, "in_"); ok {
				in[name] = &keras.Array{Shape: a.Shape}
				for _, v := range a.Floats() {
					in[name].Data = append(in[name].Data, float64(v))
				}
			}
		}
		m, err := k.ONNX(nil)
		if err != nil {
			t.Errorf("%s: %v", stem, err)
			continue
		}
		if err := (&Network{Inputs: 2}).proveKeras(k, m); err != nil {
			t.Errorf("%s: %v", stem, err)
		}
		got, err := k.Evaluate(in)
		if err != nil {
			t.Errorf("%s: %v", stem, err)
		}
		for i, y := range got {
			for j, w := range arrays[fmt.Sprintf("out_%d", i)].Floats() {
				if math.Abs(y.Data[j]-float64(w)) > 1e-5 {
					t.Errorf("%s: output %d at %d is %g, expected %g", stem, i, j, y.Data[j], w)
					break
				}
			}
		}
	}
}

// asKerasTwo rewrites the calls of a functional model.
func asKerasTwo(config map[string]any) {
	layers := config["layers"].([]any)
	first := map[string]float64{}
	for _, v := range layers {
		l := v.(map[string]any)
		inner := l["config"].(map[string]any)
		list, nested := inner["layers"].([]any)
		if !nested {
			continue
		}
		if list[0].(map[string]any)["class_name"] == "InputLayer" {
			first[l["name"].(string)] = 1
		}
		if l["class_name"] == "Functional" {
			asKerasTwo(inner)
		}
	}
	var refs func(v any) []any
	refs = func(v any) (out []any) {
		switch v := v.(type) {
		case map[string]any:
			if h, ok := v["keras_history"].([]any); ok {
				return []any{[]any{h[0], h[1].(float64) + first[h[0].(string)], h[2], map[string]any{}}}
			}
			for _, key := range []string{"args", "config", "kwargs", "initial_state"} {
				out = append(out, refs(v[key])...)
			}
		case []any:
			for _, x := range v {
				out = append(out, refs(x)...)
			}
		}
		return out
	}
	for _, v := range layers {
		l := v.(map[string]any)
		nodes := []any{}
		for _, n := range l["inbound_nodes"].([]any) {
			nodes = append(nodes, refs(n))
		}
		l["inbound_nodes"] = nodes
	}
	outs := config["output_layers"].([]any)
	if _, one := outs[0].(string); one {
		outs = []any{outs}
	}
	for _, o := range outs {
		r := o.([]any)
		for _, v := range layers { // Keras 3 has those of Functional models from 1 here already
			if l := v.(map[string]any); l["name"] == r[0] && l["class_name"] == "Sequential" {
				r[1] = r[1].(float64) + first[r[0].(string)]
			}
		}
	}
	config["output_layers"] = outs
}

// likeKeras runs a network, and says where it differs from the arrays out_0, ….
func likeKeras(n *Network, arrays map[string]*npy.Array) string {
	e, err := floatexec.New(n.Graph)
	if err != nil {
		return err.Error()
	}
	var in [][]float32
	for _, id := range n.Graph.Inputs {
		a := arrays["in_"+n.Graph.Tensors[id].Name]
		if a == nil {
			return fmt.Sprintf("input %q, which Keras has not", n.Graph.Tensors[id].Name)
		}
		in = append(in, a.Floats())
	}
	out, err := e.Runner().Run(1, in)
	if err != nil {
		return err.Error()
	}
	if len(out)+len(in) != len(arrays) {
		return fmt.Sprintf("%d outputs, expected %d", len(out), len(arrays)-len(in))
	}
	for i, v := range out {
		want, got := arrays[fmt.Sprintf("out_%d", i)], v.Row(0)
		if s := n.Graph.Tensors[n.Graph.Outputs[i]].Shape; fmt.Sprint(s) != fmt.Sprint(want.Shape) {
			return fmt.Sprintf("output %d has shape %v, expected %v", i, s, want.Shape)
		}
		top, worst := 1.0, 0.0
		for k, w := range want.Floats() {
			top, worst = math.Max(top, math.Abs(float64(w))), math.Max(worst, math.Abs(float64(w-got[k])))
		}
		if !(worst <= 1e-5*top) {
			return fmt.Sprintf("output %d differs by %g, its largest value is %g", i, worst, top)
		}
	}
	return ""
}
