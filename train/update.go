// SPDX-License-Identifier: Apache-2.0

package train

import (
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// strip is a run of gate columns of one layer, or of output columns of the head,
// that one worker owns: it computes the weight gradients of these columns, moves
// the weights and refreshes the transposes.
type strip struct {
	gates    cell.Operand
	rows     int // gate rows of a sequence
	from     int // first column
	panels   int
	matrices []*cell.Matrix
}

// stripPanels is the widest strip: its columns of one row fill four cache lines.
const stripPanels = 4

// plan is the work of the workers, one list of strips each.
type plan struct {
	strips [][]strip
	packed [][]float32 // a block of rows of one strip, one a worker
}

// assign gives every worker an equal share of every gate block, because the blocks
// take part in different products.
func (e *engine) assign() {
	workers := e.crew.size
	e.plan.strips = make([][]strip, workers)
	share := func(s strip, panels int) {
		for w := range workers {
			at, end := panels*w/workers, panels*(w+1)/workers
			for at < end {
				part := s
				part.from, part.panels = s.from+at*gemm.Width, min(stripPanels, end-at)
				e.plan.strips[w] = append(e.plan.strips[w], part)
				at += part.panels
			}
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
	for range workers {
		e.plan.packed = append(e.plan.packed, make([]float32, gemm.BlockRows*stripPanels*gemm.Width))
	}
}

// gradients computes the weight gradients of the columns of worker w over a batch
// of n sequences.
func (e *engine) gradients(w, n int) {
	packed := e.plan.packed[w]
	for _, s := range e.plan.strips[w] {
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

// move takes one optimizer step with the columns of worker w; decay is the part of every
// weight but the biases that it takes away first.
func (e *engine) move(w int, a *elementwise.Adam, decay float32) {
	for _, s := range e.plan.strips[w] {
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
}

// squareSums writes the sum of squared gradients of every panel of worker w; sums
// has a place for each panel of the engine in the order of e.matrices.
func (e *engine) squareSums(w int, sums map[*cell.Matrix][]float64) {
	for _, s := range e.plan.strips[w] {
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
