// SPDX-License-Identifier: Apache-2.0

package cell

import "github.com/unroll-npu/unroll/train/gemm"

// Matrix is one weight matrix in panels, with what training keeps beside it. Its
// result goes to, and its gradient comes from, the gate columns from..from+cols-1
// of a layer.
type Matrix struct {
	Inner  int // rows, the bias row included
	Cols   int // a multiple of 16
	From   int // first gate column
	Source Operand

	W, Grad, M, V []float32     // panels: Inner rows of 16 columns each; weights, gradient, Adam's moments
	A             []float32     // the moving average of the weights; nil if there is none
	T             []float32     // the transpose without its bias row, in panels; nil if unused
	Columns       *gemm.Columns // the source rows of the whole batch, packed for the gradient
}

// NewMatrix makes room for a matrix that takes rows of source, rows of them a batch.
func NewMatrix(source Operand, bias bool, from, cols, rows int, forwardOnly bool) *Matrix {
	m := &Matrix{Inner: source.Width, Cols: cols, From: from, Source: source}
	if bias {
		m.Inner++
	}
	size := gemm.PanelSize(m.Inner, cols)
	m.W = make([]float32, size)
	if !forwardOnly {
		m.Grad, m.M, m.V = make([]float32, size), make([]float32, size), make([]float32, size)
		m.Columns = gemm.NewColumns(rows, m.Inner)
	}
	return m
}

// Shrink multiplies the weights of panels from..after-1, biases left out, by a factor.
func (m *Matrix) Shrink(from, after int, factor float32) {
	for p := from; p < after; p++ {
		panel := m.Panel(m.W, p)[:m.Source.Width*gemm.Width]
		for i := range panel {
			panel[i] *= factor
		}
	}
}

// Panel returns the part of a panel array that holds panel p.
func (m *Matrix) Panel(v []float32, p int) []float32 {
	return v[p*m.Inner*gemm.Width : (p+1)*m.Inner*gemm.Width]
}

// NeedTranspose makes room for the transpose, which TransposePanel fills.
func (m *Matrix) NeedTranspose(width int) { m.T = make([]float32, gemm.PanelSize(m.Cols, width)) }

// TransposePanel copies panel p of the weights into the transpose, 16 of its rows.
func (m *Matrix) TransposePanel(p int) {
	if m.T == nil {
		return
	}
	panel := m.Panel(m.W, p)
	size := m.Cols * gemm.Width
	for q := range len(m.T) / size {
		dst := m.T[q*size+p*gemm.Width*gemm.Width:][:gemm.Width*gemm.Width]
		src := panel[q*gemm.Width*gemm.Width:]
		rows := min(gemm.Width, len(src)/gemm.Width)
		for i := range rows {
			row := src[i*gemm.Width:][:gemm.Width]
			for j, v := range row {
				dst[j*gemm.Width+i] = v
			}
		}
	}
}

// transposeInner is the part of the inner dimension that a product with a
// transpose takes at once: 16 columns of it are half a first-level cache.
const transposeInner = 256

// MulTransposed computes C (+)= G.W^T for rows of gate gradients g.
func (m *Matrix) MulTransposed(rows int, g []float32, gRow int, c []float32, cRow int, add bool) {
	size := m.Cols * gemm.Width
	for k := 0; k < m.Cols; k += transposeInner {
		gemm.Mul(&gemm.Product{Rows: rows, Inner: min(transposeInner, m.Cols-k), Panels: len(m.T) / size,
			A: g[k:], ARow: gRow, AInner: 1, B: m.T[k*gemm.Width:], BPanel: size,
			C: c, CRow: cRow, CPanel: gemm.Width, Add: add || k > 0})
	}
}

// Mul computes C (+)= A.W for panels p..p+panels-1, A with the given row stride.
func (m *Matrix) Mul(rows int, a []float32, aRow int, p, panels int, c []float32, cRow int, add bool) {
	gemm.Mul(&gemm.Product{Rows: rows, Inner: m.Inner, Panels: panels, A: a, ARow: aRow, AInner: 1,
		B: m.W[p*m.Inner*gemm.Width:], BPanel: m.Inner * gemm.Width, C: c, CRow: cRow, CPanel: gemm.Width, Add: add})
}

// Element returns the address of row i, column j of panels shaped like m.
func (m *Matrix) Element(panels []float32, i, j int) *float32 {
	return &panels[(j/gemm.Width*m.Inner+i)*gemm.Width+j%gemm.Width]
}
