// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/facts"
)

// Task says what the head's output means.
type Task int

// Tasks.
const (
	Classification Task = iota // softmax over the head's outputs, or the largest of them
	Regression                 // linear head
)

// Network is a graph of layers with a dense head on the last of them.
type Network struct {
	Name     string
	Steps    int     // T of the training sequences
	Features int     // F of the input
	Layers   []Layer // every layer after those it reads; the last one feeds the head
	Task     Task
	Logits   bool // of a classification: outputs are as the head gives them, without a softmax
	PerStep  bool // the head is applied at every step (sequence labelling), not only the last

	HeadKernel []float32 // H x K, H of the last layer
	HeadBias   []float32 // K
	Outputs    int       // K

	Classes []string // class names, len K, or nil

	// Mean and Std standardize raw features before the first layer,
	// (x-Mean)/Std per feature; nil means raw features go in as they are.
	Mean, Std []float32

	Seed uint64 // of the run that made the weights

	// Facts are the data that the weights were trained on and what was measured, where
	// that is known; nil else. What a field above says is not repeated there.
	Facts *facts.Facts
}

// LayerName returns the name of layer i: its own, or the one that its number gives.
func (n *Network) LayerName(i int) string {
	l := &n.Layers[i]
	switch {
	case l.Name != "":
		return l.Name
	case l.Kind == Recurrent:
		return fmt.Sprintf("%v%d", l.Cell, i)
	}
	return fmt.Sprintf("%v%d", l.Kind, i)
}

// Sources returns what layer i reads: numbers of layers before it, -1 for the
// network's input.
func (n *Network) Sources(i int) ([]int, error) {
	l := &n.Layers[i]
	if l.Inputs == nil {
		return []int{i - 1}, nil
	}
	var all []int
	for _, name := range l.Inputs {
		at := -1
		if name != Input {
			for at = i - 1; at >= 0 && n.LayerName(at) != name; at-- {
			}
			if at < 0 {
				return nil, fmt.Errorf("network %q: layer %d (%s) reads %q, which is no layer before it", n.Name, i, n.LayerName(i), name)
			}
		}
		all = append(all, at)
	}
	if len(all) == 0 || len(all) > 1 && l.Kind != Concatenation {
		return nil, fmt.Errorf("network %q: layer %d (%s) has %d inputs: a %v takes one", n.Name, i, n.LayerName(i), len(all), l.Kind)
	}
	return all, nil
}

// Pooled reports whether layer i gives one row for all steps: it is a Pooling, or reads
// what one gives.
func (n *Network) Pooled(i int) bool {
	for i >= 0 && n.Layers[i].Kind != Pooling {
		sources, err := n.Sources(i)
		if err != nil {
			return false
		}
		i = sources[0]
	}
	return i >= 0
}

// Check verifies names, dimensions and sizes of the tensors of all layers and of the head.
func (n *Network) Check() error {
	if len(n.Layers) == 0 {
		return fmt.Errorf("network %q has no layer", n.Name)
	}
	if n.Features < 1 || n.Outputs < 1 {
		return fmt.Errorf("network %q: %d features and %d outputs: both must be at least 1", n.Name, n.Features, n.Outputs)
	}
	seen := map[string]bool{Input: true}
	for i := range n.Layers {
		if err := n.checkLayer(i); err != nil {
			return err
		}
		if name := n.LayerName(i); seen[name] {
			return fmt.Errorf("network %q: two layers are named %q", n.Name, name)
		} else {
			seen[name] = true
		}
	}
	if n.PerStep && n.Pooled(len(n.Layers)-1) {
		return fmt.Errorf("network %q: layer %s is pooled over all steps: it has no output for every one of them", n.Name, n.LayerName(len(n.Layers)-1))
	}
	units := n.Layers[len(n.Layers)-1].Units
	if len(n.HeadKernel) != units*n.Outputs || len(n.HeadBias) != n.Outputs {
		return fmt.Errorf("network %q: head: found %d weights and %d biases, expected %d and %d",
			n.Name, len(n.HeadKernel), len(n.HeadBias), units*n.Outputs, n.Outputs)
	}
	return nil
}

func (n *Network) checkLayer(i int) error {
	l := &n.Layers[i]
	if l.Kind < Recurrent || l.Kind > Pooling {
		return fmt.Errorf("network %q: layer %d: unknown kind %v", n.Name, i, l.Kind)
	}
	if l.Kind == Recurrent && l.Cell.Facts() == nil {
		return fmt.Errorf("network %q: layer %d: unknown cell %v", n.Name, i, l.Cell)
	}
	title := fmt.Sprintf("network %q: layer %d (%v)", n.Name, i, l.Kind)
	if l.Kind == Recurrent {
		title = fmt.Sprintf("network %q: layer %d (%v)", n.Name, i, l.Cell)
	}
	fail := func(what string, found, want int) error {
		return fmt.Errorf("%s: %s: found %d, expected %d", title, what, found, want)
	}
	if l.Units < 1 {
		return fail("units", l.Units, 1)
	}
	sources, err := n.Sources(i)
	if err != nil {
		return err
	}
	features := 0
	for _, s := range sources {
		if s < 0 {
			features += n.Features
		} else {
			features += n.Layers[s].Units
		}
	}
	if l.Features != features {
		return fail("input features", l.Features, features)
	}
	if (l.Kind == Concatenation || l.Kind == Activate || l.Kind == Pooling) && l.Units != features {
		return fail("units", l.Units, features)
	}
	pooled := 0
	for _, s := range sources {
		if s >= 0 && n.Pooled(s) {
			pooled++
		}
	}
	switch {
	case pooled > 0 && pooled < len(sources):
		return fmt.Errorf("%s: some of its inputs are one row, pooled, and others a row for every step", title)
	case pooled > 0 && (l.Kind == Recurrent || l.Kind == Convolution || l.Kind == Pooling):
		return fmt.Errorf("%s: its input is one row, pooled: no steps are left to go through", title)
	}
	return l.check(title)
}

// CheckLayer verifies a layer by itself: its kind, its options and the sizes of its
// tensors. name is for messages.
func CheckLayer(name string, l *Layer) error {
	title := fmt.Sprintf("layer %q", name)
	switch {
	case l.Kind < Recurrent || l.Kind > Pooling:
		return fmt.Errorf("%s: unknown kind %v", title, l.Kind)
	case l.Kind == Recurrent && l.Cell.Facts() == nil:
		return fmt.Errorf("%s: unknown cell %v", title, l.Cell)
	case l.Units < 1 || l.Features < 1:
		return fmt.Errorf("%s: %d units, %d features: both must be at least 1", title, l.Units, l.Features)
	}
	return l.check(title)
}

// check verifies options and tensors of a layer of a known kind.
func (l *Layer) check(title string) error {
	if l.Kind != Recurrent && l.Kind != Convolution && l.Window > 1 || l.Window < 0 {
		return fmt.Errorf("%s: window %d: only recurrent layers and convolutions see more than one row", title, l.Window)
	}
	if l.Reversed && l.Kind != Recurrent {
		return fmt.Errorf("%s: only recurrent layers can run from the last row to the first", title)
	}
	if l.Kind == Pooling && (l.Pool < PoolMean || l.Pool > PoolFirst) {
		return fmt.Errorf("%s: unknown pooling %v", title, l.Pool)
	}
	if l.Kind == Recurrent {
		if l.OutputGate && !l.Cell.Facts().OutputGate {
			return fmt.Errorf("%s: a %v cell has no output gate to switch on", title, l.Cell)
		}
		if err := l.CheckRank(); err != nil {
			return fmt.Errorf("%s: %w", title, err)
		}
		if check := l.Cell.Facts().Check; check != nil {
			if err := check(l); err != nil {
				return fmt.Errorf("%s: %w", title, err)
			}
		}
	}
	for _, p := range l.Parameters() {
		if len(*p.Data) != p.Elements() {
			return fmt.Errorf("%s: %s values: found %d, expected %d", title, p.Title(), len(*p.Data), p.Elements())
		}
	}
	return nil
}

// CheckRank returns what is wrong with the rank of a recurrent layer.
func (l *Layer) CheckRank() error {
	switch {
	case l.Rank == 0:
		return nil
	case !l.Cell.Facts().LowRank:
		return fmt.Errorf("rank %d: a %v cell has no recurrent matrix", l.Rank, l.Cell)
	case l.Cell == GRU && !l.ResetAfter:
		return fmt.Errorf("rank %d: the classic gru multiplies its state by two matrices, one of them after the reset gate; the default one has a rank", l.Rank)
	case l.Rank < 0 || l.Rank >= l.Units:
		return fmt.Errorf("rank %d of %d units: expected 1 to %d; a matrix of full rank is the default", l.Rank, l.Units, l.Units-1)
	}
	return nil
}

// Title returns the name as a sentence has it: recurrent kernel.
func (p *Parameter) Title() string {
	b := []byte(p.Name)
	for i, c := range b {
		if c == '_' {
			b[i] = ' '
		}
	}
	return string(b)
}
