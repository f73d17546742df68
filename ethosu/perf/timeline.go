// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Op is one operation on the timeline.
type Op struct {
	Cost
	Word        int    // offset of the NPU_OP word in the stream
	Index       int    // among the block operations and DMAs
	Name        string // what the program says, or the kind of operation
	Stage       string // of the program; empty when it is the whole call
	DMA         bool
	Begins, End float64 // cycles from the start of the stream
	Bytes       int64   // moved by a DMA
}

// MemoryUse is the traffic of one memory over the whole stream, that of the stream itself
// included, in bytes.
type MemoryUse struct {
	Name        string
	Read, Write float64
	Cycles      float64 // that the memory is busy
}

// Report is the estimate of a stream.
type Report struct {
	Total  int64 // cycles of the timeline
	NPU    int64 // sum of the kernels' NPU cycles, without starts and memories
	MACs   int64
	By     [reasons]int64 // Total, by reason
	Ops    []Op
	Memory []MemoryUse // in order of first use
}

// Seconds returns the duration at a clock in Hz.
func (r *Report) Seconds(clock float64) float64 { return float64(r.Total) / clock }

// ByName returns the cycles of every reason that occurs.
func (r *Report) ByName() map[string]int64 {
	m := map[string]int64{}
	for _, reason := range Reasons() {
		if n := r.By[reason]; n != 0 {
			m[reason.String()] = n
		}
	}
	return m
}

// Stream returns the cycles of a command stream for an accelerator, given the
// memories behind its regions. It is an error when the stream cannot be decoded;
// whether it is legal is for others to say.
func Stream(a *ethosu.Accelerator, at Places, words []uint32) (Report, error) {
	if err := a.Check(); err != nil {
		return Report{}, fmt.Errorf("cycle estimate: %w", err)
	}
	for region := range ethosu.RegionFast + 1 {
		if m := at(region); !(m.ClockScale > 0 && m.ClockScale <= 1) || m.ReadLatency < 0 || m.WriteLatency < 0 || m.MaxReads < 0 || m.MaxWrites < 0 || m.Window < 0 || m.Window > 1<<20 {
			return Report{}, fmt.Errorf("cycle estimate: region %d lies in %q with a clock scale of %g, latencies %d and %d, and %d reads and %d writes under way: expected a scale above 0 and up to 1, and nothing negative",
				region, m.Name, m.ClockScale, m.ReadLatency, m.WriteLatency, m.MaxReads, m.MaxWrites)
		}
	}
	t := timeline{a: a}
	home := at(ethosu.RegionConstants) // of the stream itself
	fetched := 0
	var before *Op
	var written []isa.Span // by the kernel before
	var wrote Place
	err := a.Product.Walk(words, func(o *isa.Operation) error {
		c := command{wait: -1}
		switch {
		case o.Op == isa.OpKernelWait:
			c.wait = o.Outstanding()
		case o.Op == isa.OpDMAWait:
			c.wait, c.dma = o.Outstanding(), true
		case o.IsDMA():
			c.dma = true
			c.op = transfer(a, at, o)
		case o.IsBlock():
			b, err := blockOf(a, o, at)
			if err != nil {
				return err
			}
			c.op = &Op{Cost: Kernel(a, &b.work), Word: o.Word, Index: o.Index, Name: b.work.Kind.String()}
			c.op.Start = c.op.Begin
			switch {
			case meets(b.in, written):
				c.op.Start += float64(wrote.WriteLatency + b.work.IFMAt.ReadLatency)
			case meets(b.in2, written):
				c.op.Start += float64(wrote.WriteLatency + b.work.IFM2At.ReadLatency)
			case before != nil && b.dep > 0:
				// It computes its first block while the last one of the kernel before leaves.
				before.NPU, before.Cycles = before.NPU-before.Drain, before.Cycles-before.Drain
			}
			before, written, wrote = c.op, b.out, b.work.OFMAt
		default:
			return nil
		}
		if c.op != nil {
			c.load.Channel, c.load.Pace = loads(c.op.Access), paces(c.op.Access)
			// The stream comes through the same port, ahead of the operations.
			words := float64(4 * float64(o.Word+1-fetched))
			fetched = o.Word + 1
			c.load.Fetch(a, &home, words)
			m := t.memory(home.Name)
			m.Read += words
			m.Cycles += words / home.readRate(a, transactionOf(a))
			for i := range c.op.Access {
				t.use(&c.op.Access[i])
			}
		}
		t.commands = append(t.commands, c)
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("cycle estimate: %w", err)
	}
	t.ports = PortsOf(a, at)
	t.run()
	return t.report(), nil
}

// blockOp is a block operation of a stream: its work, the bytes of its feature maps, and
// how many blocks of the one before may be unfinished.
type blockOp struct {
	work         Work
	in, in2, out []isa.Span
	dep          int
}

func blockOf(a *ethosu.Accelerator, o *isa.Operation, at Places) (blockOp, error) {
	var b blockOp
	contradiction := func(h, w int) error {
		return fmt.Errorf("word %d: %s: the registers give an input of %d x %d", o.Word, o.Op, h, w)
	}
	if a.OwnMemories {
		k := o.KernelU85()
		if h, w := k.InputExtent(); o.Op != isa.OpResize && (h < 1 || w < 1) {
			return b, contradiction(h, w)
		}
		b = blockOp{work: of85(a, k, at), in: k.IFM.Spans(), dep: k.Dep}
		out := k.Written()
		b.out = out.Spans()
		if k.HasIFM2() {
			b.in2 = k.IFM2.Spans()
		}
		return b, nil
	}
	if h, w := o.InputExtent(); h < 1 || w < 1 {
		return b, contradiction(h, w)
	}
	ifm, ofm := o.IFM(), o.OFM()
	b = blockOp{work: Of(o, at), in: ifm.Spans(), out: ofm.Spans(), dep: o.Block().Dep}
	if o.HasIFM2() {
		f := o.IFM2()
		b.in2 = f.Spans()
	}
	return b, nil
}

func meets(a, b []isa.Span) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}

// transfer returns a DMA of the stream as an operation.
func transfer(a *ethosu.Accelerator, at Places, o *isa.Operation) *Op {
	if a.OwnMemories {
		d := o.DMAU85()
		op := &Op{Word: o.Word, Index: o.Index, Name: "DMA to tables", DMA: true, Bytes: int64(d.Length) * int64(d.Rows) * int64(d.Planes)}
		var from, to *Place
		if !d.SrcInternal {
			p := at(d.SrcRegion)
			from = &p
		}
		if !d.DstInternal {
			p := at(d.DstRegion)
			to, op.Name = &p, "DMA to "+p.Name
		}
		op.Cost = Transfer(a, int(op.Bytes), from, to)
		return op
	}
	d := o.DMA()
	bytes := int64(d.Length)
	if max(d.SrcStride, d.DstStride) > 0 {
		bytes *= int64(d.Rows)
	}
	if max(d.SrcStride, d.DstStride) > 1 {
		bytes *= int64(d.Planes)
	}
	op := &Op{Word: o.Word, Index: o.Index, Name: "DMA to SHRAM", DMA: true, Bytes: bytes}
	var from, to *Place
	if !d.SrcInternal {
		p := at(d.SrcRegion)
		from = &p
	}
	if !d.DstInternal {
		p := at(d.DstRegion)
		to, op.Name = &p, "DMA to "+p.Name
	}
	op.Cost = Transfer(a, int(bytes), from, to)
	return op
}
