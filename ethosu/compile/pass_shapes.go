package compile

// wordCycles is how many cycles a command word is worth. A shape that another operation
// has as well costs no words, and a stream of many steps has every word many times.
const wordCycles = 4

// shapeElementwise chooses the shapes of operations that work on every element alone:
// contiguous maps are as well pixels of 16 channels, which the NPU moves in whole bursts.
// Of all choices along the stream it takes the one with the least cycles and command
// words that set extents and formats.
func shapeElementwise(m *module) error {
	type state struct {
		o    *op
		cost float64
		from int // state of the operation before
	}
	var chain [][]state
	for i, o := range m.ops {
		var now []state
		for _, p := range m.formsOf(o) {
			c, err := m.chooseBlock(p, 0)
			if err != nil && p == o {
				return err
			} else if err != nil {
				continue
			}
			p.block = c.block
			s := state{o: p, cost: c.cycles}
			if i > 0 {
				best := -1.0
				for k, before := range chain[i-1] {
					if t := before.cost + float64(wordCycles*changes(before.o, p)); best < 0 || t < best {
						best, s.from = t, k
					}
				}
				s.cost += best
			}
			now = append(now, s)
		}
		chain = append(chain, now)
	}
	if len(chain) == 0 {
		return nil
	}
	at, end := 0, chain[len(chain)-1]
	for k := range end {
		if end[k].cost < end[at].cost {
			at = k
		}
	}
	for i := len(chain) - 1; i >= 0; i-- {
		m.ops[i], at = chain[i][at].o, chain[i][at].from
	}
	return nil
}

// formsOf returns an operation, first, and the same in other shapes.
func (m *module) formsOf(o *op) []*op {
	list := []*op{o}
	for _, p := range o.forms {
		if p != o {
			list = append(list, p)
		}
	}
	if o.kind == opElementwise {
		if p, ok := o.inBricks(); ok {
			list = append(list, p)
		}
	}
	return list
}

// changes counts the command words that set other extents, formats and blocks.
func changes(a, b *op) int {
	n := 0
	count := func(differ bool, words int) {
		if differ {
			n += words
		}
	}
	pair := func(f, g *fmap) {
		count(f.w != g.w, 1)
		count(f.c != g.c, 1)
		count(f.bricks() != g.bricks(), 1)
		count(f.w > 1 && g.w > 1 && f.sx != g.sx, 2)
		count(f.h > 1 && g.h > 1 && f.low == nil && g.low == nil && f.sy != g.sy, 2)
	}
	pair(a.ifm, b.ifm)
	pair(a.ofm, b.ofm)
	count(a.ofm.w != b.ofm.w, 1)
	count(a.block.W != b.block.W, 1)
	count(a.block.D != b.block.D, 1)
	return n
}

// inBricks returns a copy of an elementwise operation without broadcast whose maps have
// 16 channels.
func (o *op) inBricks() (*op, bool) {
	flat := func(f *fmap) (*fmap, bool) {
		n := f.elems()
		if f.low != nil || n%16 != 0 || n == 16 || n/16 > 65536 || n != o.ofm.elems() || f.w > 1 && f.sx != f.c*f.dt.Size() || f.h > 1 && f.sy != f.w*f.c*f.dt.Size() {
			return nil, false
		}
		g := *f
		g.h, g.w, g.c = 1, n/16, 16
		g.sx, g.sy, g.brick = 16*f.dt.Size(), n*f.dt.Size(), true
		return &g, true
	}
	p := *o
	var ok bool
	if p.ifm, ok = flat(o.ifm); !ok {
		return nil, false
	}
	if p.ofm, ok = flat(o.ofm); !ok {
		return nil, false
	}
	if o.ifm2 != nil && !o.scalar {
		if p.ifm2, ok = flat(o.ifm2); !ok {
			return nil, false
		}
	}
	return &p, true
}
