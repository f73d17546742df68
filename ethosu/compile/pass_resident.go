package compile

// chooseResident marks the weights that are worth a copy in SRAM: those that
// several operations read and whose memory is slower than the weight path.
func chooseResident(m *module) error {
	uses := map[*kernelWeights]int{}
	for _, o := range m.ops {
		if o.weights != nil {
			uses[o.weights]++
		}
	}
	slow, fast := m.memory(0), m.memory(m.fastRegion())
	if slow.Bandwidth(m.accel) >= fast.Bandwidth(m.accel) {
		return nil
	}
	for _, w := range m.weights {
		if uses[w] >= 2 {
			m.resident[w] = true
		}
	}
	return nil
}

// insertCopies gives resident weights, and the records that several operations
// share, a buffer in SRAM and inserts the transfers. A transfer starts right
// before the first kernel that needs the transfer before it: with one
// outstanding transfer it could not start earlier without holding up kernels.
func insertCopies(m *module) error {
	type job struct {
		c     *coded
		first int
	}
	var jobs []job
	recUses := map[*coded]int{}
	for _, o := range m.ops {
		if o.recBuf != nil {
			recUses[o.recBuf]++
		}
	}
	seen := map[*coded]bool{}
	for i, o := range m.ops {
		if o.weights == nil || !m.resident[o.weights] {
			continue
		}
		for _, c := range []*coded{&o.stream.coded, o.recBuf} {
			if seen[c] || (c == o.recBuf && recUses[c] < 2) {
				continue
			}
			seen[c] = true
			jobs = append(jobs, job{c, i})
		}
	}
	before := make([][]*op, len(m.ops)+1)
	for k, j := range jobs {
		c := j.c
		c.copy = &buffer{name: c.buf.name + "/resident", size: c.buf.size, pinFast: true}
		p := 0
		if k > 0 {
			p = jobs[k-1].first
		}
		o := m.ops[j.first]
		before[p] = append(before[p], &op{kind: opDMA, name: "DMA weights", source: o.source, step: -1, src: c.buf, dst: c.copy,
			length: c.buf.size, kernelWait: -1, dmaWait: -1})
	}
	m.insert(before)
	return nil
}
