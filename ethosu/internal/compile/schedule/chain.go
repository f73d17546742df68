// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// Limits of a chain, as Vela keeps them: what hardware has room for nobody says.
const (
	chainKernels = 4
	chainInputs  = 3 // feature maps from memory
)

// ChainKernels lets elementwise kernels of an Ethos-U85 take the result of the kernel
// before them inside the NPU: it is never written to memory, and the kernels run as one.
// A kernel that can go on with a result moves up to where that is made, or the chain so far
// down to that kernel.
//
// A chain costs commands, for the kernels in it and the one behind are told again where
// their operands lie, and a kernel with two operands can go on with one of them only. So each
// kind of link is left out in turn, or made where none is best, and stays so where the
// schedule is shorter.
func ChainKernels(pl *Plan) error {
	if !pl.Accel.OwnMemories {
		return nil
	}
	c := chainer{pl: pl, order: slices.Clone(pl.Ops)}
	best, err := c.chain(nil)
	if err != nil {
		return err
	}
	kinds, leave := c.links(), map[link]bool{}
	for _, l := range kinds {
		leave[l] = true
	}
	none, err := c.chain(leave)
	if err != nil {
		return err
	}
	if none < best-slackCycles {
		best = none
	} else {
		clear(leave)
	}
	for _, l := range kinds { // the other way, from what is best
		if leave[l] {
			delete(leave, l)
		} else {
			leave[l] = true
		}
		t, err := c.chain(leave)
		if err != nil {
			return err
		}
		if t < best-slackCycles {
			best = t
			continue
		}
		if leave[l] {
			delete(leave, l)
		} else {
			leave[l] = true
		}
	}
	_, err = c.chain(leave)
	return err
}

// chainer makes the chains of a plan, and makes them anew.
type chainer struct {
	pl    *Plan
	order []*Op // before there were any
}

// link is what goes on with what: links of a kind occur once a time step.
type link struct {
	from, to            int // modes
	fromTable, toTable  bool
	second, scalar, mac bool // it is the second operand, the other one is a constant, a MAC kernel begins
}

// kindOf returns the kind of the link between a kernel and one that goes on with it.
func kindOf(a, b *Op) link {
	return link{a.Mode, b.Mode, a.Table != nil, b.Table != nil, !same(a.OFM, b.IFM), b.Scalar, a.Kind != kernel.Elementwise}
}

// mostLinks is how many kinds of links are left out in turn, and a plan of mostChained
// kernels has all.
const (
	mostLinks   = 12
	mostChained = 400
)

// links returns the kinds of links that there are.
func (c *chainer) links() []link {
	var list []link
	for i, o := range c.pl.Ops {
		if !o.Chain.Inside() || len(c.pl.Ops) > mostChained || len(list) == mostLinks {
			continue
		}
		if l := kindOf(c.pl.Ops[i-1], o); !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// chain makes all chains, from left to right, without links of some kinds, and returns what
// the schedule takes.
func (c *chainer) chain(leave map[link]bool) (float64, error) {
	pl := c.pl
	for _, o := range c.order {
		if o.Chain != (Chain{}) {
			o.Chain, o.head = Chain{}, nil
			o.times, o.blocks = [answers]*timeAnswer{}, [answers]*blockAnswer{}
		}
	}
	copy(pl.Ops, c.order)
	for i := 0; i < len(pl.Ops); {
		n, at := pl.chainFrom(i, leave)
		if at == i { // else what it moved behind has its turn
			i += n
		}
	}
	if err := ChooseBlocks(pl); err != nil {
		return 0, err
	}
	if len(pl.Ops) > refinedWell {
		return pl.newTimeline().Quick(), nil
	}
	return pl.cycles(), nil
}

// chainFrom makes the longest chain that begins with kernel i, without links of some kinds.
// It returns its length and where it begins now.
func (pl *Plan) chainFrom(i int, leave map[link]bool) (n, at int) {
	head := pl.Ops[i]
	if !chainable(head) || head.Chain != (Chain{}) {
		return 1, i
	}
	n = 1
	inputs := len(head.Inputs())
	for n < chainKernels {
		last := pl.Ops[i+n-1]
		j, up, ok := pl.next(i, i+n-1, head)
		if !ok {
			break
		}
		o := pl.Ops[j]
		if leave[kindOf(last, o)] {
			break
		}
		c := o.Chain
		if same(last.OFM, o.IFM) {
			c.In = n
		}
		if o.IFM2 != nil && !o.Scalar && same(last.OFM, o.IFM2) {
			c.In2 = n
		}
		o.Chain = c
		if inputs += len(o.Inputs()); inputs > chainInputs {
			o.Chain = Chain{}
			break
		}
		last.Chain.Out = n
		o.head = head
		o.Block, o.Micro, o.Layout = head.Block, head.Micro, block.SHRAM{}
		if up {
			copy(pl.Ops[i+n+1:j+1], pl.Ops[i+n:j])
			pl.Ops[i+n] = o
		} else { // the others come first
			chain := slices.Clone(pl.Ops[i : i+n])
			copy(pl.Ops[i:], pl.Ops[i+n:j])
			i = j - n
			copy(pl.Ops[i:], chain)
		}
		n++
	}
	if n > 1 {
		for _, o := range pl.Ops[i : i+n] { // what was known of them apart is no longer so
			o.times, o.blocks = [answers]*timeAnswer{}, [answers]*blockAnswer{}
		}
	}
	return n, i
}

// chainable reports whether a chain may begin with a kernel, or go on behind it.
func chainable(o *Op) bool {
	return o.OFM.Low == nil && o.IFM.Low == nil && (o.IFM2 == nil || o.IFM2.Low == nil) && !o.OFM.Bricks()
}

// same reports whether two maps are the same bytes in the same form.
func same(a, b *kernel.Map) bool {
	return a.Buf == b.Buf && a.Off == b.Off && a.H == b.H && a.W == b.W && a.C == b.C && a.Type == b.Type && a.Low == nil && b.Low == nil &&
		(a.W == 1 || a.StrideX == b.StrideX) && (a.H == 1 || a.StrideY == b.StrideY)
}

// next returns the kernel that alone reads the result of kernel i and can go on with it
// in a chain that begins with kernel first, and whether it can move up behind kernel i;
// else the chain can move down to it.
func (pl *Plan) next(first, i int, head *Op) (at int, up, ok bool) {
	last := pl.Ops[i]
	b := last.OFM.Buf
	if b.Bound || b.FromCall || b.ToCaller || b.Own != 0 || b.Placed || b.Resident {
		return 0, false, false
	}
	// The whole buffer is this result, and has one reader.
	found := -1
	for j, o := range pl.Ops {
		if j != i && writes(o, b) {
			return 0, false, false
		}
		if j != i && readsBuffer(o, b) {
			if found >= 0 || j < i {
				return 0, false, false
			}
			found = j
		}
	}
	if found < 0 {
		return 0, false, false
	}
	o := pl.Ops[found]
	if o.Kind != kernel.Elementwise || !chainable(o) || o.Chain != (Chain{}) ||
		o.OFM.H != head.OFM.H || o.OFM.W != head.OFM.W || o.OFM.C != head.OFM.C {
		return 0, false, false
	}
	one, two := same(last.OFM, o.IFM), o.IFM2 != nil && !o.Scalar && same(last.OFM, o.IFM2)
	if one == two || !tablesFit(pl.Ops[i-(max(last.Chain.In, last.Chain.In2)):i+1], o) {
		return 0, false, false
	}
	for _, f := range []*kernel.Map{o.IFM, o.IFM2} { // nothing is repeated but a scalar
		if f != nil && !(f == o.IFM2 && o.Scalar) && (f.H != o.OFM.H || f.W != o.OFM.W || f.C != o.OFM.C) {
			return 0, false, false
		}
	}
	// Blocks are written while others are read: what is written over must be the elements
	// of the same block.
	for _, p := range append(pl.Ops[i-max(last.Chain.In, last.Chain.In2):i+1:i+1], o) {
		for _, f := range p.Inputs() {
			if f.Meets(o.OFM) && !(p.Kind == kernel.Elementwise && same(f, o.OFM)) {
				return 0, false, false
			}
		}
	}
	between := pl.Ops[i+1 : found]
	if free(o, between) {
		return found, true, true
	}
	for _, p := range pl.Ops[first : i+1] {
		if !free(p, between) {
			return 0, false, false
		}
	}
	for _, p := range between { // another chain stays together
		if p.Chain.Inside() || p.Chain.Out > 0 {
			return 0, false, false
		}
	}
	return found, false, true
}

// tablesFit reports whether the tables of a chain and of one more kernel are in table
// memory at a time: one, or such of 256 bytes.
func tablesFit(chain []*Op, o *Op) bool {
	var list []*kernel.Table
	large := false
	for _, p := range append(chain[:len(chain):len(chain)], o) {
		if t := p.Table; t != nil && !slices.Contains(list, t) {
			list = append(list, t)
			large = large || t.Slots() > 1
		}
	}
	return len(list) < 2 || !large
}

func writes(o *Op, b *kernel.Buffer) (yes bool) {
	o.Writes(func(c *kernel.Buffer) { yes = yes || c == b })
	return yes
}

func readsBuffer(o *Op, b *kernel.Buffer) (yes bool) {
	o.Reads(func(c *kernel.Buffer) { yes = yes || c == b })
	return yes
}

// alignChains gives the kernels of a chain the block of the first one.
func (pl *Plan) alignChains() {
	var head *Op
	for _, o := range pl.Ops {
		if !o.Chain.Inside() {
			head = o
			continue
		}
		o.head = head
		o.Block, o.Micro, o.Layout = head.Block, head.Micro, block.SHRAM{}
	}
}
