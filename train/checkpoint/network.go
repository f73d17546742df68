// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// format marks our own files. The version is the first one whose readers understand the
// network: earlier ones would take a reversed layer for another.
const (
	format   = "unroll"
	version  = "1"
	reversed = "2"
	lowRank  = "3"
)

// versionOf returns the version that a network needs.
func versionOf(net *nn.Network) string {
	v := version
	for i := range net.Layers {
		switch l := &net.Layers[i]; {
		case l.Rank > 0:
			return lowRank
		case l.Reversed:
			v = reversed
		}
	}
	return v
}

// description is what the metadata holds beside the tensors.
type description struct {
	Name     string   `json:"name"`
	Steps    int      `json:"steps"`
	Features int      `json:"features"`
	Outputs  int      `json:"outputs"`
	Task     string   `json:"task"`
	PerStep  bool     `json:"per_step,omitempty"`
	Classes  []string `json:"classes,omitempty"`
	Seed     uint64   `json:"seed"`
	Layers   []layer  `json:"layers"`
}

// layer describes one layer; what a chain of classic cells does not need is left out.
type layer struct {
	Cell       string   `json:"cell,omitempty"`
	Units      int      `json:"units"`
	Relu       bool     `json:"relu,omitempty"`
	ResetAfter bool     `json:"reset_after,omitempty"`
	Kind       string   `json:"kind,omitempty"` // of a layer that is not recurrent
	Name       string   `json:"name,omitempty"`
	Inputs     []string `json:"inputs,omitempty"`
	Activation string   `json:"activation,omitempty"` // of a layer that is not recurrent
	Window     int      `json:"window,omitempty"`
	OutputGate bool     `json:"output_gate,omitempty"`
	Reversed   bool     `json:"reversed,omitempty"`
	Rank       int      `json:"rank,omitempty"` // of the recurrent matrix, where it is less than the units
	Pool       string   `json:"pool,omitempty"` // of a pooling
}

func describe(l *nn.Layer) layer {
	d := layer{Units: l.Units, ResetAfter: l.ResetAfter, Name: l.Name, Inputs: l.Inputs, Window: l.Window, OutputGate: l.OutputGate, Reversed: l.Reversed, Rank: l.Rank}
	if l.Kind == nn.Recurrent {
		d.Cell, d.Relu = l.Cell.String(), l.Activation == nn.Relu
	} else {
		d.Kind, d.Activation = l.Kind.String(), l.Activation.String()
	}
	if l.Kind == nn.Pooling {
		d.Pool = l.Pool.String()
	}
	return d
}

// network returns the layer described, without tensors and features.
func (d *layer) network() (nn.Layer, error) {
	l := nn.Layer{Units: d.Units, ResetAfter: d.ResetAfter, Name: d.Name, Inputs: d.Inputs, Window: d.Window, OutputGate: d.OutputGate, Reversed: d.Reversed, Rank: d.Rank}
	if d.Units < 1 || d.Units > maxWidth || d.Window < 0 || d.Window > maxWidth {
		return l, fmt.Errorf("%d units, window %d: out of range", d.Units, d.Window)
	}
	var err error
	if d.Kind == "" {
		if d.Relu {
			l.Activation = nn.Relu
		}
		if l.Cell, err = nn.ParseCell(d.Cell); err == nil {
			err = l.CheckRank()
		}
		return l, err
	}
	if l.Kind, err = nn.ParseKind(d.Kind); err != nil {
		return l, err
	}
	if l.Kind == nn.Pooling {
		if l.Pool, err = nn.ParsePool(d.Pool); err != nil {
			return l, err
		}
	}
	l.Activation, err = nn.ParseActivation(d.Activation)
	return l, err
}

var tasks = map[nn.Task]string{nn.Classification: "classification", nn.Regression: "regression"}

// Bounds that keep a wrong description from asking for absurd memory.
const (
	maxLayers = nn.MaxLayers
	maxWidth  = 1 << 16
)

// Write writes a network as safetensors in our layout: layers.N.kernel,
// layers.N.recurrent_kernel and layers.N.bias in Keras' shapes and gate order,
// head.kernel, head.bias, and standardize.mean and standardize.std where the
// network has them; the rest is JSON in the metadata. Float bits survive.
func Write(w io.Writer, net *nn.Network) error {
	m, err := metadata(net)
	if err != nil {
		return err
	}
	return write(w, m, entries("", net))
}

func metadata(net *nn.Network) (map[string]string, error) {
	var d description
	d.Name, d.Steps, d.Features, d.Outputs = net.Name, net.Steps, net.Features, net.Outputs
	d.Task, d.PerStep, d.Classes, d.Seed = tasks[net.Task], net.PerStep, net.Classes, net.Seed
	for i := range net.Layers {
		d.Layers = append(d.Layers, describe(&net.Layers[i]))
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", net.Name, err)
	}
	m := map[string]string{"format": format, "version": versionOf(net), "network": string(text)}
	if net.Facts != nil {
		b, err := net.Facts.Encode()
		if err != nil {
			return nil, fmt.Errorf("network %q: %w", net.Name, err)
		}
		m[facts.Metadata] = string(b)
	}
	return m, nil
}

// entries lists the tensors of a network, the constants of standardization last.
func entries(prefix string, net *nn.Network) []entry {
	var all []entry
	for _, s := range slots(net) {
		all = append(all, entry{prefix + s.name, s.shape, *s.data})
	}
	return all
}

// slot is a tensor's name and shape and where the network keeps it.
type slot struct {
	name  string
	shape []int
	data  *[]float32
}

func slots(net *nn.Network) []slot {
	var all []slot
	units := 0
	for i := range net.Layers {
		l := &net.Layers[i]
		for _, p := range l.Parameters() {
			all = append(all, slot{fmt.Sprintf("layers.%d.%s", i, p.Name), p.Shape, p.Data})
		}
		units = l.Units
	}
	all = append(all, slot{"head.kernel", []int{units, net.Outputs}, &net.HeadKernel}, slot{"head.bias", []int{net.Outputs}, &net.HeadBias})
	if net.Mean != nil {
		all = append(all, slot{"standardize.mean", []int{net.Features}, &net.Mean}, slot{"standardize.std", []int{net.Features}, &net.Std})
	}
	return all
}

// Read reads a network from a safetensors file of size bytes: our own layout, or a
// PyTorch state dict with recurrent modules and one linear layer (see torch.go). name is the file's name for messages. A PyTorch file does not say how
// many steps a sequence has: Steps is then 0.
func Read(name string, r io.ReaderAt, size int64) (*nn.Network, error) {
	return ReadAs(name, r, size, Stated{})
}

// ReadAs is Read with what the user states of the file.
func ReadAs(name string, r io.ReaderAt, size int64, s Stated) (*nn.Network, error) {
	c, err := open(name, r, size)
	if err != nil {
		return nil, err
	}
	if c.metadata["format"] != format {
		if c.isTorch() {
			return c.readTorch(s)
		}
		if err := c.computed(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: neither metadata with format %q nor a tensor named …weight_hh_l0 is there: expected a network of this program or a PyTorch state dict", name, format)
	}
	if s.Activation != "" || s.Order != nil || s.Head != "" || s.Join != "" {
		return nil, fmt.Errorf("%s: the file says itself what --activation, --order, --head and --join would", name)
	}
	return c.readNetwork()
}

func (c *container) readNetwork() (*nn.Network, error) {
	fail := func(format string, args ...any) (*nn.Network, error) {
		return nil, fmt.Errorf("%s: %s", c.file, fmt.Sprintf(format, args...))
	}
	if v := c.metadata["version"]; v != version && v != reversed && v != lowRank {
		return fail("format version %q, expected %q, %q or %q: written by another version of this program", v, version, reversed, lowRank)
	}
	var d description
	if err := json.Unmarshal([]byte(c.metadata["network"]), &d); err != nil {
		return fail("bad network description in the metadata: %v", err)
	}
	net := &nn.Network{Name: d.Name, Steps: d.Steps, Features: d.Features, Outputs: d.Outputs, PerStep: d.PerStep, Classes: d.Classes, Seed: d.Seed}
	switch d.Task {
	case tasks[nn.Classification]:
	case tasks[nn.Regression]:
		net.Task = nn.Regression
	default:
		return fail("task is %q, expected classification or regression", d.Task)
	}
	var err error
	if net.Facts, err = facts.Decode(c.file, []byte(c.metadata[facts.Metadata])); err != nil {
		return nil, err
	}
	sane := func(n int) bool { return n >= 1 && n <= maxWidth }
	if d.Steps < 0 || d.Steps > maxWidth || !sane(d.Features) || !sane(d.Outputs) || len(d.Layers) < 1 || len(d.Layers) > maxLayers {
		return fail("%d steps, %d features, %d outputs, %d layers: out of range", d.Steps, d.Features, d.Outputs, len(d.Layers))
	}
	if d.Classes != nil && len(d.Classes) != d.Outputs {
		return fail("%d class names for %d outputs", len(d.Classes), d.Outputs)
	}
	for i := range d.Layers {
		l, err := d.Layers[i].network()
		if err != nil {
			return fail("layer %d: %v", i, err)
		}
		net.Layers = append(net.Layers, l)
		sources, err := net.Sources(i)
		if err != nil {
			return fail("%v", err)
		}
		for _, s := range sources {
			if s < 0 {
				net.Layers[i].Features += net.Features
			} else {
				net.Layers[i].Features += net.Layers[s].Units
			}
		}
		if f := net.Layers[i].Features; !sane(f) {
			return fail("layer %d: %d features: out of range", i, f)
		}
	}
	if c.byName["standardize.mean"] != nil {
		net.Mean = []float32{}
	}
	for _, s := range slots(net) {
		v, err := c.take(s.name, s.shape)
		if err != nil {
			return nil, err
		}
		*s.data = v
	}
	for i, s := range net.Std {
		if !(s > 0) {
			return fail("tensor %q: value %d is %v, expected a positive number", "standardize.std", i, s)
		}
	}
	if err := net.Check(); err != nil {
		return fail("%v", err)
	}
	return net, nil
}

// take reads a float tensor that must be there with the given shape and hold
// finite values.
func (c *container) take(name string, shape []int) ([]float32, error) {
	t := c.byName[name]
	if t == nil {
		return nil, fmt.Errorf("%s: tensor %q is missing", c.file, name)
	}
	if fmt.Sprint(t.shape) != fmt.Sprint(shape) {
		return nil, fmt.Errorf("%s: tensor %q has shape %v, expected %v", c.file, name, t.shape, shape)
	}
	v, err := c.floats(t)
	if err != nil {
		return nil, err
	}
	return v, finite(c.file, name, v)
}

func finite(file, name string, v []float32) error {
	for i, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s: tensor %q: value %d is %v: weights must be finite", file, name, i, x)
		}
	}
	return nil
}
