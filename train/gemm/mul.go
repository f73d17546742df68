// SPDX-License-Identifier: Apache-2.0

package gemm

import "fmt"

// Product describes C = A.B or C += A.B. Strides count floats.
type Product struct {
	Rows, Inner, Panels int // C has Rows x 16*Panels elements

	A            []float32 // element (i, k) at i*ARow + k*AInner
	ARow, AInner int
	B            []float32 // element (k, j) of panel p at p*BPanel + k*16 + j
	BPanel       int
	C            []float32 // element (i, j) of panel p at p*CPanel + i*CRow + j
	CRow, CPanel int

	Add bool // add to C instead of overwriting it
}

// rowBlock is the number of rows that pass over all panels together, so that
// their part of A and C stays in the second-level cache. It is a multiple of the
// tile heights 6 and 12.
const rowBlock = 96

// Mul computes the product on the calling goroutine. Strides must keep the
// elements of C apart and C apart from A and B.
func Mul(p *Product) {
	if p.Rows <= 0 || p.Panels <= 0 {
		return
	}
	p.check()
	if p.Inner == 0 {
		if !p.Add {
			for q := range p.Panels {
				for i := range p.Rows {
					clear(p.C[q*p.CPanel+i*p.CRow:][:Width])
				}
			}
		}
		return
	}
	for i := 0; i < p.Rows; i += rowBlock {
		mulRows(p, i, min(rowBlock, p.Rows-i))
	}
}

// check keeps the kernels, which do not check anything, inside their slices.
func (p *Product) check() {
	if p.Inner < 0 || p.ARow < 0 || p.AInner < 0 || p.BPanel < 0 || p.CRow < 0 || p.CPanel < 0 {
		panic(fmt.Sprintf("BUG: product with a negative size or stride: %d x %d x %d panels", p.Rows, p.Inner, p.Panels))
	}
	a := (p.Rows-1)*p.ARow + (p.Inner-1)*p.AInner + 1
	b := (p.Panels-1)*p.BPanel + p.Inner*Width
	c := (p.Panels-1)*p.CPanel + (p.Rows-1)*p.CRow + Width
	if p.Inner > 0 && (len(p.A) < a || len(p.B) < b) || len(p.C) < c {
		panic(fmt.Sprintf("BUG: product %d x %d x %d panels needs %d, %d and %d floats, has %d, %d and %d",
			p.Rows, p.Inner, p.Panels, a, b, c, len(p.A), len(p.B), len(p.C)))
	}
}

// cut splits n rows into the fewest tiles of at most height rows, with heights
// that differ by one at most: a low rest tile has too few independent sums to
// hide the latency of the multiply-add.
func cut(n, height int) (tiles, base, longer int) {
	tiles = (n + height - 1) / height
	return tiles, n / tiles, n % tiles
}
