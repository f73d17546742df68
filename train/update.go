// SPDX-License-Identifier: Apache-2.0

package train

import (
	"sync/atomic"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// strip is a run of gate columns of one layer, or of output columns of the head. One worker
// computes the weight gradients of these columns, moves the weights and refreshes the
// transposes; which one has no influence on what comes out.
type strip struct {
	gates    cell.Operand
	rows     int // gate rows of a sequence
	from     int // first column
	panels   int
	matrices []*cell.Matrix
}

// stripPanels is the widest strip: its columns of one row fill four cache lines.
const stripPanels = 4

// plan is the work of the second half of a step. Workers take strips as they come, because
// one that was held up, or whose memory is farther away, does less in the same time.
type plan struct {
	strips []strip
	next   atomic.Int32
	taken  [][]*strip  // by each worker, in this step
	packed [][]float32 // a block of rows of one strip, one a worker
}

// assign cuts every gate block into strips, because the blocks take part in different
// products.
func (e *engine) assign() {
	share := func(s strip, panels int) {
		for at := 0; at < panels; at += stripPanels {
			part := s
			part.from, part.panels = s.from+at*gemm.Width, min(stripPanels, panels-at)
			e.plan.strips = append(e.plan.strips, part)
		}
	}
	for _, l := range e.runs() {
		for from, width := 0, 0; from < l.Gates.Width; from += width {
			width = l.Block(from)
			s := strip{gates: l.Gates, rows: l.Steps, from: from}
			for _, m := range l.Matrices {
				if m.From <= from && from < m.From+m.Cols {
					s.matrices = append(s.matrices, m)
				}
			}
			share(s, width/gemm.Width)
		}
	}
	share(strip{gates: e.head.out, rows: e.head.rows, matrices: []*cell.Matrix{e.head.w}}, e.head.w.Cols/gemm.Width)
	for range e.crew.size {
		e.plan.taken = append(e.plan.taken, make([]*strip, 0, len(e.plan.strips)))
		e.plan.packed = append(e.plan.packed, make([]float32, gemm.BlockRows*stripPanels*gemm.Width))
	}
}

// gradients has worker w compute weight gradients over a batch of n sequences, together with
// the other workers; then is what it does with each strip at once, while it is in its cache.
func (e *engine) gradients(w, n int, then func(*strip)) {
	taken := e.plan.taken[w][:0]
	for {
		i := int(e.plan.next.Add(1)) - 1
		if i >= len(e.plan.strips) {
			break
		}
		s := &e.plan.strips[i]
		s.gradient(e.plan.packed[w], n)
		then(s)
		taken = append(taken, s)
	}
	e.plan.taken[w] = taken
}

// gradient computes the weight gradients of the strip.
func (s *strip) gradient(packed []float32, n int) {
	rows := n * s.rows
	for block := 0; block*gemm.BlockRows < rows; block++ {
		first := block * gemm.BlockRows
		count := min(gemm.BlockRows, rows-first)
		s.pack(packed, first, count)
		for _, m := range s.matrices {
			p := (s.from - m.From) / gemm.Width
			m.Columns.MulAdd(block, count, packed, count*gemm.Width, s.panels,
				m.Grad[p*m.Inner*gemm.Width:], m.Inner*gemm.Width, block > 0)
		}
	}
}

// pack copies the strip's columns of rows first..first+count-1 into panels.
func (s *strip) pack(dst []float32, first, count int) {
	b, t := first/s.rows, first%s.rows
	for k := range count {
		src := s.gates.At(b, t)[s.from:]
		for p := range s.panels {
			*(*[gemm.Width]float32)(dst[(p*count+k)*gemm.Width:]) = *(*[gemm.Width]float32)(src[p*gemm.Width:])
		}
		if t++; t == s.rows {
			b, t = b+1, 0
		}
	}
}

// move takes one optimizer step with the strip; decay is the part of every weight but the
// biases that it takes away first.
func (s *strip) move(a *elementwise.Adam, decay float32) {
	for _, m := range s.matrices {
		p := (s.from - m.From) / gemm.Width
		size := m.Inner * gemm.Width
		from, to := p*size, (p+s.panels)*size
		if decay > 0 {
			m.Shrink(p, p+s.panels, 1-decay)
		}
		a.Step(m.W[from:to], m.Grad[from:to], m.M[from:to], m.V[from:to])
		for i := range s.panels {
			m.TransposePanel(p + i)
		}
	}
}

// average takes the strip's weights into their moving average; keep is the part of the
// average that stays.
func (s *strip) average(keep float32) {
	for _, m := range s.matrices {
		for i := range s.panels {
			p := (s.from-m.From)/gemm.Width + i
			a := m.Panel(m.A, p)
			for k, w := range m.Panel(m.W, p) {
				a[k] += float32((1 - keep) * (w - a[k])) // rounded everywhere alike
			}
		}
	}
}

// keepOf returns how much of the average the step after so many keeps: less at first, so that
// the weights that a run began with are soon forgotten.
func keepOf(average float64, steps int) float32 {
	return float32(min(average, float64(steps+1)/float64(steps+10)))
}

// squareSums writes the sum of squared gradients of every panel of the strip; sums
// has a place for each panel of the engine in the order of e.matrices.
func (s *strip) squareSums(sums map[*cell.Matrix][]float64) {
	for _, m := range s.matrices {
		for i := range s.panels {
			p := (s.from-m.From)/gemm.Width + i
			sum := 0.0
			for _, g := range m.Panel(m.Grad, p) {
				sum += float64(g) * float64(g)
			}
			sums[m][p] = sum
		}
	}
}

// matrices returns all weight matrices in a fixed order.
func (e *engine) matrices() []*cell.Matrix {
	var all []*cell.Matrix
	for _, l := range e.runs() {
		all = append(all, l.Matrices...)
	}
	return append(all, e.head.w)
}

// runs returns the layers with weights.
func (e *engine) runs() []*cell.Run {
	var all []*cell.Run
	for _, u := range e.units {
		if r, ok := u.(*cell.Run); ok {
			all = append(all, r)
		}
	}
	return all
}
