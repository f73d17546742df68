package train

import (
	"github.com/unroll-npu/unroll/train/gemm"
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

	layers []*layer
	head   *head
	plan   plan
}

// shape describes one layer of a network without weights; outputs, task and
// perStep are those of the network.
type shape struct {
	cell       nn.Cell
	relu       bool
	resetAfter bool
	units      int
	steps      int
	features   int
	outputs    int
	task       nn.Task
	perStep    bool
}

// newEngine makes room for batch sequences; forwardOnly leaves out what only
// training needs.
func newEngine(layers []shape, batch, workers int, forwardOnly bool) *engine {
	s := layers[0]
	workers = min(workers, batch)
	e := &engine{crew: newCrew(workers), steps: s.steps, batch: batch, features: s.features, xRow: pad(s.features + 1)}
	e.x = make([]float32, batch*s.steps*e.xRow)
	for i := s.features; i < len(e.x); i += e.xRow {
		e.x[i] = 1
	}
	in := operand{data: e.x, sequence: s.steps * e.xRow, row: e.xRow, width: s.features}
	for i, s := range layers {
		l := newLayer(s, in, batch, i > 0, forwardOnly)
		e.layers = append(e.layers, l)
		in = l.output()
	}
	e.head = newHead(s, in, batch, forwardOnly)
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
		l.forward(first, after)
	}
	e.head.forward(first, after)
}

// backward runs sequences first..after-1 from the head's gradients down to the
// gate gradients of every layer, and packs what the weight gradients need.
func (e *engine) backward(first, after int) {
	last := e.layers[len(e.layers)-1]
	e.head.backward(last, first, after)
	for i := len(e.layers) - 1; i >= 0; i-- {
		e.layers[i].backward(first, after)
		if i > 0 {
			e.layers[i].passDown(e.layers[i-1], first, after)
		}
	}
}

// pad returns n rounded up to whole panels.
func pad(n int) int { return gemm.PanelCount(n) * gemm.Width }

// operand is a matrix of rows that a weight matrix is multiplied with: row t of
// sequence b begins at b*sequence + t*row; width values are followed by a 1,
// which the bias row of the weights meets.
type operand struct {
	data          []float32
	sequence, row int
	width         int
}

func (o *operand) at(b, t int) []float32 { return o.data[b*o.sequence+t*o.row:] }
