// SPDX-License-Identifier: Apache-2.0

package target

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// u55 is the Ethos-U55 and the Ethos-U65.
type u55 struct{ a *ethosu.Accelerator }

func newU55(a *ethosu.Accelerator) Target { return u55{a} }

func (t u55) Accelerator() *ethosu.Accelerator { return t.a }

func (t u55) Decode(words []uint32) ([]isa.Instruction, error) { return isa.Decode(words, t.a.Product) }

func (t u55) Micro(block.Op) block.Shape { return block.Shape{} }

func (t u55) Legal(op block.Op, yield func(blk block.Shape, s block.SHRAM) bool) {
	block.Legal(t.a, op, yield)
}

func (t u55) Fits(op block.Op, blk block.Shape) (block.SHRAM, error) {
	return block.Fits(t.a, op, blk)
}

func (t u55) Weights(l Coding, values []int16, each int) ([][]byte, error) {
	var streams [][]byte
	parts := weights.SplitCores(values, each, t.a.Cores)
	for c, cl := range weights.CoreLayouts(l.Layout, t.a.Cores) {
		if err := cl.Check(); err != nil {
			return nil, err
		}
		b, err := weights.Encode(weights.Reorder(parts[c], cl))
		if err != nil {
			return nil, err
		}
		streams = append(streams, b)
	}
	return streams, nil
}

func (t u55) Records(list []weights.Record, _ bool, _ int) [][]byte {
	var packed [][]byte
	for _, part := range weights.SplitCores(list, 1, t.a.Cores) {
		packed = append(packed, weights.PackRecords(part))
	}
	return packed
}

func (t u55) Kernel(w *perf.Work) perf.Cost { return perf.Kernel(t.a, w) }

func (t u55) Transfer(bytes int, from, to *perf.Place) perf.Cost {
	return perf.Transfer(t.a, bytes, from, to)
}
