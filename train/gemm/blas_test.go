// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"
)

func TestSgemm(t *testing.T) {
	blas32.Use(BLAS{})
	defer blas32.Use(gonum.Implementation{})
	at(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for n := range 120 {
			m, cols, k := 1+r.IntN(60), 1+r.IntN(60), 1+r.IntN(60)
			if n%40 == 0 {
				m, cols, k = 250, 530, 270 // every kind of block, several goroutines
			}
			tA, tB := blas.NoTrans, blas.NoTrans
			a := blas32.General{Rows: m, Cols: k, Stride: k + n%3}
			if n%2 == 1 {
				tA, a = blas.Trans, blas32.General{Rows: k, Cols: m, Stride: m + n%3}
			}
			b := blas32.General{Rows: k, Cols: cols, Stride: cols + n%3}
			if n/2%2 == 1 {
				tB, b = blas.Trans, blas32.General{Rows: cols, Cols: k, Stride: k + n%3}
			}
			c := blas32.General{Rows: m, Cols: cols, Stride: cols + n%3}
			a.Data, b.Data, c.Data = random(r, a.Rows*a.Stride), random(r, b.Rows*b.Stride), random(r, c.Rows*c.Stride)
			alpha, beta := []float32{1, 0.5, 0}[n%3], []float32{0, 1, -2}[n/3%3]
			if beta == 0 {
				c.Data[0] = float32(math.NaN())
			}
			want := make([]float64, m*cols)
			for i := range m {
				for j := range cols {
					sum := 0.0
					for l := range k {
						x, y := i*a.Stride+l, l*b.Stride+j
						if tA == blas.Trans {
							x = l*a.Stride + i
						}
						if tB == blas.Trans {
							y = j*b.Stride + l
						}
						sum += float64(a.Data[x]) * float64(b.Data[y])
					}
					want[i*cols+j] = float64(alpha) * sum
					if beta != 0 {
						want[i*cols+j] += float64(beta) * float64(c.Data[i*c.Stride+j])
					}
				}
			}
			gap := float32(math.Inf(1))
			if c.Stride > cols {
				c.Data[cols] = gap
			}
			blas32.Gemm(tA, tB, alpha, a, b, beta, c)
			for i, w := range want {
				if got := float64(c.Data[i/cols*c.Stride+i%cols]); !(math.Abs(got-w) < 2e-4) {
					t.Fatalf("case %d, %d x %d x %d: C(%d, %d) is %v, want %v", n, m, k, cols, i/cols, i%cols, got, w)
				}
			}
			if c.Stride > cols && c.Data[cols] != gap {
				t.Fatalf("case %d: the gap between rows of C was written", n)
			}
		}
	})
}

func TestSgemmKeepsTheContract(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a short slice must panic as gonum's own code does")
		}
	}()
	BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, 8, 8, 8, 1, make([]float32, 63), 8, make([]float32, 64), 8, 0, make([]float32, 64), 8)
}
