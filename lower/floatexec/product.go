// SPDX-License-Identifier: Apache-2.0

package floatexec

import "github.com/unroll-npu/unroll/train/gemm"

// product computes C += A.B of a gemm.Product with p.Add set.
type product func(p *gemm.Product)

// mulExact is gemm.Mul with the same bits on every machine: every element is one
// sum in the order of the inner index, each product rounded before it is added,
// so that no compiler fuses the two. It is plain Go, two rows by four columns at
// a time to keep the sums in registers.
func mulExact(p *gemm.Product) {
	for q := range p.Panels {
		b := p.B[q*p.BPanel:][:p.Inner*gemm.Width]
		for i := 0; i < p.Rows; i += 2 {
			a0 := p.A[i*p.ARow:]
			a1 := a0
			if i+1 < p.Rows {
				a1 = p.A[(i+1)*p.ARow:]
			}
			for j := 0; j < gemm.Width; j += 4 {
				var r [2][4]float32
				sums(&r, a0[:p.Inner], a1[:p.Inner], b[j:])
				for n := range min(2, p.Rows-i) {
					c := p.C[q*p.CPanel+(i+n)*p.CRow+j:][:4]
					for k := range c {
						c[k] += r[n][k]
					}
				}
			}
		}
	}
}

// sums multiplies two rows with four columns of a panel.
func sums(r *[2][4]float32, a0, a1, b []float32) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	a1 = a1[:len(a0)]
	for k, x := range a0 {
		y := a1[k]
		row := b[k*gemm.Width:][:4]
		s00 += float32(x * row[0])
		s01 += float32(x * row[1])
		s02 += float32(x * row[2])
		s03 += float32(x * row[3])
		s10 += float32(y * row[0])
		s11 += float32(y * row[1])
		s12 += float32(y * row[2])
		s13 += float32(y * row[3])
	}
	r[0] = [4]float32{s00, s01, s02, s03}
	r[1] = [4]float32{s10, s11, s12, s13}
}
