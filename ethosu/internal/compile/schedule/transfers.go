// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// ScheduleTransfers lists the copies of weights and records and the table uploads,
// looks for the place of every transfer in the stream that makes the estimate
// shortest, and merges neighbours. Transfers keep the order in which they are due.
func ScheduleTransfers(pl *Plan) error {
	tl := pl.newTimeline()
	pl.search(tl)
	pl.searched = nil
	pl.merge(tl)
	pl.settle(tl)
	pl.Expected = tl.Run()
	before := make([][]*Transfer, len(pl.Ops)+1)
	for _, x := range tl.transfers {
		switch {
		case x.part != nil:
			x.op = pl.repeatOp(x)
		case x.records:
			x.op = pl.recordOp(x)
		case x.op == nil:
			x.op = pl.copyOp(x)
		default:
			pl.joinTables(x)
		}
		at := pl.outOfChain(x)
		before[at] = append(before[at], x.op)
	}
	for i := range before {
		for _, t := range before[i] {
			pl.Operations = append(pl.Operations, Operation{Transfer: t})
		}
		if i < len(pl.Ops) {
			pl.Operations = append(pl.Operations, Operation{Kernel: pl.Ops[i]})
		}
	}
	return nil
}

// outOfChain returns the place of a transfer that would stand between the kernels of a
// chain: in front of them, or behind where one of them is what it waits for.
func (pl *Plan) outOfChain(x *transfer) int {
	at := x.Pos
	for at < len(pl.Ops) && pl.Ops[at].Chain.Inside() {
		at--
	}
	if x.After < at {
		return at
	}
	for at = x.Pos; at < len(pl.Ops) && pl.Ops[at].Chain.Inside(); {
		at++
	}
	return at
}

// copyOp makes the DMA that copies weights, their records when both are copied, and
// operands: all parts side by side, records before weights.
func (pl *Plan) copyOp(x *transfer) *Transfer {
	var parts []*Coded
	var data []byte
	dst := &kernel.Buffer{Resident: true}
	var name string
	for _, y := range append([]*transfer{x}, x.with...) {
		o := pl.Ops[y.Use]
		if pl.operands != nil && pl.operands.with == y.w {
			dst, data = pl.operands.dst, append(pl.operands.data, make([]byte, pl.operands.dst.Size-len(pl.operands.data))...)
		}
		if pl.copies[y.w] == copyBoth {
			parts = append(parts, pl.ownRecords(y.w, o.Scales))
		}
		parts = append(parts, &o.Stream.Coded)
	}
	for _, p := range parts {
		if len(parts) > 1 || len(data) > 0 {
			for c := range p.Off {
				p.Off[c] += len(data)
			}
		}
		data = append(data, p.buf.Data...)
		name = p.buf.Name
	}
	src := pl.mod.Constants.Intern(name, data, 16)
	dst.Name, dst.Size = src.Name+"/resident", src.Size
	o := pl.Ops[x.Use]
	d := &Transfer{Name: "DMA weights", Source: o.Source, Step: o.Step, Src: src, Dst: dst, Length: src.Size}
	if pl.copies[x.w] == copyEach {
		dst.Name = src.Name + "/part"
		own := *o.Stream // other uses read other copies
		own.copy = dst
		o.Stream = &own
		if x.After >= 0 {
			d.After = pl.Ops[x.After]
		}
		return d
	}
	for _, p := range parts {
		p.buf, p.copy = src, dst
	}
	return d
}

// ownRecords gives the kernels with weights w their records under an entry of their own.
// Other weights may have equal ones, and their kernels may run before the copy is made.
func (pl *Plan) ownRecords(w *kernel.Weights, rec *Coded) *Coded {
	own := *rec
	for _, o := range pl.Ops {
		if o.Weights == w {
			o.Scales = &own
		}
	}
	return &own
}

// joinTables makes one DMA of the uploads that were merged into x. What lies between
// them is never looked up.
func (pl *Plan) joinTables(x *transfer) {
	if len(x.with) == 0 {
		return
	}
	data := append([]byte(nil), x.op.Src.Data...)
	for _, y := range x.with {
		gap := y.op.Table - x.op.Table - len(data)
		data = append(append(data, make([]byte, gap)...), y.op.Src.Data...)
	}
	x.op.Src = pl.mod.Constants.Intern("tables", data, 16)
	x.op.Name = "DMA tables"
	x.op.Length = len(data)
}
