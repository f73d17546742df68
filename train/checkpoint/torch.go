// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/train/nn"
)

// PyTorch's recurrent modules name their tensors weight_ih_lN (G*H, F),
// weight_hh_lN (G*H, H), bias_ih_lN and bias_hh_lN (G*H), N the layer; a state
// dict puts the module's name and a dot before them. Matrices are the transposes of
// Keras'; the gate order of a GRU is r, z, n, of an LSTM i, f, g, o.

// A cell (GRUCell, LSTMCell, RNNCell) names them without _lN: it is a layer whose
// steps the model calls by itself.
//
// A bidirectional module has every tensor a second time with _reverse behind its name, of
// the half that runs from the last step to the first; the next layer reads both side by side.

// torchModule is a recurrent module or cell of a state dict.
type torchModule struct {
	prefix string // before its tensors' names
	cell   bool
	layers []nn.Layer
}

func (m *torchModule) name() string {
	if n := strings.TrimSuffix(m.prefix, "."); n != "" {
		return n
	}
	return "weight_hh"
}

// torchModules finds the recurrent modules of the file.
func (c *container) torchModules() []*torchModule {
	var out []*torchModule
	for _, t := range c.tensors {
		for _, mark := range []string{"weight_hh_l0", "weight_hh"} {
			if p, found := strings.CutSuffix(t.name, mark); found && (p == "" || strings.HasSuffix(p, ".")) {
				out = append(out, &torchModule{prefix: p, cell: mark == "weight_hh"})
			}
		}
	}
	return out
}

// width is the number of features that the module gives at every step.
func (m *torchModule) width() int { return m.layers[len(m.layers)-1].Units }

func (c *container) isTorch() bool { return len(c.torchModules()) > 0 }

func (c *container) readTorch(s Stated) (*nn.Network, error) {
	used := map[string]bool{}
	var parts []part
	modules := map[string]*torchModule{}
	total := 0
	for _, m := range c.torchModules() {
		if err := c.torchLayers(m, used); err != nil {
			return nil, err
		}
		if total += len(m.layers); total > maxLayers {
			return nil, fmt.Errorf("%s: more than %d layers", c.file, maxLayers)
		}
		parts = append(parts, part{m.name(), m.layers[0].Features, m.width()})
		modules[m.name()] = m
	}
	// The linear layer says which module may be the last.
	last := 0
	if len(parts) == 1 {
		last = parts[0].out
	} else if w, _ := c.torchLinear(used); w != nil {
		last = w.shape[1]
	}
	parts, err := chain(c.file, "recurrent modules", parts, s.Order, last)
	if err != nil {
		return nil, err
	}
	net := &nn.Network{Name: parts[0].name}
	for _, p := range parts {
		for i, l := range modules[p.name].layers {
			if l.Name = p.name; i > 0 {
				l.Name = fmt.Sprintf("%s.%d", p.name, i)
			}
			if n := len(net.Layers); n > 0 && !l.Reversed && l.Kind == nn.Recurrent && l.Features != net.Layers[n-1].Units {
				return nil, fmt.Errorf("%s: %s takes %d features, but the layer before it has %d units", c.file, l.Name, l.Features, net.Layers[n-1].Units)
			}
			net.Layers = append(net.Layers, l)
		}
	}
	net.Features = net.Layers[0].Features
	if modules[parts[0].name].prefix == "" {
		net.Name = net.Layers[0].Cell.String()
	}
	linear, _ := c.torchLinear(used)
	if err := c.torchHead(net, used); err != nil {
		return nil, err
	}
	table := net.Layers[len(net.Layers)-1].Units == net.Features && c.byName[biasOf(linear)] == nil
	either := net.Outputs == net.Features
	stack := len(parts) == 1 // whose order the file says
	if stack {
		for i := range net.Layers {
			net.Layers[i].Name = ""
		}
	}
	// GRU and LSTM have tanh by definition; only RNN has a choice.
	if err := s.foreign(c.file, "nonlinearity tanh", net, func(l *nn.Layer) bool { return l.Kind != nn.Recurrent || l.Cell != nn.SimpleRNN }); err != nil {
		return nil, err
	}
	if either && !c.ordered {
		net.Facts.Assumed = append(net.Facts.Assumed, "the linear layer reads the outputs of the last recurrent one: it would fit in front of the first one, too, and the file does not say; "+exportGraph)
	}
	if table {
		net.Facts.Assumed = append(net.Facts.Assumed, fmt.Sprintf("%q, which has no bias, is the linear layer behind the recurrent ones and no table of embeddings in front of them: the file does not say; %s", linear.name, exportGraph))
	}
	return net, s.join(c.file, net)
}

// computed refuses a file with tensors that a layer's weights are computed of: those of
// weight_norm and spectral_norm, by hooks (NAME_g, NAME_v, NAME_orig) or parametrizations.
func (c *container) computed() error {
	for _, t := range c.tensors {
		base, norm := strings.CutSuffix(t.name, "_g")
		original := strings.HasSuffix(t.name, "_orig")
		if norm && c.byName[base+"_v"] != nil || original || strings.Contains(t.name, "parametrizations.") {
			return fmt.Errorf("%s: tensor %q is one that others are computed of (weight_norm, spectral_norm, parametrizations): take that off first (torch.nn.utils.remove_weight_norm, remove_spectral_norm, parametrize.remove_parametrizations), then save the weights", c.file, t.name)
		}
	}
	return nil
}

// biasOf is the name of the bias beside a weight.
func biasOf(weight *tensor) string { return strings.TrimSuffix(weight.name, "weight") + "bias" }

// torchLayers reads all layers of a module.
func (c *container) torchLayers(m *torchModule, used map[string]bool) error {
	for n := 0; ; n++ {
		suffix := fmt.Sprintf("_l%d", n)
		if m.cell {
			suffix = ""
		}
		if n > 0 && (m.cell || c.byName[m.prefix+"weight_hh"+suffix] == nil) {
			return nil
		}
		if n >= maxLayers {
			return fmt.Errorf("%s: more than %d layers", c.file, maxLayers)
		}
		l, err := c.torchLayer(m.prefix, suffix, used)
		if err != nil {
			return err
		}
		if n > 0 && l.Features != m.width() {
			return fmt.Errorf("%s: tensor %q takes %d features, but the layer below has %d units", c.file, m.prefix+"weight_ih"+suffix, l.Features, m.width())
		}
		back := suffix + "_reverse"
		both := !m.cell && (c.byName[m.prefix+"weight_hh"+back] != nil || c.byName[m.prefix+"weight_ih"+back] != nil)
		if n > 0 && both != (m.layers[len(m.layers)-1].Kind == nn.Concatenation) {
			return fmt.Errorf("%s: of %q some layers have tensors with _reverse and others do not", c.file, m.name())
		}
		m.layers = append(m.layers, *l)
		if !both {
			continue
		}
		other, err := c.torchLayer(m.prefix, back, used)
		if err != nil {
			return err
		}
		if other.Features != l.Features || other.Units != l.Units || other.Cell != l.Cell {
			return fmt.Errorf("%s: tensor %q has not the size of %q", c.file, m.prefix+"weight_hh"+back, m.prefix+"weight_hh"+suffix)
		}
		other.Reversed = true
		m.layers = append(m.layers, *other, nn.Layer{Kind: nn.Concatenation, Activation: nn.Linear, Features: 2 * l.Units, Units: 2 * l.Units})
	}
}

func (c *container) torchLayer(prefix, suffix string, used map[string]bool) (*nn.Layer, error) {
	name := func(s string) string { return prefix + s + suffix }
	hh, ih := c.byName[name("weight_hh")], c.byName[name("weight_ih")]
	if hh == nil {
		return nil, fmt.Errorf("%s: tensor %q is missing", c.file, name("weight_hh"))
	}
	if ih == nil {
		return nil, fmt.Errorf("%s: tensor %q is missing", c.file, name("weight_ih"))
	}
	for _, t := range []*tensor{hh, ih} {
		if len(t.shape) != 2 || slices.Contains(t.shape, 0) {
			return nil, fmt.Errorf("%s: tensor %q has shape %v, expected two dimensions", c.file, t.name, t.shape)
		}
	}
	if c.byName[name("weight_hr")] != nil {
		return nil, fmt.Errorf("%s: %q belongs to a projected layer, which layers here have no form for; %s", c.file, name("weight_hr"), exportGraph)
	}
	units := hh.shape[1]
	cell, ok := byGates(hh.shape[0], units, func(f *nn.Facts) bool { return f.Torch != nil })
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q has shape %v: expected 3 (GRU), 4 (LSTM) or 1 (RNN) times %d rows", c.file, hh.name, hh.shape, units)
	}
	l := &nn.Layer{Cell: cell, Features: ih.shape[1], Units: units, ResetAfter: cell == nn.GRU}
	gates := cell.Gates()
	cols := gates * units
	wih, err := c.take(name("weight_ih"), []int{cols, l.Features})
	if err != nil {
		return nil, err
	}
	whh, err := c.take(name("weight_hh"), []int{cols, units})
	if err != nil {
		return nil, err
	}
	used[ih.name], used[hh.name] = true, true
	var bias [2][]float32
	for i, s := range []string{"bias_ih", "bias_hh"} {
		bias[i] = make([]float32, cols)
		if c.byName[name(s)] != nil { // absent with bias=False
			if bias[i], err = c.take(name(s), []int{cols}); err != nil {
				return nil, err
			}
			used[name(s)] = true
		}
	}
	l.Kernel, l.Recurrent = make([]float32, l.Features*cols), make([]float32, units*cols)
	l.Bias = make([]float32, cols)
	if l.ResetAfter {
		l.Bias = make([]float32, 2*cols)
	}
	for g, from := range cell.Facts().Torch {
		for j := range units {
			row, col := from*units+j, g*units+j
			for i := range l.Features {
				l.Kernel[i*cols+col] = wih[row*l.Features+i]
			}
			for i := range units {
				l.Recurrent[i*cols+col] = whh[row*units+i]
			}
			if l.ResetAfter {
				l.Bias[col], l.Bias[cols+col] = bias[0][row], bias[1][row]
			} else {
				l.Bias[col] = bias[0][row] + bias[1][row]
			}
		}
	}
	return l, nil
}

// byGates returns the cell whose recurrent matrix has the given gate columns, among
// those that a kind of file can hold.
func byGates(columns, units int, held func(*nn.Facts) bool) (nn.Cell, bool) {
	for _, c := range nn.Cells() {
		if f := c.Facts(); held(f) && f.Gates*units == columns {
			return c, true
		}
	}
	return 0, false
}

// torchLinear returns the one linear layer that is left in the file, or nil.
func (c *container) torchLinear(used map[string]bool) (*tensor, error) {
	var weight *tensor
	for _, t := range c.tensors {
		if used[t.name] || !strings.HasSuffix(t.name, ".weight") || len(t.shape) != 2 {
			continue
		}
		if weight != nil {
			return nil, fmt.Errorf("%s: %q and %q could both be the output layer: expected one linear layer after the recurrent ones; for other networks, %s", c.file, weight.name, t.name, exportGraph)
		}
		weight = t
	}
	return weight, nil
}

// before reports whether a tensor comes before those of all recurrent modules.
func (c *container) before(weight *tensor) bool {
	for _, t := range c.tensors {
		if t == weight {
			return true
		}
		if strings.Contains(t.name, "weight_hh") || strings.Contains(t.name, "weight_ih") {
			return false
		}
	}
	return false
}

// torchHead takes the one linear layer.
func (c *container) torchHead(net *nn.Network, used map[string]bool) error {
	units := net.Layers[len(net.Layers)-1].Units
	weight, err := c.torchLinear(used)
	if err != nil {
		return err
	}
	if weight == nil || weight.shape[1] != units || weight.shape[0] < 1 {
		found := "there is none"
		if weight != nil {
			found = fmt.Sprintf("%q has shape %v", weight.name, weight.shape)
		}
		if err := c.computed(); err != nil {
			return err
		}
		return fmt.Errorf("%s: expected a linear layer NAME.weight with shape [outputs %d]; %s; for other networks, %s", c.file, units, found, exportGraph)
	}
	if weight.shape[0] == net.Features && c.ordered && c.before(weight) {
		return fmt.Errorf("%s: %q is defined before the recurrent modules and fits in front of them as well as behind: the file does not say which; %s", c.file, weight.name, exportGraph)
	}
	// A table of embeddings is a matrix without a bias as well, in front of the modules.
	biased := c.byName[biasOf(weight)] != nil
	fits := !biased && units == net.Features
	if !biased && (strings.Contains(strings.ToLower(weight.name), "emb") || fits && c.ordered && c.before(weight)) {
		return fmt.Errorf("%s: %q, of shape %v and without a bias, may be a table of embeddings and no linear layer behind the recurrent ones: rename it where it is the linear layer, or %s", c.file, weight.name, weight.shape, exportGraph)
	}
	net.Outputs = weight.shape[0]
	w, err := c.take(weight.name, weight.shape)
	if err != nil {
		return err
	}
	used[weight.name] = true
	net.HeadKernel, net.HeadBias = make([]float32, len(w)), make([]float32, net.Outputs)
	for k := range net.Outputs {
		for i := range units {
			net.HeadKernel[i*net.Outputs+k] = w[k*units+i]
		}
	}
	if bias := biasOf(weight); c.byName[bias] != nil {
		if net.HeadBias, err = c.take(bias, []int{net.Outputs}); err != nil {
			return err
		}
		used[bias] = true
	}
	for _, t := range c.tensors {
		if !used[t.name] {
			if err := c.computed(); err != nil {
				return err
			}
			return fmt.Errorf("%s: tensor %q has no place in a recurrent network with one linear layer; %s", c.file, t.name, exportGraph)
		}
	}
	return nil
}

// WriteTorch writes a network as safetensors with PyTorch's names: rnn.weight_ih_l0
// … and fc.weight, fc.bias. The one bias of an LSTM or RNN goes to bias_ih, zeros
// to bias_hh. The classic GRU has no counterpart in PyTorch, and neither have
// layers of different cells or sizes.
func WriteTorch(w io.Writer, net *nn.Network) error {
	var all []entry
	for n, l := range net.Layers {
		if l.Kind != nn.Recurrent || l.Cell.Facts().Torch == nil {
			return fmt.Errorf("network %q, layer %d: PyTorch has no module of the kind of %s", net.Name, n, net.LayerName(n))
		}
		if l.Cell == nn.GRU && !l.ResetAfter {
			return fmt.Errorf("network %q, layer %d: PyTorch's GRU applies the reset gate after the product; this one before it", net.Name, n)
		}
		if l.Rank > 0 {
			return fmt.Errorf("network %q, layer %d: PyTorch has no recurrent matrix of rank %d", net.Name, n, l.Rank)
		}
		if first := net.Layers[0]; l.Cell != first.Cell || l.Units != first.Units || l.Activation != first.Activation {
			return fmt.Errorf("network %q, layer %d: PyTorch stacks layers of one cell and size only", net.Name, n)
		}
		cols := l.Cell.Gates() * l.Units
		wih, whh := make([]float32, len(l.Kernel)), make([]float32, len(l.Recurrent))
		bih, bhh := make([]float32, cols), make([]float32, cols)
		for g, to := range l.Cell.Facts().Torch {
			for j := range l.Units {
				row, col := to*l.Units+j, g*l.Units+j
				for i := range l.Features {
					wih[row*l.Features+i] = l.Kernel[i*cols+col]
				}
				for i := range l.Units {
					whh[row*l.Units+i] = l.Recurrent[i*cols+col]
				}
				bih[row] = l.Bias[col]
				if l.ResetAfter {
					bhh[row] = l.Bias[cols+col]
				}
			}
		}
		name := func(s string) string { return fmt.Sprintf("rnn.%s_l%d", s, n) }
		all = append(all, entry{name("weight_ih"), []int{cols, l.Features}, wih}, entry{name("weight_hh"), []int{cols, l.Units}, whh},
			entry{name("bias_ih"), []int{cols}, bih}, entry{name("bias_hh"), []int{cols}, bhh})
	}
	units := net.Layers[len(net.Layers)-1].Units
	head := make([]float32, len(net.HeadKernel))
	for k := range net.Outputs {
		for i := range units {
			head[k*units+i] = net.HeadKernel[i*net.Outputs+k]
		}
	}
	all = append(all, entry{"fc.weight", []int{net.Outputs, units}, head}, entry{"fc.bias", []int{net.Outputs}, net.HeadBias})
	return write(w, map[string]string{"format": "pt"}, all)
}
