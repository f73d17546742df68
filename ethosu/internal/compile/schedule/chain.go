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
// A kernel that can go on with a result moves up to where that is made.
func ChainKernels(pl *Plan) error {
	if !pl.Accel.OwnMemories {
		return nil
	}
	for i := 0; i < len(pl.Ops); i++ {
		i += pl.chainFrom(i) - 1
	}
	return nil
}

// chainFrom makes the longest chain that begins with kernel i, and returns its length.
func (pl *Plan) chainFrom(i int) int {
	head := pl.Ops[i]
	if !chainable(head) {
		return 1
	}
	n := 1
	inputs := len(head.Inputs())
	for n < chainKernels {
		last := pl.Ops[i+n-1]
		j, ok := pl.next(i+n-1, head)
		if !ok {
			break
		}
		o := pl.Ops[j]
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
		copy(pl.Ops[i+n+1:j+1], pl.Ops[i+n:j])
		pl.Ops[i+n] = o
		n++
	}
	if n > 1 {
		for _, o := range pl.Ops[i : i+n] { // what was known of them apart is no longer so
			o.times, o.blocks = [answers]timeAnswer{}, [answers]blockAnswer{}
		}
	}
	return n
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
// in a chain of the given head, where nothing keeps it from moving up behind it.
func (pl *Plan) next(i int, head *Op) (int, bool) {
	last := pl.Ops[i]
	b := last.OFM.Buf
	if b.Bound || b.FromCall || b.ToCaller || b.Own != 0 || b.Placed || b.Resident {
		return 0, false
	}
	// The whole buffer is this result, and has one reader.
	found := -1
	for j, o := range pl.Ops {
		if j != i && writes(o, b) {
			return 0, false
		}
		if j != i && readsBuffer(o, b) {
			if found >= 0 || j < i {
				return 0, false
			}
			found = j
		}
	}
	if found < 0 {
		return 0, false
	}
	o := pl.Ops[found]
	if o.Kind != kernel.Elementwise || !chainable(o) ||
		o.OFM.H != head.OFM.H || o.OFM.W != head.OFM.W || o.OFM.C != head.OFM.C {
		return 0, false
	}
	one, two := same(last.OFM, o.IFM), o.IFM2 != nil && !o.Scalar && same(last.OFM, o.IFM2)
	if one == two || !tablesFit(pl.Ops[i-(max(last.Chain.In, last.Chain.In2)):i+1], o) {
		return 0, false
	}
	for _, f := range []*kernel.Map{o.IFM, o.IFM2} { // nothing is repeated but a scalar
		if f != nil && !(f == o.IFM2 && o.Scalar) && (f.H != o.OFM.H || f.W != o.OFM.W || f.C != o.OFM.C) {
			return 0, false
		}
	}
	// Blocks are written while others are read: what is written over must be the elements
	// of the same block.
	for _, p := range append(pl.Ops[i-max(last.Chain.In, last.Chain.In2):i+1:i+1], o) {
		for _, f := range p.Inputs() {
			if f.Meets(o.OFM) && !(p.Kind == kernel.Elementwise && same(f, o.OFM)) {
				return 0, false
			}
		}
	}
	return found, free(o, pl.Ops[i+1:found])
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
