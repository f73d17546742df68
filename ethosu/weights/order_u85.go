// SPDX-License-Identifier: Apache-2.0

package weights

import "fmt"

// LayoutU85 is what the order of weights depends on in the streams of an Ethos-U85. Its
// cores read a stream each, in which groups of four output channels are dealt to them in
// turn; of the fast decoder the streams are joined to one, see EncodeFast.
type LayoutU85 struct {
	Traversal      Traversal
	IFMBits        int  // 8 or 16
	Sparse         bool // 2:4, see CheckSparse
	MACs, Cores    int  // of the accelerator
	OFMUBlockDepth int  // depth of the operation's micro-block
	OFMBlockDepth  int
	KH, KW         int // undilated kernel
	StrideH        int // 1 to 3; 0 means 1
	StrideW        int
	DilationH      int // 1 or 2; 0 means 1
	DilationW      int
	O, I           int // output and input channels of the operation; I is 1 for Depthwise
}

// ChooseTraversalU85 returns the traversal of a convolution that wastes less of the padded
// volume, ties going to part kernel first: the rule of Vela's weight encoder. Either is
// legal for a convolution; a fully connected operation is always depth first.
func ChooseTraversalU85(kh, kw, i int, sparse bool) Traversal {
	group, least, depth := 5, 2, 64
	if sparse {
		group, least, depth = 10, 4, 128
	}
	k := kh * kw
	padded := k/group*group + max(k%group, least)
	if float64(i)/float64(roundUp(i, 16))*(float64(k)/float64(padded)) >= float64(i)/float64(roundUp(i, depth)) {
		return PartKernelFirst
	}
	return DepthFirst
}

// Check reports why a layout is not legal, or nil.
func (l LayoutU85) Check() error {
	fail := func(format string, args ...any) error { return fmt.Errorf("weight layout: "+format, args...) }
	switch {
	case l.Traversal > Depthwise:
		return fail("unknown traversal %d", l.Traversal)
	case l.IFMBits != 8 && l.IFMBits != 16:
		return fail("%d-bit IFM, expected 8 or 16", l.IFMBits)
	case l.MACs < 128 || l.MACs > 2048 || l.MACs&(l.MACs-1) != 0:
		return fail("%d MACs, expected 128, 256, 512, 1024 or 2048", l.MACs)
	case l.Cores != 1 && l.Cores != 2 && l.Cores != 4:
		return fail("%d cores, expected 1, 2 or 4", l.Cores)
	case l.OFMUBlockDepth != 8 && l.OFMUBlockDepth != 16 && l.OFMUBlockDepth != 32 && l.OFMUBlockDepth != 64 || l.OFMUBlockDepth%(4*l.Cores) != 0:
		return fail("OFM micro-block depth %d on %d cores, expected 8, 16, 32 or 64 that the cores can share", l.OFMUBlockDepth, l.Cores)
	case l.OFMBlockDepth < 1 || l.OFMBlockDepth > 1024:
		return fail("OFM block depth %d, expected 1 to 1024", l.OFMBlockDepth)
	case l.OFMBlockDepth < l.O && l.OFMBlockDepth%l.OFMUBlockDepth != 0:
		return fail("OFM block depth %d below %d channels is not a multiple of the micro-block depth %d", l.OFMBlockDepth, l.O, l.OFMUBlockDepth)
	case l.KH < 1 || l.KW < 1 || l.O < 1 || l.I < 1 || l.KH > 1<<16 || l.KW > 1<<16 || l.O > 1<<16 || l.I > 1<<16:
		return fail("shape O %d, kernel %d x %d, I %d, expected 1 to 65536 each", l.O, l.KH, l.KW, l.I)
	case l.StrideH < 0 || l.StrideH > 4 || l.StrideW < 0 || l.StrideW > 4:
		return fail("stride %d x %d, expected 1 to 4", l.StrideH, l.StrideW)
	case l.DilationH < 0 || l.DilationH > 2 || l.DilationW < 0 || l.DilationW > 2:
		return fail("dilation %d x %d, expected 1 or 2", l.DilationH, l.DilationW)
	case l.Traversal == Depthwise && (l.I != 1 || l.Sparse):
		return fail("depthwise with %d input channels per output, sparse %v, expected 1 and not sparse", l.I, l.Sparse)
	}
	return nil
}

// IFMBlockDepth returns the input channels that are consumed before the next: no register
// has them.
func (l LayoutU85) IFMBlockDepth() int {
	switch {
	case l.Traversal == Depthwise:
		return 1
	case l.Traversal == PartKernelFirst:
		return 16
	case l.Sparse && l.IFMBits == 8:
		return 128
	case l.MACs <= 256 && l.OFMUBlockDepth == 16 && !l.Sparse:
		return 32
	}
	return 64
}

// steps are the units of the order: input channels that are consumed together, in inner
// steps, and the multiple that a sub-kernel's elements come in.
func (l LayoutU85) steps() (ifmUBlock, inner, group int) {
	inner = ifmUBlockDepth
	if l.Sparse {
		inner = 16
	}
	switch l.Traversal {
	case DepthFirst:
		return l.IFMBlockDepth(), inner, 1
	case PartKernelFirst:
		if l.Sparse || l.IFMBits == 16 {
			group = 10
		} else {
			group = 5
		}
		if l.IFMBits == 16 && !l.Sparse {
			return ifmUBlockDepth, inner, group
		}
		return 16, inner, group
	}
	return 1, 1, 10
}

// extra is the number of elements without a weight behind every ten of a depthwise kernel.
func (l LayoutU85) extra() int {
	switch {
	case l.Traversal != Depthwise:
		return 0
	case l.IFMBits == 8 && l.MACs <= 256:
		return 0
	case l.MACs <= 512:
		return 2
	}
	return 6
}

func (l LayoutU85) strides() (y, x int) {
	if l.Traversal == DepthFirst {
		return 1, 1
	}
	return max(l.StrideH, 1), max(l.StrideW, 1)
}

// window is a sub-kernel of at most 8 x 8 elements, fewer with dilation.
func (l LayoutU85) window() (h, w int) { return 8 / max(l.DilationH, 1), 8 / max(l.DilationW, 1) }

func ceilDiv(a, b int) int {
	if a <= 0 {
		return 0
	}
	return (a + b - 1) / b
}

// walk calls emit for every position of a core's stream, in order, with the index of the
// weight in OHWI order or -1 for padding.
func (l LayoutU85) walk(core int, emit func(index int)) {
	depth := l.IFMBlockDepth()
	blocks := ceilDiv(l.I, depth)
	up := true
	for ob := 0; ob < l.O; ob += l.OFMBlockDepth {
		for b := range blocks {
			ib := b * depth
			if !up { // there and back, so that the last input block is the next first
				ib = (blocks - 1 - b) * depth
			}
			l.walkBlock(core, ob, ib, emit)
		}
		up = !up
	}
}

// walkBlock is the part of walk of one OFM block and one IFM block.
func (l LayoutU85) walkBlock(core, ob, ib int, emit func(index int)) {
	subH, subW := l.window()
	ifmUBlock, _, _ := l.steps()
	obLen, ibLen := min(l.OFMBlockDepth, l.O-ob), min(l.IFMBlockDepth(), l.I-ib)
	for sx := 0; sx < l.KW; sx += subW {
		for sy := 0; sy < l.KH; sy += subH {
			for io := 0; io < ibLen; io += ifmUBlock {
				for ou := 0; ou < obLen; ou += l.OFMUBlockDepth {
					l.walkKernel(core, ob+ou, ib+io, sy, sx, emit)
				}
			}
		}
	}
}

// walkKernel is the part of walk of a sub-kernel at (sy, sx), of the output channels of one
// micro-block and the input channels that are consumed together.
func (l LayoutU85) walkKernel(core, o0, i0, sy, sx int, emit func(index int)) {
	subH, subW := l.window()
	h, w := min(subH, l.KH-sy), min(subW, l.KW-sx)
	ifmUBlock, inner, group := l.steps()
	strideY, strideX := l.strides()
	pad := func(elements int) {
		for range elements * ifmUBlock * l.OFMUBlockDepth / l.Cores {
			emit(-1)
		}
	}
	left := roundUp(h*w, group)
	for py := range strideY {
		for px := range strideX {
			rows, columns := ceilDiv(h-py, strideY), ceilDiv(w-px, strideX)
			for ky := range rows {
				for kx := range columns {
					x := kx
					if ky%2 != 0 { // odd rows run back
						x = columns - 1 - kx
					}
					left--
					l.walkElement(core, o0, i0, ifmUBlock, inner, sy+py+ky*strideY, sx+px+x*strideX, emit)
					if l.Traversal == Depthwise && left%group == 0 {
						pad(l.extra())
					}
				}
			}
		}
	}
	if left > 0 {
		pad(left + l.extra())
	}
}

// walkElement is the part of walk of one kernel element.
func (l LayoutU85) walkElement(core, o0, i0, ifmUBlock, inner, y, x int, emit func(index int)) {
	for ii := 0; ii < ifmUBlock; ii += inner {
		for oz := 4 * core; oz < l.OFMUBlockDepth; oz += 4 * l.Cores {
			for o := o0 + oz; o < o0+oz+4; o++ {
				at := ((o*l.KH+y)*l.KW+x)*l.I + i0 + ii
				for iz := range inner {
					if o < l.O && i0+ii+iz < l.I {
						emit(at + iz)
					} else {
						emit(-1)
					}
				}
			}
		}
	}
}

// Volume returns the number of weights in the stream of each core, padding included.
func (l LayoutU85) Volume() int {
	subH, subW := l.window()
	ifmUBlock, _, group := l.steps()
	kernel := 0
	for _, h := range [2][2]int{{subH, l.KH / subH}, {l.KH % subH, 1}} {
		for _, w := range [2][2]int{{subW, l.KW / subW}, {l.KW % subW, 1}} {
			e := roundUp(h[0]*w[0], group)
			kernel += (e + e/group*l.extra()) * h[1] * w[1]
		}
	}
	depth := l.O / l.OFMBlockDepth * roundUp(l.OFMBlockDepth, l.OFMUBlockDepth)
	depth += roundUp(l.O%l.OFMBlockDepth, l.OFMUBlockDepth)
	return depth * roundUp(l.I, ifmUBlock) * kernel / l.Cores
}

// Reorder returns the weights in the order of each core's stream. ohwi holds O x KH x KW x
// I weights.
func (l LayoutU85) Reorder(ohwi []int16) [][]int16 {
	if n := l.O * l.KH * l.KW * l.I; len(ohwi) != n {
		panic(fmt.Sprintf("BUG: %d weights for a layout of %d", len(ohwi), n))
	}
	streams := make([][]int16, l.Cores)
	for core := range streams {
		out := make([]int16, 0, l.Volume())
		l.walk(core, func(index int) {
			if index < 0 {
				out = append(out, 0)
			} else {
				out = append(out, ohwi[index])
			}
		})
		streams[core] = out
	}
	return streams
}

// Restore is the inverse of Reorder: it returns O x KH x KW x I weights. It is an error
// when a stream has another number of weights, zeros behind the last one too, which no
// source says the NPU skips, or one other than 0 where the layout has padding.
func (l LayoutU85) Restore(streams [][]int16) ([]int16, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	if len(streams) != l.Cores {
		return nil, fmt.Errorf("%d weight streams, expected one for each of %d cores", len(streams), l.Cores)
	}
	n := l.Volume()
	out := make([]int16, l.O*l.KH*l.KW*l.I)
	for core, stream := range streams {
		if len(stream) != n {
			return nil, fmt.Errorf("weight stream of core %d has %d weights, expected %d: %d output and %d input channels, kernel %d x %d, %s, %d-bit IFM, OFM block depth %d, micro-block depth %d",
				core, len(stream), n, l.O, l.I, l.KH, l.KW, l.Traversal, l.IFMBits, l.OFMBlockDepth, l.OFMUBlockDepth)
		}
		at, bad := 0, -1
		l.walk(core, func(index int) {
			if index >= 0 {
				out[index] = stream[at]
			} else if stream[at] != 0 && bad < 0 {
				bad = at
			}
			at++
		})
		if bad >= 0 {
			return nil, fmt.Errorf("weight stream of core %d has %d at position %d, where the layout has padding, expected 0: it was encoded for another shape or OFM block depth", core, stream[bad], bad)
		}
	}
	return out, nil
}

// CheckSparse reports the first group of four weights of a stream in the order of a sparse
// layout that has more than two other than 0, or a weight outside -127 to 127; or nil.
func CheckSparse(stream []int16) error {
	for at := 0; at < len(stream); at += 4 {
		n := 0
		for i, w := range stream[at:min(at+4, len(stream))] {
			if w != 0 {
				n++
			}
			if w < -127 || w > 127 {
				return fmt.Errorf("weight %d of a 2:4 sparse stream is %d: expected -127 to 127", at+i, w)
			}
		}
		if n > 2 {
			return fmt.Errorf("weights %d to %d of a 2:4 sparse stream: %d are not 0, expected at most 2", at, at+3, n)
		}
	}
	return nil
}
