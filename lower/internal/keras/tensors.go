// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/train/hdf5"
)

// tensors are those of a layer, by Keras' names.
type tensors map[string]*hdf5.Node

// group is where the file has the tensors of a layer, nil where it has none. Those of a
// layer of a model within a model lie in the group of that model: in groups of their own
// where tensors are numbered, beside those of all its layers where they are named.
func (m *Model) group(l *Layer) *hdf5.Node {
	n := m.store.Layer(l.Name, l.numbered)
	if l.owner != nil {
		if n = m.group(l.owner); n == nil || !m.store.Numbered {
			return n
		}
		inner := n.Find("layers")
		if inner == nil {
			inner = n.Find("_layer_checkpoint_dependencies")
		}
		if inner == nil {
			return nil
		}
		n = m.store.LayerIn(inner, l.Name, l.numbered)
	}
	if m.store.Numbered {
		for _, p := range l.within {
			if n == nil {
				return nil
			}
			n = n.Find(strings.Split(p.attribute, "/")...)
		}
	}
	return n
}

// path are the names of groups that the tensors of a layer lie in, from the group of the
// outermost layer on. Prefixes are of Keras 2.
func (l *Layer) path() (out []part) {
	if l.owner != nil {
		out = append(l.owner.path(), part{name: l.Name})
	}
	return append(out, l.within...)
}

// tensors finds the tensors of a layer; names are theirs, in the order in which Keras 3
// numbers them.
func (m *Model) tensors(l *Layer, names []string) tensors {
	n, out := m.group(l), tensors{}
	if n == nil {
		return out
	}
	if !m.store.Numbered {
		return named(n, l.path())
	}
	if c := n.Find("cell"); c != nil { // of a GRU, LSTM, SimpleRNN
		n = c
	}
	for i, name := range names {
		if set := n.Find("vars", fmt.Sprint(i)); set != nil {
			out[name] = set
		}
	}
	return out
}

// candidate is a tensor with the groups that it lies in.
type candidate struct {
	path []string
	set  *hdf5.Node
}

// named takes the tensors of a group that lie where parts say. A part that no group is named
// after says nothing: Keras 2 leaves those of wrapped layers and of models within models out.
func named(n *hdf5.Node, parts []part) tensors {
	var all []candidate
	n.Walk(func(path []string, set *hdf5.Node) {
		if len(path) > 0 {
			all = append(all, candidate{path, set})
		}
	})
	for _, p := range parts {
		for _, fits := range []func(string) bool{
			func(s string) bool { return p.name != "" && s == p.name },
			func(s string) bool { return p.prefix != "" && strings.HasPrefix(s, p.prefix) },
		} {
			var some []candidate
			for _, c := range all {
				if slices.ContainsFunc(c.path[:len(c.path)-1], fits) {
					some = append(some, c)
				}
			}
			if some != nil {
				all = some
				break
			}
		}
	}
	out := tensors{}
	for _, c := range all {
		name := strings.TrimSuffix(c.path[len(c.path)-1], ":0")
		if out[name] != nil {
			refuse("the file has its %s twice: rename layers whose names begin with its name and a slash", name)
		}
		out[name] = c.set
	}
	return out
}

// take returns a tensor that has to be there, with the given shape.
func take(set tensors, name string, shape ...int) []float32 {
	n := set[name]
	if n == nil || n.Data == nil {
		refuse("its %s is not in the file", name)
	}
	if !slices.Equal(n.Shape, shape) {
		refuse("its %s has shape %v, expected %v", name, n.Shape, shape)
	}
	for _, v := range n.Data {
		if v != v || math.IsInf(float64(v), 0) {
			refuse("its %s has a value that is no number or infinite", name)
		}
	}
	return n.Data
}
