// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// engine holds one network with everything a training step needs. Sequences of
// the current batch are split over the workers; each worker alone touches the
// rows of its sequences. Weights are split by columns; each worker alone touches
// the panels it owns. So nothing is ever reduced over workers, and no bit depends
// on their number.
type engine struct {
	crew  *crew
	steps int // T
	batch int // sequences a step at most

	features int
	x        []float32 // rows of sequence b, step t: features values and a 1
	xRow     int       // floats from one row to the next

	layers []*cell.Run
	head   *head
	plan   plan
}

// newEngine makes room for batch sequences of a network, which Trainable has let
// through; forwardOnly leaves out what only training needs.
func newEngine(net *nn.Network, batch, workers int, forwardOnly bool) *engine {
	workers = min(workers, batch)
	e := &engine{crew: newCrew(workers), steps: net.Steps, batch: batch, features: net.Features, xRow: cell.Pad(net.Features + 1)}
	e.x = make([]float32, batch*e.steps*e.xRow)
	for i := e.features; i < len(e.x); i += e.xRow {
		e.x[i] = 1
	}
	in := cell.Operand{Data: e.x, Sequence: e.steps * e.xRow, Row: e.xRow, Width: e.features}
	for i := range net.Layers {
		l := cell.NewRun(&net.Layers[i], e.steps, in, batch, i > 0, forwardOnly)
		e.layers = append(e.layers, l)
		in = l.Output()
	}
	e.head = newHead(net, in, batch, forwardOnly)
	if !forwardOnly {
		e.assign()
	}
	return e
}

func (e *engine) close() { e.crew.close() }

// rows returns the sequences of a batch of n that worker w owns.
func (e *engine) rows(w, n int) (first, after int) {
	return n * w / e.crew.size, n * (w + 1) / e.crew.size
}

// forward runs sequences first..after-1 up to the head's outputs.
func (e *engine) forward(first, after int) {
	for _, l := range e.layers {
		l.Forward(first, after)
	}
	e.head.forward(first, after)
}

// backward runs sequences first..after-1 from the head's gradients down to the
// gate gradients of every layer, and packs what the weight gradients need.
func (e *engine) backward(first, after int) {
	last := e.layers[len(e.layers)-1]
	e.head.backward(last, first, after)
	for i := len(e.layers) - 1; i >= 0; i-- {
		e.layers[i].Backward(first, after)
		if i > 0 {
			e.layers[i].PassDown(e.layers[i-1], first, after)
		}
	}
}

// Trainable returns nil when training can work on the network: a chain of recurrent
// layers. The error names the first layer that is none.
func Trainable(net *nn.Network) error {
	for i := range net.Layers {
		sources, err := net.Sources(i)
		if err != nil {
			return err
		}
		switch l := &net.Layers[i]; {
		case l.Kind != nn.Recurrent:
			return fmt.Errorf("network %q: layer %s is a %v: only recurrent layers can be trained here", net.Name, net.LayerName(i), l.Kind)
		case sources[0] != i-1:
			return fmt.Errorf("network %q: layer %s reads %q: only a chain, each layer reading the one before, can be trained here", net.Name, net.LayerName(i), l.Inputs[0])
		case l.Cell.Facts().Trainable != nil:
			if err := l.Cell.Facts().Trainable(l); err != nil {
				return fmt.Errorf("network %q: layer %s: %w", net.Name, net.LayerName(i), err)
			}
		}
	}
	return nil
}
