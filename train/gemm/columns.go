// SPDX-License-Identifier: Apache-2.0

package gemm

// Columns holds a matrix A with many rows whose columns are to be multiplied: it
// serves weight gradients, G += A^T.B, summed over the rows of A. The rows are
// packed by tiles of columns in blocks of rows; SetRow may be called for
// different rows at the same time.
type Columns struct {
	width  int // columns of A, rows of the result
	height []int
	data   []float32 // blocks; in a block tiles; in a tile BlockRows rows of its height
}

// BlockRows is the number of rows of A that are multiplied in one sweep. It is a
// constant because it sets the order of the sums, and a size at which a block and
// its partner stay in the second-level cache.
const BlockRows = 224

// NewColumns returns room for rows x width values, all zero.
func NewColumns(rows, width int) *Columns {
	c := &Columns{width: width}
	tiles, base, longer := cut(width, tileHeight())
	for t := range tiles {
		h := base
		if t < longer {
			h++
		}
		c.height = append(c.height, h)
	}
	blocks := (rows + BlockRows - 1) / BlockRows
	c.data = make([]float32, blocks*BlockRows*width)
	return c
}

// SetRow stores row k of A, width values.
func (c *Columns) SetRow(k int, row []float32) {
	at := k / BlockRows * BlockRows * c.width
	k %= BlockRows
	for _, h := range c.height {
		copy(c.data[at+k*h:][:h], row)
		row = row[h:]
		at += BlockRows * h
	}
}

// MulAdd adds to G, or writes to it, the product of the rows of one block with
// B: panels of rows packed 16-column rows, at most BlockRows of them. G is in
// panels of width rows with a distance of gPanel floats.
func (c *Columns) MulAdd(block, rows int, b []float32, bPanel, panels int, g []float32, gPanel int, add bool) {
	p := Product{Inner: rows, Panels: panels, ARow: 1, B: b, BPanel: bPanel, CRow: Width, CPanel: gPanel, Add: add}
	at := block * BlockRows * c.width
	row := 0
	for _, h := range c.height {
		p.Rows, p.AInner, p.A, p.C = h, h, c.data[at:], g[row*Width:]
		Mul(&p)
		at += BlockRows * h
		row += h
	}
}
