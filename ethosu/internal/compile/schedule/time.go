// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/cost"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// work returns a kernel as the block rules and the cycle model see it, but for its
// block. Before weights are encoded their size is an estimate.
func (pl *Plan) work(o *Op) perf.Work {
	var c *cost.Constants
	if o.Weights != nil {
		mode := pl.copies[o.Weights]
		c = &cost.Constants{WeightBytes: pl.weightBytes(o), RecordBytes: o.Scales.Total(),
			WeightsResident: mode != readDirect, RecordsResident: mode == copyBoth || o.fetchRecords}
	}
	w := pl.Memo.Cost.Work(&o.Kernel, c)
	w.Fast = pl.fast[o.Weights]
	w.ChainIn, w.ChainIn2, w.ChainOut = o.Chain.In > 0, o.Chain.In2 > 0, o.Chain.Out > 0
	if o.Chain.Inside() {
		w.UBlock = o.Micro
	}
	return w
}

// time returns the time of a kernel in its block, given where its weights are copied to.
func (pl *Plan) time(o *Op) cost.Time {
	q := pl.question(o, o.Block)
	q.hidden = false
	slot := q.slot()
	a := o.times[slot]
	if a == nil || a.question != q {
		w := pl.work(o)
		w.Block = o.Block
		a = &timeAnswer{q, pl.Memo.Cost.Kernel(w)}
		o.times[slot] = a
	}
	return a.time
}

// question is all that the work of one kernel depends on while the kernel stays as it is.
type question struct {
	of    *Op // an answer that was copied with its kernel is not the copy's
	block block.Shape
	bytes int // of the weight stream
	mode  copyMode
	fetch bool
	fast  bool // for the fast decoder

	hidden bool // of a block; its time does not depend on it
}

func (pl *Plan) question(o *Op, b block.Shape) question {
	q := question{of: o, block: b, fetch: o.fetchRecords, hidden: o.hidden}
	if o.Weights != nil {
		q.mode, q.bytes, q.fast = pl.copies[o.Weights], pl.weightBytes(o), pl.fast[o.Weights]
	}
	return q
}

// Answers are remembered for every way to read constants: decisions go to and fro
// between them. A copy of a kernel has the same ones until it asks for itself, so that
// none of them changes.
const answers = 8

func (q *question) slot() int {
	if q.fetch {
		return int(q.mode) + answers/2
	}
	return int(q.mode)
}

type timeAnswer struct {
	question
	time cost.Time
}

type blockAnswer struct {
	question
	block  block.Shape
	micro  block.Shape
	layout block.SHRAM
}
