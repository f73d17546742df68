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

// tensors finds the tensors of a layer. part is where they lie in a wrapper: forward,
// backward or layer; names are theirs, in the order in which Keras 3 numbers them.
func (m *Model) tensors(l *Layer, part string, names []string) tensors {
	n, out := m.store.Layer(l.Name, l.numbered), tensors{}
	if n == nil {
		return out
	}
	if !m.store.Numbered {
		n.Walk(func(path []string, set *hdf5.Node) {
			if len(path) == 0 {
				return
			}
			side := ""
			for _, p := range path[:len(path)-1] {
				for _, s := range []string{"forward", "backward"} {
					if strings.HasPrefix(p, s+"_") {
						side = s
					}
				}
			}
			if name := strings.TrimSuffix(path[len(path)-1], ":0"); part != "forward" && part != "backward" || side == part {
				if out[name] != nil {
					refuse("the file has its %s twice: rename layers whose names begin with its name and a slash", name)
				}
				out[name] = set
			}
		})
		return out
	}
	for _, inner := range map[string][]string{"": {"cell"}, "forward": {"forward_layer", "cell"}, "backward": {"backward_layer", "cell"}, "layer": {"layer", "cell"}}[part] {
		if c := n.Find(inner); c != nil {
			n = c
		} else if inner != "cell" {
			return out
		}
	}
	for i, name := range names {
		if set := n.Find("vars", fmt.Sprint(i)); set != nil {
			out[name] = set
		}
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
