package compile

import "sort"

// splitWeights cuts a convolution in two by output channels where the transfer of
// its weights is on the way of everything else: the first part computes while the
// weights of the last part arrive. All kernels that share the weights are cut the
// same way, which costs a little each time, so the estimate decides.
func splitWeights(m *module) error {
	if !m.prefetch {
		return nil
	}
	uses := map[*kernelWeights]*op{}
	count := map[*kernelWeights]int{}
	var list []*kernelWeights
	for _, o := range m.ops {
		count[o.weights]++
		if o.weights != nil && o.kind == opConv && uses[o.weights] == nil && m.copies[o.weights] != readDirect && m.copies[o.weights] != copyEach {
			uses[o.weights] = o
			list = append(list, o.weights)
		}
	}
	gain := func(w *kernelWeights) float64 {
		o := uses[w]
		t, _ := m.copyTime(m.copyBytes(o))
		k := m.kernelTimeOf(o).t
		return k * t / (t + k)
	}
	sort.SliceStable(list, func(i, j int) bool { return gain(list[i]) > gain(list[j]) })
	best := m.newTimeline().search()
	_, bestOrdered := m.ordered()
	for _, w := range list[:min(len(list), 3)] {
		if gain(w) < 300 || w.o < 32 {
			continue
		}
		o := uses[w]
		t, _ := m.copyTime(m.copyBytes(o))
		k := m.kernelTimeOf(o).t
		last := ru(int(float64(w.o)*k/(t+k)), 16)
		for _, n := range []int{last, last + 16} {
			if n >= w.o {
				continue
			}
			cut := (w.o - n) / 16 * 16
			if cut < 16 {
				continue
			}
			old, oldWeights := m.ops, m.weights
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
			m.ops, m.weights = old, oldWeights
		}
	}
	return nil
}

// split replaces every kernel with weights w by two, for the output channels
// before and from cut.
func (m *module) split(w *kernelWeights, cut int) ([2]*kernelWeights, error) {
	parts := [2]*kernelWeights{m.sliceWeights(w, 0, cut), m.sliceWeights(w, cut, w.o)}
	m.copies[parts[0]], m.copies[parts[1]] = m.copies[w], m.copies[w]
	var ops []*op
	for _, o := range m.ops {
		if o.weights != w {
			ops = append(ops, o)
			continue
		}
		for i, from := range []int{0, cut} {
			p := *o
			out := *o.ofm
			out.off += from * out.dt.Size()
			out.c = parts[i].o
			p.ofm, p.weights = &out, parts[i]
			p.records = o.records[from : from+out.c]
			p.recBuf = m.packRecords(p.weights.name+" records", p.records)
			if err := m.setBlock(&p, 0); err != nil {
				return parts, err
			}
			ops = append(ops, &p)
		}
	}
	m.ops = ops
	return parts, nil
}
