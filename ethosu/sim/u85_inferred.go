// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// InferencesU85 lists what no source states about the U85 and streams depend on, with
// the choice made here. Nothing of the U85 was seen on silicon: what is not listed is
// stated by the register interface, or by the Vela compiler's own arithmetic, or confirmed
// by streams of that compiler whose outputs equal the recorded ones. What is neither is a
// Fault with cause Unknown.
var InferencesU85 = []Inference{
	{"wide elementwise scale", "with a 32-bit IFM the value of OFM_SCALE is ignored, its shift and round mode are applied; recorded softmaxes fail otherwise"},
	{"scaled sums of 32 bits", "REDUCE_SUM of 32-bit values takes OFM_SCALE, value and shift, as it does of narrower ones; Vela's rules allow it any scale, but no recorded stream has one other than 1 >> 0"},
	{"double rounding of operands", "IFM_SCALE and IFM2_SCALE round a second time 31 bits less dbl_rnd up; that is TFLite's ADD and SUB, but no recorded output tells it from a single rounding"},
	{"round modes", "DOUBLE_ASYMMETRIC, SYMMETRIC and both TRUNCATE modes are what their names say and the Vela compiler folds constants with"},
	{"tables", "a table is looked up last: scale, zero point, clamp in the type of its index, table; of 8 bits by the value plus 128"},
	{"16-bit tables", "base + ((slope*o + 64) >> 7) with o the low 7 bits, as on the U55"},
	{"tanh and sigmoid", "functions 10 and 11 with the known table are the built-in functions of the U55, of values beyond 16 bits too, and the clamp comes behind them; with another table they are refused"},
	{"average", "AVERAGE divides by the number of elements inside the input and rounds to the nearest, ties away from zero, as TFLite does and as the reciprocals of the U55 give it; Vela writes it for TFLite's operator, and half up, as NATURAL says, differs from that at negative ties"},
	{"index of the maximum", "ARGMAX with OFM_SCALE 1 >> 16 leaves the place of the first largest element, counted along the window"},
	{"pool without operation", "NONE takes IFM2 through OFM_SCALE, value and shift, whatever its width"},
	{"resize", "NEAREST takes the element nearest to (p*d + offset)/n, the higher of two, and OFM_SCALE 1 >> 16 leaves it as it is: the arithmetic of TOSA's operator of that name"},
	{"leaky ReLU", "LRELU takes IFM2_SCALE for values below the zero point, IFM_SCALE for others"},
	{"bits", "AND, OR, XOR, NOT and AND_NOT (the first and not the second) work on two's complement, with zero points and scales that do nothing"},
	{"loaded accumulators", "CONV with acc_input IFM2 adds products and bias to the elements of IFM2"},
	{"chains", "an operation of a chain sees what its predecessor would have written to memory: after clamp and table, in the type of its OFM"},
	{"gather and scatter", "row r is read from SRC + index[r]*SRC_STRIDE0, or written to DST + index[r]*DST_STRIDE0; an index beyond IDX_MAX is refused"},
	{"unused sparsity", "the flag of 2:4 sparsity changes the order of weights and nothing else"},
}

// wideScaleU85 drops the value of a scale for 32-bit inputs and keeps the rest.
func wideScaleU85(s isa.ScaleU85) isa.ScaleU85 {
	s.Value = 1
	return s
}

// averageU85 is the mean of a window, rounded to the nearest, ties away from zero.
func averageU85(sum int64, count int) int64 {
	n := int64(count)
	if sum < 0 {
		return -((n - 2*sum) / (2 * n))
	}
	return (n + 2*sum) / (2 * n)
}

// nearest returns the input position nearest to output position p of an axis, the higher
// one of two that are equally near, and within the input.
func nearest(a *isa.ResizeU85, p, size int) int {
	at := 2*(p*(a.OneWhole*a.N+a.OneRest)+a.Offset) + a.N
	q := at / (2 * a.N)
	if at%(2*a.N) < 0 {
		q--
	}
	return min(max(q, 0), size-1)
}
