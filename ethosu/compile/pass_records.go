package compile

import "github.com/unroll-npu/unroll/ethosu/compile/kernel"

// fetchRecords brings the records of a kernel to SRAM shortly before it runs, where
// the latency of the slow memory sets the pace: the NPU reads them anew for every
// block. Records that belong to one kernel alone cannot stay there, as copyBoth has it.
func fetchRecords(m *module) error {
	if !m.prefetch || m.room >= 0 {
		return nil
	}
	best := m.newTimeline().search()
	fetched := 0
	for _, o := range m.ops {
		if o.Weights == nil || m.copies[o.Weights] == copyBoth || m.copies[o.Weights] == copyEach {
			continue
		}
		before := m.kernelTimeOf(o).t
		o.fetchRecords = true
		if err := m.setBlock(o, o.block.D); err != nil {
			return err
		}
		transfer, _ := m.copyTime(o.recBuf.buf.Size)
		after := m.kernelTimeOf(o).t
		o.fetchRecords = before-after > 0.1*before && before-after > 0.5*transfer
		if o.fetchRecords {
			fetched++
		}
	}
	if err := chooseBlocks(m); err != nil {
		return err
	}
	if fetched > 0 {
		if t := m.newTimeline().search(); t < 0.99*best {
			best = t
		} else {
			for _, o := range m.ops {
				o.fetchRecords = false
			}
		}
	}
	if err := m.fetchWithWeights(best); err != nil {
		return err
	}
	return chooseBlocks(m)
}

// fetchWithWeights tries what neither chooseCopies nor the kernels one by one find: the
// weights of several kernels from a copy and the records of each fetched before it,
// where one of the two alone leaves the other to set the pace.
func (m *module) fetchWithWeights(best float64) error {
	shared := m.sharedRecords()
	users := map[*kernel.Weights][]*op{}
	var list []*kernel.Weights
	for _, o := range m.ops {
		w := o.Weights
		if w == nil || shared[w] != nil || m.copies[w] == copyEach {
			continue
		}
		if users[w] == nil {
			list = append(list, w)
		}
		users[w] = append(users[w], o)
	}
	for _, w := range list[:min(len(list), 12)] {
		for _, try := range []copyMode{copyWeights, readDirect} {
			keep, kept := m.copies[w], make([]bool, len(users[w]))
			for i, o := range users[w] {
				kept[i], o.fetchRecords = o.fetchRecords, true
			}
			m.copies[w] = try
			if err := chooseBlocks(m); err != nil {
				return err
			}
			if t := m.newTimeline().search(); t < 0.99*best {
				best = t
				continue
			}
			m.copies[w] = keep
			for i, o := range users[w] {
				o.fetchRecords = kept[i]
			}
		}
	}
	return nil
}

// recordTransfers returns a transfer for every kernel whose records are fetched. It
// starts beside kernels that are long enough to hide it.
func (m *module) recordTransfers() []*transfer {
	var list []*transfer
	for i, o := range m.ops {
		if !o.fetchRecords {
			continue
		}
		x := &transfer{records: true, fixed: true, after: -1, use: i, start: i}
		x.t, x.load = m.copyTime(o.recBuf.buf.Size)
		for t := 0.0; x.start > 0 && t < 1.5*x.t; {
			x.start--
			t += m.kernelTimeOf(m.ops[x.start]).t
		}
		list = append(list, x)
	}
	return list
}

// recordOp makes the DMA that fetches the records of a kernel.
func (m *module) recordOp(x *transfer) *op {
	o := m.ops[x.use]
	own := *o.recBuf // other kernels with the same records have copies of their own
	o.recBuf = &own
	own.copy = &kernel.Buffer{Name: own.buf.Name + "/resident", Size: own.buf.Size, Resident: true}
	return &op{dma: true, Kernel: kernel.Kernel{Name: "DMA records", Source: o.Source, Step: o.Step}, src: own.buf, dst: own.copy, length: own.buf.Size, kernelWait: -1, dmaWait: -1}
}
