package compile

import "github.com/unroll-npu/unroll/ethosu/compile/kernel"

// sinkOperations moves every operation down to its first dependent when that
// shortens the life of its result without making an operand live longer by more.
// Feature maps then need less memory; it is done when there is a budget.
func sinkOperations(m *module) error {
	if m.room >= 0 {
		m.sink()
	}
	return nil
}

// orderForOverlap sinks operations, too, where the estimated schedule gets shorter:
// a recurrent product that does not wait for the input projection can compute while
// the projection's weights arrive.
func orderForOverlap(m *module) error {
	m.ops, _ = m.ordered()
	return nil
}

// ordered returns the operations in the better of the two orders and its estimate.
func (m *module) ordered() ([]*op, float64) {
	best := m.newTimeline().search()
	if m.room >= 0 || !m.prefetch || m.opt.skips("order") {
		return m.ops, best
	}
	old := m.ops
	m.ops = append([]*op(nil), old...)
	m.sink()
	sunk, t := m.ops, m.newTimeline().search()
	m.ops = old
	if t > 0.995*best {
		return old, best
	}
	return sunk, t
}

func (m *module) sink() {
	for i := len(m.ops) - 2; i >= 0; i-- {
		j := m.firstDependent(i)
		if j <= i+1 || !m.worthSinking(i, j) {
			continue
		}
		o := m.ops[i]
		copy(m.ops[i:], m.ops[i+1:j])
		m.ops[j-1] = o
	}
}

// firstDependent returns the first operation behind i that must stay behind it.
func (m *module) firstDependent(i int) int {
	reads, writes := map[*kernel.Buffer]bool{}, map[*kernel.Buffer]bool{}
	m.ops[i].reads(func(b *kernel.Buffer) { reads[b.Root()] = true })
	m.ops[i].writes(func(b *kernel.Buffer) { writes[b.Root()] = true })
	for j := i + 1; j < len(m.ops); j++ {
		hit := false
		m.ops[j].reads(func(b *kernel.Buffer) { hit = hit || writes[b.Root()] })
		m.ops[j].writes(func(b *kernel.Buffer) { hit = hit || writes[b.Root()] || reads[b.Root()] })
		if hit {
			return j
		}
	}
	return len(m.ops)
}

// worthSinking weighs the result of operation i against operands that nothing else
// reads from there to j.
func (m *module) worthSinking(i, j int) bool {
	o := m.ops[i]
	gain := 0
	o.writes(func(b *kernel.Buffer) {
		if r := b.Root(); !r.ToCaller && !r.FromCall {
			gain += r.Size
		}
	})
	dying := map[*kernel.Buffer]bool{}
	o.reads(func(b *kernel.Buffer) {
		if r := b.Root(); !r.Constant() && !r.ToCaller {
			dying[r] = true
		}
	})
	for k := j; k < len(m.ops) && len(dying) > 0; k++ {
		m.ops[k].reads(func(b *kernel.Buffer) { delete(dying, b.Root()) })
	}
	for b := range dying {
		gain -= b.Size
	}
	return gain > 0
}
