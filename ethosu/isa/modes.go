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
)

var poolModes = []string{"MAX", "AVERAGE", "REDUCE_SUM"}

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
)

var elementwiseModes = []string{"MUL", "ADD", "SUB", "MIN", "MAX", "LRELU", "ABS", "CLZ", "SHR", "SHL"}

func (m ElementwiseMode) String() string {
	return nameOf(elementwiseModes, int(m), "ElementwiseMode")
}

func nameOf(names []string, i int, kind string) string {
	if i < len(names) {
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
