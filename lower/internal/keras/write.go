// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// value is what a layer gives: a value of the ONNX model, channels last, of batch 1.
type value struct {
	name  string
	shape []int
}

func (v value) rank() int { return len(v.shape) }

// last is the number of channels.
func (v value) last() int { return v.shape[len(v.shape)-1] }

// opset of the models that are written.
const opset = 17

type writer struct {
	m     *Model
	g     *onnx.Graph
	l     *Layer // being written
	c     call   // of it
	base  string // of the names of its values
	under string // before the names of all values of a model within a model
	count int
}

// Declared returns the inputs of the model with what is open about their shapes.
func (m *Model) Declared() (out []*onnx.Declared, err error) {
	defer caughtIn(m.File, &err)
	for _, r := range m.Inputs {
		l := m.layer(r.layer)
		shape := l.Config.batchShape()
		dims, ok := shapeOf(shape)
		if l.Class != "InputLayer" || !ok || len(dims) < 2 || len(dims) > 5 {
			return nil, fmt.Errorf("%s: %s: an input needs a shape with a batch and one to four dimensions, found %v; build the model with an Input layer before it is saved", m.File, l.Title(), shape)
		}
		if l.Config.flag("ragged", false) {
			return nil, fmt.Errorf("%s: %s: ragged: its rows differ in length; train and save with sequences of one length", m.File, l.Title())
		}
		if t := l.Config.text("dtype", "float32"); t != "float32" {
			return nil, fmt.Errorf("%s: %s: inputs of type %s; only float32 can be fed: put what turns it into numbers (an embedding, for instance) outside of the model", m.File, l.Title(), t)
		}
		d := &onnx.Declared{Name: l.Name, Kind: "tensor", Type: onnx.Float, Ranked: true}
		for i, n := range dims {
			switch {
			case i == 0:
				d.Dims = append(d.Dims, onnx.Dim{Size: 1})
			case n == 0 && i == 1 && len(dims) == 3:
				d.Dims = append(d.Dims, onnx.Dim{Size: -1, Name: "steps"})
			case n == 0:
				d.Dims = append(d.Dims, onnx.Dim{Size: -1, Name: fmt.Sprintf("%s_%d", l.Name, i)})
			default:
				d.Dims = append(d.Dims, onnx.Dim{Size: int64(n)})
			}
		}
		out = append(out, d)
	}
	return out, nil
}

func (m *Model) layer(name string) *Layer {
	for _, l := range m.Layers {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// ONNX writes the model for inputs of the given shapes; those that are not given have to
// be in the file.
func (m *Model) ONNX(shapes map[string][]int) (*onnx.Model, error) {
	declared, err := m.Declared()
	if err != nil {
		return nil, err
	}
	w := &writer{m: m, g: &onnx.Graph{Name: "keras", Weights: map[string]*onnx.Tensor{}}}
	values := map[ref]value{}
	for i, d := range declared {
		shape := slices.Clone(shapes[d.Name])
		if shape == nil {
			for k, dim := range d.Dims {
				if dim.Size < 0 {
					return nil, fmt.Errorf("%s: input %q has %d dimensions and the file leaves the size of dimension %d open: give --shape %s=1,…", m.File, d.Name, len(d.Dims), k, d.Name)
				}
				shape = append(shape, int(dim.Size))
			}
		}
		fits := len(shape) == len(d.Dims)
		for k := 0; fits && k < len(shape); k++ {
			fits = shape[k] > 0 && (d.Dims[k].Size < 0 || int(d.Dims[k].Size) == shape[k])
		}
		if !fits {
			return nil, fmt.Errorf("%s: input %q has shape %v in the file (-1 is open), not %v", m.File, d.Name, d.Dims, shape)
		}
		fixed := &onnx.Declared{Name: d.Name, Kind: d.Kind, Type: d.Type, Ranked: true}
		for _, n := range shape {
			fixed.Dims = append(fixed.Dims, onnx.Dim{Size: int64(n)})
		}
		w.g.Inputs = append(w.g.Inputs, fixed)
		values[m.Inputs[i]] = value{d.Name, shape}
	}
	if err := w.layers(values); err != nil {
		if why := (*innerError)(nil); errors.As(err, &why) {
			return nil, fmt.Errorf("%s: %w\n%s", m.File, err, Way)
		}
		return nil, fmt.Errorf("%s: %w", m.File, err)
	}
	outs, err := m.outputs(values)
	if err != nil {
		return nil, err
	}
	for i, v := range outs {
		if slices.ContainsFunc(w.g.Outputs, func(o *onnx.Declared) bool { return o.Name == v.name }) || slices.ContainsFunc(w.g.Inputs, func(o *onnx.Declared) bool { return o.Name == v.name }) {
			again := fmt.Sprintf("%s/out%d", v.name, i)
			w.raw("Identity", nil, []string{v.name}, again)
			v.name = again
		}
		w.g.Outputs = append(w.g.Outputs, &onnx.Declared{Name: v.name, Kind: "tensor", Type: onnx.Float})
	}
	if again := w.again(); again != "" {
		return nil, fmt.Errorf("%s: two values are named %q: rename the layer or input of that name", m.File, again)
	}
	return &onnx.Model{File: m.File, IR: 8, Producer: "keras", Opset: opset, Graph: w.g}, nil
}

// outputs are the values that a model gives. A Sequential model gives all of its last layer.
func (m *Model) outputs(values map[ref]value) ([]value, error) {
	var out []value
	for _, r := range m.Outputs {
		all := r.output == every
		if all {
			r.output = 0
		}
		v, ok := values[r]
		if !ok {
			return nil, fmt.Errorf("%s: output %d of layer %q is not computed", m.File, r.output, r.layer)
		}
		for out = append(out, v); all; out = append(out, v) {
			if r.output++; values[r].name == "" {
				break
			}
			v = values[r]
		}
	}
	return out, nil
}

// again is a name that two values have, "" for none: layers may be named like the inner
// values of others.
func (w *writer) again() string {
	seen := map[string]bool{}
	var names []string
	for _, in := range w.g.Inputs {
		names = append(names, in.Name)
	}
	for _, n := range w.g.Nodes {
		names = append(names, n.Outputs...)
	}
	for _, name := range names {
		if seen[name] || w.g.Weights[name] != nil {
			return name
		}
		seen[name] = true
	}
	return ""
}

// innerError names the layers that there is no form for.
type innerError struct{ refused []string }

func (e *innerError) Error() string { return strings.Join(e.refused, "\n  ") }

// layers writes all calls, each after those that it reads.
func (w *writer) layers(values map[ref]value) error {
	var refused []string
	lost := map[ref]bool{} // outputs of layers that are refused
	done := map[ref]bool{}
	for progress := true; progress; {
		progress = false
		for _, l := range w.m.Layers {
			for i, c := range l.Calls {
				at := ref{layer: l.Name, call: i}
				if done[at] {
					continue
				}
				var in []value
				ready, missing := true, false
				for _, r := range c.reads {
					v, ok := values[r]
					missing = missing || lost[ref{r.layer, r.call, 0}]
					ready = ready && (ok || lost[ref{r.layer, r.call, 0}])
					in = append(in, v)
				}
				if !ready {
					continue
				}
				done[at], progress = true, true
				if l.Class == "InputLayer" {
					continue
				}
				if missing {
					lost[at] = true
					continue
				}
				w.l, w.c, w.count, w.base = l, c, 0, w.under+l.Name
				if i > 0 {
					w.base = fmt.Sprintf("%s:%d", w.base, i)
				}
				base := w.base
				outs, err := w.call(c, in)
				if err == nil && w.m.chain && len(c.reads) > 0 && values[ref{c.reads[0].layer, 0, 1}].name != "" {
					err = errors.New("it reads a layer of several outputs; connect them with a functional model")
				}
				if err != nil {
					lost[at] = true
					if why := (*innerError)(nil); errors.As(err, &why) {
						refused = append(refused, why.refused...)
						continue
					}
					refused = append(refused, fmt.Sprintf("%s: %v", l.Title(), err))
					continue
				}
				w.base = base
				for k, v := range outs {
					name := w.base
					if k > 0 {
						name = fmt.Sprintf("%s/out%d", w.base, k)
					}
					w.raw("Identity", nil, []string{v.name}, name)
					values[ref{l.Name, i, k}] = value{name, v.shape}
				}
			}
		}
	}
	if len(refused) > 0 {
		return &innerError{refused}
	}
	for _, l := range w.m.Layers {
		for i := range l.Calls {
			if !done[ref{layer: l.Name, call: i}] {
				return fmt.Errorf("%s: it reads what no layer gives, or itself", l.Title())
			}
		}
	}
	return nil
}

func (w *writer) call(c call, in []value) (outs []value, err error) {
	defer caught(&err)
	f := layerKinds[w.l.Class]
	if f == nil {
		if why := remedies[w.l.Class]; why != "" {
			return nil, errors.New(why)
		}
		if strings.HasPrefix(w.l.Class, "ops.") {
			return nil, errors.New("an operator on values, for which there is no form: write it with layers")
		}
		return nil, errors.New("there is no form for it")
	}
	if c.odd != "" {
		return nil, fmt.Errorf("it is called with %s, for which there is no form", c.odd)
	}
	if len(in) == 0 {
		return nil, errors.New("it reads no layer")
	}
	if len(in) > 1 && !merging[w.l.Class] && w.l.inner == nil {
		return nil, fmt.Errorf("it reads %d values, expected one", len(in))
	}
	for _, name := range append(slices.Clone(c.names), sortedKeys(c.words)...) {
		if name != "" && !slices.Contains(taken[w.l.Class], name) {
			return nil, fmt.Errorf("it is called with %s, for which there is no form", name)
		}
	}
	return f(w, in), nil
}
