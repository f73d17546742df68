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

	drops []*dropout // behind units, where training has dropout; nil entries are none
	keys  []uint64   // of every place of the batch: what tells draws of its sequences apart
}

// given is what readers of unit i see.
func (e *engine) given(i int) unit {
	if e.drops[i] != nil {
		return e.drops[i]
	}
	return e.units[i]
}

// newEngine makes room for batch sequences of a network, which Trainable has let
// through; forwardOnly leaves out what only training needs.
func newEngine(net *nn.Network, batch, workers int, forwardOnly bool) *engine {
	return newEngineWith(net, batch, workers, forwardOnly, 0)
}

// newEngineWith has dropout at a rate behind every layer with weights.
func newEngineWith(net *nn.Network, batch, workers int, forwardOnly bool, rate float64) *engine {
	workers = min(workers, batch)
	e := &engine{crew: newCrew(workers), steps: net.Steps, batch: batch, features: net.Features, xRow: cell.Pad(net.Features + 1)}
	e.keys = make([]uint64, batch)
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
			in, widths, length = append(in, e.given(s).Output()), append(widths, net.Layers[s].Units), e.units[s].Length()
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
		e.drops = append(e.drops, nil)
		if run, ok := e.units[i].(*cell.Run); ok && rate > 0 {
			e.drops[i] = newDropout(l.Units, run.Length(), batch, run.Output(), rate, i, net.Seed, e.keys)
		}
	}
	last := e.given(len(e.units) - 1)
	e.head = newHead(net, last.Output(), last.Length(), batch, forwardOnly)
	if !forwardOnly {
		e.link()
		e.assign()
	}
	return e
}

// run has all workers execute a training step.
func (e *engine) run(f func(worker int)) {
	e.plan.next.Store(0)
	e.crew.run(f)
}

func (e *engine) close() { e.crew.close() }

// rows returns the sequences of a batch of n that worker w owns.
func (e *engine) rows(w, n int) (first, after int) {
	return n * w / e.crew.size, n * (w + 1) / e.crew.size
}

// forward runs sequences first..after-1 up to the head's outputs.
func (e *engine) forward(first, after int) {
	for i, u := range e.units {
		u.Forward(first, after)
		if d := e.drops[i]; d != nil {
			d.Forward(first, after)
		}
	}
	e.head.forward(first, after)
}

// backward runs sequences first..after-1 from the head's gradients down to the
// gate gradients of every layer, and packs what the weight gradients need.
func (e *engine) backward(first, after int) {
	e.head.backward(e.given(len(e.units)-1).Gradient(), first, after)
	for i := len(e.units) - 1; i >= 0; i-- {
		if d := e.drops[i]; d != nil {
			d.PassDown(0, e.units[i].Gradient(), false, first, after)
		}
		e.units[i].Backward(first, after)
		for k, s := range e.sources[i] {
			if s >= 0 {
				e.units[i].PassDown(k, e.given(s).Gradient(), e.adds[i][k], first, after)
			}
		}
	}
}
