// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// Storage says where a feature map of the U85 lies.
type Storage int

// Storages. TILE3X1 is three tiles one below the other; nothing known writes it, and
// sources disagree on its heights.
const (
	Tile2x2 = iota
	Tile3x1
	Chained // in the chaining buffer whose number is in the region register
	NoStorage
)

var storages = []string{"TILE2X2", "TILE3X1", "CHAINED", "NONE"}

func (s Storage) String() string { return nameOf(storages, int(s), "Storage") }

// Reverse is the axis along which the output is written mirrored.
type Reverse int

// Reversals.
const (
	ReverseNone = iota
	ReverseH
	ReverseW
	ReverseC
)

var reversals = []string{"NONE", "H", "W", "C"}

func (r Reverse) String() string { return nameOf(reversals, int(r), "Reverse") }

// Transpose names the axes of the output in the order in which they are written.
type Transpose int

// Transpositions.
const (
	TransposeHWC Transpose = 0
	TransposeWHC Transpose = 1
	TransposeHCW Transpose = 2
	TransposeWCH Transpose = 3
	TransposeCHW Transpose = 6
	TransposeCWH Transpose = 7
)

// axes are the axes of the output, 0 height, 1 width, 2 depth, in the order in which they
// are written.
var axes = map[Transpose][3]int{
	TransposeHWC: {0, 1, 2}, TransposeWHC: {1, 0, 2}, TransposeHCW: {0, 2, 1},
	TransposeWCH: {1, 2, 0}, TransposeCHW: {2, 0, 1}, TransposeCWH: {2, 1, 0},
}

// Axes returns which axis of the output (0 height, 1 width, 2 depth) becomes the height,
// the width and the depth of what is written; false for a number without a meaning.
func (t Transpose) Axes() (order [3]int, ok bool) {
	order, ok = axes[t]
	return order, ok
}

func (t Transpose) String() string {
	order, ok := axes[t]
	if !ok {
		return fmt.Sprintf("Transpose(%d)", int(t))
	}
	return string([]byte{"HWC"[order[0]], "HWC"[order[1]], "HWC"[order[2]]})
}

// AccInput is what the accumulators of the U85 start from.
type AccInput int

// Starts.
const (
	AccReset = iota // 0
	AccKeep         // what the operation before left
	AccIFM2         // IFM2
)

var accInputs = []string{"RESET", "KEEP", "IFM2"}

func (a AccInput) String() string { return nameOf(accInputs, int(a), "AccInput") }

// AccOutput says whether the U85 writes the accumulators or leaves them for AccKeep.
type AccOutput int

// Outputs.
const (
	AccWrite = iota
	AccHold
)

// AccI48 are accumulators of the U85 of 48 bits, in the place of AccI40.
const AccI48 = AccI40

// Microblock is the height and width of what the U85 computes at a time; the depth
// follows from the accelerator.
type Microblock int

// Microblocks by height and width.
const (
	Micro1x1 = iota
	Micro1x2
	Micro1x4
	Micro2x2
	Micro2x4
	Micro4x4
)

var microblocks = [][2]int{{1, 1}, {1, 2}, {1, 4}, {2, 2}, {2, 4}, {4, 4}}

// Size returns height and width, 0 for a number without a meaning.
func (m Microblock) Size() (h, w int) {
	if m < 0 || int(m) >= len(microblocks) {
		return 0, 0
	}
	return microblocks[m][0], microblocks[m][1]
}

// MicroblockOf is the inverse of Size.
func MicroblockOf(h, w int) (Microblock, bool) {
	for i, m := range microblocks {
		if m == [2]int{h, w} {
			return Microblock(i), true
		}
	}
	return 0, false
}

func (m Microblock) String() string {
	h, w := m.Size()
	return fmt.Sprintf("%dx%d", h, w)
}

// RoundModeU85 is the round mode of a scale register of the U85. Those of the inputs have
// the first two.
type RoundModeU85 int

// Round modes.
const (
	RoundDouble      = iota // double, symmetric: as TFLite
	RoundHalfUp             // natural
	RoundDoubleAsym         // double, asymmetric
	RoundSymmetric          // half away from zero
	RoundTowardsZero        // truncate to zero
	RoundDown               // truncate to the lower number
)

var roundModes = []string{"DOUBLE_SYMMETRIC", "NATURAL", "DOUBLE_ASYMMETRIC", "SYMMETRIC", "TRUNCATE_TO_ZERO", "TRUNCATE_TO_LOWER"}

func (m RoundModeU85) String() string { return nameOf(roundModes, int(m), "RoundMode") }

// FunctionU85 is what ACTIVATION of the U85 applies last.
type FunctionU85 int

// Activation functions; all but FuncNone look up a table.
const (
	FuncNone     FunctionU85 = 0
	FuncU8ToU8   FunctionU85 = 1
	FuncS8ToS8   FunctionU85 = 4
	FuncS8ToS16  FunctionU85 = 5
	FuncS8ToS32  FunctionU85 = 7
	FuncS16ToS16 FunctionU85 = 8
	FuncS16ToS32 FunctionU85 = 9
	FuncTanh     FunctionU85 = 10 // 16 bits
	FuncSigmoid  FunctionU85 = 11 // 16 bits
)

var functions = map[FunctionU85]struct {
	name  string
	bytes int
	in    DType
	out   DType
}{
	FuncNone:     {"NONE", 0, DType{}, DType{}},
	FuncU8ToU8:   {"U8_U8", 256, DType{false, 8}, DType{false, 8}},
	FuncS8ToS8:   {"S8_S8", 256, DType{true, 8}, DType{true, 8}},
	FuncS8ToS16:  {"S8_S16", 512, DType{true, 8}, DType{true, 16}},
	FuncS8ToS32:  {"S8_S32", 1024, DType{true, 8}, DType{true, 32}},
	FuncS16ToS16: {"S16_S16", 2048, DType{true, 16}, DType{true, 16}},
	FuncS16ToS32: {"S16_S32", 2048, DType{true, 16}, DType{true, 32}},
	FuncTanh:     {"TANH", 2048, DType{true, 16}, DType{true, 16}},
	FuncSigmoid:  {"SIGMOID", 2048, DType{true, 16}, DType{true, 16}},
}

// TableBytes returns the size of the function's table, 0 when it has none.
func (f FunctionU85) TableBytes() int { return functions[f].bytes }

// Types returns the type of what indexes the table and of what it holds; zero for
// FuncNone.
func (f FunctionU85) Types() (in, out DType) { return functions[f].in, functions[f].out }

func (f FunctionU85) String() string {
	if x, ok := functions[f]; ok {
		return x.name
	}
	return fmt.Sprintf("ActivationFunction(%d)", int(f))
}

// BroadcastU85 says in which axes an input of the U85 has extent 1 and the output more.
type BroadcastU85 int

// Broadcasts: axes are summed; BroadcastScalar stands for the constant OP_SCALAR.
const (
	BroadcastH      BroadcastU85 = 1
	BroadcastW      BroadcastU85 = 2
	BroadcastC      BroadcastU85 = 4
	BroadcastScalar BroadcastU85 = 8
)

// ResizeMode is the parameter of NPU_OP_RESIZE.
type ResizeMode int

// Resize modes.
const (
	ResizeBilinear = iota
	ResizeReplicate
	ResizeNearest
)

var resizeModes = []string{"BILINEAR", "REPLICATE", "NEAREST"}

func (m ResizeMode) String() string { return nameOf(resizeModes, int(m), "ResizeMode") }

// WeightFormat is the decoder that a weight stream of the U85 is for.
type WeightFormat int

// Weight formats.
const (
	WeightsSWD = iota // the standard decoders, one to a core
	WeightsFWD        // the fast decoder
)

var weightFormats = []string{"SWD", "FWD"}

func (f WeightFormat) String() string { return nameOf(weightFormats, int(f), "WeightFormat") }
