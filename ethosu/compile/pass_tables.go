package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// placeTables gives every table a slot of table memory and lists the uploads. A
// table stays loaded until its slot is needed; the slot that is needed again last
// is given up, of several the one idle for longest.
func placeTables(m *module) error {
	uses := map[*kernel.Table][]int{}
	for i, o := range m.ops {
		if o.UsesTable() {
			uses[o.Table] = append(uses[o.Table], i)
		}
	}
	if len(uses) == 0 {
		return nil
	}
	volatile := m.accel.ReservedEndBanks == 0
	var slot [8]*kernel.Table
	var lastUse [8]int
	for i := range lastUse {
		lastUse[i] = -1
	}
	next := func(t *kernel.Table, after int) int {
		for _, u := range uses[t] {
			if u > after {
				return u
			}
		}
		return 1 << 30
	}
	lastKernel := -1 // last kernel that destroyed the tables
	for i, o := range m.ops {
		if !o.UsesTable() {
			if volatile && o.isKernel() {
				slot = [8]*kernel.Table{}
				lastKernel = i
			}
			continue
		}
		t := o.Table
		n := t.Slots()
		if n != 1 && n != 4 && n != 8 {
			return fmt.Errorf("BUG: table of %d bytes", len(t.Data))
		}
		at := -1
		for s := 0; s < 8; s += n {
			if slot[s] == t {
				at = s
			}
		}
		if at < 0 {
			bestNext, bestIdle := -1, 0
			for s := 0; s < 8; s += n {
				soonest, idle := 1<<30, -1
				for k := s; k < s+n; k++ {
					idle = max(idle, lastUse[k])
					if slot[k] != nil {
						soonest = min(soonest, next(slot[k], i-1))
					}
				}
				if soonest > bestNext || (soonest == bestNext && idle < bestIdle) {
					at, bestNext, bestIdle = s, soonest, idle
				}
			}
			free := lastKernel
			for k := at; k < at+n; k++ {
				free = max(free, lastUse[k])
				if old := slot[k]; old != nil {
					for j := range slot {
						if slot[j] == old {
							slot[j] = nil
						}
					}
				}
			}
			for k := at; k < at+n; k++ {
				slot[k] = t
			}
			src := m.low.Constants.Intern(t.Name, t.Loaded(), 16)
			d := &op{dma: true, Kernel: kernel.Kernel{Name: "DMA table", Source: o.Source, Step: o.Step}, src: src, length: len(t.Loaded()),
				toLUT: true, dstOff: m.accel.LUTBase() + 256*at + t.From, kernelWait: -1, dmaWait: -1}
			x := &transfer{op: d, after: free, use: i}
			from := m.home(src)
			x.t, x.load = m.transferTime(d.length, &from, nil)
			m.uploads = append(m.uploads, x)
		}
		for k := at; k < at+n; k++ {
			lastUse[k] = i
		}
		o.slot = at
	}
	return nil
}

// insert puts operations in front of the ones at the same index.
func (m *module) insert(before [][]*op) {
	var ops []*op
	for i, o := range m.ops {
		ops = append(ops, before[i]...)
		ops = append(ops, o)
	}
	m.ops = append(ops, before[len(m.ops)]...)
}
