// SPDX-License-Identifier: Apache-2.0

package gemm

// Width is the number of columns of a panel.
const Width = 16

// PanelCount returns the number of panels that hold the given columns.
func PanelCount(cols int) int { return (cols + Width - 1) / Width }

// PanelSize returns the number of floats in the panels of an inner x cols matrix.
// Panel p holds columns 16p..16p+15, row by row; it begins at p*inner*Width.
func PanelSize(inner, cols int) int { return PanelCount(cols) * inner * Width }

// Pack copies b, inner rows of cols values with the given strides in floats, into
// panels. Columns past cols become zero. dst has PanelSize(inner, cols) floats.
func Pack(dst []float32, inner, cols int, b []float32, bRow, bCol int) {
	for p := range PanelCount(cols) {
		panel := dst[p*inner*Width : (p+1)*inner*Width]
		n := min(Width, cols-p*Width)
		for k := range inner {
			row := panel[k*Width : (k+1)*Width]
			src := b[k*bRow+p*Width*bCol:]
			if n == Width && bCol == 1 {
				copy(row, src[:Width])
				continue
			}
			for j := range n {
				row[j] = src[j*bCol]
			}
			clear(row[n:])
		}
	}
}

// Unpack is the inverse of Pack.
func Unpack(b []float32, bRow, bCol, inner, cols int, panels []float32) {
	for p := range PanelCount(cols) {
		for k := range inner {
			row := panels[(p*inner+k)*Width:]
			for j := range min(Width, cols-p*Width) {
				b[k*bRow+(p*Width+j)*bCol] = row[j]
			}
		}
	}
}
