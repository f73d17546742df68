// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/quant"
)

// Kind is what a kernel does with its input.
type Kind uint8

// Kinds of kernels.
const (
	Conv Kind = iota
	Depthwise
	Pool
	Elementwise
)

// Modes of pooling and of elementwise kernels, as in the command words.
const (
	PoolMax, PoolAverage, PoolReduceSum = isa.PoolMax, isa.PoolAverage, isa.PoolReduceSum

	Mul, Add, Sub, Min, Max   = isa.ElemMul, isa.ElemAdd, isa.ElemSub, isa.ElemMin, isa.ElemMax
	LRelu, Abs, Clz, Shr, Shl = isa.ElemLRelu, isa.ElemAbs, isa.ElemCLZ, isa.ElemSHR, isa.ElemSHL
)

// Rounding modes of the output stage.
const (
	RoundTFL     = isa.RoundTFL
	RoundNatural = isa.RoundNatural
)

// Function is what the output stage does between scaling and storing.
type Function uint8

// Functions of the output stage.
const (
	FnNone    Function = isa.ActNone
	FnTanh    Function = isa.ActTanh
	FnSigmoid Function = isa.ActSigmoid
	FnTable   Function = isa.ActTable0
)

// Scale is a multiplier Mul * 2^-Shift.
type Scale struct {
	Mul   uint32
	Shift int
}

// ScaleOf turns a multiplier M*2^(e-31) into (M, 31-e).
func ScaleOf(m quant.Multiplier) (Scale, error) {
	if m.M == 0 {
		return Scale{}, nil
	}
	n := 31 - m.Exp
	if n < 0 || n > 63 {
		return Scale{}, fmt.Errorf("rescaling by %g is beyond the NPU's range", m.Real())
	}
	return Scale{uint32(m.M), n}, nil
}

// Kernel is one operation of the data path.
type Kernel struct {
	Kind   Kind
	Mode   int    // of Pool and Elementwise
	Name   string // what it does, such as "FULLY_CONNECTED+TANH"
	Source string // output tensor of the operator that it belongs to
	Step   int    // time step, or -1

	IFM, IFM2, OFM *Map
	Scalar         bool // IFM2 is one value, ScalarValue
	ScalarValue    int
	Swapped        bool // IFM2 is the first mathematical operand

	Window
	PartKernel bool // the order of a convolution's weights

	Weights *Weights         // of Conv and Depthwise
	Records []weights.Record // bias and scale of every output channel

	Rescale
	Output
	Acc40 bool // accumulators of 40 bits
}

// Window is how a kernel moves over its input, in elements.
type Window struct {
	KH, KW, StrideH, StrideW, DilH, DilW int
	PadTop, PadLeft, PadBottom, PadRight int
}

// Rescale is the scaling of operands and sums.
type Rescale struct {
	OperandMode int    // which operand of ADD and SUB is scaled: 0 both, 1 the first, 2 the second
	OPA         Scale  // of the scaled operand
	OPB         uint32 // of the other one
	Out         Scale  // of the result
	Global      bool   // Out applies; else the records have a scale for every channel
	Round       int
}

// Output is what becomes of a scaled result.
type Output struct {
	Fn     Function
	Table  *Table // of FnTable, and on the Ethos-U85 of the other functions
	Lo, Hi int    // limits of the result; of FnTable of what is looked up
}

// UsesTable reports whether results are looked up.
func (k *Kernel) UsesTable() bool { return k.Table != nil }

// Reads calls f for the buffers of the feature maps that the kernel reads.
func (k *Kernel) Reads(f func(*Buffer)) {
	k.IFM.Buffers(f)
	if k.IFM2 != nil && !k.Scalar {
		k.IFM2.Buffers(f)
	}
}

// Writes calls f for the buffers that the kernel writes.
func (k *Kernel) Writes(f func(*Buffer)) { k.OFM.Buffers(f) }

// Table is the content of lookup-table memory for one activation.
type Table struct {
	Name     string
	Data     []byte // 256, 1024 or 2048 bytes
	From, To int    // the part that is loaded; all of it when both are 0
}

// Loaded returns the part of the table that is loaded.
func (t *Table) Loaded() []byte {
	if t.To == 0 {
		return t.Data
	}
	return t.Data[t.From:t.To]
}

// Slots returns how many of the eight table slots it extends over.
func (t *Table) Slots() int { return len(t.Data) / 256 }

// Taken returns which of its slots have a part that is loaded: those from first on, before
// last.
func (t *Table) Taken() (first, last int) {
	if t.To == 0 {
		return 0, t.Slots()
	}
	return t.From / 256, CeilDiv(t.To, 256)
}
