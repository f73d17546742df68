// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/unroll-npu/unroll/lower/fault"
)

// BLAS is gonum's float32 BLAS with Sgemm replaced by the kernels of this
// package. Register it with blas32.Use(gemm.BLAS{}).
type BLAS struct{ gonum.Implementation }

var _ blas.Float32 = BLAS{}

const (
	// innerBlock is the part of the inner dimension packed at once: 16 columns of
	// it are 16 KiB, half a first-level cache. A constant, since it sets the order of sums.
	innerBlock = 256
	// colBlock panels of B are packed at once, 512 KiB with innerBlock.
	colBlock = 32
	// smallest is the number of multiply-adds from which packing pays.
	smallest = 8 * 8 * 8
)

// Sgemm computes C = alpha*op(A)*op(B) + beta*C with the contract of
// blas.Float32Level3. Rows are split over GOMAXPROCS goroutines where the product
// is large; the split does not change the result.
func (b BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, bm []float32, ldb int, beta float32, c []float32, ldc int) {
	if level == Portable || !sound(tA, tB, m, n, k, a, lda, bm, ldb, c, ldc) || m*n*k < smallest || alpha == 0 {
		// gonum's own code does the small cases and panics on bad arguments.
		b.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, bm, ldb, beta, c, ldc)
		return
	}
	aRow, aInner := lda, 1
	if tA != blas.NoTrans {
		aRow, aInner = 1, lda
	}
	bRow, bCol := ldb, 1
	if tB != blas.NoTrans {
		bRow, bCol = 1, ldb
	}
	scale(m, n, beta, c, ldc)
	packed := make([]float32, PanelSize(min(k, innerBlock), min(n, colBlock*Width)))
	for j := 0; j < n; j += colBlock * Width {
		cols := min(colBlock*Width, n-j)
		for l := 0; l < k; l += innerBlock {
			inner := min(innerBlock, k-l)
			Pack(packed, inner, cols, bm[l*bRow+j*bCol:], bRow, bCol)
			if alpha != 1 {
				for i := range packed[:PanelSize(inner, cols)] {
					packed[i] *= alpha
				}
			}
			addRows(m, cols, inner, a[l*aInner:], aRow, aInner, packed, c[j:], ldc)
		}
	}
}

// addRows adds A.B to C, with B packed, by blocks of rows on several goroutines.
func addRows(m, cols, inner int, a []float32, aRow, aInner int, packed, c []float32, ldc int) {
	workers := min(runtime.GOMAXPROCS(0), (m+rowBlock-1)/rowBlock)
	if m*cols*inner < 1<<20 {
		workers = 1
	}
	var wg sync.WaitGroup
	for w := range workers {
		first, after := m*w/workers, m*(w+1)/workers
		part := func() {
			defer fault.Catch()
			p := Product{Rows: after - first, Inner: inner, Panels: cols / Width,
				A: a[first*aRow:], ARow: aRow, AInner: aInner,
				B: packed, BPanel: inner * Width, C: c[first*ldc:], CRow: ldc, CPanel: Width, Add: true}
			Mul(&p)
			if rest := cols % Width; rest > 0 { // the last panel is wider than C
				tile := make([]float32, p.Rows*Width)
				done := p.Panels
				p.Panels, p.B, p.C, p.CRow, p.Add = 1, packed[done*inner*Width:], tile, Width, false
				Mul(&p)
				for i := range p.Rows {
					row := c[(first+i)*ldc+done*Width:]
					for j := range rest {
						row[j] += tile[i*Width+j]
					}
				}
			}
		}
		if w == workers-1 {
			part()
		} else {
			wg.Go(part)
		}
	}
	wg.Wait()
}

func scale(m, n int, beta float32, c []float32, ldc int) {
	if beta == 1 {
		return
	}
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		if beta == 0 {
			clear(row) // also where C held a NaN
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}

// sound reports whether the arguments satisfy the contract and describe work.
func sound(tA, tB blas.Transpose, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) bool {
	if m <= 0 || n <= 0 || k <= 0 {
		return false
	}
	fits := func(t blas.Transpose, rows, cols int, v []float32, stride int) bool {
		switch t {
		case blas.NoTrans:
		case blas.Trans, blas.ConjTrans:
			rows, cols = cols, rows
		default:
			return false
		}
		return stride >= cols && len(v) >= (rows-1)*stride+cols
	}
	return fits(tA, m, k, a, lda) && fits(tB, k, n, b, ldb) && fits(blas.NoTrans, m, n, c, ldc)
}
