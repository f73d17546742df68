package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
)

// decidePrefetch sets whether weights are copied to SRAM before use: only where
// constants lie in a slower memory than feature maps.
func decidePrefetch(m *module) error {
	slow, fast := m.memory(ethosu.RegionConstants), m.memory(m.fastRegion())
	m.prefetch = slow.Bandwidth(m.accel) < fast.Bandwidth(m.accel)
	if m.prefetch {
		for _, w := range m.weights {
			m.copies[w] = copyWeights
		}
	}
	return nil
}

// chooseCopies decides for every weight tensor whether kernels read it where it
// is or from a copy in SRAM, and whether the records come along: whatever makes
// the estimated schedule shortest.
func chooseCopies(m *module) error {
	if !m.prefetch {
		return nil
	}
	shared := m.sharedRecords()
	var list []*kernelWeights
	allowed := map[*kernelWeights][]copyMode{}
	for _, o := range m.ops {
		w := o.weights
		if w == nil || m.copies[w] == readDirect || allowed[w] != nil {
			continue
		}
		list = append(list, w)
		allowed[w] = []copyMode{readDirect, copyWeights}
		if shared[w] != nil {
			allowed[w] = append(allowed[w], copyBoth)
		}
	}
	try := func(set func()) (float64, error) {
		set()
		if err := chooseBlocks(m); err != nil {
			return 0, err
		}
		return m.newTimeline().search(), nil
	}
	start := map[*kernelWeights]copyMode{}
	best := 0.0
	for i, mode := range []copyMode{copyWeights, copyBoth, readDirect} {
		t, err := try(func() {
			for _, w := range list {
				m.copies[w] = min(mode, allowed[w][len(allowed[w])-1])
			}
		})
		if err != nil {
			return err
		}
		if i == 0 || t < best {
			best = t
			for _, w := range list {
				start[w] = m.copies[w]
			}
		}
	}
	for _, w := range list {
		m.copies[w] = start[w]
	}
	for _, w := range list[:min(len(list), 12)] {
		keep := m.copies[w]
		for _, mode := range allowed[w] {
			if mode == start[w] {
				continue
			}
			t, err := try(func() { m.copies[w] = mode })
			if err != nil {
				return err
			}
			if t < best {
				best, keep = t, mode
			}
		}
		m.copies[w] = keep
	}
	m.copyHeavyRecords(shared)
	return chooseBlocks(m)
}

// sharedRecords returns the records of every weight tensor whose kernels all have
// the same ones.
func (m *module) sharedRecords() map[*kernelWeights]*coded {
	shared := map[*kernelWeights]*coded{}
	for _, o := range m.ops {
		if o.weights == nil {
			continue
		}
		if r, ok := shared[o.weights]; ok && r != o.recBuf {
			shared[o.weights] = nil
		} else if !ok {
			shared[o.weights] = o.recBuf
		}
	}
	return shared
}

// copyHeavyRecords copies the records, too, of kernels that run often and take
// less time than reading their records would. The cycle model counts the bytes of
// records with those of the weights and does not see this.
func (m *module) copyHeavyRecords(shared map[*kernelWeights]*coded) {
	uses := map[*kernelWeights]int{}
	for _, o := range m.ops {
		uses[o.weights]++
	}
	slow := m.memory(ethosu.RegionConstants)
	for _, o := range m.ops {
		w := o.weights
		if w != nil && m.copies[w] == copyWeights && shared[w] != nil && uses[w] > 2 &&
			float64(o.recBuf.total())/slow.Bandwidth(m.accel) > m.kernelTimeOf(o).t {
			m.copies[w] = copyBoth
		}
	}
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
		if x.w != nil {
			x.op = m.copyOp(m.ops[x.use])
		}
		before[x.pos] = append(before[x.pos], x.op)
	}
	m.insert(before)
	return nil
}

// copyOp makes the transfer of a kernel's weights, and of its records when both
// are copied: then they lie side by side, records first.
func (m *module) copyOp(o *op) *op {
	s := &o.stream.coded
	src := s.buf
	parts := []*coded{s}
	if m.copies[o.weights] == copyBoth {
		r := o.recBuf
		data := append(append([]byte(nil), r.buf.data...), s.buf.data...)
		base := r.buf.size
		src = m.consts.intern(s.buf.name, data, 16)
		for c := range s.off {
			s.off[c] += base
		}
		r.buf, s.buf = src, src
		parts = append(parts, r)
	}
	dst := &buffer{name: src.name + "/resident", size: src.size, pinFast: true}
	for _, c := range parts {
		c.copy = dst
	}
	return &op{kind: opDMA, name: "DMA weights", source: o.source, step: o.step, src: src, dst: dst, length: src.size, kernelWait: -1, dmaWait: -1}
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
	weights := map[*kernelWeights]int{}
	for j, x := range list {
		x.pos = x.use
		if x.w != nil {
			weights[x.w] = j
		}
	}
	for i, o := range m.ops {
		tl.kernels[i] = m.kernelTimeOf(o)
		tl.kernels[i].needs = nil
		if o.weights != nil {
			if j, ok := weights[o.weights]; ok {
				tl.kernels[i].needs = []int{j}
			}
		}
	}
	for j, x := range list {
		if x.w == nil {
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
	if m.copies[o.weights] == copyBoth {
		n += o.recBuf.buf.size
	}
	return n
}

// weightCopies returns a transfer for every weight tensor that is copied.
func (m *module) weightCopies() []*transfer {
	slow, fast := m.memory(ethosu.RegionConstants), m.memory(m.fastRegion())
	var list []*transfer
	seen := map[*kernelWeights]bool{}
	for i, o := range m.ops {
		if o.weights == nil || m.copies[o.weights] == readDirect || seen[o.weights] {
			continue
		}
		seen[o.weights] = true
		x := &transfer{w: o.weights, after: -1, use: i}
		x.t, x.load = m.transferTime(m.copyBytes(o), slow, fast, false)
		list = append(list, x)
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
