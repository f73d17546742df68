// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// kernelNameU85 says what a kernel of a foreign stream of the U85 does.
func kernelNameU85(o *isa.Operation, k *isa.KernelU85) string {
	name := strings.TrimPrefix(strings.TrimPrefix(o.Name(), "NPU_OP_"), "ELEMENTWISE ")
	switch k.Activation.Function {
	case isa.FuncNone:
	case isa.FuncTanh:
		name += "+TANH"
	case isa.FuncSigmoid:
		name += "+SIGMOID"
	default:
		name += "+table"
	}
	if k.OFM.Storage == isa.Chained {
		name += ", chained"
	}
	return name
}

// kernelU85 is kernel for the U85: what passes through a chaining buffer is in no memory.
func (op *operation) kernelU85(k *isa.KernelU85) {
	written := k.Written()
	op.Shape = fmt.Sprintf("%d×%d×%d", written.H, written.W, written.C)
	op.reads, op.writes = k.IFM.Spans(), written.Spans()
	if k.HasIFM2() {
		op.reads = append(op.reads, k.IFM2.Spans()...)
	}
	for _, s := range append(k.Weights[:], k.Records) {
		if s.End > s.Start {
			op.weights = append(op.weights, s)
		}
	}
	op.reads = append(op.reads, op.weights...)
}

// transferU85 is transfer for the U85.
func (op *operation) transferU85(d isa.DMAU85) {
	op.Shape = commas(op.Bytes) + " bytes"
	if !d.SrcInternal {
		op.reads = []isa.Span{outer(d.SrcRegion, d.Src, d.Length, d.Rows, d.SrcRow, d.Planes, d.SrcPlane, d.Gather, d.IndexMax)}
	}
	if !d.DstInternal {
		op.writes = []isa.Span{outer(d.DstRegion, d.Dst, d.Length, d.Rows, d.DstRow, d.Planes, d.DstPlane, d.Scatter, d.IndexMax)}
	}
}

// outer returns the bytes between the first and the last of one side of a transfer; of one
// that goes by a list of indices those of all rows that it may name.
func outer(region int, at, length uint64, rows int, row int64, planes int, plane int64, indexed bool, most int64) isa.Span {
	s := isa.Span{Region: region, Start: int64(at), End: int64(at)}
	last := int64(rows - 1)
	if indexed {
		last = most
	}
	for _, d := range []int64{last * row, int64(planes-1) * plane} {
		if d < 0 {
			s.Start += d
		} else {
			s.End += d
		}
	}
	s.End += int64(length)
	return s
}
