// SPDX-License-Identifier: Apache-2.0

package train

import (
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

	units   []unit
	sources [][]int  // of every unit: units before it, -1 for x
	adds    [][]bool // a gradient is added to what later units left
	head    *head
	plan    plan
	carried bool // sequences go on from those before them: see carry
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
	input := cell.Operand{Data: e.x, Sequence: e.steps * e.xRow, Row: e.xRow, Width: e.features}
	trained := make([]bool, len(net.Layers)) // there are weights in the layer or below it
	for i := range net.Layers {
		l := &net.Layers[i]
		sources, err := net.Sources(i)
		if err != nil {
			panic("BUG: " + err.Error()) // Trainable has looked
		}
		var in []cell.Operand
		var widths []int
		length, below := e.steps, false
		for _, s := range sources {
			if s < 0 {
				in, widths = append(in, input), append(widths, net.Features)
				continue
			}
			in, widths, length = append(in, e.units[s].Output()), append(widths, net.Layers[s].Units), e.units[s].Length()
			below = below || trained[s]
		}
		trained[i] = below || l.Kind == nn.Recurrent || l.Kind == nn.Dense || l.Kind == nn.Convolution
		for k, s := range sources {
			if s >= 0 && !trained[s] {
				sources[k] = -1 // nobody wants the gradient
			}
		}
		e.units = append(e.units, newUnit(l, length, in, widths, batch, below, forwardOnly))
		e.sources = append(e.sources, sources)
	}
	last := e.units[len(e.units)-1]
	e.head = newHead(net, last.Output(), last.Length(), batch, forwardOnly)
	if !forwardOnly {
		e.link()
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
	for _, u := range e.units {
		u.Forward(first, after)
	}
	e.head.forward(first, after)
}

// backward runs sequences first..after-1 from the head's gradients down to the
// gate gradients of every layer, and packs what the weight gradients need.
func (e *engine) backward(first, after int) {
	e.head.backward(e.units[len(e.units)-1].Gradient(), first, after)
	for i := len(e.units) - 1; i >= 0; i-- {
		e.units[i].Backward(first, after)
		for k, s := range e.sources[i] {
			if s >= 0 {
				e.units[i].PassDown(k, e.units[s].Gradient(), e.adds[i][k], first, after)
			}
		}
	}
}
