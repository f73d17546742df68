// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/hdf5"
	"github.com/unroll-npu/unroll/train/nn"
)

// Where the weights of layers are in Keras' files, and under which names.

// byName finds the tensors below a group by their own names; of two with one name, which
// may be of two layers, neither.
func byName(n *hdf5.Node) map[string]*hdf5.Node {
	out := map[string]*hdf5.Node{}
	if n != nil {
		n.Walk(func(path []string, set *hdf5.Node) {
			if len(path) > 0 {
				name := strings.TrimSuffix(path[len(path)-1], ":0")
				if _, again := out[name]; again {
					set = nil
				}
				out[name] = set
			}
		})
	}
	return out
}

// byNumber finds the tensors of a layer of Keras 3, which are numbered.
func byNumber(n *hdf5.Node, l *kerasLayer) map[string]*hdf5.Node {
	out := map[string]*hdf5.Node{}
	if n == nil {
		return out
	}
	names := []string{"kernel", "bias"}
	for _, inner := range []string{"cell", "layer"} {
		if c := n.Find(inner); c != nil {
			n = c
		}
	}
	if kerasCells[l.ClassName] {
		names = []string{"kernel", "recurrent_kernel", "bias"}
	}
	for i, name := range names {
		if set := n.Find("vars", fmt.Sprint(i)); set != nil {
			out[name] = set
		}
	}
	return out
}

// namedWeights reads an .h5 file of weights as an NPZ archive of them.
func namedWeights(file string, root *hdf5.Node, s Stated) (*nn.Network, error) {
	arrays := map[string]*npy.Array{}
	root.Walk(func(path []string, set *hdf5.Node) {
		if set.Data != nil {
			arrays[strings.Join(path, "/")] = npy.FromFloats(set.Shape, set.Data)
		}
	})
	if len(arrays) == 0 {
		return nil, fmt.Errorf("%s: there are no arrays of floats in it: not a file of Keras", file)
	}
	for name := range arrays {
		if strings.Contains(name, "/vars/") || strings.HasPrefix(name, "vars/") {
			return nil, fmt.Errorf("%s: weights without the model's description, and without names: save the model, model.save(\"model.keras\")", file)
		}
	}
	return readArrays(file, arrays, s)
}

// Words of the name of a class, as Keras tells them apart.
var (
	word   = regexp.MustCompile("(.)([A-Z][a-z]+)")
	border = regexp.MustCompile("([a-z])([A-Z])")
)

// snake is Keras' name of a class for variables: simple_rnn of SimpleRNN.
func snake(class string) string {
	return strings.ToLower(border.ReplaceAllString(word.ReplaceAllString(class, "${1}_$2"), "${1}_$2"))
}

// misfit is a tensor of another size than the layers before it ask for.
type misfit struct{ text string }

func (m *misfit) Error() string { return m.text }

// take returns a tensor of a layer with the given shape; a first dimension of 0 is any.
func (k *kerasReader) take(w map[string]*hdf5.Node, name string, shape ...int) ([]float32, []int, error) {
	n := w[name]
	if n == nil || n.Data == nil {
		return nil, nil, fmt.Errorf("its %s is not in the file", name)
	}
	ok := len(n.Shape) == len(shape)
	for i := 0; ok && i < len(shape); i++ {
		ok = n.Shape[i] == shape[i] || shape[i] == 0 && n.Shape[i] > 0 && n.Shape[i] <= maxWidth
	}
	if !ok {
		return nil, nil, &misfit{fmt.Sprintf("its %s has shape %v, expected %v (0 for any)", name, n.Shape, shape)}
	}
	return n.Data, n.Shape, finite(k.file, name, n.Data)
}
