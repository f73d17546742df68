// SPDX-License-Identifier: Apache-2.0

package gemm

var tilesNEON = [...]tileFunc{nil, tileNEONx1, tileNEONx2, tileNEONx3, tileNEONx4, tileNEONx5, tileNEONx6}

// level is the kernel set in use. Tests set it; nothing else does. Every arm64 has NEON.
var level = NEON

// available are the kernel sets of this machine.
func available() []Level { return []Level{Portable, NEON} }

func mulRows(p *Product, first, rows int) {
	if level == Portable {
		mulPortable(p, first, rows)
		return
	}
	for q := range p.Panels {
		mulPanel(p, first, rows, q, tilesNEON[:])
	}
}

// spin runs the multiply-add loop of the widest kernels and returns the number
// of floating point operations it did.
func spin(turns int) (flop float64) {
	if level == Portable {
		return spinPortable(turns)
	}
	peakNEON(turns)
	return float64(turns) * 12 * 4 * 2
}

// tileHeight is the number of rows the kernels in use take at once.
func tileHeight() int { return len(tilesNEON) - 1 }
