// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Inference is behaviour that no source states and that streams depend on, with the
// choice made here. What is neither stated nor needed is a Fault with cause Unknown.
type Inference struct{ Name, Choice string }

// Inferences lists every such choice.
var Inferences = []Inference{
	{"wide output", "a 32-bit OFM without a table takes neither the zero point nor the clamp, and MUL saturates; compilers leave unrelated values in those registers"},
	{"wide elementwise scale", "with a 32-bit IFM the value of OFM_SCALE is ignored, its shift is applied"},
	{"built-in functions", "sigmoid and tanh take values beyond 16 bits, before the clamp"},
	{"mixed widths", "AVERAGE may read 8 bits and write 16, or the other way round, or widen either to 32, as Vela 5.1 does"},
	{"counted average", "AVERAGE with scale_mode 0 multiplies by the reciprocal of the number of elements inside the input; so does AVERAGE with padding, scale_mode 1 and a scale of 1 >> 0, as Vela 5.1 writes it"},
	{"simplified add", "ADD and SUB with scale_mode 0 round like everything else, twice beyond bit 31"},
	{"three-dimensional DMA", "plane p, row r lies at p*(LEN*SIZE0+SKIP1) + r*(LEN+SKIP0)"},
	{"clamp", "ACTIVATION_MIN and MAX are cut to the range of the OFM type, or of the forced clip range"},
	{"table clamp", "entries that the clamp in front of a table excludes are never read, and need not be loaded"},
}

// reciprocal returns the scale that divides by n, as compilers compute it for whole
// windows. That the hardware uses the same for counted averages is inferred.
func reciprocal(n int) isa.Scale {
	k := bits.Len(uint(n - 1))
	return isa.Scale{Value: uint32((uint64(1)<<(31+k) + uint64(1)<<k) / uint64(n)), Shift: 31 + k}
}

// wideScale drops the value of a scale for 32-bit inputs and keeps the shift.
func wideScale(s isa.Scale) isa.Scale { return isa.Scale{Value: 1, Shift: s.Shift} }
