// SPDX-License-Identifier: Apache-2.0

package schedule

import "github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"

// wordCycles is how many cycles a command word is worth. A shape that another operation
// has as well costs no words, and a stream of many steps has every word many times.
const wordCycles = 4

// ShapeElementwise chooses the shapes of operations that work on every element alone:
// contiguous maps are as well pixels of 16 channels, which the NPU moves in whole bursts.
// Of all choices along the stream it takes the one with the least cycles and command
// words that set extents and formats.
func ShapeElementwise(pl *Plan) error {
	if pl.Accel.OwnMemories { // chains hand on maps as they are
		return nil
	}
	type state struct {
		o    *Op
		cost float64
		from int // state of the operation before
	}
	var chain [][]state
	for i, o := range pl.Ops {
		var now []state
		for _, p := range pl.formsOf(o) {
			c, err := pl.chooseBlock(p, 0)
			if err != nil && p == o {
				return err
			} else if err != nil {
				continue
			}
			p.Block = c.Block
			s := state{o: p, cost: c.Cycles}
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
		pl.Ops[i], at = chain[i][at].o, chain[i][at].from
	}
	return nil
}

// formsOf returns an operation, first, and the same in other shapes.
func (pl *Plan) formsOf(o *Op) []*Op {
	list := []*Op{o}
	for _, p := range o.forms {
		if p != o {
			list = append(list, p)
		}
	}
	if o.Kind == kernel.Elementwise {
		if p, ok := o.inBricks(); ok {
			list = append(list, p)
		}
	}
	return list
}

// changes counts the command words that set other extents, formats and blocks.
func changes(a, b *Op) int {
	n := 0
	count := func(differ bool, words int) {
		if differ {
			n += words
		}
	}
	pair := func(f, g *kernel.Map) {
		count(f.W != g.W, 1)
		count(f.C != g.C, 1)
		count(f.Bricks() != g.Bricks(), 1)
		count(f.W > 1 && g.W > 1 && f.StrideX != g.StrideX, 2)
		count(f.H > 1 && g.H > 1 && f.Low == nil && g.Low == nil && f.StrideY != g.StrideY, 2)
	}
	pair(a.IFM, b.IFM)
	pair(a.OFM, b.OFM)
	count(a.OFM.W != b.OFM.W, 1)
	count(a.Block.W != b.Block.W, 1)
	count(a.Block.D != b.Block.D, 1)
	return n
}

// inBricks returns a copy of an elementwise operation without broadcast whose maps have
// 16 channels.
func (o *Op) inBricks() (*Op, bool) {
	flat := func(f *kernel.Map) (*kernel.Map, bool) {
		n := f.Elems()
		if f.Low != nil || n%16 != 0 || n == 16 || n/16 > 65536 || n != o.OFM.Elems() || f.W > 1 && f.StrideX != f.C*f.Type.Size() || f.H > 1 && f.StrideY != f.W*f.C*f.Type.Size() {
			return nil, false
		}
		g := *f
		g.H, g.W, g.C = 1, n/16, 16
		g.StrideX, g.StrideY, g.Brick = 16*f.Type.Size(), n*f.Type.Size(), true
		return &g, true
	}
	p := *o
	var ok bool
	if p.IFM, ok = flat(o.IFM); !ok {
		return nil, false
	}
	if p.OFM, ok = flat(o.OFM); !ok {
		return nil, false
	}
	if o.IFM2 != nil && !o.Scalar {
		if p.IFM2, ok = flat(o.IFM2); !ok {
			return nil, false
		}
	}
	return &p, true
}
