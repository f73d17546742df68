// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/train/checkpoint"
)

// call is what a layer reads.
type call struct {
	reads  []ref
	names  []string       // of the arguments that the values are, "" for those without
	words  map[string]any // other arguments that matter
	odd    string         // an argument that has no form, "" for none
	listed bool           // it is written as Keras 2 does
}

// flag reads an argument that is true or false.
func (c call) flag(key string) bool { return config(c.words).flag(key, false) }

// arguments are those of a call that some layers take, and how they are read where no
// layer says otherwise: values, or true and false.
var arguments = map[string]bool{"initial_state": true, "value": true, "key": true, "query": true, "use_causal_mask": false, "return_attention_scores": false}

// named takes what a call names: values and words; anything else is odd.
func (c *call) named(kwargs map[string]any) {
	rest := map[string]any{}
	for _, key := range sortedKeys(kwargs) {
		v := kwargs[key]
		isValue, known := arguments[key]
		switch read := refs(v); {
		case blank(v) || key == "training" && (v == false || v == 0.0):
		case known && isValue && len(read) > 0 && constant(v) == "":
			c.reads = append(c.reads, read...)
			for range read {
				c.names = append(c.names, key)
			}
		case known && !isValue:
			if c.words == nil {
				c.words = map[string]any{}
			}
			c.words[key] = v
		default:
			rest[key] = v
		}
	}
	if c.odd == "" {
		c.odd = checkpoint.KerasOdd(rest)
	}
}

// blank reports whether nothing is given, as the masks [null, null] of two values.
func blank(v any) bool {
	list, ok := v.([]any)
	for _, x := range list {
		ok = ok && blank(x)
	}
	return v == nil || ok
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
			c.names = make([]string, len(c.reads))
			kwargs, _ := n["kwargs"].(map[string]any)
			c.odd = constant(n["args"])
			c.named(kwargs)
		case []any:
			c.listed = true
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
				c.names = append(c.names, make([]string, len(read))...)
				if e, ok := x.([]any); ok && len(e) > 3 {
					kwargs, _ := e[3].(map[string]any)
					c.named(kwargs)
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
		if len(v) >= 3 && len(refs(v)) == 1 { // [name, 0, 0] of Keras 2
			if _, name := v[0].(string); name {
				return ""
			}
		}
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
