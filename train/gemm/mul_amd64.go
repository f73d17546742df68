// SPDX-License-Identifier: Apache-2.0

package gemm

import "golang.org/x/sys/cpu"

var (
	tilesAVX2   = [...]tileFunc{nil, tileAVX2x1, tileAVX2x2, tileAVX2x3, tileAVX2x4, tileAVX2x5, tileAVX2x6}
	tilesAVX512 = [...]tileFunc{nil, tileAVX512x1, tileAVX512x2, tileAVX512x3, tileAVX512x4, tileAVX512x5, tileAVX512x6,
		tileAVX512x7, tileAVX512x8, tileAVX512x9, tileAVX512x10, tileAVX512x11, tileAVX512x12}
)

var (
	haveAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA // includes the operating system's part
	haveAVX512 = haveAVX2 && cpu.X86.HasAVX512F
)

// level is the kernel set in use. Tests set it; nothing else does.
var level = best()

// available are the kernel sets of this machine, from the slowest to the fastest.
func available() []Level {
	all := []Level{Portable, AVX2, AVX512}
	for all[len(all)-1] > best() {
		all = all[:len(all)-1]
	}
	return all
}

func best() Level {
	switch {
	case haveAVX512:
		return AVX512
	case haveAVX2:
		return AVX2
	}
	return Portable
}

func mulRows(p *Product, first, rows int) {
	if level == Portable {
		mulPortable(p, first, rows)
		return
	}
	q := 0
	if level == AVX512 {
		for ; q+2 <= p.Panels; q += 2 { // two panels at a time
			mulPanel(p, first, rows, q, tilesAVX512[:])
		}
	}
	for ; q < p.Panels; q++ {
		mulPanel(p, first, rows, q, tilesAVX2[:])
	}
}

// spin runs the multiply-add loop of the widest kernels and returns the number
// of floating point operations it did.
func spin(turns int) (flop float64) {
	switch level {
	case AVX512:
		peakAVX512(turns)
		return float64(turns) * 12 * 16 * 2
	case AVX2:
		peakAVX2(turns)
		return float64(turns) * 12 * 8 * 2
	}
	return spinPortable(turns)
}

// tileHeight is the number of rows the kernels in use take at once.
func tileHeight() int {
	if level == AVX512 {
		return len(tilesAVX512) - 1
	}
	return len(tilesAVX2) - 1
}
