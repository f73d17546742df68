package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// scheduleTransfers lists the copies of weights and records and the table uploads,
// looks for the place of every transfer in the stream that makes the estimate
// shortest, and merges neighbours. Transfers keep the order in which they are due.
func scheduleTransfers(m *module) error {
	tl := m.newTimeline()
	tl.search()
	tl.merge(m)
	before := make([][]*op, len(m.ops)+1)
	for _, x := range tl.transfers {
		switch {
		case x.records:
			x.op = m.recordOp(x)
		case x.op == nil:
			x.op = m.copyOp(x)
		default:
			m.joinTables(x)
		}
		before[x.pos] = append(before[x.pos], x.op)
	}
	m.insert(before)
	return nil
}

// copyOp makes the DMA that copies weights, their records when both are copied, and
// operands: all parts side by side, records before weights.
func (m *module) copyOp(x *transfer) *op {
	var parts []*coded
	var data []byte
	dst := &kernel.Buffer{Resident: true}
	var name string
	for _, y := range append([]*transfer{x}, x.with...) {
		o := m.ops[y.use]
		if m.operands != nil && m.operands.with == y.w {
			dst, data = m.operands.dst, append(m.operands.data, make([]byte, m.operands.dst.Size-len(m.operands.data))...)
		}
		if m.copies[y.w] == copyBoth {
			parts = append(parts, m.ownRecords(y.w, o.recBuf))
		}
		parts = append(parts, &o.stream.coded)
	}
	for _, p := range parts {
		if len(parts) > 1 || len(data) > 0 {
			for c := range p.off {
				p.off[c] += len(data)
			}
		}
		data = append(data, p.buf.Data...)
		name = p.buf.Name
	}
	src := m.low.Constants.Intern(name, data, 16)
	dst.Name, dst.Size = src.Name+"/resident", src.Size
	o := m.ops[x.use]
	if m.copies[x.w] == copyEach {
		dst.Name = src.Name + "/part"
		own := *o.stream // other uses read other copies
		own.copy = dst
		o.stream = &own
		d := &op{dma: true, Kernel: kernel.Kernel{Name: "DMA weights", Source: o.Source, Step: o.Step}, src: src, dst: dst, length: src.Size, kernelWait: -1, dmaWait: -1}
		if x.after >= 0 {
			d.after = m.ops[x.after]
		}
		return d
	}
	for _, p := range parts {
		p.buf, p.copy = src, dst
	}
	return &op{dma: true, Kernel: kernel.Kernel{Name: "DMA weights", Source: o.Source, Step: o.Step}, src: src, dst: dst, length: src.Size, kernelWait: -1, dmaWait: -1}
}

// ownRecords gives the kernels with weights w their records under an entry of their own.
// Other weights may have equal ones, and their kernels may run before the copy is made.
func (m *module) ownRecords(w *kernel.Weights, rec *coded) *coded {
	own := *rec
	for _, o := range m.ops {
		if o.Weights == w {
			o.recBuf = &own
		}
	}
	return &own
}

// joinTables makes one DMA of the uploads that were merged into x. What lies between
// them is never looked up.
func (m *module) joinTables(x *transfer) {
	if len(x.with) == 0 {
		return
	}
	data := append([]byte(nil), x.op.src.Data...)
	for _, y := range x.with {
		gap := y.op.dstOff - x.op.dstOff - len(data)
		data = append(append(data, make([]byte, gap)...), y.op.src.Data...)
	}
	x.op.src = m.low.Constants.Intern("tables", data, 16)
	x.op.Name = "DMA tables"
	x.op.length = len(data)
}

// newTimeline returns the timeline of the present operations with every transfer
// in front of its first use. Before weights are encoded it works with estimates
// of their size.
func (m *module) newTimeline() *timeline {
	list := append([]*transfer(nil), m.uploads...)
	if m.prefetch {
		list = append(append(list, m.weightCopies()...), m.recordTransfers()...)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].due() < list[j].due() })
	m.pace(list)
	tl := &timeline{transfers: list, maxDMA: m.accel.MaxDMA, maxKernels: m.accel.MaxKernels,
		end: make([]float64, len(m.ops)), done: make([]float64, len(list)), kernels: make([]kernelTime, len(m.ops))}
	weights := map[*kernel.Weights]int{}
	for j, x := range list {
		x.pos = x.use
		if x.w != nil && m.copies[x.w] != copyEach {
			weights[x.w] = j
		}
	}
	for i, o := range m.ops {
		tl.kernels[i] = m.kernelTimeOf(o)
		tl.kernels[i].needs = nil
		if o.Weights != nil {
			if j, ok := weights[o.Weights]; ok {
				tl.kernels[i].needs = []int{j}
			}
		}
	}
	for j, x := range list {
		if x.w == nil || m.copies[x.w] == copyEach {
			tl.kernels[x.use].needs = append(tl.kernels[x.use].needs, j)
		}
	}
	return tl
}

// copyBytes is the size of the copy of a kernel's weights.
func (m *module) copyBytes(o *op) int {
	n := m.weightBytes(o)
	if o.stream != nil {
		n = o.stream.total()
	}
	if m.copies[o.Weights] == copyBoth {
		n += o.recBuf.buf.Size
	}
	if m.operands != nil && m.operands.with == o.Weights {
		n += m.operands.dst.Size
	}
	return n
}

// weightCopies returns a transfer for every weight tensor that is copied, or for
// every use of it.
func (m *module) weightCopies() []*transfer {
	var list []*transfer
	seen := map[*kernel.Weights]bool{}
	for i, o := range m.ops {
		if o.Weights == nil || m.copies[o.Weights] == readDirect || seen[o.Weights] {
			continue
		}
		seen[o.Weights] = m.copies[o.Weights] != copyEach
		x := &transfer{w: o.Weights, after: -1, use: i}
		x.t, x.load = m.copyTime(m.copyBytes(o))
		list = append(list, x)
	}
	return list
}
