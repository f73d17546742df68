package train

import "github.com/unroll-npu/unroll/train/gemm"

// matrix is one weight matrix in panels, with what training keeps beside it. Its
// result goes to, and its gradient comes from, the gate columns from..from+cols-1
// of a layer.
type matrix struct {
	inner  int // rows, the bias row included
	cols   int // a multiple of 16
	from   int // first gate column
	source operand

	w, grad, m, v []float32     // panels: inner rows of 16 columns each
	t             []float32     // the transpose without its bias row, in panels; nil if unused
	columns       *gemm.Columns // the source rows of the whole batch, packed for the gradient
}

func newMatrix(source operand, bias bool, from, cols, rows int, forwardOnly bool) *matrix {
	m := &matrix{inner: source.width, cols: cols, from: from, source: source}
	if bias {
		m.inner++
	}
	size := gemm.PanelSize(m.inner, cols)
	m.w = make([]float32, size)
	if !forwardOnly {
		m.grad, m.m, m.v = make([]float32, size), make([]float32, size), make([]float32, size)
		m.columns = gemm.NewColumns(rows, m.inner)
	}
	return m
}

// panel returns the part of a panel array that holds panel p.
func (m *matrix) panel(v []float32, p int) []float32 {
	return v[p*m.inner*gemm.Width : (p+1)*m.inner*gemm.Width]
}

// needTranspose makes room for the transpose, which transposePanel fills.
func (m *matrix) needTranspose(width int) { m.t = make([]float32, gemm.PanelSize(m.cols, width)) }

// transposePanel copies panel p of the weights into the transpose, 16 of its rows.
func (m *matrix) transposePanel(p int) {
	if m.t == nil {
		return
	}
	panel := m.panel(m.w, p)
	size := m.cols * gemm.Width
	for q := range len(m.t) / size {
		dst := m.t[q*size+p*gemm.Width*gemm.Width:][:gemm.Width*gemm.Width]
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

// mulTransposed computes C (+)= G.W^T for rows of gate gradients g.
func (m *matrix) mulTransposed(rows int, g []float32, gRow int, c []float32, cRow int, add bool) {
	size := m.cols * gemm.Width
	for k := 0; k < m.cols; k += transposeInner {
		gemm.Mul(&gemm.Product{Rows: rows, Inner: min(transposeInner, m.cols-k), Panels: len(m.t) / size,
			A: g[k:], ARow: gRow, AInner: 1, B: m.t[k*gemm.Width:], BPanel: size,
			C: c, CRow: cRow, CPanel: gemm.Width, Add: add || k > 0})
	}
}

// mul computes C (+)= A.W for panels p..p+panels-1, A with the given row stride.
func (m *matrix) mul(rows int, a []float32, aRow int, p, panels int, c []float32, cRow int, add bool) {
	gemm.Mul(&gemm.Product{Rows: rows, Inner: m.inner, Panels: panels, A: a, ARow: aRow, AInner: 1,
		B: m.w[p*m.inner*gemm.Width:], BPanel: m.inner * gemm.Width, C: c, CRow: cRow, CPanel: gemm.Width, Add: add})
}
