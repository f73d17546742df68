// SPDX-License-Identifier: Apache-2.0

package weights

import "fmt"

// Traversal is the order in which an operation consumes its weights.
type Traversal uint8

// Traversals. Fully connected operations and convolutions use the first two,
// depthwise convolutions only the third.
const (
	DepthFirst      Traversal = iota // KERNEL_STRIDE.weight_order 0
	PartKernelFirst                  // KERNEL_STRIDE.weight_order 1
	Depthwise
)

func (t Traversal) String() string {
	switch t {
	case DepthFirst:
		return "depth first"
	case PartKernelFirst:
		return "part kernel first"
	case Depthwise:
		return "depthwise"
	}
	return fmt.Sprintf("Traversal(%d)", uint8(t))
}

// ChooseTraversal returns the traversal of a convolution that wastes less of the
// padded volume, ties going to part kernel first: the rule of Vela's weight
// encoder. Either is legal for a convolution; a fully connected operation is
// always depth first.
func ChooseTraversal(ifmBits, kh, kw, i int) Traversal {
	depth, group := 32, 4
	if ifmBits == 16 {
		depth, group = 16, 2
	}
	k := kh * kw
	df := float64(i) / float64(roundUp(i, depth))
	pk := float64(i) / float64(roundUp(i, 8)) * (float64(k) / float64(roundUp(k, group)))
	if i <= 8 || pk >= df {
		return PartKernelFirst
	}
	return DepthFirst
}

// Layout is what the order of weights in one stream depends on. On two cores each
// stream has its own; see CoreLayouts.
type Layout struct {
	Traversal      Traversal
	IFMBits        int // 8 or 16
	OFMBlockDepth  int // of this core
	OFMUBlockDepth int // Accelerator.UBlockD
	KH, KW         int // undilated kernel
	DilationH      int // 1 or 2; 0 means 1
	DilationW      int
	O, I           int // output and input channels of this stream; I is 1 for Depthwise
}

// ifmUBlockDepth is the number of input channels that are always consumed together.
const ifmUBlockDepth = 8

// Check reports why a layout is not legal, or nil.
func (l Layout) Check() error {
	switch {
	case l.Traversal > Depthwise:
		return fmt.Errorf("weight layout: unknown traversal %d", l.Traversal)
	case l.IFMBits != 8 && l.IFMBits != 16:
		return fmt.Errorf("weight layout: %d-bit IFM, expected 8 or 16", l.IFMBits)
	case l.OFMUBlockDepth != 4 && l.OFMUBlockDepth != 8:
		return fmt.Errorf("weight layout: OFM micro-block depth %d, expected 4 or 8", l.OFMUBlockDepth)
	case l.OFMBlockDepth < 1 || l.OFMBlockDepth > 128:
		return fmt.Errorf("weight layout: OFM block depth %d, expected 1 to 128", l.OFMBlockDepth)
	case l.OFMBlockDepth < l.O && l.OFMBlockDepth%l.OFMUBlockDepth != 0:
		return fmt.Errorf("weight layout: OFM block depth %d below %d channels is not a multiple of the micro-block depth %d", l.OFMBlockDepth, l.O, l.OFMUBlockDepth)
	case l.KH < 1 || l.KW < 1 || l.O < 1 || l.I < 1 || l.KH > 1<<16 || l.KW > 1<<16 || l.O > 1<<16 || l.I > 1<<16:
		return fmt.Errorf("weight layout: shape O %d, kernel %d x %d, I %d, expected 1 to 65536 each", l.O, l.KH, l.KW, l.I)
	case l.DilationH < 0 || l.DilationH > 2 || l.DilationW < 0 || l.DilationW > 2:
		return fmt.Errorf("weight layout: dilation %d x %d, expected 1 or 2", l.DilationH, l.DilationW)
	case l.Traversal == Depthwise && l.I != 1:
		return fmt.Errorf("weight layout: depthwise with %d input channels per output, expected 1", l.I)
	}
	return nil
}

func roundUp(a, b int) int { return (a + b - 1) / b * b }

// walk calls emit for every position of the stream, in order, with the index of
// walk calls emit for every position of the stream, in order, with the index of
// the weight in OHWI order or -1 for padding.
func (l Layout) walk(emit func(index int)) {
	subH, subW := 8, 8
	if l.DilationH == 2 {
		subH = 4
	}
	if l.DilationW == 2 {
		subW = 4
	}
	ifmBlock, group := 32, 4
	if l.IFMBits == 16 {
		ifmBlock, group = 16, 2
	}
	inner := ifmUBlockDepth
	switch l.Traversal {
	case PartKernelFirst:
		ifmBlock = 16
	case Depthwise:
		ifmBlock, group, inner = ifmUBlockDepth, 4, 1
	}
	rowStride := l.KW * l.I
	outStride := l.KH * rowStride
	for ob := 0; ob < l.O; ob += l.OFMBlockDepth {
		obLen := min(l.OFMBlockDepth, l.O-ob)
		for ib := 0; ib < l.I; ib += ifmBlock {
			ibLen := ifmBlock
			if l.Traversal == PartKernelFirst {
				ibLen = min(ibLen, l.I-ib)
			}
			for sy := 0; sy < l.KH; sy += subH {
				h := min(subH, l.KH-sy)
				for sx := 0; sx < l.KW; sx += subW {
					w := min(subW, l.KW-sx)
					elems := h * w
					outerLen, innerLen := 1, ibLen
					switch l.Traversal {
					case PartKernelFirst:
						elems = roundUp(elems, group)
						outerLen, innerLen = ibLen, 1
					case Depthwise:
						elems = roundUp(elems, group)
						innerLen = 1
					}
					for io := 0; io < outerLen; io += ifmUBlockDepth {
						for ou := 0; ou < obLen; ou += l.OFMUBlockDepth {
							for e := range elems {
								y, x := e/w, e%w
								for ii := 0; ii < innerLen; ii += ifmUBlockDepth {
									for oz := range l.OFMUBlockDepth {
										o, i := ob+ou+oz, ib+io+ii
										if o >= l.O || y >= h {
											for range inner {
												emit(-1)
											}
											continue
										}
										at := o*outStride + (sy+y)*rowStride + (sx+x)*l.I + i
										for iz := range inner {
											if i+iz < l.I {
												emit(at + iz)
											} else {
												emit(-1)
											}
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

// Volume returns the number of weights in a stream of this layout, padding
// included.
func Volume(l Layout) int {
	subH, subW := 8, 8
	if l.DilationH == 2 {
		subH = 4
	}
	if l.DilationW == 2 {
		subW = 4
	}
	ifmBlock, group := 32, 4
	if l.IFMBits == 16 {
		ifmBlock, group = 16, 2
	}
	if l.Traversal == Depthwise {
		group = 4
	}
	// Sub-kernels come in at most four sizes: whole, cut in height, in width, in both.
	kernel := 0
	for _, h := range [2][2]int{{subH, l.KH / subH}, {l.KH % subH, 1}} {
		for _, w := range [2][2]int{{subW, l.KW / subW}, {l.KW % subW, 1}} {
			e := h[0] * w[0]
			if l.Traversal != DepthFirst {
				e = roundUp(e, group)
			}
			kernel += e * h[1] * w[1]
		}
	}
	depth := 0
	for ob := 0; ob < l.O; ob += l.OFMBlockDepth {
		depth += roundUp(min(l.OFMBlockDepth, l.O-ob), l.OFMUBlockDepth)
	}
	switch l.Traversal {
	case DepthFirst:
		return depth * roundUp(l.I, ifmBlock) * kernel
	case PartKernelFirst:
		return depth * roundUp(l.I, ifmUBlockDepth) * kernel
	}
	return depth * kernel
}

// Reorder returns the weights in stream order. ohwi holds O x KH x KW x I weights.
func Reorder(ohwi []int16, l Layout) []int16 {
	if n := l.O * l.KH * l.KW * l.I; len(ohwi) != n {
		panic(fmt.Sprintf("BUG: %d weights for a layout of %d", len(ohwi), n))
	}
	out := make([]int16, 0, Volume(l))
	l.walk(func(index int) {
		if index < 0 {
			out = append(out, 0)
		} else {
			out = append(out, ohwi[index])
		}
	})
	return out
}

// Restore is the inverse of Reorder: it returns O x KH x KW x I weights. It is an
// error when the stream has another number of weights than the layout or a weight
// other than 0 where the layout has padding.
func Restore(stream []int16, l Layout) ([]int16, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	if n := Volume(l); len(stream) != n {
		return nil, fmt.Errorf("weight stream has %d weights, expected %d: %d output and %d input channels, kernel %d x %d, %s, %d-bit IFM, OFM block depth %d",
			len(stream), n, l.O, l.I, l.KH, l.KW, l.Traversal, l.IFMBits, l.OFMBlockDepth)
	}
	out := make([]int16, l.O*l.KH*l.KW*l.I)
	at, bad := 0, -1
	l.walk(func(index int) {
		if index >= 0 {
			out[index] = stream[at]
		} else if stream[at] != 0 && bad < 0 {
			bad = at
		}
		at++
	})
	if bad >= 0 {
		return nil, fmt.Errorf("weight stream has %d at position %d, where the layout has padding, expected 0: it was encoded for another shape or OFM block depth", stream[bad], bad)
	}
	return out, nil
}
