// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// maxPicked bounds constants that are made by moving elements.
const maxPicked = 1 << 24

func strides(shape []int) []int {
	s, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

// sources lists, for every element of a shape, the offset that from gives for its
// index.
func (c *converter) sources(shape []int, from func(index []int) int) []int {
	n, err := Elems(shape)
	if err != nil || n > maxPicked {
		c.refuse("shape %v has too many elements to move one by one", shape)
	}
	out, index := make([]int, n), make([]int, len(shape))
	for at := range out {
		out[at] = from(index)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}

// pick moves the elements of a constant.
func (c *converter) pick(v *value, shape []int, from func(index []int) int) *value {
	src := c.sources(shape, from)
	if v.ints != nil {
		out := make([]int64, len(src))
		for i, at := range src {
			out[i] = v.ints[at]
		}
		return &value{typ: v.typ, shape: shape, ints: out}
	}
	data := c.constantOf(v)
	out := make([]float32, len(src))
	for i, at := range src {
		out[i] = data[at]
	}
	return &value{typ: Float, shape: shape, id: c.floats(c.base+"/moved", out, shape...)}
}

// scatter moves elements one by one: a GATHER of the flat tensor.
func (c *converter) scatter(v *value, shape []int, from func(index []int) int) *value {
	if c.known(v) {
		return c.pick(v, shape, from)
	}
	src := c.sources(shape, from)
	flat := c.reshape(c.plain(v), c.base+"/flat", v.elems())
	got := c.op(graph.Gather, graph.GatherAttr{}, c.base+"/picked", flat, c.numbers("picks", src...))
	return c.stored(c.reshape(got, c.base, shape...), nil)
}

// reshaped gives the elements another shape.
func (c *converter) reshaped(v *value, shape []int) *value {
	if n, err := Elems(shape); err != nil || n != v.elems() {
		c.refuse("%d elements do not fill shape %v", v.elems(), shape)
	}
	if v.ints != nil {
		return &value{typ: v.typ, shape: shape, ints: v.ints}
	}
	return c.stored(c.reshape(c.plain(v), c.base, shape...), nil)
}

// without drops dimensions of 1, the others staying where they are.
func (c *converter) without(v *value, drop map[int]bool) *value {
	shape, next := []int{}, make([]int, v.rank())
	for d, n := range v.shape {
		next[d] = len(shape)
		if !drop[d] {
			shape = append(shape, n)
		} else if n != 1 {
			c.refuse("dimension %d has %d elements, expected 1", d, n)
		}
	}
	if v.ints != nil || v.order == nil {
		return c.reshaped(v, shape)
	}
	order, stored := []int{}, []int{}
	for _, d := range v.order {
		if !drop[d] {
			order = append(order, next[d])
			stored = append(stored, v.shape[d])
		}
	}
	return c.stored(c.reshape(v.id, c.base, stored...), order)
}

// with adds dimensions of 1 at the given places of the result, sorted or not.
func (c *converter) with(v *value, added map[int]bool) *value {
	rank := v.rank() + len(added)
	shape, next := []int{}, []int{}
	for d := range rank {
		if added[d] {
			shape = append(shape, 1)
		} else {
			shape = append(shape, v.shape[len(next)])
			next = append(next, d)
		}
	}
	if v.ints != nil || v.order == nil {
		return c.reshaped(v, shape)
	}
	order, stored := []int{}, []int{}
	for d := range rank {
		if added[d] {
			order, stored = append(order, d), append(stored, 1)
		}
	}
	for _, d := range v.order {
		order, stored = append(order, next[d]), append(stored, v.shape[d])
	}
	return c.stored(c.reshape(v.id, c.base, stored...), order)
}

// permuted is the Transpose of ONNX: dimension i of the result is dimension perm[i].
// Of computed values only the order changes.
func (c *converter) permuted(v *value, perm []int) *value {
	shape, back := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		shape[i], back[p] = v.shape[p], i
	}
	if c.known(v) {
		own := strides(v.shape)
		return c.pick(v, shape, func(index []int) int {
			at := 0
			for i, x := range index {
				at += x * own[perm[i]]
			}
			return at
		})
	}
	order := make([]int, len(perm))
	for i, d := range orderOf(v) {
		order[i] = back[d]
	}
	return c.stored(v.id, order)
}

// span is what is taken of one dimension: count elements begin, begin+step, …
type span struct{ begin, step, count int }

func full(shape []int) []span {
	out := make([]span, len(shape))
	for i, n := range shape {
		out[i] = span{0, 1, n}
	}
	return out
}

// sliced takes spans of every dimension.
func (c *converter) sliced(v *value, spans []span, name string) *value {
	shape, all := make([]int, len(spans)), true
	for i, s := range spans {
		shape[i] = s.count
		all = all && s == span{0, 1, v.shape[i]}
	}
	if all {
		return v
	}
	if c.known(v) {
		own := strides(v.shape)
		return c.pick(v, shape, func(index []int) int {
			at := 0
			for d, i := range index {
				at += (spans[d].begin + i*spans[d].step) * own[d]
			}
			return at
		})
	}
	order := orderOf(v)
	var begin, end, step []int
	mask := 0
	for i, d := range order {
		s := spans[d]
		stop := s.begin + s.count*s.step
		if s.step < 0 && stop < 0 {
			mask |= 1 << i
			stop = 0
		}
		begin, end, step = append(begin, s.begin), append(end, max(stop, 0)), append(step, s.step)
	}
	id := c.op(graph.StridedSlice, graph.StridedSliceAttr{EndMask: mask}, name, v.id, c.numbers("begin", begin...), c.numbers("end", end...), c.numbers("strides", step...))
	return c.stored(id, v.order)
}

// gathered takes the listed elements of dimension a.
func (c *converter) gathered(v *value, a int, list []int) *value {
	shape := append([]int{}, v.shape...)
	shape[a] = len(list)
	own := strides(v.shape)
	if c.known(v) {
		return c.pick(v, shape, func(index []int) int {
			at := 0
			for d, i := range index {
				if d == a {
					i = list[i]
				}
				at += i * own[d]
			}
			return at
		})
	}
	step := 1
	if len(list) > 1 {
		step = list[1] - list[0]
	}
	even := step != 0 && len(list) > 0
	for i := range list {
		even = even && list[i] == list[0]+i*step
	}
	if even {
		spans := full(v.shape)
		spans[a] = span{list[0], step, len(list)}
		return c.sliced(v, spans, c.base)
	}
	axis := position(orderOf(v), a)
	return c.stored(c.op(graph.Gather, graph.GatherAttr{Axis: axis}, c.base, v.id, c.numbers("picks", list...)), v.order)
}

// concatenated joins values along dimension a.
func (c *converter) concatenated(parts []*value, a int, name string) *value {
	var some []*value
	for _, p := range parts {
		if p.rank() != parts[0].rank() {
			c.refuse("shapes %v and %v cannot be joined", parts[0].shape, p.shape)
		}
		if p.shape[a] > 0 {
			some = append(some, p)
		}
	}
	switch len(some) {
	case 0:
		return parts[0]
	case 1:
		return some[0]
	}
	if some[0].ints != nil {
		shape, total := append([]int{}, some[0].shape...), 0
		for _, p := range some {
			total += p.shape[a]
			if p.ints == nil {
				c.refuse("integers are joined with floats")
			}
		}
		shape[a] = total
		inner := graph.Elems(shape[a+1:])
		out := []int64{}
		for o := range graph.Elems(shape[:a]) {
			for _, p := range some {
				n := p.shape[a] * inner
				out = append(out, p.ints[o*n:(o+1)*n]...)
			}
		}
		return &value{typ: some[0].typ, shape: shape, ints: out}
	}
	order := c.commonOrder(some[0].rank(), some...)
	var ids []graph.TensorID
	for _, p := range some {
		if p.ints != nil {
			c.refuse("integers are joined with floats")
		}
		ids = append(ids, c.as(p, order))
	}
	return c.stored(c.op(graph.Concatenation, graph.ConcatenationAttr{Axis: position(order, a)}, name, ids...), order)
}

// padded adds elements of the given value before and after along every dimension
// of a float value.
func (c *converter) padded(v *value, before, after []int, fill float32) *value {
	any := false
	for d := range before {
		any = any || before[d] > 0 || after[d] > 0
	}
	if !any {
		return v
	}
	order := orderOf(v)
	pads := make([]int, 0, 2*len(order))
	for _, d := range order {
		pads = append(pads, before[d], after[d])
	}
	list := c.index("paddings", []int{len(order), 2}, pads...)
	if fill == 0 {
		return c.stored(c.op(graph.Pad, nil, c.base+"/padded", v.id, list), v.order)
	}
	return c.stored(c.op(graph.PadV2, nil, c.base+"/padded", v.id, list, c.scalar(c.base+"/fill", fill)), v.order)
}
