// SPDX-License-Identifier: Apache-2.0

package target

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	blocks "github.com/unroll-npu/unroll/ethosu/internal/block/u85"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// u85 is the Ethos-U85.
type u85 struct{ a *ethosu.Accelerator }

func newU85(a *ethosu.Accelerator) Target { return u85{a} }

func (t u85) Accelerator() *ethosu.Accelerator { return t.a }

func (t u85) Decode(words []uint32) ([]isa.Instruction, error) { return isa.Decode(words, t.a.Product) }

func (t u85) Micro(op block.Op) block.Shape {
	u, _ := blocks.Best(t.a, op)
	return u
}

// in returns an operation with the micro-block that it is computed in.
func (t u85) in(op block.Op) block.Op {
	if op.UBlock == (block.Shape{}) {
		op.UBlock = t.Micro(op)
	}
	return op
}

// layout is what there is to know of a block whose buffers hardware lays out.
func (t u85) layout(op block.Op, blk block.Shape) block.SHRAM {
	s := block.SHRAM{AccBits: blocks.AccBits(op), IFMBlock: blk}
	if op.Kind != block.Elementwise {
		s.IFMBlock = blocks.IFMBlock(t.a, op, blk)
	}
	return s
}

func (t u85) Legal(op block.Op, yield func(blk block.Shape, s block.SHRAM) bool) {
	if op = t.in(op); op.UBlock == (block.Shape{}) {
		return
	}
	blocks.Legal(t.a, op, func(blk block.Shape) bool { return yield(blk, t.layout(op, blk)) })
}

func (t u85) Fits(op block.Op, blk block.Shape) (block.SHRAM, error) {
	if op = t.in(op); op.UBlock == (block.Shape{}) {
		return block.SHRAM{}, fmt.Errorf("%s has no micro-block for a %v operation of %d bits", t.a.Name, op.Kind, op.IFMBits)
	}
	return t.layout(op, blk), blocks.Fits(t.a, op, blk)
}

func (t u85) Weights(c Coding, values []int16, _ int) ([][]byte, error) {
	l := weights.LayoutU85{Traversal: c.Traversal, IFMBits: c.IFMBits, MACs: t.a.MACs, Cores: t.a.Cores, OFMUBlockDepth: c.OFMUBlockDepth, OFMBlockDepth: c.OFMBlockDepth,
		KH: c.KH, KW: c.KW, StrideH: c.StrideH, StrideW: c.StrideW, DilationH: c.DilationH, DilationW: c.DilationW, O: c.O, I: c.I}
	return weights.EncodeU85(values, l, c.Fast)
}

func (t u85) Records(list []weights.Record, wide bool, depth int) [][]byte {
	records := make([]weights.RecordU85, len(list))
	for i, r := range list {
		records[i] = weights.RecordU85(r)
	}
	return [][]byte{weights.PackRecordsU85(records, depth, wide)}
}

func (t u85) Kernel(w *perf.Work) perf.Cost { return perf.Kernel(t.a, w) }

func (t u85) Transfer(bytes int, from, to *perf.Place) perf.Cost {
	return perf.Transfer(t.a, bytes, from, to)
}
