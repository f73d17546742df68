// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package gemm

// tileFunc is a kernel of fixed height; strides are in bytes.
type tileFunc func(inner int, a *float32, aRow, aInner int, b *float32, bPanel int, c *float32, cRow, cPanel int, add bool)

func mulPanel(p *Product, first, rows, q int, kernels []tileFunc) {
	b, c := p.B[q*p.BPanel:], p.C[q*p.CPanel:]
	tiles, height, longer := cut(rows, len(kernels)-1)
	i := first
	for t := range tiles {
		h := height
		if t < longer {
			h++
		}
		kernels[h](p.Inner, &p.A[i*p.ARow], 4*p.ARow, 4*p.AInner, &b[0], 4*p.BPanel, &c[i*p.CRow], 4*p.CRow, 4*p.CPanel, p.Add)
		i += h
	}
}
