// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/train/checkpoint"
)

// Way is what to do about a layer that there is no form for.
const Way = "export the whole model as a graph, model.export(\"model.onnx\", format=\"onnx\"), which says everything"

// Model is a saved model: layers and who reads whom.
type Model struct {
	File    string
	Version string // of Keras, "" where the file does not say
	Layers  []*Layer
	Inputs  []ref // layers that are fed
	Outputs []ref
	store   *checkpoint.KerasFile
}

// Layer is a layer of the description. A layer that is applied several times has
// several calls.
type Layer struct {
	Class, Name string
	Config      config
	Calls       []call
	numbered    string // as Keras 3 names its tensors
	part        string // of a wrapper's tensors: see Model.tensors
}

// call is what a layer reads.
type call struct {
	reads []ref
	odd   string // an argument that has no form, "" for none
}

// ref is an output of a call of a layer.
type ref struct {
	layer        string
	call, output int
}

// Title names a layer in messages.
func (l *Layer) Title() string { return fmt.Sprintf("layer %q (%s)", l.Name, l.Class) }

type rawLayer struct {
	ClassName  string `json:"class_name"`
	Module     string `json:"module"`
	Registered string `json:"registered_name"`
	Name       string `json:"name"`
	Config     config `json:"config"`
	Inbound    any    `json:"inbound_nodes"`
}

func (r *rawLayer) class() string {
	return checkpoint.KerasClass(r.Module, r.Registered, r.ClassName)
}

// maxLayers bounds a model, far above one for a microcontroller.
const maxLayers = 4096

// Read takes a file of Keras apart.
func Read(store *checkpoint.KerasFile) (m *Model, err error) {
	defer caughtIn(store.File, &err)
	m = &Model{File: store.File, Version: store.Version, store: store}
	var raw rawLayer
	if err := json.Unmarshal(store.Config, &raw); err != nil {
		return nil, fmt.Errorf("%s: the model's description: %w", m.File, err)
	}
	switch raw.ClassName {
	case "Sequential", "Functional", "Model":
	default:
		return nil, fmt.Errorf("%s: a model of class %q: its own code says what it computes; %s", m.File, raw.ClassName, Way)
	}
	b, err := json.Marshal(raw.Config["layers"])
	var layers []*rawLayer
	if err == nil {
		err = json.Unmarshal(b, &layers)
	}
	if err != nil || len(layers) == 0 || len(layers) > maxLayers {
		return nil, fmt.Errorf("%s: the model's description has no list of 1 to %d layers", m.File, maxLayers)
	}
	counts, seen := map[string]int{}, map[string]bool{}
	for _, r := range layers {
		if r == nil {
			return nil, fmt.Errorf("%s: the model's description has a layer that is null", m.File)
		}
		l := &Layer{Class: r.class(), Config: r.Config, Name: r.Config.text("name", r.Name)}
		snake := checkpoint.KerasSnake(r.ClassName)
		if l.numbered = snake; counts[snake] > 0 {
			l.numbered = fmt.Sprintf("%s_%d", snake, counts[snake])
		}
		counts[snake]++
		if l.Name == "" || seen[l.Name] {
			return nil, fmt.Errorf("%s: %s: its name is empty or that of another layer", m.File, l.Title())
		}
		seen[l.Name] = true
		if raw.ClassName != "Sequential" {
			if l.Calls, err = calls(r.Inbound); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", m.File, l.Title(), err)
			}
		}
		m.Layers = append(m.Layers, l)
	}
	if raw.ClassName == "Sequential" {
		m.sequential(raw.Config)
		return m, nil
	}
	m.Inputs, m.Outputs = refs(raw.Config["input_layers"]), refs(raw.Config["output_layers"])
	if len(m.Inputs) == 0 || len(m.Outputs) == 0 {
		return nil, fmt.Errorf("%s: the model's description does not say its input_layers and output_layers", m.File)
	}
	for _, list := range [][]ref{m.Inputs, m.Outputs} {
		for _, r := range list {
			if !seen[r.layer] {
				return nil, fmt.Errorf("%s: the description names layer %q, which is not in it", m.File, r.layer)
			}
		}
	}
	return m, nil
}

// sequential connects every layer with the one before, and gives the first an input
// layer where the file has none.
func (m *Model) sequential(c config) {
	first := m.Layers[0]
	if first.Class != "InputLayer" {
		shape := first.Config["batch_input_shape"]
		if shape == nil {
			shape = first.Config["batch_shape"]
		}
		if shape == nil {
			shape = c["build_input_shape"]
		}
		in := &Layer{Class: "InputLayer", Name: first.Name + "_input", Config: config{"batch_shape": shape}}
		m.Layers = append([]*Layer{in}, m.Layers...)
	}
	m.Layers[0].Calls = []call{{}}
	for i, l := range m.Layers[1:] {
		l.Calls = []call{{reads: []ref{{layer: m.Layers[i].Name}}}}
	}
	m.Inputs = []ref{{layer: m.Layers[0].Name}}
	m.Outputs = []ref{{layer: m.Layers[len(m.Layers)-1].Name}}
}

// refs finds what a list of [layer, call, output] names, however deep it is nested.
func refs(v any) []ref {
	switch v := v.(type) {
	case map[string]any:
		if h := v["keras_history"]; h != nil {
			return refs(h)
		}
		var out []ref
		for _, key := range sortedKeys(v) {
			out = append(out, refs(v[key])...)
		}
		return out
	case []any:
		if len(v) >= 3 {
			name, ok := v[0].(string)
			a, one := v[1].(float64)
			b, two := v[2].(float64)
			if ok && one && two && a >= 0 && b >= 0 && a < maxLayers && b < maxLayers {
				return []ref{{name, int(a), int(b)}}
			}
		}
		var out []ref
		for _, x := range v {
			out = append(out, refs(x)...)
		}
		return out
	}
	return nil
}

// calls reads inbound_nodes in the form of Keras 2, [[[name, 0, 0, {}], …], …], and of
// Keras 3, [{"args": …, "kwargs": …}].
func calls(v any) ([]call, error) {
	nodes, ok := v.([]any)
	if !ok && v != nil {
		return nil, errors.New("inbound_nodes is no list")
	}
	if len(nodes) == 0 {
		return []call{{}}, nil // an input
	}
	var out []call
	for _, n := range nodes {
		var c call
		switch n := n.(type) {
		case map[string]any:
			c.reads = refs(n["args"])
			kwargs, _ := n["kwargs"].(map[string]any)
			if c.odd = checkpoint.KerasOdd(kwargs); c.odd == "" {
				c.odd = constant(n["args"])
			}
		case []any:
			list := n
			if len(n) > 0 {
				if _, single := n[0].(string); single { // [name, 0, 0, {}] of one input
					list = []any{n}
				}
			}
			for _, x := range list {
				read := refs(x)
				if len(read) == 0 && c.odd == "" {
					c.odd = fmt.Sprintf("%v in the place of a value", x)
				}
				c.reads = append(c.reads, read...)
				if e, ok := x.([]any); ok && len(e) > 3 {
					kwargs, _ := e[3].(map[string]any)
					if c.odd == "" {
						c.odd = checkpoint.KerasOdd(kwargs)
					}
				}
			}
		}
		if len(c.reads) == 0 {
			return nil, errors.New("inbound_nodes names no layer that it reads")
		}
		out = append(out, c)
	}
	return out, nil
}

// constant tells of what a layer of Keras 3 is called with that no layer gives, as the
// number of x + 2.
func constant(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		for _, x := range v {
			if c := constant(x); c != "" {
				return c
			}
		}
		return ""
	case map[string]any:
		if v["class_name"] == nil {
			for _, key := range sortedKeys(v) {
				if c := constant(v[key]); c != "" {
					return c
				}
			}
			return ""
		}
		if v["class_name"] == "__keras_tensor__" && len(refs(v)) == 1 {
			return ""
		}
	}
	return fmt.Sprintf("%v in the place of a value", v)
}

// legacy reports whether the file is of Keras before 3, which had other defaults.
func (m *Model) legacy() bool {
	return strings.HasPrefix(m.Version, "1.") || strings.HasPrefix(m.Version, "2.")
}
