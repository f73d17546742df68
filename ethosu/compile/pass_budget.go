package compile

import (
	"fmt"
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// keepWithinBudget decides which weights may be copied to SRAM when a budget is
// set. Feature maps come first; of the weights, those that save the most cycles
// for a byte. Weights of many uses that do not fit whole are cut: see keepPart.
func keepWithinBudget(m *module) error {
	if m.room < 0 || !m.prefetch {
		return nil
	}
	room := m.room
	type candidate struct {
		w     *kernel.Weights
		first *op
		uses  int
		bytes int
		save  float64 // cycles
	}
	index := map[*kernel.Weights]int{}
	var list []candidate
	for _, o := range m.ops {
		if o.Weights == nil {
			continue
		}
		i, ok := index[o.Weights]
		if !ok {
			i = len(list)
			index[o.Weights] = i
			list = append(list, candidate{w: o.Weights, first: o, bytes: m.weightBytes(o)})
		}
		list[i].uses++
	}
	for i := range list {
		c := &list[i]
		transfer, _ := m.copyTime(c.bytes)
		mode := m.copies[c.w]
		copied := m.kernelTimeOf(c.first).t
		m.copies[c.w] = readDirect
		direct := m.kernelTimeOf(c.first).t
		m.copies[c.w] = mode
		c.save = float64(float64(c.uses)*(direct-copied)) - transfer // never fused, as everywhere
		if c.uses == 1 {
			// One use: the gain is what other kernels hide, at most their time.
			c.save = 0.2 * direct
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		return list[i].save/float64(list[i].bytes) > list[j].save/float64(list[j].bytes)
	})
	transient := 0
	for _, c := range list {
		switch {
		case c.save <= 0:
			m.copies[c.w] = readDirect
		case c.uses == 1:
			// A copy for one use lives beside the one before it.
			if c.bytes+transient > room {
				m.copies[c.w] = readDirect
				continue
			}
			if c.bytes > transient {
				transient = c.bytes
			}
		case c.bytes <= room-transient:
			room -= c.bytes
		default:
			channels := (room - transient) * c.w.O / c.bytes
			if channels < 16 || c.first.Kind != kernel.Conv {
				m.copies[c.w] = readDirect
				continue
			}
			if err := m.keepPart(c.w, channels); err != nil {
				return err
			}
			room -= c.bytes * channels / c.w.O
		}
	}
	return nil
}

// sram returns the bytes of SRAM that the allocation takes.
func (m *module) sram() int {
	n := 0
	if m.memory(ethosu.RegionArena).Name == ethosu.Sram {
		n += m.arenaSize
	}
	if m.memory(ethosu.RegionFast).Name == ethosu.Sram {
		n += m.fastSize
	}
	return n
}

// withinBudget compiles with less and less room for weights until everything fits
// the budget.
func withinBudget(compile func(room int, small bool) (*module, error), budget int) (*module, error) {
	room, small := budget, false
	for try := 0; ; try++ {
		m, err := compile(room, small)
		if err != nil {
			return nil, err
		}
		over := m.sram() - budget
		switch {
		case over <= 0:
			return m, nil
		case room == 0 && small:
			return nil, fmt.Errorf("feature maps alone need %d bytes of SRAM, the limit is %d: raise the budget, or the cache size of the memory mode", m.sram(), budget)
		case room == 0:
			room, small, try = budget, true, 0
			continue
		}
		room -= over
		if room < 16 || try > 12 {
			room = 0
		}
	}
}
