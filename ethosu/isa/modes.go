// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// PoolMode is the parameter of NPU_OP_POOL.
type PoolMode int

// Pooling modes.
const (
	PoolMax = iota
	PoolAverage
	PoolReduceSum

	// Of the U85 alone.
	PoolSum
	PoolNone
	PoolMin
	PoolArgmaxX
	PoolArgmaxY
)

var poolModes = []string{"MAX", "AVERAGE", "REDUCE_SUM", "SUM", "NONE", "MIN", "ARGMAX_X", "ARGMAX_Y"}

func (m PoolMode) String() string { return nameOf(poolModes, int(m), "PoolMode") }

// ElementwiseMode is the parameter of NPU_OP_ELEMENTWISE.
type ElementwiseMode int

// Elementwise modes.
const (
	ElemMul = iota
	ElemAdd
	ElemSub
	ElemMin
	ElemMax
	ElemLRelu
	ElemAbs
	ElemCLZ
	ElemSHR
	ElemSHL

	// Of the U85 alone.
	ElemLSR    = 10
	ElemDiv    = 11
	ElemCmpEQ  = 16
	ElemCmpNE  = 17
	ElemCmpGE  = 18
	ElemCmpGT  = 19
	ElemAnd    = 33
	ElemOr     = 34
	ElemXor    = 35
	ElemNot    = 36
	ElemAndNot = 42
)

var elementwiseModes = []string{0: "MUL", 1: "ADD", 2: "SUB", 3: "MIN", 4: "MAX", 5: "LRELU", 6: "ABS", 7: "CLZ", 8: "SHR", 9: "SHL",
	10: "LSR", 11: "DIV", 16: "CMP_EQ", 17: "CMP_NE", 18: "CMP_GE", 19: "CMP_GT", 33: "AND", 34: "OR", 35: "XOR", 36: "NOT", 42: "AND_NOT"}

func (m ElementwiseMode) String() string {
	return nameOf(elementwiseModes, int(m), "ElementwiseMode")
}

func nameOf(names []string, i int, kind string) string {
	if i >= 0 && i < len(names) && names[i] != "" {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}

// Precision is the width of an element: 8 << Precision bits.
type Precision int

// Precisions.
const (
	Bits8 = iota
	Bits16
	Bits32
	Bits64 // of the U85 alone: accumulators of 48 bits in memory
)

// RoundMode is that of IFM_PRECISION and OFM_PRECISION.
type RoundMode int

// Round modes.
const (
	RoundTFL = iota
	RoundTruncate
	RoundNatural
)

// UpscaleMode is that of IFM_UPSCALE.
type UpscaleMode int

// Upscaling modes.
const (
	UpscaleNone = iota
	UpscaleNearest
	UpscaleZeros
)

// ActivationFunction is what ACTIVATION applies last.
type ActivationFunction int

// Activation functions; TABLE_n is ActTable0 + n.
const (
	ActNone    = 0
	ActTanh    = 3
	ActSigmoid = 4
	ActTable0  = 16
)

// ClipRange is the forced clip range of ACTIVATION.
type ClipRange int

// Clip ranges.
const (
	ClipOFM   = 0
	ClipUint8 = 2
	ClipInt8  = 3
	ClipInt16 = 5
)

// AccFormat is the accumulator format of ACC_FORMAT.
type AccFormat int

// Accumulator formats.
const (
	AccI32 = iota
	AccI40
	AccF16
)
