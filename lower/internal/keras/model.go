// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"encoding/json"
	"fmt"
	"slices"
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
	owner   *Layer // of a model within a model: the layer that it is
	chain   bool   // it is Sequential: every layer reads all that the one before gives
}

// Layer is a layer of the description. A layer that is applied several times has
// several calls.
type Layer struct {
	Class, Name string
	Config      config
	Calls       []call
	numbered    string // as Keras 3 names its tensors
	within      []part // where its tensors lie in those of the layer of that name
	owner       *Layer // the model that it is in, nil for the outermost
	inner       *Model // that a layer is which is a model: see Layer.model
}

// part is a step from the tensors of a layer to those of one inside of it.
type part struct {
	attribute string // of the outer layer, as Keras 3 names groups; with slashes between several
	name      string // of the inner layer, "" where it has none of its own in the file
	prefix    string // of its name where Keras 2 gave it one, "" for none
}

// ref is an output of a call of a layer. every stands for all outputs of a call.
type ref struct {
	layer        string
	call, output int
}

const every = -1

// Title names a layer in messages, with the models that it is in.
func (l *Layer) Title() string { return fmt.Sprintf("layer %q (%s)", l.address(), l.Class) }

func (l *Layer) address() string {
	if l.owner != nil {
		return l.owner.address() + "/" + l.Name
	}
	return l.Name
}

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

// maxDepth bounds models within models.
const maxDepth = 16

// Read takes a file of Keras apart.
func Read(store *checkpoint.KerasFile) (m *Model, err error) {
	defer caughtIn(store.File, &err)
	m = &Model{File: store.File, Version: store.Version, store: store}
	var raw rawLayer
	if err := json.Unmarshal(store.Config, &raw); err != nil {
		return nil, fmt.Errorf("%s: the model's description: %w", m.File, err)
	}
	if !slices.Contains(models, raw.ClassName) {
		return nil, fmt.Errorf("%s: a model of class %q: its own code says what it computes; %s", m.File, raw.ClassName, Way)
	}
	return m, m.read(&raw)
}

// models are the classes of models whose description says what they compute.
var models = []string{"Sequential", "Functional", "Model"}

// read fills a model by its description.
func (m *Model) read(raw *rawLayer) (err error) {
	b, err := json.Marshal(raw.Config["layers"])
	var layers []*rawLayer
	if err == nil {
		err = json.Unmarshal(b, &layers)
	}
	if err != nil || len(layers) == 0 || len(layers) > maxLayers {
		return fmt.Errorf("%s: the model's description has no list of 1 to %d layers", m.File, maxLayers)
	}
	counts, seen := map[string]int{}, map[string]bool{}
	for _, r := range layers {
		if r == nil {
			return fmt.Errorf("%s: the model's description has a layer that is null", m.File)
		}
		l := &Layer{Class: r.class(), Config: r.Config, Name: r.Config.text("name", r.Name), owner: m.owner}
		snake := checkpoint.KerasSnake(r.ClassName)
		if l.numbered = snake; counts[snake] > 0 {
			l.numbered = fmt.Sprintf("%s_%d", snake, counts[snake])
		}
		counts[snake]++
		if l.Name == "" || seen[l.Name] {
			return fmt.Errorf("%s: %s: its name is empty or that of another layer", m.File, l.Title())
		}
		seen[l.Name] = true
		if raw.ClassName != "Sequential" {
			if l.Calls, err = calls(r.Inbound); err != nil {
				return fmt.Errorf("%s: %s: %w", m.File, l.Title(), err)
			}
		}
		if slices.Contains(models, l.Class) {
			if strings.Count(l.address(), "/") > maxDepth {
				return fmt.Errorf("%s: %s: models within models, deeper than %d", m.File, l.Title(), maxDepth)
			}
			l.inner = &Model{File: m.File, Version: m.Version, store: m.store, owner: l}
			if err := l.inner.read(r); err != nil {
				return err
			}
		}
		m.Layers = append(m.Layers, l)
	}
	if raw.ClassName == "Sequential" {
		m.sequential(raw.Config)
		return nil
	}
	m.Inputs, m.Outputs = refs(raw.Config["input_layers"]), refs(raw.Config["output_layers"])
	m.countModels()
	if len(m.Inputs) == 0 || len(m.Outputs) == 0 {
		return fmt.Errorf("%s: the model's description does not say its input_layers and output_layers", m.File)
	}
	for _, list := range [][]ref{m.Inputs, m.Outputs} {
		for _, r := range list {
			if !seen[r.layer] {
				return fmt.Errorf("%s: the description names layer %q, which is not in it", m.File, r.layer)
			}
		}
	}
	return nil
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
		in := &Layer{Class: "InputLayer", Name: first.Name + "_input", Config: config{"batch_shape": shape}, owner: m.owner}
		m.Layers = append([]*Layer{in}, m.Layers...)
	}
	m.Layers[0].Calls = []call{{}}
	for i, l := range m.Layers[1:] {
		l.Calls = []call{{reads: []ref{{layer: m.Layers[i].Name}}}}
	}
	m.chain = true
	m.Inputs = []ref{{layer: m.Layers[0].Name}}
	m.Outputs = []ref{{layer: m.Layers[len(m.Layers)-1].Name, output: every}}
}

// countModels makes the first call of a model within this one number 0. Keras counts from
// 1 where it takes the model for a Functional one, whose own nodes are its call 0: Keras 3
// in the lists of inputs and outputs alone, Keras 2 wherever it names calls.
func (m *Model) countModels() {
	shifted := map[string]bool{}
	for _, l := range m.Layers {
		if l.inner != nil && (l.Class != "Sequential" || l.starts()) {
			shifted[l.Name] = true
		}
	}
	for _, list := range [][]ref{m.Inputs, m.Outputs} {
		for i, r := range list {
			l := m.layer(r.layer)
			if l != nil && shifted[r.layer] && (l.listed() || l.Class != "Sequential") {
				list[i].call--
			}
		}
	}
	for _, l := range m.Layers {
		for _, c := range l.Calls {
			for i, r := range c.reads {
				if shifted[r.layer] && l.listed() {
					c.reads[i].call--
				}
			}
		}
	}
}

// starts reports whether a Sequential model has an input layer in its description.
func (l *Layer) starts() bool {
	list, _ := l.Config["layers"].([]any)
	if len(list) == 0 {
		return false
	}
	first, _ := list[0].(map[string]any)
	return first["class_name"] == "InputLayer"
}

// listed reports whether the calls of a layer are written as Keras 2 does, in lists.
func (l *Layer) listed() bool {
	return slices.ContainsFunc(l.Calls, func(c call) bool { return c.listed })
}

// legacy reports whether the file is of Keras before 3, which had other defaults.
func (m *Model) legacy() bool {
	return strings.HasPrefix(m.Version, "1.") || strings.HasPrefix(m.Version, "2.")
}
