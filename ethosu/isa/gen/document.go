// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// The command tables of docs/npu.md stand between these lines.
const (
	documentBegin = "<!-- The tables below are written by go generate ./ethosu/isa from the rows of isa.Table. -->\n"
	documentEnd   = "<!-- End of the generated tables. -->\n"
)

// document returns the text with its tables made anew.
func document(text string) (string, error) {
	before, rest, ok := strings.Cut(text, documentBegin)
	_, after, ok2 := strings.Cut(rest, documentEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("docs/npu.md lacks the lines around its tables")
	}
	var b strings.Builder
	for _, part := range []struct {
		title string
		kind  isa.Kind
	}{{"Operations", isa.Op}, {"Registers", isa.Set}, {"Registers with a payload word", isa.SetPayload}} {
		fmt.Fprintf(&b, "\n### %s\n\n| code | command | fields | read by | only | meaning |\n|---|---|---|---|---|---|\n", part.title)
		for i := range isa.Table {
			r := &isa.Table[i]
			if r.Kind != part.kind || r.Uses == 0 && r.Kind != isa.Op {
				continue
			}
			key := strings.TrimPrefix(r.Name, "NPU_")
			if isa.LookupName(r.Name) != r && isa.LookupName(r.Name) != nil {
				key += " 85"
			}
			m, ok := meaning[key]
			if !ok {
				return "", fmt.Errorf("no meaning of %s", key)
			}
			fmt.Fprintf(&b, "| 0x%03X | %s | %s | %s | %s | %s |\n", uint16(r.Code)&0x3FF, r.Name, fieldList(r), readBy(r), only(r), m)
		}
	}
	return before + documentBegin + b.String() + "\n" + documentEnd + after, nil
}

// fieldList describes the fields of a row: bits, name and the values that are allowed.
func fieldList(r *isa.Row) string {
	var list []string
	add := func(where string, f isa.Field) {
		bits := fmt.Sprintf("[%d:%d]", f.Hi, f.Lo)
		if f.Hi == f.Lo {
			bits = fmt.Sprintf("[%d]", f.Hi)
		}
		s := fmt.Sprintf("%s%s %s", where, bits, f.Name)
		for i, a := range f.Allowed {
			s += map[bool]string{true: " ", false: ", "}[i == 0]
			if a.Min == a.Max {
				s += fmt.Sprint(a.Min)
			} else {
				s += fmt.Sprintf("%d..%d", a.Min, a.Max)
			}
		}
		if f.U65 && r.U55 {
			s += " (not U55)"
		}
		list = append(list, s)
	}
	for _, f := range r.Param {
		add("", f)
	}
	for _, f := range r.Payload {
		add("payload ", f)
	}
	return strings.Join(list, "; ")
}

// readBy lists the operations that read a register, and apart those of the U85 where they
// are others.
func readBy(r *isa.Row) string {
	if !r.U55 && !r.U65 {
		return uses(r.UsesOn(isa.U85))
	}
	s, late := uses(r.UsesOn(isa.U65)), uses(r.UsesOn(isa.U85))
	if r.U85 && late != s && late != s+" R" {
		s += "; U85: " + late
	}
	return s
}

func uses(u isa.Use) string {
	var list []string
	for _, x := range []struct {
		use  isa.Use
		name string
	}{{isa.UseConv, "C"}, {isa.UseDepthwise, "D"}, {isa.UsePool, "P"}, {isa.UseElementwise1, "E"}, {isa.UseElementwise2, "E2"}, {isa.UseDMA, "M"}, {isa.UseResize, "R"}} {
		if u&x.use != 0 {
			list = append(list, x.name)
		}
	}
	return strings.Join(list, " ")
}

// only names the products that have the command, where not all do.
func only(r *isa.Row) string {
	var list []string
	for _, p := range isa.Products {
		if r.Has(p) {
			list = append(list, p.String())
		}
	}
	if len(list) == len(isa.Products) {
		return ""
	}
	return strings.Join(list, ", ")
}

// meaning says what every command is for, by its name without NPU_.
var meaning = map[string]string{
	"OP_STOP":        "the end: everything before it completes, the mask goes to the interrupt history, the NPU stops. Words behind it are never fetched",
	"OP_IRQ":         "an interrupt in the middle of a stream; nothing here writes it",
	"OP_CONV":        "convolution, and FULLY_CONNECTED as one of 1x1",
	"OP_DEPTHWISE":   "convolution of every channel with its own kernel",
	"OP_POOL":        "0 MAX, 1 AVERAGE, 2 REDUCE_SUM: the sum over all channels of the window",
	"OP_ELEMENTWISE": "0 MUL, 1 ADD, 2 SUB, 3 MIN, 4 MAX, 5 LRELU, 6 ABS, 7 CLZ, 8 SHR, 9 SHL; 5, 6 and 7 have one operand",
	"OP_DMA_START":   "queues the transfer that the DMA0 registers describe",
	"OP_DMA_WAIT":    "the stream goes on when at most k transfers are under way",
	"OP_KERNEL_WAIT": "the stream goes on when at most n block operations are under way",
	"OP_PMU_MASK":    "switches the performance counters, for debugging",

	"SET_IFM_PAD_TOP":       "rows of padding above the input",
	"SET_IFM_PAD_LEFT":      "columns to the left",
	"SET_IFM_PAD_RIGHT":     "columns to the right",
	"SET_IFM_PAD_BOTTOM":    "rows below",
	"SET_IFM_DEPTH_M1":      "input channels - 1",
	"SET_IFM_PRECISION":     "type: 1 signed; precision: 0, 1, 2 for 8, 16, 32 bits; format: 1 bricks; scale_mode and round_mode: of the operands of ADD and SUB",
	"SET_IFM_UPSCALE":       "1: every element counts for 2x2; 2: the other three of 2x2 are zero",
	"SET_IFM_ZERO_POINT":    "two's complement for signed types",
	"SET_IFM_WIDTH0_M1":     "width of tiles 0 and 2, - 1",
	"SET_IFM_HEIGHT0_M1":    "height of tile 0, - 1",
	"SET_IFM_HEIGHT1_M1":    "height of tile 1, - 1",
	"SET_IFM_IB_END":        "bank where the input buffers end, which begin at bank 2",
	"SET_IFM_REGION":        "base pointer of the input",
	"SET_OFM_WIDTH_M1":      "output columns - 1",
	"SET_OFM_HEIGHT_M1":     "output rows - 1",
	"SET_OFM_DEPTH_M1":      "output channels - 1",
	"SET_OFM_PRECISION":     "as IFM_PRECISION, with precision one bit lower; scale_mode 1: OFM_SCALE for all channels, 0: the records, or none; round_mode: 0 twice as TFLite, 1 to zero, 2 half up",
	"SET_OFM_BLK_WIDTH_M1":  "columns of an output block - 1",
	"SET_OFM_BLK_HEIGHT_M1": "rows of an output block - 1",
	"SET_OFM_BLK_DEPTH_M1":  "channels of an output block - 1; weights are encoded for it",
	"SET_OFM_ZERO_POINT":    "added after scaling",
	"SET_OFM_WIDTH0_M1":     "width of tiles 0 and 2, - 1",
	"SET_OFM_HEIGHT0_M1":    "height of tile 0, - 1",
	"SET_OFM_HEIGHT1_M1":    "height of tile 1, - 1",
	"SET_OFM_REGION":        "base pointer of the output",
	"SET_KERNEL_WIDTH_M1":   "columns of the dilated kernel - 1",
	"SET_KERNEL_HEIGHT_M1":  "rows of the dilated kernel - 1",
	"SET_KERNEL_STRIDE":     "strides - 1 in two bits each, dilations - 1; weight_order 1: part kernel first; decomposition stays 0",
	"SET_PARALLEL_MODE":     "1: two cores share the channels of an output",
	"SET_ACC_FORMAT":        "accumulators: 0 of 32 bits, 1 of 40; 2 (half floats) is never used",
	"SET_ACTIVATION":        "function: 0 clamp, 3 tanh, 4 sigmoid, 16..23 the table in slot 0..7; clip_range: type of the values that index a table, 0 that of the output",
	"SET_ACTIVATION_MIN":    "smallest value, after the zero point",
	"SET_ACTIVATION_MAX":    "largest value",
	"SET_WEIGHT_REGION":     "base pointer of the weight streams",
	"SET_SCALE_REGION":      "base pointer of the scale records",
	"SET_AB_START":          "bank where the accumulators begin, which end at the top",
	"SET_BLOCKDEP":          "how many blocks of the operation before may be unfinished when the first of this begins",
	"SET_DMA0_SRC_REGION":   "region_mode 1: the SHRAM; stride_mode: 0 one row, 1 rows, 2 planes of rows",
	"SET_DMA0_DST_REGION":   "as the source; for the SHRAM region is a mask of cores",
	"SET_DMA0_SIZE0":        "rows",
	"SET_DMA0_SIZE1":        "planes",
	"SET_IFM2_BROADCAST":    "the second operand has extent 1 there; operand_order 1: it is the first in the formula; broadcast_constant: it is IFM2_SCALAR",
	"SET_IFM2_SCALAR":       "a constant second operand, its zero point not yet subtracted",
	"SET_IFM2_PRECISION":    "type and precision equal those of the IFM",
	"SET_IFM2_ZERO_POINT":   "as of the IFM",
	"SET_IFM2_WIDTH0_M1":    "as of the IFM",
	"SET_IFM2_HEIGHT0_M1":   "as of the IFM",
	"SET_IFM2_HEIGHT1_M1":   "as of the IFM",
	"SET_IFM2_IB_START":     "bank where the buffers of the second operand begin",
	"SET_IFM2_REGION":       "base pointer of the second operand",

	"SET_IFM_BASE0": "first byte of tile 0, from the region's base", "SET_IFM_BASE1": "of tile 1", "SET_IFM_BASE2": "of tile 2", "SET_IFM_BASE3": "of tile 3",
	"SET_IFM_STRIDE_X": "bytes from a pixel to the next", "SET_IFM_STRIDE_Y": "bytes from a row to the next", "SET_IFM_STRIDE_C": "bytes from a brick to the next; NHWC does not read it",
	"SET_OFM_BASE0": "as of the IFM", "SET_OFM_BASE1": "of tile 1", "SET_OFM_BASE2": "of tile 2", "SET_OFM_BASE3": "of tile 3",
	"SET_OFM_STRIDE_X": "as of the IFM", "SET_OFM_STRIDE_Y": "as of the IFM", "SET_OFM_STRIDE_C": "as of the IFM",
	"SET_IFM2_BASE0": "as of the IFM", "SET_IFM2_BASE1": "of tile 1", "SET_IFM2_BASE2": "of tile 2", "SET_IFM2_BASE3": "of tile 3",
	"SET_IFM2_STRIDE_X": "as of the IFM", "SET_IFM2_STRIDE_Y": "as of the IFM", "SET_IFM2_STRIDE_C": "as of the IFM",
	"SET_WEIGHT_BASE": "first byte of the weight stream of core 0, a multiple of 16", "SET_WEIGHT_LENGTH": "its bytes, a multiple of 16",
	"SET_SCALE_BASE": "first byte of the scale records of core 0, a multiple of 16", "SET_SCALE_LENGTH": "their bytes, a multiple of 16",
	"SET_WEIGHT1_BASE": "the same of core 1", "SET_WEIGHT1_LENGTH": "0: core 1 has no channels", "SET_SCALE1_BASE": "the same of core 1", "SET_SCALE1_LENGTH": "0: none",
	"SET_OFM_SCALE": "scale and right shift of the result", "SET_OPA_SCALE": "scale of an operand of ADD and SUB", "SET_OPB_SCALE": "multiplier of the second operand in scale_mode 0",
	"SET_DMA0_SRC": "first byte to copy", "SET_DMA0_DST": "where it goes", "SET_DMA0_LEN": "bytes of a row",
	"SET_DMA0_SKIP0": "bytes to skip behind a row, on the side with strides", "SET_DMA0_SKIP1": "bytes to skip behind a plane",

	"OP_CONV 85":        "weights_ifm2 1: the weights are the second input as it stands, a matrix product; 0: compressed weights",
	"OP_POOL 85":        "0 MAX, 1 AVERAGE, 2 REDUCE_SUM, 3 SUM, 4 NONE, 5 MIN, 6 ARGMAX_X, 7 ARGMAX_Y",
	"OP_ELEMENTWISE 85": "as before; 10 LSR, 11 DIV, 16 CMP_EQ, 17 CMP_NE, 18 CMP_GE, 19 CMP_GT, 33 AND, 34 OR, 35 XOR, 36 NOT, 42 AND_NOT",
	"OP_RESIZE":         "0 BILINEAR, 1 REPLICATE, 2 NEAREST",
	"OP_DMA_WAIT 85":    "the stream goes on when at most k transfers are under way",
	"OP_KERNEL_WAIT 85": "the stream goes on when at most n block operations are under way; a chain is one",
	"OP_BRANCH":         "on to the byte of the stream: always, or with branch_cond 1 if the last result of one element has bit 0 set",

	"SET_IFM_PRECISION 85":     "type: 1 signed; precision: 0, 1, 2, 3 for 8, 16, 32, 64 bits; format: 1 bricks; storage: 0 memory in tiles of 2x2, 1 of 3x1, 2 a chaining buffer, 3 none",
	"SET_IFM_BROADCAST":        "the input has extent 1 in height 1, width 2, depth 4, to be added; 8: it is OP_SCALAR",
	"SET_OFM_PRECISION 85":     "as IFM_PRECISION, with precision one bit lower; scale_mode 1: OFM_SCALE for all channels; reverse: written mirrored in 1 height, 2 width, 3 depth; transpose: written as 0 HWC, 1 WHC, 2 HCW, 3 WCH, 6 CHW, 7 CWH",
	"SET_OFM_BLK_WIDTH_M1 85":  "columns of an output block - 1, before transposition",
	"SET_OFM_BLK_HEIGHT_M1 85": "rows of an output block - 1",
	"SET_OFM_BLK_DEPTH_M1 85":  "channels of an output block - 1; weights are encoded for it",
	"SET_ACC_FORMAT 85":        "accumulators: 0 of 32 bits, 1 of 48; acc_input: they start from 0, 1 what the operation before left, 2 IFM2; acc_output 1: nothing is written; microblock: 0 1x1, 1 1x2, 2 1x4, 3 2x2, 4 2x4, 5 4x4",
	"SET_ACTIVATION 85":        "function: 0 clamp; tables of 1 U8 to U8, 4 S8 to S8, 5 S8 to S16, 7 S8 to S32, 8 S16 to S16, 9 S16 to S32, 10 tanh, 11 sigmoid; table: its number in tables of that size; clip_range 1: no clamp",
	"SET_WEIGHT_FORMAT":        "format: 0 standard decoders, 1 the fast one; sparsity 1: 2:4",
	"SET_BLOCKDEP 85":          "how many blocks of the operation before may be unfinished when the first of this begins",
	"SET_DMA0_SRC_REGION 85":   "region_mode 1: the memory of tables; stride_mode: 0 one row, 1 rows, 2 planes of rows, of both sides; idx_mode 1: rows are taken by the list of indices",
	"SET_DMA0_DST_REGION 85":   "as the source; idx_mode 1: rows go where the list of indices says",
	"SET_DMA0_IDX_REGION":      "base pointer of the list of indices",
	"SET_IFM2_BROADCAST 85":    "as of the IFM",
	"SET_IFM2_PRECISION 85":    "type and precision equal those of the IFM",
	"SET_RESIZE_X_SCALE_N_M1":  "numerator of the scale along the width, - 1",
	"SET_RESIZE_Y_SCALE_N_M1":  "along the height",
	"SET_RESIZE_X_OFFSET":      "where the first output column lies, in units of the numerator; signed",
	"SET_RESIZE_Y_OFFSET":      "the first output row",

	"SET_OFM_SCALE 85":     "scale, right shift and rounding of the result; round_mode: 0 double symmetric, 1 natural, 2 double asymmetric, 3 symmetric, 4 truncate to zero, 5 truncate to lower",
	"SET_IFM_SCALE":        "of the first operand; dbl_rnd: shift of its double rounding",
	"SET_IFM2_SCALE":       "of the second operand; the scale of negative values of LRELU",
	"SET_OP_SCALAR":        "the constant operand, extended to 32 bits, its zero point not yet subtracted",
	"SET_DMA0_SRC_STRIDE0": "bytes from a row of the source to the next", "SET_DMA0_SRC_STRIDE1": "from a plane to the next",
	"SET_DMA0_DST_STRIDE0": "bytes from a row of the destination to the next", "SET_DMA0_DST_STRIDE1": "from a plane to the next",
	"SET_DMA0_IDX": "first byte of the list of indices, 32 bits each", "SET_DMA0_IDX_MAX": "largest index that is legal", "SET_DMA0_IDX_SKIP1": "bytes from the indices of a plane to those of the next",
	"SET_WEIGHT2_BASE": "the same of core 2", "SET_WEIGHT2_LENGTH": "0: none", "SET_WEIGHT3_BASE": "the same of core 3", "SET_WEIGHT3_LENGTH": "0: none",
	"SET_RESIZE_X_STEP": "step of the input along the width for one output column and for a block less one, whole and rest", "SET_RESIZE_Y_STEP": "along the height",
}
