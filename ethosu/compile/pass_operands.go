package compile

import "github.com/unroll-npu/unroll/lower/graph"

// operandCopy is a copy in SRAM of all constants that kernels take as feature maps.
type operandCopy struct {
	data []byte
	dst  *buffer
	with *kernelWeights // it comes in the transfer of these, which is in time
}

// copyOperands copies constants that kernels take as feature maps to SRAM, together
// with weights that are copied before, when the estimated schedule gets shorter: even
// one element costs a burst of the slow memory every time.
func copyOperands(m *module) error {
	if !m.prefetch || m.room >= 0 {
		return nil
	}
	c := &operandCopy{dst: &buffer{name: "operands/resident", pinFast: true}}
	type place struct {
		b        *buffer
		from, to int
	}
	at := map[place]int{}
	move := func(f *fmap) *fmap {
		if f == nil || f.buf == nil || !f.buf.root().constant() || f.low != nil {
			return f
		}
		s := f.off + (f.h-1)*f.sy + (f.w-1)*f.sx + f.c*f.dt.Size()
		p := place{f.buf.root(), f.off, s}
		off, ok := at[p]
		if !ok {
			off = ru(len(c.data), max(f.dt.Size(), graph.Int32.Size()))
			c.data = append(append(c.data, make([]byte, off-len(c.data))...), p.b.data[p.from:p.to]...)
			at[p] = off
		}
		g := *f
		g.buf, g.off = c.dst, off
		return &g
	}
	best := m.newTimeline().search()
	old := m.ops
	m.ops = make([]*op, len(old))
	for i, o := range old {
		m.ops[i] = o
		if !o.isKernel() {
			continue
		}
		ifm, ifm2 := move(o.ifm), o.ifm2
		if !o.scalar {
			ifm2 = move(ifm2)
		}
		if ifm != o.ifm || ifm2 != o.ifm2 {
			p := *o
			p.ifm, p.ifm2 = ifm, ifm2
			m.ops[i] = &p
		}
	}
	if len(c.data) == 0 {
		return nil
	}
	c.dst.size = align16(len(c.data))
	for _, o := range m.ops {
		used := false
		o.reads(func(b *buffer) { used = used || b == c.dst })
		if used {
			break
		}
		if mode := m.copies[o.weights]; o.weights != nil && (mode == copyWeights || mode == copyBoth) {
			c.with = o.weights
		}
	}
	m.operands = c
	if c.with == nil || m.newTimeline().search() >= best {
		m.operands, m.ops = nil, old
	}
	return nil
}
