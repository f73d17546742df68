package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// Form is the operator sequence that a cell becomes.
type Form int

// Forms. All of them are plain TFLite builtin operators.
const (
	NPU   Form = iota // few operations a step, one input projection for all steps
	Keras             // what TensorFlow's converter emits for unroll=True
)

// Blend is the way the npu form computes the new state of a GRU from the old
// state h, the candidate n and the update gate.
type Blend int

// Blends. With u = 1-z, which costs nothing (a gate of negated weights):
const (
	Update Blend = iota // h + u*(n-h): 3 operations, exact where the gate keeps the state
	Keep                // n + z*(h-n): 3 operations, exact where the gate replaces it
	Sum                 // z*h + (1-z)*n: 4 operations, as the converter writes it
)

// Options choose the shape of the unrolled graph.
type Options struct {
	Steps   int  // time steps of one call; 0 takes the network's
	Form    Form //
	StateIO bool // states are inputs and outputs; else every call starts at zero
	PerStep bool // the head runs at every step, not only at the last
	Blend   Blend

	// Tied gives, in the npu form, the operands of every ADD of a step one role,
	// mostly symmetric around zero: what is added has one scale. An NPU then adds by a
	// pooling operation, which takes less than half the time of an elementwise
	// one, and where the sum has the role too, as the states have, it is exact.
	Tied bool
}

// Build unrolls a network. The graph has the inputs "input" [1,T,F] and, with
// StateIO, "state_h0", "state_c0", "state_h1", … [1,H] in layer order; its
// outputs are "output", [1,K] or [1,T,K], and "state_h0_out", … in the same
// order. Errors name the layer and what does not fit.
func Build(net *nn.Network, o Options) (*Plan, error) {
	if o.Steps == 0 {
		o.Steps = net.Steps
	}
	if err := check(net, o); err != nil {
		return nil, err
	}
	b := newBuilder(net.Name)
	in := b.value("input", "input", 1, o.Steps, net.Features)
	b.Graph.Inputs = append(b.Graph.Inputs, in)

	var hs []graph.TensorID // of all steps of the last layer built, [1,H] each
	for l := range net.Layers {
		c := b.cell(net, l, o)
		if o.Form == Keras {
			xs := hs
			if l == 0 {
				xs = b.kerasInput(in, o.Steps, net.Features)
			}
			hs = c.keras(xs)
			continue
		}
		var x graph.TensorID // [T,F]
		if l == 0 {
			x = b.reshape("input_rows", in, o.Steps, net.Features)
		} else {
			x = b.concat(c.name+"/x", hs)
		}
		hs = c.npu(x)
	}
	out := b.head(net, o, hs)
	b.Graph.Outputs = append([]graph.TensorID{out}, b.Graph.Outputs...)
	b.finish()
	return b.Plan, nil
}

// check verifies the dimensions of everything that Build reads.
func check(net *nn.Network, o Options) error {
	if o.Steps < 1 {
		return fmt.Errorf("network %q: cannot unroll %d steps: at least 1 is needed", net.Name, o.Steps)
	}
	if len(net.Layers) == 0 {
		return fmt.Errorf("network %q has no recurrent layer", net.Name)
	}
	if net.Features < 1 || net.Outputs < 1 {
		return fmt.Errorf("network %q: %d features and %d outputs: both must be at least 1", net.Name, net.Features, net.Outputs)
	}
	features := net.Features
	for l := range net.Layers {
		layer := &net.Layers[l]
		fail := func(what string, found, want int) error {
			return fmt.Errorf("network %q: layer %d (%v): %s: found %d, expected %d", net.Name, l, layer.Cell, what, found, want)
		}
		if layer.Cell < nn.GRU || layer.Cell > nn.SimpleRNN {
			return fmt.Errorf("network %q: layer %d: unknown cell %v", net.Name, l, layer.Cell)
		}
		if layer.Units < 1 {
			return fail("units", layer.Units, 1)
		}
		if layer.Features != features {
			return fail("input features", layer.Features, features)
		}
		columns := layer.Cell.Gates() * layer.Units
		bias := columns
		if layer.Cell == nn.GRU && layer.ResetAfter {
			bias *= 2
		}
		switch {
		case len(layer.Kernel) != features*columns:
			return fail("kernel values", len(layer.Kernel), features*columns)
		case len(layer.Recurrent) != layer.Units*columns:
			return fail("recurrent kernel values", len(layer.Recurrent), layer.Units*columns)
		case len(layer.Bias) != bias:
			return fail("bias values", len(layer.Bias), bias)
		}
		features = layer.Units
	}
	if len(net.HeadKernel) != features*net.Outputs || len(net.HeadBias) != net.Outputs {
		return fmt.Errorf("network %q: head: found %d weights and %d biases, expected %d and %d",
			net.Name, len(net.HeadKernel), len(net.HeadBias), features*net.Outputs, net.Outputs)
	}
	return nil
}

// head appends the dense layer and, for classification, the softmax.
func (b *builder) head(net *nn.Network, o Options, hs []graph.TensorID) graph.TensorID {
	units, k := net.Layers[len(net.Layers)-1].Units, net.Outputs
	w := turn(net.HeadKernel, units, k, 0, k)
	weights := b.constant("head/kernel", w.data, k, units)
	bias := b.constant("head/bias", net.HeadBias, k)

	x, rows := hs[len(hs)-1], 1
	if o.PerStep {
		rows = len(hs)
		x = b.concat("head/x", hs)
	}
	name, role := "logits", "logits"
	if net.Task == nn.Regression {
		name, role = "output", "output"
	}
	b.Head[role] = !o.PerStep
	if !o.PerStep {
		x = b.fc(name, role, x, weights, bias)
	} else {
		x = b.reshape(name, b.fc(name+"_rows", role, x, weights, bias), 1, rows, k)
	}
	if net.Task == nn.Regression {
		return x
	}
	b.Fixed["output"] = graph.Softmax
	b.Head["output"] = !o.PerStep
	return b.one(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, "output", "output", b.shape(x), x)
}
