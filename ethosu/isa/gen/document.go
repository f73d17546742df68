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
			m, ok := meaning[strings.TrimPrefix(r.Name, "NPU_")]
			if !ok {
				return "", fmt.Errorf("no meaning of %s", r.Name)
			}
			fmt.Fprintf(&b, "| 0x%03X | %s | %s | %s | %s | %s |\n", uint16(r.Code)&0x3FF, r.Name, fieldList(r), uses(r.Uses), only(r), m)
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
		if f.U65 {
			s += " (U65)"
		}
		list = append(list, s)
	}
	for _, f := range r.Param {
		add("", f)
	}
	if r.Payload.Name != "" {
		add("payload ", r.Payload)
	}
	return strings.Join(list, "; ")
}

func uses(u isa.Use) string {
	var list []string
	for _, x := range []struct {
		use  isa.Use
		name string
	}{{isa.UseConv, "C"}, {isa.UseDepthwise, "D"}, {isa.UsePool, "P"}, {isa.UseElementwise1, "E"}, {isa.UseElementwise2, "E2"}, {isa.UseDMA, "M"}} {
		if u&x.use != 0 {
			list = append(list, x.name)
		}
	}
	return strings.Join(list, " ")
}

func only(r *isa.Row) string {
	switch {
	case !r.U55:
		return "U65"
	case !r.U65:
		return "U55"
	}
	return ""
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
}
