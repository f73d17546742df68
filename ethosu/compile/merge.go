package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

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
func (m *module) uploadsOf(b *kernel.Buffer) int {
	n := 0
	for _, x := range m.uploads {
		if x.op.src == b {
			n++
		}
	}
	return n
}
