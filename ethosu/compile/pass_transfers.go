package compile

import "sort"

// decidePrefetch sets whether weights are copied to SRAM before use: only where
// constants lie in a slower memory than feature maps.
func decidePrefetch(m *module) error {
	slow, fast := m.memory(0), m.memory(m.fastRegion())
	m.prefetch = slow.Bandwidth(m.accel) < fast.Bandwidth(m.accel)
	return nil
}

// scheduleTransfers lists the copies of weights, each to be made once before its
// first use, merges them with the table uploads, and looks for the place of every
// transfer in the stream that makes the estimate shortest. Transfers keep the
// order of their first use.
func scheduleTransfers(m *module) error {
	tl := m.newTimeline()
	m.cyclesOf = tl.search()
	if debugTimeline != nil {
		debugTimeline(m, tl)
	}
	before := make([][]*op, len(m.ops)+1)
	for _, x := range tl.transfers {
		if x.c != nil {
			x.c.copy = x.op.dst
		}
		before[x.pos] = append(before[x.pos], x.op)
	}
	m.insert(before)
	return nil
}

// newTimeline returns the timeline of the present operations with every transfer
// in front of its first use. Before weights are encoded it works with estimates
// of their size.
func (m *module) newTimeline() *timeline {
	list := append([]*transfer(nil), m.uploads...)
	if m.prefetch {
		list = append(list, m.weightCopies()...)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].use < list[j].use })
	tl := &timeline{transfers: list, maxDMA: m.accel.MaxDMA, maxKernels: m.accel.MaxKernels,
		end: make([]float64, len(m.ops)), done: make([]float64, len(list)), kernels: make([]kernelTime, len(m.ops))}
	weights, records := map[*kernelWeights]int{}, map[*coded]int{}
	for j, x := range list {
		x.pos = x.use
		switch {
		case x.w != nil:
			weights[x.w] = j
		case x.c != nil:
			records[x.c] = j
		}
	}
	for i, o := range m.ops {
		region := 0
		var needs []int
		if o.weights != nil {
			if j, ok := weights[o.weights]; ok {
				region, needs = m.fastRegion(), append(needs, j)
			}
			if j, ok := records[o.recBuf]; ok {
				needs = append(needs, j)
			}
		}
		tl.kernels[i] = m.kernelTimeOf(o, region)
		tl.kernels[i].needs = needs
	}
	for j, x := range list {
		if x.c == nil && x.w == nil {
			tl.kernels[x.use].needs = append(tl.kernels[x.use].needs, j)
		}
	}
	return tl
}

// weightCopies returns a transfer for every weight tensor, and for records that
// several kernels share and would wait for.
func (m *module) weightCopies() []*transfer {
	slow, fast := m.memory(0), m.memory(m.fastRegion())
	uses := map[*coded]int{}
	for _, o := range m.ops {
		if o.recBuf != nil {
			uses[o.recBuf]++
		}
	}
	var list []*transfer
	add := func(c *coded, w *kernelWeights, bytes int, o *op, i int) {
		x := &transfer{c: c, w: w, after: -1, use: i}
		x.t, x.load = m.transferTime(bytes, slow, fast, false)
		if c != nil {
			dst := &buffer{name: c.buf.name + "/resident", size: c.buf.size, pinFast: true}
			x.op = &op{kind: opDMA, name: "DMA weights", source: o.source, step: o.step, src: c.buf, dst: dst, length: c.buf.size, kernelWait: -1, dmaWait: -1}
		}
		list = append(list, x)
	}
	seen, seenRecords := map[*kernelWeights]bool{}, map[*coded]bool{}
	for i, o := range m.ops {
		if o.weights == nil {
			continue
		}
		if !seen[o.weights] {
			seen[o.weights] = true
			if o.stream != nil {
				add(&o.stream.coded, o.weights, o.stream.total(), o, i)
			} else {
				add(nil, o.weights, m.weightBytes(o), o, i)
			}
		}
		// A kernel reads its records beside its weights; they hold it up only
		// when they take longer than the kernel.
		if r := o.recBuf; r != nil && !seenRecords[r] && uses[r] > 2 && float64(r.total())/slow.Bandwidth(m.accel) > m.kernelTimeOf(o, m.fastRegion()).t {
			seenRecords[r] = true
			add(r, nil, r.total(), o, i)
		}
	}
	return list
}

// search moves transfers forward, one after the other, to where the estimate is
// shortest; of equals the latest place, which needs memory for the shortest time.
func (tl *timeline) search() float64 {
	best := tl.run()
	for pass := 0; pass < 2; pass++ {
		start := best
		for j, x := range tl.transfers {
			lo := x.after + 1
			if j > 0 {
				lo = max(lo, tl.transfers[j-1].pos)
			}
			hi := x.use
			if j+1 < len(tl.transfers) {
				hi = min(hi, tl.transfers[j+1].pos)
			}
			was := x.pos
			bestPos, bestTime := was, best
			for _, p := range tl.candidates(lo, hi) {
				x.pos = p
				if t := tl.run(); t < bestTime || (t == bestTime && p > bestPos) {
					bestPos, bestTime = p, t
				}
			}
			x.pos, best = bestPos, bestTime
		}
		if best == start {
			break
		}
	}
	return best
}

// candidates lists places in [lo, hi] worth trying: the ends, the neighbourhood of
// hi, and behind kernels long enough to hide a transfer.
func (tl *timeline) candidates(lo, hi int) []int {
	var c []int
	for p := lo; p <= hi; p++ {
		if p == lo || p >= hi-3 || (p > 0 && tl.kernels[p-1].t > 500 && hi-p < 30) {
			c = append(c, p)
		}
	}
	return c
}

var debugTimeline func(*module, *timeline)
