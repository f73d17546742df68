package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// splitWeights cuts a convolution in two by output channels where the transfer of
// its weights is on the way of everything else: the first part computes while the
// weights of the last part arrive. All kernels that share the weights are cut the
// same way, which costs a little each time, so the estimate decides.
func splitWeights(m *module) error {
	if !m.prefetch {
		return nil
	}
	uses := map[*kernel.Weights]*op{}
	count := map[*kernel.Weights]int{}
	var list []*kernel.Weights
	for _, o := range m.ops {
		count[o.Weights]++
		if o.Weights != nil && o.Kind == kernel.Conv && uses[o.Weights] == nil && m.copies[o.Weights] != readDirect && m.copies[o.Weights] != copyEach {
			uses[o.Weights] = o
			list = append(list, o.Weights)
		}
	}
	gain := func(w *kernel.Weights) float64 {
		o := uses[w]
		t, _ := m.copyTime(m.copyBytes(o))
		k := m.kernelTimeOf(o).t
		return k * t / (t + k)
	}
	sort.SliceStable(list, func(i, j int) bool { return gain(list[i]) > gain(list[j]) })
	best := m.newTimeline().search()
	_, bestOrdered := m.ordered()
	for _, w := range list[:min(len(list), 3)] {
		if gain(w) < 300 || w.O < 32 {
			continue
		}
		o := uses[w]
		t, _ := m.copyTime(m.copyBytes(o))
		k := m.kernelTimeOf(o).t
		last := kernel.RoundUp(int(float64(w.O)*k/(t+k)), 16)
		for _, n := range []int{last, last + 16} {
			if n >= w.O {
				continue
			}
			cut := (w.O - n) / 16 * 16
			if cut < 16 {
				continue
			}
			old, weights := m.ops, len(m.low.Weights.All())
			if _, err := m.split(w, cut); err != nil {
				return err
			}
			// Many kernels become twice as many: that has to be worth it, also when
			// another order gains from the same wait.
			worth := 0.997
			if count[w] > 2 {
				worth = 0.98
			}
			if c := m.newTimeline().search(); c < worth*best {
				if _, o := m.ordered(); o < worth*bestOrdered {
					best, bestOrdered = c, o
					break
				}
			}
			m.ops = old
			m.low.Weights.Keep(weights)
		}
	}
	return nil
}

// split replaces every kernel with weights w by two, for the output channels
// before and from cut.
func (m *module) split(w *kernel.Weights, cut int) ([2]*kernel.Weights, error) {
	parts := [2]*kernel.Weights{m.low.Weights.Slice(w, 0, cut), m.low.Weights.Slice(w, cut, w.O)}
	m.copies[parts[0]], m.copies[parts[1]] = m.copies[w], m.copies[w]
	var ops []*op
	for _, o := range m.ops {
		if o.Weights != w {
			ops = append(ops, o)
			continue
		}
		for i, from := range []int{0, cut} {
			p := *o
			out := *o.OFM
			out.Off += from * out.Type.Size()
			out.C = parts[i].O
			p.OFM, p.Weights = &out, parts[i]
			p.Records = o.Records[from : from+out.C]
			p.recBuf = m.packRecords(p.Weights.Name+" records", p.Records)
			if err := m.setBlock(&p, 0); err != nil {
				return parts, err
			}
			ops = append(ops, &p)
		}
	}
	m.ops = ops
	return parts, nil
}
