// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// An NPZ archive with Keras' weights has, for each recurrent layer, kernel
// (F, G*H), recurrent_kernel (H, G*H) and bias, and kernel (H, K) and bias (K) of a
// Dense layer. What stands before the last slash of a name, such as gru or gru_1 or
// gru/gru_cell, names the layer; a trailing :0 is dropped. Numbers that Keras gave
// (gru, gru_1, …) order the stack, else the sizes where they fit in one way alone.

// ReadNPZ reads a network from an NPZ archive of size bytes in Keras' layout. It
// does not say how many steps a sequence has: Steps is 0.
func ReadNPZ(name string, r io.ReaderAt, size int64) (*nn.Network, error) {
	return ReadNPZAs(name, r, size, Stated{})
}

// ReadNPZAs is ReadNPZ with what the user states of the file.
func ReadNPZAs(name string, r io.ReaderAt, size int64, s Stated) (*nn.Network, error) {
	arrays, err := npy.ReadArchive(name, r, size)
	if err != nil {
		return nil, err
	}
	return readArrays(name, arrays, s)
}

// readArrays reads a network from arrays by Keras' names.
func readArrays(name string, arrays map[string]*npy.Array, s Stated) (*nn.Network, error) {
	groups := map[string]kerasGroup{}
	for key, a := range arrays {
		key = strings.TrimSuffix(key, ":0")
		group, tensor := "", key
		if at := strings.LastIndexByte(key, '/'); at >= 0 {
			group, tensor = key[:at], key[at+1:]
		}
		if tensor != "kernel" && tensor != "recurrent_kernel" && tensor != "bias" {
			return nil, fmt.Errorf("%s: array %q: expected kernel, recurrent_kernel and bias of each layer", name, key)
		}
		if a.Kind() != 'f' {
			return nil, fmt.Errorf("%s: array %q has element type %q, expected a float type", name, key, a.Type)
		}
		if groups[group] == nil {
			groups[group] = kerasGroup{}
		}
		groups[group][tensor] = a
	}
	k := keras{file: name, groups: groups, stated: s}
	return k.network()
}

// kerasGroup holds the arrays of one layer.
type kerasGroup map[string]*npy.Array

type keras struct {
	file   string
	groups map[string]kerasGroup
	stated Stated
	notes  []string // assumed beside what all files leave open
}

// layerOf is the layer's name in a group: gru_1 in gru_1/gru_cell.
func layerOf(group string) string {
	first, _, _ := strings.Cut(group, "/")
	return first
}

// numbered reports whether the names are those that Keras gives one kind of layer, in
// order: gru, gru_1, gru_2.
func numbered(names []string) bool {
	for i, n := range names {
		want := names[0]
		if i > 0 {
			want = fmt.Sprintf("%s_%d", names[0], i)
		}
		if n != want {
			return false
		}
	}
	return len(names) > 0 && slices.Contains([]string{"gru", "lstm", "simple_rnn"}, names[0])
}

// order sorts the recurrent groups from first to last.
func (k *keras) order(recurrent []string, head int) ([]string, error) {
	var parts []part
	groups := map[string]string{}
	var names []string
	for _, g := range recurrent {
		name := layerOf(g)
		if groups[name] != "" || name == "" && len(recurrent) > 1 {
			name = g
		}
		groups[name] = g
		names = append(names, name)
		p := part{name: name}
		if a := k.groups[g]["kernel"]; a != nil && len(a.Shape) == 2 {
			p.in = a.Shape[0]
		}
		if a := k.groups[g]["recurrent_kernel"]; len(a.Shape) == 2 {
			p.out = a.Shape[0]
		}
		parts = append(parts, p)
	}
	if len(recurrent) == 1 && len(k.stated.Order) == 0 || len(k.stated.Order) == 0 && numbered(names) {
		return recurrent, nil
	}
	parts, err := chain(k.file, "recurrent layers", parts, k.stated.Order, head)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range parts {
		out = append(out, groups[p.name])
	}
	return out, nil
}

func (k *keras) network() (*nn.Network, error) {
	var recurrent, dense []string
	for g, a := range k.groups {
		if a["recurrent_kernel"] != nil {
			recurrent = append(recurrent, g)
		} else {
			dense = append(dense, g)
		}
	}
	slices.Sort(dense)
	slices.SortFunc(recurrent, func(a, b string) int {
		return cmp.Or(cmp.Compare(layerNumber(a), layerNumber(b)), cmp.Compare(a, b))
	})
	if len(recurrent) == 0 || len(recurrent) > maxLayers {
		return nil, fmt.Errorf("%s: %d layers with a recurrent_kernel, expected 1 to %d", k.file, len(recurrent), maxLayers)
	}
	if len(dense) != 1 {
		return nil, fmt.Errorf("%s: Dense layers %q, expected one, with kernel and bias (for instance dense/kernel and dense/bias)", k.file, dense)
	}
	for _, g := range recurrent {
		for _, c := range strings.Split(g, "/") {
			if strings.HasPrefix(c, "bidirectional") || strings.HasPrefix(c, "forward_") || strings.HasPrefix(c, "backward_") {
				return nil, fmt.Errorf("%s: arrays %q belong to a Bidirectional layer, whose merge_mode the file does not say; %s", k.file, g, exportGraph)
			}
		}
	}
	width := 0
	if a := k.groups[dense[0]]["kernel"]; a != nil && len(a.Shape) == 2 {
		width = a.Shape[0]
	}
	recurrent, err := k.order(recurrent, width)
	if err != nil {
		return nil, err
	}
	net := &nn.Network{}
	for i, g := range recurrent {
		l, err := k.layer(g)
		if err != nil {
			return nil, err
		}
		if i > 0 && l.Features != net.Layers[i-1].Units {
			return nil, fmt.Errorf("%s: array %q takes %d features, but the layer before it, %q, has %d units", k.file, key(g, "kernel"), l.Features, recurrent[i-1], net.Layers[i-1].Units)
		}
		if len(recurrent) > 1 {
			l.Name = layerOf(g)
		}
		net.Layers = append(net.Layers, *l)
	}
	net.Features = net.Layers[0].Features
	net.Name = net.Layers[0].Cell.String()
	if err := k.head(net, dense[0]); err != nil {
		return nil, err
	}
	if err := k.stated.foreign(k.file, "activation tanh (and sigmoid in gates), every layer forward", net, func(*nn.Layer) bool { return false }); err != nil {
		return nil, err
	}
	net.Facts.Assumed = append(net.Facts.Assumed, k.notes...)
	return net, k.stated.join(k.file, net)
}

// layerNumber returns the number in the first component of a name: 1 for gru_1, 0
// for gru.
func layerNumber(group string) int {
	first, _, _ := strings.Cut(group, "/")
	if at := strings.LastIndexByte(first, '_'); at >= 0 {
		if n, err := strconv.Atoi(first[at+1:]); err == nil {
			return n
		}
	}
	return 0
}

func key(group, tensor string) string {
	if group == "" {
		return tensor
	}
	return group + "/" + tensor
}

// take returns an array that must be there with one of the shapes.
func (k *keras) take(group, tensor string, shapes ...[]int) ([]float32, []int, error) {
	a := k.groups[group][tensor]
	if a == nil {
		return nil, nil, fmt.Errorf("%s: array %q is missing", k.file, key(group, tensor))
	}
	for _, s := range shapes {
		if slices.Equal(a.Shape, s) {
			v := a.Floats()
			return v, s, finite(k.file, key(group, tensor), v)
		}
	}
	return nil, nil, fmt.Errorf("%s: array %q has shape %v, expected %v", k.file, key(group, tensor), a.Shape, shapes)
}

func (k *keras) layer(g string) (*nn.Layer, error) {
	shape := k.groups[g]["recurrent_kernel"].Shape
	if len(shape) != 2 || shape[0] < 1 || shape[0] > maxWidth {
		return nil, fmt.Errorf("%s: array %q has shape %v, expected two dimensions", k.file, key(g, "recurrent_kernel"), shape)
	}
	units := shape[0]
	l := &nn.Layer{Units: units}
	var ok bool
	if l.Cell, ok = byGates(shape[1], units, func(f *nn.Facts) bool { return f.Keras != "" }); !ok {
		return nil, fmt.Errorf("%s: array %q has shape %v: expected 3 (GRU), 4 (LSTM) or 1 (RNN) times %d columns", k.file, key(g, "recurrent_kernel"), shape, units)
	}
	cols := shape[1]
	if a := k.groups[g]["kernel"]; a != nil && len(a.Shape) == 2 {
		l.Features = a.Shape[0]
	}
	if l.Features < 1 || l.Features > maxWidth {
		l.Features = 1 // take says what is wrong
	}
	var err error
	if l.Kernel, _, err = k.take(g, "kernel", []int{l.Features, cols}); err != nil {
		return nil, err
	}
	if l.Recurrent, _, err = k.take(g, "recurrent_kernel", shape); err != nil {
		return nil, err
	}
	shapes := [][]int{{cols}}
	if l.Cell == nn.GRU {
		shapes = [][]int{{2, cols}, {cols}, {2 * cols}} // reset_after, classic, CuDNNGRU
		l.ResetAfter = true
	}
	if k.groups[g]["bias"] == nil { // use_bias=False
		l.Bias = make([]float32, cols)
		if l.ResetAfter {
			l.Bias = make([]float32, 2*cols)
		}
		return l, nil
	}
	bias, found, err := k.take(g, "bias", shapes...)
	if err == nil && l.Cell == nn.GRU {
		flat := found[0] == 2*cols // input half, recurrent half
		l.ResetAfter = len(found) == 2 || flat
		if flat {
			k.notes = append(k.notes, fmt.Sprintf("array %q is the input and the recurrent bias of a CuDNNGRU, one after the other; its kernels are laid out as those of GRU(reset_after=True)", key(g, "bias")))
		}
	}
	l.Bias = bias
	return l, err
}

func (k *keras) head(net *nn.Network, g string) error {
	units := net.Layers[len(net.Layers)-1].Units
	if a := k.groups[g]["kernel"]; a != nil && len(a.Shape) == 2 {
		net.Outputs = a.Shape[1]
	}
	if net.Outputs < 1 || net.Outputs > maxWidth {
		net.Outputs = 1 // take says what is wrong
	}
	var err error
	if net.HeadKernel, _, err = k.take(g, "kernel", []int{units, net.Outputs}); err != nil {
		return err
	}
	if k.groups[g]["bias"] == nil {
		net.HeadBias = make([]float32, net.Outputs)
		return nil
	}
	net.HeadBias, _, err = k.take(g, "bias", []int{net.Outputs})
	return err
}

// WriteNPZ writes a network as an NPZ archive in Keras' layout: gru/kernel …,
// gru_1/kernel … for a second layer, and dense/kernel, dense/bias.
func WriteNPZ(w io.Writer, net *nn.Network) error {
	arrays := map[string]*npy.Array{}
	for i := range net.Layers {
		if net.Layers[i].Kind != nn.Recurrent || net.Layers[i].Cell.Facts().Keras == "" {
			return fmt.Errorf("network %q: Keras has no layer of the kind of %s", net.Name, net.LayerName(i))
		}
		if rank := net.Layers[i].Rank; rank > 0 {
			return fmt.Errorf("network %q, layer %s: Keras has no recurrent matrix of rank %d", net.Name, net.LayerName(i), rank)
		}
		group := net.Layers[i].Cell.Facts().Keras
		if i > 0 {
			group += "_" + strconv.Itoa(i)
		}
		for _, s := range slots(net) {
			if tensor, ok := strings.CutPrefix(s.name, fmt.Sprintf("layers.%d.", i)); ok {
				arrays[key(group, tensor)] = npy.FromFloats(s.shape, *s.data)
			}
		}
	}
	for _, s := range slots(net) {
		if tensor, ok := strings.CutPrefix(s.name, "head."); ok {
			arrays[key("dense", tensor)] = npy.FromFloats(s.shape, *s.data)
		}
	}
	return npy.WriteArchive(w, arrays)
}
