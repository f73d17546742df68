package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// outputCycles are the cycles per output element of the output stage, by operation
// and by accelerator: U55-32, -64, -128, 256 MACs, U65-512.
var outputCycles = [...][5]float64{
	{2.0, 1.0, 0.75, 0.625, 0.3125}, // elementwise, 32-bit IFM, two operands
	{3.0, 1.5, 1.25, 1.125, 0.5625}, // elementwise, 32-bit IFM, one operand
	{3.0, 1.5, 0.75, 0.5, 0.25},     // MUL with 32-bit OFM
	{3.0, 1.5, 0.75, 0.375, 0.1875}, // other MUL; anything with 40-bit accumulators
	{6.0, 3.0, 1.5, 0.75, 0.375},    // ADD, SUB
	{1.0, 0.5, 0.25, 0.125, 0.0625}, // max pool
	{2.0, 1.0, 0.5, 0.25, 0.125},    // the rest
}

// activationCycles are the cycles per output element of the activation.
var activationCycles = [...][5]float64{
	NoActivation: {},
	Clip:         {1.0, 1.0, 0.5, 0.25, 0.125},
	Table:        {1.0, 1.0, 1.0, 1.0, 0.5},
}

func column(a *ethosu.Accelerator) int {
	switch a.MACs {
	case 32:
		return 0
	case 64:
		return 1
	case 128:
		return 2
	case 256:
		return 3
	}
	return 4
}

// perElement returns the cycles per output element: of the output stage, and of
// the activation.
func perElement(a *ethosu.Accelerator, w *Work) (output, activation float64) {
	row := 6
	elementwise := w.Kind == block.Elementwise
	switch {
	case elementwise && w.IFMBits == 32 && w.hasIFM2():
		row = 0
	case elementwise && w.IFMBits == 32:
		row = 1
	case elementwise && w.Mode == isa.ElemMul && w.OFMBits == 32:
		row = 2
	case elementwise && w.Mode == isa.ElemMul, !elementwise && w.Acc40:
		row = 3
	case elementwise && (w.Mode == isa.ElemAdd || w.Mode == isa.ElemSub):
		row = 4
	case w.Kind == block.MaxPool:
		row = 5
	}
	return outputCycles[row][column(a)], activationCycles[w.Activation][column(a)]
}
