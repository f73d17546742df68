// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// Form is the operator sequence that a cell becomes.
type Form int

// Forms. All of them are plain TFLite builtin operators.
const (
	NPU   Form = iota // few operations a step, one input projection for all steps
	Keras             // what TensorFlow's converter emits for unroll=True
)

// Blend is the way the npu form computes the new state of a GRU.
type Blend = cell.Blend

// Blends.
const (
	Update = cell.Update
	Keep   = cell.Keep
	Sum    = cell.Sum
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

	outputs := make([]*sequence, len(net.Layers))
	for l := range net.Layers {
		var err error
		if outputs[l], err = b.layer(net, l, o, in, outputs); err != nil {
			return nil, err
		}
	}
	out := b.head(net, o, outputs[len(outputs)-1])
	b.Graph.Outputs = append([]graph.TensorID{out}, b.Graph.Outputs...)
	b.finish()
	return b.Plan, nil
}

func check(net *nn.Network, o Options) error {
	if o.Steps < 1 {
		return fmt.Errorf("network %q: cannot unroll %d steps: at least 1 is needed", net.Name, o.Steps)
	}
	if o.Steps > MaxSteps {
		return fmt.Errorf("network %q: %d steps a call: expected at most %d; lower one step, and let the compiler make a call of many (unroll compile --steps)", net.Name, o.Steps, MaxSteps)
	}
	if err := net.Check(); err != nil {
		return err
	}
	units := 0
	for i, l := range net.Layers {
		units += l.Units
		name := net.LayerName(i)
		switch {
		case l.Reversed && o.StateIO:
			return fmt.Errorf("network %q: layer %s runs from the last step to the first: a stream, whose state is carried, has no last step; lower it for whole sequences (--no-state)", net.Name, name)
		case l.Reversed && net.Steps > 0 && o.Steps != net.Steps:
			return fmt.Errorf("network %q: layer %s runs from the last step to the first: a call needs all %d steps of a sequence, not %d (leave --steps out)", net.Name, name, net.Steps, o.Steps)
		case l.Kind == nn.Pooling && net.Steps > 0 && o.Steps != net.Steps:
			return fmt.Errorf("network %q: layer %s makes one row of all steps (%v): a call needs all %d steps of a sequence, not %d (leave --steps out)", net.Name, name, l.Pool, net.Steps, o.Steps)
		}
	}
	if o.PerStep && net.Pooled(len(net.Layers)-1) {
		return fmt.Errorf("network %q: layer %s is one row for all steps: the head has no row for each (leave --per-step out)", net.Name, net.LayerName(len(net.Layers)-1))
	}
	return budget.Ask(fmt.Sprintf("network %q in %d steps", net.Name, o.Steps), budget.Times(int64(o.Steps), int64(len(net.Layers))*stepBytes+int64(units)*unitBytes))
}

// MaxSteps bounds the time steps of one graph.
const MaxSteps = 1 << 16

// What a step takes, by measurement on GRU and LSTM layers: its operators and tensors, and
// the values of its units in all of them.
const (
	stepBytes = 24 << 10
	unitBytes = 64
)

// head appends the dense layer and, for classification, the softmax, but for logits.
func (b *builder) head(net *nn.Network, o Options, last *sequence) graph.TensorID {
	units, k := net.Layers[len(net.Layers)-1].Units, net.Outputs
	w := cell.Turn(net.HeadKernel, units, k, 0, k)
	weights := b.constant("head/kernel", w.Data, k, units)
	bias := b.constant("head/bias", net.HeadBias, k)

	var x graph.TensorID
	rows := 1
	if o.PerStep {
		rows = o.Steps
		x = last.rows("head/x")
	} else {
		hs := last.steps()
		x = hs[len(hs)-1]
	}
	name, role := "logits", "logits"
	bare := net.Task == nn.Regression || net.Logits
	if bare {
		name, role = "output", "output"
	}
	b.Head[role] = !o.PerStep
	if !o.PerStep {
		x = b.fc(name, role, x, weights, bias)
	} else {
		x = b.reshape(name, b.fc(name+"_rows", role, x, weights, bias), 1, rows, k)
	}
	if bare {
		return x
	}
	b.Fixed["output"] = graph.Softmax
	b.Head["output"] = !o.PerStep
	return b.one(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, "output", "output", b.shape(x), x)
}
