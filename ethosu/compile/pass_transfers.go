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
		if w == nil || m.copies[w] == readDirect || m.copies[w] == copyEach || allowed[w] != nil {
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
	dst := &buffer{pinFast: true}
	var name string
	for _, y := range append([]*transfer{x}, x.with...) {
		o := m.ops[y.use]
		if m.operands != nil && m.operands.with == y.w {
			dst, data = m.operands.dst, append(m.operands.data, make([]byte, m.operands.dst.size-len(m.operands.data))...)
		}
		if m.copies[y.w] == copyBoth {
			parts = append(parts, o.recBuf)
		}
		parts = append(parts, &o.stream.coded)
	}
	for _, p := range parts {
		if len(parts) > 1 || len(data) > 0 {
			for c := range p.off {
				p.off[c] += len(data)
			}
		}
		data = append(data, p.buf.data...)
		name = p.buf.name
	}
	src := m.consts.intern(name, data, 16)
	dst.name, dst.size = src.name+"/resident", src.size
	o := m.ops[x.use]
	if m.copies[x.w] == copyEach {
		dst.name = src.name + "/part"
		own := *o.stream // other uses read other copies
		own.copy = dst
		o.stream = &own
		d := &op{kind: opDMA, name: "DMA weights", source: o.source, step: o.step, src: src, dst: dst, length: src.size, kernelWait: -1, dmaWait: -1}
		if x.after >= 0 {
			d.after = m.ops[x.after]
		}
		return d
	}
	for _, p := range parts {
		p.buf, p.copy = src, dst
	}
	return &op{kind: opDMA, name: "DMA weights", source: o.source, step: o.step, src: src, dst: dst, length: src.size, kernelWait: -1, dmaWait: -1}
}

// joinTables makes one DMA of the uploads that were merged into x. What lies between
// them is never looked up.
func (m *module) joinTables(x *transfer) {
	if len(x.with) == 0 {
		return
	}
	data := append([]byte(nil), x.op.src.data...)
	for _, y := range x.with {
		gap := y.op.dstOff - x.op.dstOff - len(data)
		data = append(append(data, make([]byte, gap)...), y.op.src.data...)
	}
	x.op.src = m.consts.intern("tables", data, 16)
	x.op.name = "DMA tables"
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
	weights := map[*kernelWeights]int{}
	for j, x := range list {
		x.pos = x.use
		if x.w != nil && m.copies[x.w] != copyEach {
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
	if m.copies[o.weights] == copyBoth {
		n += o.recBuf.buf.size
	}
	if m.operands != nil && m.operands.with == o.weights {
		n += m.operands.dst.size
	}
	return n
}

// weightCopies returns a transfer for every weight tensor that is copied, or for
// every use of it.
func (m *module) weightCopies() []*transfer {
	var list []*transfer
	seen := map[*kernelWeights]bool{}
	for i, o := range m.ops {
		if o.weights == nil || m.copies[o.weights] == readDirect || seen[o.weights] {
			continue
		}
		seen[o.weights] = m.copies[o.weights] != copyEach
		x := &transfer{w: o.weights, after: -1, use: i}
		x.t, x.load = m.copyTime(m.copyBytes(o))
		list = append(list, x)
	}
	return list
}

// search looks for the places of transfers that make the estimate shortest. It
// starts twice, with every transfer in front of its first use, and in front of the
// first use of the transfer before it, which is as early as it can start without
// holding up kernels; then moves them one after the other. Of equals it takes the
// latest place, which needs memory for the shortest time.
func (tl *timeline) search() float64 {
	for j, x := range tl.transfers {
		x.pos = x.use
		if x.fixed {
			tl.pin(j)
		}
	}
	best := tl.descend()
	late := tl.places()
	for j, x := range tl.transfers {
		x.pos = max(x.after+1, 0)
		if j > 0 {
			x.pos = max(x.pos, min(tl.transfers[j-1].use, x.use), tl.transfers[j-1].pos)
		}
		if x.fixed {
			tl.pin(j)
		}
	}
	if t := tl.descend(); t < best {
		return t
	}
	for j, x := range tl.transfers {
		x.pos = late[j]
	}
	return best
}

// pin puts a transfer behind the kernel after the one that it waits for: the NPU
// then has something to do when that one ends.
func (tl *timeline) pin(j int) {
	x := tl.transfers[j]
	x.pos = max(x.after+1, 0)
	if x.after >= 0 {
		x.pos++
	}
	if x.records {
		x.pos = x.start
	}
	if j > 0 {
		x.pos = max(x.pos, tl.transfers[j-1].pos)
	}
	x.pos = min(x.pos, x.use)
}

func (tl *timeline) places() []int {
	p := make([]int, len(tl.transfers))
	for j, x := range tl.transfers {
		p[j] = x.pos
	}
	return p
}

// descend moves transfers one after the other while the estimate gets shorter.
func (tl *timeline) descend() float64 {
	best := tl.run()
	for pass := 0; pass < 2; pass++ {
		start := best
		for j, x := range tl.transfers {
			if x.fixed {
				continue
			}
			lo := x.after + 1
			if j > 0 {
				lo = max(lo, tl.transfers[j-1].pos)
			}
			hi := x.use
			if j+1 < len(tl.transfers) {
				hi = min(hi, tl.transfers[j+1].pos)
			}
			bestPos, bestTime := x.pos, best
			for _, p := range tl.candidates(lo, hi) {
				x.pos = p
				if t := tl.run(); t < bestTime || (t == bestTime && p > bestPos) {
					bestPos, bestTime = p, t
				}
			}
			x.pos, best = bestPos, bestTime
			best = tl.push(j, best)
		}
		if best == start {
			break
		}
	}
	return best
}

// pushes limits how far ahead of its predecessor a transfer may come.
const pushes = 8

// push moves a transfer in front of where the ones before it stand, which move along,
// when the estimate gets shorter. Each of them alone may be as well off later.
func (tl *timeline) push(j int, best float64) float64 {
	if j == 0 {
		return best
	}
	old := tl.places()
	chosen := -1
	for p := old[j-1] - 1; p >= max(old[j-1]-pushes, tl.transfers[j].after+1); p-- {
		ok := true
		for i := j; i >= 0 && old[i] > p; i-- {
			x := tl.transfers[i]
			x.pos = p
			ok = ok && !x.fixed && x.after < p
		}
		if !ok {
			break
		}
		if t := tl.run(); t < best {
			best, chosen = t, p
		}
	}
	for i, p := range old[:j+1] {
		if chosen >= 0 {
			p = min(p, chosen)
		}
		tl.transfers[i].pos = p
	}
	return best
}

// merge makes one DMA of neighbours where that is shorter: it saves the latency of
// a transfer but makes the first wait for the second.
func (tl *timeline) merge(m *module) {
	best := tl.run()
	if len(tl.transfers) > 40 {
		return
	}
	latency := float64(m.memory(ethosu.RegionConstants).ReadLatency)
	for j := 0; j+1 < len(tl.transfers); {
		a, b := tl.transfers[j], tl.transfers[j+1]
		if !m.mergeable(a, b) {
			j++
			continue
		}
		old, kernels, places := append([]*transfer(nil), tl.transfers...), append([]kernelTime(nil), tl.kernels...), tl.places()
		c := *a
		c.with = append(append(append([]*transfer(nil), a.with...), b), b.with...)
		if a.op != nil {
			from := m.home(a.op.src)
			c.t, c.load = m.transferTime(b.end()-a.op.dstOff, &from, nil)
		} else {
			c.t += b.t - latency
			for k := range c.load {
				c.load[k] += b.load[k]
			}
		}
		tl.transfers = append(append(append([]*transfer(nil), tl.transfers[:j]...), &c), tl.transfers[j+2:]...)
		for i := range tl.kernels {
			var needs []int
			for _, n := range tl.kernels[i].needs {
				if n > j {
					n--
				}
				needs = append(needs, n)
			}
			tl.kernels[i].needs = needs
		}
		if t := tl.descend(); t < best {
			best = t
			continue
		}
		tl.transfers, tl.kernels = old, kernels
		for i, p := range places {
			tl.transfers[i].pos = p
		}
		j++
	}
}

// mergeable reports whether two transfers can be one DMA: tables for neighbouring
// slots that were free from the start, or copies when memory is not limited.
func (m *module) mergeable(a, b *transfer) bool {
	if (a.op == nil) != (b.op == nil) || a.records || b.records {
		return false
	}
	if a.op == nil {
		return m.room < 0
	}
	base := m.accel.LUTBase()
	neighbours := (b.op.dstOff-base)/256 == (a.end()-1-base)/256+1
	return a.after < 0 && b.after < 0 && neighbours && m.uploadsOf(a.op.src) == 1 && m.uploadsOf(b.op.src) == 1
}

// end returns the first byte of table memory behind an upload.
func (x *transfer) end() int {
	o := x.op
	if n := len(x.with); n > 0 {
		o = x.with[n-1].op
	}
	return o.dstOff + o.length
}

// uploadsOf returns how often a table is uploaded.
func (m *module) uploadsOf(b *buffer) int {
	n := 0
	for _, x := range m.uploads {
		if x.op.src == b {
			n++
		}
	}
	return n
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
