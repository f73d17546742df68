package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// decidePrefetch sets whether weights are copied to SRAM before use: only where
// constants lie in a slower memory than feature maps.
func decidePrefetch(m *module) error {
	slow, fast := m.memory(ethosu.RegionConstants), m.memory(m.fastRegion())
	m.prefetch = slow.Bandwidth(m.accel) < fast.Bandwidth(m.accel)
	if m.prefetch {
		for _, w := range m.low.Weights.All() {
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
	var list []*kernel.Weights
	allowed := map[*kernel.Weights][]copyMode{}
	for _, o := range m.ops {
		w := o.Weights
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
	start := map[*kernel.Weights]copyMode{}
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
func (m *module) sharedRecords() map[*kernel.Weights]*coded {
	shared := map[*kernel.Weights]*coded{}
	for _, o := range m.ops {
		if o.Weights == nil {
			continue
		}
		if r, ok := shared[o.Weights]; ok && r != o.recBuf {
			shared[o.Weights] = nil
		} else if !ok {
			shared[o.Weights] = o.recBuf
		}
	}
	return shared
}

// copyHeavyRecords copies the records, too, of kernels that run often and take
// less time than reading their records would. The cycle model counts the bytes of
// records with those of the weights and does not see this.
func (m *module) copyHeavyRecords(shared map[*kernel.Weights]*coded) {
	uses := map[*kernel.Weights]int{}
	for _, o := range m.ops {
		uses[o.Weights]++
	}
	slow := m.memory(ethosu.RegionConstants)
	for _, o := range m.ops {
		w := o.Weights
		if w != nil && m.copies[w] == copyWeights && shared[w] != nil && uses[w] > 2 &&
			float64(o.recBuf.total())/slow.Bandwidth(m.accel) > m.kernelTimeOf(o).t {
			m.copies[w] = copyBoth
		}
	}
}
