// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/train/checkpoint"
)

// Layers with layers inside: wrappers, and models within models.

func init() {
	register(map[string]layerKind{"TimeDistributed": timeDistributed, "Functional": nested, "Model": nested, "Sequential": nested})
}

// wrapped reads the layer in a wrapper.
func (l *Layer) wrapped(key string) *Layer {
	inner := l.layerOf(l.Config[key], key)
	inner.within[len(inner.within)-1].attribute = key
	return inner
}

// wrappedList reads the layers in a list, whose tensors lie in a group of that name.
func (l *Layer) wrappedList(key string) (out []*Layer) {
	list, _ := l.Config[key].([]any)
	counts := map[string]int{}
	for _, v := range list {
		inner := l.layerOf(v, key)
		name := checkpoint.KerasSnake(inner.Class)
		at := key + "/" + name
		if counts[name] > 0 {
			at = fmt.Sprintf("%s_%d", at, counts[name])
		}
		counts[name]++
		inner.within[len(inner.within)-1].attribute = at
		out = append(out, inner)
	}
	return out
}

// layerOf reads the description of a layer that lies in this one.
func (l *Layer) layerOf(v any, key string) *Layer {
	b, err := json.Marshal(v)
	var raw rawLayer
	if err == nil {
		err = json.Unmarshal(b, &raw)
	}
	if err != nil || raw.ClassName == "" {
		refuse("its description does not say what %s is", key)
	}
	if raw.Config == nil {
		raw.Config = config{}
	}
	inner := &Layer{Class: raw.class(), Name: l.Name, Config: raw.Config, numbered: l.numbered, owner: l.owner,
		within: append(slices.Clip(l.within), part{name: raw.Config.text("name", "")})}
	if slices.Contains(models, inner.Class) {
		inner.inner = l.modelWithin(inner, &raw)
	}
	return inner
}

// modelWithin reads the model that a layer in a wrapper is.
func (l *Layer) modelWithin(inner *Layer, raw *rawLayer) *Model {
	m := &Model{File: inner.address(), owner: inner}
	if err := m.read(raw); err != nil {
		refuse("%w", err)
	}
	return m
}

// nested writes a model within the model: the layers that it has, once for each call.
func nested(w *writer, in []value) []value {
	inner := w.l.inner
	if inner.store == nil {
		inner.File, inner.Version, inner.store = w.m.File, w.m.Version, w.m.store
	}
	if len(in) != len(inner.Inputs) {
		refuse("it reads %d values, expected %d", len(in), len(inner.Inputs))
	}
	outer := *w
	defer func() {
		w.m, w.l, w.c, w.base, w.under, w.count = outer.m, outer.l, outer.c, outer.base, outer.under, outer.count
	}()
	values := map[ref]value{}
	for i, r := range inner.Inputs {
		if l := inner.layer(r.layer); l == nil || l.Class != "InputLayer" {
			refuse("its input %q is no input layer", r.layer)
		} else if s, ok := shapeOf(l.Config.batchShape()); ok && !fits(s, in[i].shape) {
			refuse("it reads a value of shape %v, its input %q has %v (0 is open)", in[i].shape, r.layer, s)
		}
		values[r] = in[i]
	}
	w.m, w.under = inner, w.base+"/"
	if err := w.layers(values); err != nil {
		panic(refusal{err})
	}
	out, err := inner.outputs(values)
	if err != nil {
		refuse("%w", err)
	}
	return out
}

// fits reports whether a shape is one with open dimensions.
func fits(open, shape []int) bool {
	if len(open) != len(shape) {
		return false
	}
	for i, d := range open {
		if i > 0 && d != 0 && d != shape[i] {
			return false
		}
	}
	return true
}

// rowwise are layers that treat every row of their input alike, however many there are.
var rowwise = []string{"Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Rescaling", "Softmax", "LayerNormalization", "BatchNormalization"}

// byRows reports whether a layer at every step is the layer on all steps.
func (l *Layer) byRows() bool {
	list, several := l.Config["axis"].([]any)
	if l.Class == "Dense" || l.Class == "Activation" { // which may have a layer as their activation
		if name, ok := l.Config["activation"].(string); l.Config["activation"] != nil && (!ok || name == "glu") {
			return false
		}
	}
	return slices.Contains(rowwise, l.Class) && (!several || len(list) == 1)
}

// timeDistributed applies a layer to every step.
func timeDistributed(w *writer, in []value) []value {
	outer := w.l
	outer.known("layer")
	x := in[0]
	if x.rank() < 3 {
		refuse("it reads a value of shape %v, which has no steps", x.shape)
	}
	inner := outer.wrapped("layer")
	if inner.inner != nil {
		inner.inner.File, inner.inner.Version, inner.inner.store = w.m.File, w.m.Version, w.m.store
	}
	defer func() { w.l = outer }()
	w.l = inner
	switch {
	case inner.Class == "Flatten":
		inner.known("data_format")
		return []value{w.reshape(x, 1, x.shape[1], elems(x.shape[2:]))}
	case inner.byRows():
		// The axes of its description count from the step on.
		a := inner.Config["axis"]
		if list, ok := a.([]any); ok {
			a = list[0]
		}
		if f, ok := a.(float64); ok && f > 0 {
			inner.Config["axis"] = f + 1
		}
		if f, ok := a.(float64); ok && int(f) == 1-x.rank() {
			refuse("axis %v is the batch", a)
		}
		return layerKinds[inner.Class](w, in)
	}
	f := layerKinds[inner.Class]
	if f == nil || merging[inner.Class] && cells[inner.Class].op == "" && inner.Class != "RNN" && inner.Class != "Bidirectional" {
		why := remedies[inner.Class]
		if why != "" {
			why = ": " + why
		}
		refuse("it applies a %s to every step, for which there is no form%s", inner.Class, why)
	}
	// Any other layer is written once for every step.
	var outs []value
	steps := x.shape[1]
	const most = 256
	if steps > most {
		refuse("it applies a %s to each of %d steps; expected at most %d", inner.Class, steps, most)
	}
	base := w.base
	defer func() { w.base = base }()
	for t := range steps {
		step := w.node("Slice", nil, append([]int{1, 1}, x.shape[2:]...), x.name, w.ints(t), w.ints(t+1), w.ints(1))
		row := w.reshape(step, append([]int{1}, x.shape[2:]...)...)
		if inner.inner != nil {
			w.base = fmt.Sprintf("%s/step%d", base, t)
		}
		out := f(w, []value{row})
		w.base = base
		if len(out) != 1 {
			refuse("it applies a %s of %d outputs to every step, for which there is no form", inner.Class, len(out))
		}
		outs = append(outs, w.reshape(out[0], append([]int{1, 1}, out[0].shape[1:]...)...))
	}
	shape := slices.Clone(outs[0].shape)
	shape[1] = steps
	names := make([]string, steps)
	for i, v := range outs {
		names[i] = v.name
	}
	return []value{w.node("Concat", map[string]any{"axis": 1}, shape, names...)}
}

// spoken is what a description says in the place of a name, short enough for a message.
func spoken(v any) string {
	if m, ok := v.(map[string]any); ok {
		if name, ok := m["class_name"].(string); ok {
			if name == "function" {
				return fmt.Sprintf("%v, a function of the model's own,", m["config"])
			}
			return "layer " + name
		}
	}
	return strings.TrimSpace(fmt.Sprint(v))
}
