// SPDX-License-Identifier: Apache-2.0

package block

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
)

// Kind is the kind of a block operation as far as blocks and cycles depend on it.
type Kind uint8

// Kinds of block operations. FullyConnected is a Conv with a 1x1 kernel that is
// depth first; only Vela's choice of blocks tells them apart.
const (
	Conv Kind = iota
	FullyConnected
	Depthwise
	MaxPool
	AveragePool
	ReduceSum
	Elementwise
)

var kindNames = [...]string{"conv", "fully connected", "depthwise", "max pool", "average pool", "reduce sum", "elementwise"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// MAC reports whether the operation has weights.
func (k Kind) MAC() bool { return k <= Depthwise }

// SumsDepth reports whether an output depends on all input channels.
func (k Kind) SumsDepth() bool { return k == Conv || k == FullyConnected || k == ReduceSum }

// Upscale is the IFM upscaling mode, as IFM_UPSCALE has it.
type Upscale uint8

// Upscaling modes.
const (
	UpscaleNone Upscale = iota
	UpscaleNearest
	UpscaleZeros
)

// Shape is height, width and depth in elements.
type Shape struct{ H, W, D int }

// Elements returns the number of elements.
func (s Shape) Elements() int { return s.H * s.W * s.D }

func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.H, s.W, s.D) }

// Min returns the smaller of two shapes in every dimension.
func (s Shape) Min(t Shape) Shape { return Shape{min(s.H, t.H), min(s.W, t.W), min(s.D, t.D)} }

// Op is a block operation as far as its blocks depend on it.
type Op struct {
	Kind     Kind
	OFM, IFM Shape // the parts written and read
	IFM2     Shape // zero when there is none
	Scalar   bool  // the second operand is the constant of IFM2_SCALAR

	KH, KW     int // undilated kernel, 1 for Elementwise
	StrideH    int
	StrideW    int
	DilationH  int
	DilationW  int
	IFMBits    int // 8, 16, 32
	Upscale    Upscale
	PartKernel bool // part-kernel-first weight order
	LUT        bool // the activation is a table
	Unscaled   bool // a feature map has no scale: 32-bit accumulators suffice
	KeepTables bool // lay out as if a table were used, so that tables survive on small configurations

	// Of the Ethos-U85 alone: the micro-block that the operation is computed in, and the
	// bits of its results.
	UBlock  Shape
	OutBits int
}

// Spreads returns along which dimensions an operation repeats one of its feature maps.
func (op *Op) Spreads() (h, w, d bool) {
	if op.Kind != Elementwise || op.Scalar || op.IFM2 == (Shape{}) || min(op.IFM.Elements(), op.IFM2.Elements()) <= 1 {
		return false, false, false
	}
	one := func(a, b, out int) bool { return min(a, b) == 1 && out > 1 }
	return one(op.IFM.H, op.IFM2.H, op.OFM.H), one(op.IFM.W, op.IFM2.W, op.OFM.W), one(op.IFM.D, op.IFM2.D, op.OFM.D)
}

// Max is the largest block.
var Max = Shape{32, 64, 128}

// SplitDepth is what a block depth is a multiple of when it does not cover the OFM.
const SplitDepth = 16

// FirstBank is the bank where the IFM buffers start; those below are output buffers.
const FirstBank = 2

const bankBytes = 1024

// SHRAM is the layout of a block's buffers, in banks.
type SHRAM struct {
	IBEnd       int   // IFM_IB_END
	IFM2IBStart int   // IFM2_IB_START; 0 when the operation has no second feature map
	ABStart     int   // AB_START
	AccBits     int   // 32 or 40
	IFMBlock    Shape // input needed by one OFM block
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
func roundUp(a, b int) int { return ceilDiv(a, b) * b }

// dilated returns the extent of a kernel dimension.
func dilated(k, dilation int) int { return (max(k, 1)-1)*max(dilation, 1) + 1 }

// IFMBlock returns the input block that an OFM block needs.
func IFMBlock(a *ethosu.Accelerator, op Op, blk Shape) Shape {
	up, nearest := 1, 0
	if op.Upscale != UpscaleNone {
		up = 2
	}
	if op.Upscale == UpscaleNearest {
		nearest = 1
	}
	extent := func(b, stride, kernel, ublock int) int {
		return roundUp(ceilDiv((b-1)*max(stride, 1)+min(kernel, 8)+nearest, up), ublock)
	}
	ib := Shape{
		H: extent(blk.H, op.StrideH, dilated(op.KH, op.DilationH), a.UBlockH),
		W: extent(blk.W, op.StrideW, dilated(op.KW, op.DilationW), a.UBlockW),
		D: blk.D,
	}
	if op.Kind.SumsDepth() {
		switch {
		case op.IFMBits == 16:
			ib.D = roundUp(min(op.IFM.D, 16), 4)
		case op.PartKernel && op.Kind == Conv:
			ib.D = roundUp(min(op.IFM.D, 16), 8)
		default:
			ib.D = roundUp(min(op.IFM.D, 32), 8)
		}
	}
	return ib
}

// AccBits returns the width of the accumulators that an operation uses, which is
// also what ACC_FORMAT says for elementwise operations, which have none.
func AccBits(op Op) int {
	if op.IFMBits == 16 && op.Kind != MaxPool && op.Kind != AveragePool && !op.Unscaled {
		return 40
	}
	return 32
}

// accHeight is the height of a block's accumulators: one row where a micro-block
// of two rows computes a single one.
func accHeight(a *ethosu.Accelerator, op Op, h int) int {
	if op.OFM.H == 1 && op.KH <= 1 && a.UBlockH == 2 {
		return 1
	}
	return h
}

// TwoInputs reports whether the SHRAM is laid out for two inputs. One-operand
// operations are laid out as if they had a second input of the same size.
func (op Op) TwoInputs() bool { return op.Kind == Elementwise && !op.Scalar }

// Layout returns how the buffers of a block lie in the SHRAM and whether they fit.
// Shape rules are CheckShape's.
func Layout(a *ethosu.Accelerator, op Op, blk Shape) (SHRAM, bool) {
	top := a.TopBank(op.LUT || op.KeepTables)
	s := SHRAM{AccBits: AccBits(op), IFMBlock: IFMBlock(a, op, blk)}
	ib := s.IFMBlock
	banks := ceilDiv(ib.H*ib.W*roundUp(ib.D*op.IFMBits/8, 8), bankBytes) * 2
	banks = roundUp(banks, ifmGranule(a, op))
	if op.Kind == Elementwise {
		s.IBEnd, s.ABStart = top, top
		if op.IFM2 != (Shape{}) && !op.Scalar {
			s.IFM2IBStart = FirstBank + banks
		}
		end := FirstBank + banks
		if op.TwoInputs() {
			end += banks
		}
		return s, end <= top
	}
	acc := ceilDiv(accHeight(a, op, blk.H)*blk.W*roundUp(blk.D, 8)*s.AccBits/8, bankBytes) * 2
	granule := a.GranuleAcc32
	if s.AccBits == 40 {
		granule = a.GranuleAcc40
	}
	s.IBEnd = FirstBank + banks
	s.ABStart = top - roundUp(acc, granule)
	return s, s.IBEnd <= s.ABStart
}

func ifmGranule(a *ethosu.Accelerator, op Op) int {
	elementwise := op.Kind == Elementwise
	switch {
	case op.IFMBits == 32:
		return a.GranuleIFM32
	case op.IFMBits == 16 && elementwise:
		return a.GranuleIFM16Elem
	case op.IFMBits == 16:
		return a.GranuleIFM16
	case elementwise:
		return a.GranuleIFM8Elem
	}
	return a.GranuleIFM8
}

// CheckShape reports why a block size is not legal for an operation, whatever the
// SHRAM has room for, or nil.
func CheckShape(a *ethosu.Accelerator, op Op, blk Shape) error {
	u := Shape{a.UBlockH, a.UBlockW, a.UBlockD}
	switch {
	case blk.H < 1 || blk.W < 1 || blk.D < 1 || blk.H > Max.H || blk.W > Max.W || blk.D > Max.D:
		return fmt.Errorf("OFM block %v, expected 1x1x1 to %v", blk, Max)
	case blk.H%u.H != 0 || blk.W%u.W != 0 || blk.D%u.D != 0:
		return fmt.Errorf("OFM block %v is not a multiple of %s's micro-block %v", blk, a.Name, u)
	case blk.D < op.OFM.D && blk.D%SplitDepth != 0:
		return fmt.Errorf("OFM block depth %d does not cover the OFM's %d channels, so it must be a multiple of %d", blk.D, op.OFM.D, SplitDepth)
	}
	return nil
}

// Fits returns the layout of a block if its shape and its buffers are legal.
func Fits(a *ethosu.Accelerator, op Op, blk Shape) (SHRAM, error) {
	if err := CheckShape(a, op, blk); err != nil {
		return SHRAM{}, err
	}
	s, ok := Layout(a, op, blk)
	if !ok {
		return s, fmt.Errorf("OFM block %v of a %v operation needs more SHRAM than %s has: IFM buffers end at bank %d, accumulators start at %d, tables at %d",
			blk, op.Kind, a.Name, s.IBEnd, s.ABStart, a.TopBank(op.LUT || op.KeepTables))
	}
	return s, nil
}

// Legal calls yield with every legal block that is not larger than the OFM rounded
// up to the micro-block, smallest first, depth slowest.
func Legal(a *ethosu.Accelerator, op Op, yield func(blk Shape, s SHRAM) bool) {
	space := searchSpace(a, op)
	for d := firstDepth(a, op, space); d <= space.D; d = nextDepth(a, op, d) {
		for h := a.UBlockH; h <= space.H; h += a.UBlockH {
			for w := a.UBlockW; w <= space.W; w += a.UBlockW {
				blk := Shape{h, w, d}
				if s, ok := Layout(a, op, blk); ok && CheckShape(a, op, blk) == nil && !yield(blk, s) {
					return
				}
			}
		}
	}
}

func searchSpace(a *ethosu.Accelerator, op Op) Shape {
	s := op.OFM.Min(Max)
	return Shape{roundUp(s.H, a.UBlockH), roundUp(s.W, a.UBlockW), roundUp(s.D, a.UBlockD)}
}

func firstDepth(a *ethosu.Accelerator, op Op, space Shape) int {
	d := max(a.UBlockD, min(space.D, SplitDepth))
	if d < op.OFM.D {
		d = roundUp(d, SplitDepth)
	}
	return d
}

func nextDepth(a *ethosu.Accelerator, op Op, d int) int {
	d += a.UBlockD
	if d < op.OFM.D {
		d = roundUp(d, SplitDepth)
	}
	return d
}
