// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// unit is a layer as the engine runs it. A *cell.Run is one with weights; the others are
// below. Sequences first..after-1 are those of one worker.
type unit interface {
	Output() cell.Operand
	// Length returns the rows of the output of a sequence.
	Length() int
	Forward(first, after int)

	// NeedGradients makes room for the gradient of the output; final says that only the
	// row that is computed last is ever read. Gradient is where readers leave it.
	NeedGradients(batch int, final bool)
	Gradient() cell.Operand

	// Backward turns the gradient of the output into what PassDown and the weight
	// gradients need. PassDown writes the gradient of an input, or adds it.
	Backward(first, after int)
	PassDown(input int, to cell.Operand, add bool, first, after int)
}

// newUnit makes room for a layer over a batch. in are what its inputs give, widths their units
// without padding, length their rows; below says that one of them wants gradients.
func newUnit(l *nn.Layer, length int, in []cell.Operand, widths []int, batch int, below, forwardOnly bool) unit {
	switch l.Kind {
	case nn.Pooling:
		return newPool(l, length, in[0], batch)
	case nn.Concatenation:
		return &joined{rows: newRows(l.Units, length, batch), in: in, widths: widths}
	case nn.Activate:
		return &activation{rows: newRows(l.Units, length, batch), in: in[0], of: l.Activation}
	}
	return cell.NewRun(l, length, in[0], batch, below, forwardOnly)
}

// rows is the output of a unit without weights, and its gradient.
type rows struct {
	units, length int
	given, d      cell.Operand
}

func newRows(units, length, batch int) rows {
	n := cell.Pad(units)
	r := rows{units: units, length: length}
	r.given = cell.Operand{Row: cell.Pad(n + 1), Sequence: length * cell.Pad(n+1), Width: n}
	r.given.Data = make([]float32, batch*r.given.Sequence)
	for at := n; at < len(r.given.Data); at += r.given.Row {
		r.given.Data[at] = 1
	}
	return r
}

func (r *rows) Output() cell.Operand { return r.given }
func (r *rows) Length() int          { return r.length }

func (r *rows) NeedGradients(batch int, _ bool) {
	n := r.given.Width
	r.d = cell.Operand{Row: n, Sequence: r.length * n, Width: n, Data: make([]float32, batch*r.length*n)}
}

func (r *rows) Gradient() cell.Operand { return r.d }

func (r *rows) Backward(int, int) {}

// joined puts the units of its inputs side by side. Inputs are padded to whole panels, the
// result is padded once.
type joined struct {
	rows
	in     []cell.Operand
	widths []int // units of each input, without padding
}

func (u *joined) each(first, after int, visit func(b, t int)) {
	for b := first; b < after; b++ {
		for t := range u.length {
			visit(b, t)
		}
	}
}

func (u *joined) Forward(first, after int) {
	u.each(first, after, func(b, t int) {
		to := u.given.At(b, t)
		for i := range u.in {
			to = to[copy(to[:u.widths[i]], u.in[i].At(b, t)):]
		}
	})
}

func (u *joined) PassDown(input int, to cell.Operand, add bool, first, after int) {
	from := 0
	for _, w := range u.widths[:input] {
		from += w
	}
	w := u.widths[input]
	u.each(first, after, func(b, t int) { put(to.At(b, t)[:to.Width], u.d.At(b, t)[from:from+w], add) })
}

// put writes a gradient, zeros after it, or adds it.
func put(to, d []float32, add bool) {
	if !add {
		clear(to[copy(to, d):])
		return
	}
	for i, v := range d {
		to[i] += v
	}
}

// activation applies one to every value.
type activation struct {
	rows
	in cell.Operand
	of nn.Activation
}

func (u *activation) Forward(first, after int) {
	for b := first; b < after; b++ {
		for t := range u.length {
			y := u.given.At(b, t)[:u.units]
			copy(y, u.in.At(b, t))
			switch u.of {
			case nn.Tanh:
				elementwise.Tanh(y)
			case nn.Sigmoid:
				elementwise.Sigmoid(y)
			case nn.Relu:
				for i, v := range y {
					if v < 0 { // a NaN stays one
						y[i] = 0
					}
				}
			}
		}
	}
}

func (u *activation) PassDown(_ int, to cell.Operand, add bool, first, after int) {
	for b := first; b < after; b++ {
		for t := range u.length {
			d, y := u.d.At(b, t)[:u.units], u.given.At(b, t)
			for i, v := range d {
				switch y := y[i]; u.of {
				case nn.Tanh:
					d[i] = v * (1 - float32(y*y))
				case nn.Sigmoid:
					d[i] = v * y * (1 - y)
				case nn.Relu:
					if !(y > 0) {
						d[i] = 0
					}
				}
			}
			put(to.At(b, t)[:to.Width], d, add)
		}
	}
}

// pool makes one row of all rows of a sequence.
type pool struct {
	rows
	of     nn.Pool
	in     cell.Operand
	inputs int     // rows of a sequence of in
	top    []int32 // PoolMax: the row of every unit's largest value, the first of several
}

func newPool(l *nn.Layer, length int, in cell.Operand, batch int) *pool {
	return &pool{rows: newRows(l.Units, 1, batch), of: l.Pool, in: in, inputs: length, top: make([]int32, batch*l.Units)}
}

// row returns the number of the only row that the pool reads, or -1.
func (u *pool) row() int {
	switch u.of {
	case nn.PoolLast:
		return u.inputs - 1
	case nn.PoolFirst:
		return 0
	}
	return -1
}

func (u *pool) Forward(first, after int) {
	for b := first; b < after; b++ {
		y := u.given.At(b, 0)[:u.units]
		switch u.of {
		case nn.PoolMean:
			for i := range y {
				sum := 0.0
				for t := range u.inputs {
					sum += float64(u.in.At(b, t)[i])
				}
				y[i] = float32(sum / float64(u.inputs))
			}
		case nn.PoolMax:
			top := u.top[b*u.units:][:u.units]
			clear(top)
			copy(y, u.in.At(b, 0))
			for t := 1; t < u.inputs; t++ {
				for i, v := range u.in.At(b, t)[:u.units] {
					if v > y[i] || v != v {
						y[i], top[i] = v, int32(t)
					}
				}
			}
		default:
			copy(y, u.in.At(b, u.row()))
		}
	}
}

func (u *pool) PassDown(_ int, to cell.Operand, add bool, first, after int) {
	for b := first; b < after; b++ {
		d := u.d.At(b, 0)[:u.units]
		if !add {
			clearRows(to, b, u.inputs)
		}
		switch u.of {
		case nn.PoolMean:
			for t := range u.inputs {
				row := to.At(b, t)
				for i, v := range d {
					row[i] += v / float32(u.inputs)
				}
			}
		case nn.PoolMax:
			for i, v := range d {
				to.At(b, int(u.top[b*u.units+i]))[i] += v
			}
		default:
			put(to.At(b, u.row())[:to.Width], d, true)
		}
	}
}

// clearRows clears the rows of sequence b; a gradient of the final row alone has no
// distance from row to row.
func clearRows(to cell.Operand, b, length int) {
	if to.Row == 0 {
		length = 1
	}
	for t := range length {
		clear(to.At(b, t)[:to.Width])
	}
}

// link makes room for gradients where they are read, and says which reader of a unit, going
// back through the layers, is the first: it writes the gradient, the others add theirs.
func (e *engine) link() {
	readers := make([][][2]int, len(e.units)) // unit and number of its input, the last unit first
	for i := len(e.units) - 1; i >= 0; i-- {
		e.adds = append(e.adds, make([]bool, len(e.sources[i])))
	}
	slices.Reverse(e.adds)
	for i := len(e.units) - 1; i >= 0; i-- {
		for k, s := range e.sources[i] {
			if s >= 0 {
				e.adds[i][k] = len(readers[s]) > 0 || s == len(e.units)-1
				readers[s] = append(readers[s], [2]int{i, k})
			}
		}
	}
	for i, u := range e.units {
		run, ok := u.(*cell.Run)
		final := ok && (i < len(e.units)-1 || !e.head.perStep && run.Final() == run.Length()-1)
		for _, r := range readers[i] {
			p, pools := e.units[r[0]].(*pool)
			final = final && pools && p.row() == run.Final()
		}
		if d := e.drops[i]; d != nil {
			d.NeedGradients(e.batch, false)
			final = false
		}
		u.NeedGradients(e.batch, final)
	}
}

// Trainable returns nil when training can work on the network. The error names the first
// layer that it cannot train.
func Trainable(net *nn.Network) error {
	read := make([]bool, len(net.Layers))
	for i := range net.Layers {
		sources, err := net.Sources(i)
		if err != nil {
			return err
		}
		for _, s := range sources {
			if s >= 0 {
				read[s] = true
			}
		}
		l := &net.Layers[i]
		if l.Kind != nn.Recurrent || l.Cell.Facts().Trainable == nil {
			continue
		}
		if err := l.Cell.Facts().Trainable(l); err != nil {
			return fmt.Errorf("network %q: layer %s: %w", net.Name, net.LayerName(i), err)
		}
	}
	for i := range net.Layers[:max(len(net.Layers)-1, 0)] {
		if !read[i] {
			return fmt.Errorf("network %q: layer %s is read by no other and is not the last: it cannot be trained", net.Name, net.LayerName(i))
		}
	}
	return nil
}
