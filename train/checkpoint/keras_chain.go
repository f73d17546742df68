// SPDX-License-Identifier: Apache-2.0

package checkpoint

import "fmt"

// source is what a layer reads: an output of a call of another.
type source struct {
	layer        string
	call, output float64
}

// chain checks that every layer of a functional model reads the output of the one before
// and nothing else, and that the model gives what the last one does.
func (m *kerasLayer) chain(file string) error {
	if m.ClassName == "Sequential" {
		return nil
	}
	before := ""
	for _, l := range m.Config.Layers {
		var in reads
		in.walk(l.Inbound)
		if l.ClassName == "InputLayer" {
			if before != "" {
				return fmt.Errorf("%s: the model has several inputs; %s", file, exportGraph)
			}
		} else if len(in.of) != 1 || in.of[0] != (source{layer: before}) {
			return fmt.Errorf("%s: layer %q does not read %q, the one before it, alone: not a chain of layers; %s", file, l.Config.Name, before, exportGraph)
		}
		if in.odd != "" {
			return fmt.Errorf("%s: layer %q is called with %s; %s", file, l.Config.Name, in.odd, exportGraph)
		}
		before = l.Config.Name
	}
	var out reads
	if out.walk(m.Config.OutputLayers); len(out.of) != 1 || out.of[0] != (source{layer: before}) {
		return fmt.Errorf("%s: the model does not give the output of its last layer, %q, alone; %s", file, before, exportGraph)
	}
	return nil
}

// reads are the sources that inbound_nodes or output_layers name.
type reads struct {
	of  []source
	odd string // an argument beside them, "" for none
}

// walk reads the form of Keras 2, [[[name, 0, 0, {}]]], and of Keras 3, where sources are
// in keras_history.
func (r *reads) walk(v any) {
	switch v := v.(type) {
	case map[string]any:
		if h, ok := v["keras_history"].([]any); ok {
			r.walk(h)
			return
		}
		if kwargs, ok := v["kwargs"].(map[string]any); ok && r.odd == "" {
			r.odd = KerasOdd(kwargs)
		}
		for _, key := range []string{"args", "config"} {
			r.walk(v[key])
		}
	case []any:
		if len(v) >= 3 {
			if name, ok := v[0].(string); ok {
				call, one := v[1].(float64)
				output, two := v[2].(float64)
				if !one || !two {
					call = -1
				}
				r.of = append(r.of, source{name, call, output})
				if len(v) > 3 && r.odd == "" {
					kwargs, _ := v[3].(map[string]any)
					r.odd = KerasOdd(kwargs)
				}
				return
			}
		}
		for _, x := range v {
			r.walk(x)
		}
	case string, float64, bool:
		if r.odd == "" {
			r.odd = fmt.Sprintf("%v in the place of a value", v)
		}
	}
}
