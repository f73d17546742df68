// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// nodeConverter gives the outputs of a node; it gives up with refuse.
type nodeConverter func(c *converter, in []*value) []*value

// converters is filled by the files of operators.
var converters = map[string]nodeConverter{}

func register(nodes map[string]nodeConverter) bool {
	for op, f := range nodes {
		converters[op] = f
	}
	return true
}

func only(v *value) []*value { return []*value{v} }

var _ = register(map[string]nodeConverter{
	"Constant": constantNode, "ConstantOfShape": constantOfShape, "Shape": shapeNode, "Size": sizeNode, "Range": rangeNode,
	"Identity": func(c *converter, in []*value) []*value { return only(c.given(in, 0)) },
	"Reshape":  reshapeNode, "Flatten": flattenNode, "Squeeze": squeezeNode, "Unsqueeze": unsqueezeNode, "Transpose": transposeNode,
	"Concat": concatNode, "Split": splitNode, "Slice": sliceNode, "Expand": expandNode, "Tile": tileNode,
})

// given returns input i, float or not.
func (c *converter) given(in []*value, i int) *value {
	if i >= len(in) || in[i] == nil {
		c.refuse("input %d is missing", i)
	}
	return in[i]
}

// axis returns a dimension of a rank, counted from the end if negative.
func (c *converter) axis(a, rank int) int {
	n := a
	if n < 0 {
		n += rank
	}
	if n < 0 || n >= rank {
		c.refuse("axis %d is outside the %d dimensions", a, rank)
	}
	return n
}

// listAt returns a list that newer opsets give as input i and older ones as an
// attribute; nil where neither is there.
func (c *converter) listAt(in []*value, i int, attr string) []int {
	if opt(in, i) != nil {
		return c.list(in, i, attr)
	}
	a := c.node.Attrs[attr]
	if a == nil {
		return nil
	}
	out := []int{}
	for _, x := range a.Ints {
		out = append(out, whole(x))
	}
	return out
}

func (c *converter) axesAt(in []*value, i, rank int) map[int]bool {
	out := map[int]bool{}
	for _, a := range c.listAt(in, i, "axes") {
		out[c.axis(a, rank)] = true
	}
	return out
}

func constantNode(c *converter, _ []*value) []*value {
	n := c.node
	name := n.Out(0)
	switch {
	case n.Has("value") && n.Attrs["value"].Tensor != nil:
		t := n.Attrs["value"].Tensor
		if v := c.constants[t]; v != nil { // in a round of a loop before
			return only(v)
		}
		v := c.fromTensor(name, t)
		if c.hidden > 0 {
			c.constants[t] = v
		}
		return only(v)
	case n.Has("value_float"):
		return only(&value{typ: Float, shape: []int{}, id: c.scalar(name, n.Float("value_float", 0))})
	case n.Has("value_floats"):
		v := n.Attrs["value_floats"].Floats
		return only(&value{typ: Float, shape: []int{len(v)}, id: c.floats(name, v, len(v))})
	case n.Has("value_int"):
		return only(integers([]int{}, n.Int("value_int", 0)))
	case n.Has("value_ints"):
		return only(integers([]int{len(n.Ints("value_ints"))}, n.Ints("value_ints")...))
	}
	c.refuse("the constant is no dense tensor of numbers")
	return nil
}

func constantOfShape(c *converter, in []*value) []*value {
	shape := c.list(in, 0, "the shape")
	n, err := Elems(shape)
	if err != nil || n > maxPicked {
		c.refuse("shape %v is out of range", shape)
	}
	fill := &Tensor{Type: Float, Shape: []int{1}, Data: make([]byte, 4)}
	if a := c.node.Attrs["value"]; a != nil && a.Tensor != nil {
		fill = a.Tensor
	}
	size := fill.Type.Size()
	if size == 0 || len(fill.Data) != size {
		c.refuse("the value has to be one number")
	}
	t := &Tensor{Type: fill.Type, Shape: append([]int{}, shape...), Data: make([]byte, 0, n*size)}
	for range n {
		t.Data = append(t.Data, fill.Data...)
	}
	return only(c.fromTensor(c.node.Out(0), t))
}

func shapeNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	within := func(x int64) int {
		if x < 0 {
			x += int64(v.rank())
		}
		return int(max(0, min(x, int64(v.rank()))))
	}
	start, end := within(c.node.Int("start", 0)), within(c.node.Int("end", int64(v.rank())))
	out := []int64{}
	for i := start; i < end; i++ {
		out = append(out, int64(v.shape[i]))
	}
	return only(integers([]int{len(out)}, out...))
}

func sizeNode(c *converter, in []*value) []*value {
	return only(integers([]int{}, int64(c.given(in, 0).elems())))
}

func rangeNode(c *converter, in []*value) []*value {
	if start := c.given(in, 0); start.ints == nil {
		return only(c.floatRange(in))
	}
	var p [3]int64
	for i := range p {
		v := c.given(in, i)
		if len(v.ints) != 1 {
			c.refuse("start, limit and delta have to be known numbers of one type")
		}
		p[i] = v.ints[0]
	}
	if p[2] == 0 {
		c.refuse("delta is 0")
	}
	out := []int64{}
	for x := p[0]; p[2] > 0 && x < p[1] || p[2] < 0 && x > p[1]; x += p[2] {
		if out = append(out, x); len(out) > maxPicked {
			c.refuse("the range has more than %d elements", maxPicked)
		}
	}
	v := integers([]int{len(out)}, out...)
	v.typ = in[0].typ
	return only(v)
}

func (c *converter) floatRange(in []*value) *value {
	var p [3]float64
	for i := range p {
		x, ok := c.number(c.given(in, i))
		if !ok || in[i].ints != nil {
			c.refuse("start, limit and delta have to be known numbers of one type")
		}
		p[i] = float64(x)
	}
	n := math.Max(0, math.Ceil((p[1]-p[0])/p[2]))
	if !(n <= maxPicked) {
		c.refuse("from %g to %g by %g: expected at most %d elements", p[0], p[1], p[2], maxPicked)
	}
	out := make([]float32, int(n))
	for i := range out {
		out[i] = float32(p[0] + float64(float64(i)*p[2]))
	}
	return &value{typ: Float, shape: []int{len(out)}, id: c.floats(c.base, out, len(out))}
}

func reshapeNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	shape := append([]int{}, c.listAt(in, 1, "shape")...)
	open, rest := -1, 1
	for i := range shape {
		switch {
		case shape[i] == 0 && c.node.Int("allowzero", 0) == 0:
			if i >= v.rank() {
				c.refuse("dimension %d is to be copied, but there are %d", i, v.rank())
			}
			shape[i] = v.shape[i]
		case shape[i] == -1 && open < 0:
			open = i
			continue
		}
		if shape[i] < 0 || shape[i] > MaxElements || rest > MaxElements {
			c.refuse("shape %v is out of range", shape)
		}
		rest *= shape[i]
	}
	if open >= 0 {
		if rest == 0 || v.elems()%rest != 0 {
			c.refuse("%d elements do not fill shape %v", v.elems(), shape)
		}
		shape[open] = v.elems() / rest
	}
	return only(c.reshaped(v, shape))
}

func flattenNode(c *converter, in []*value) []*value {
	v, a := c.given(in, 0), whole(c.node.Int("axis", 1))
	if a < 0 {
		a += v.rank()
	}
	if a < 0 || a > v.rank() {
		c.refuse("axis %d is outside the %d dimensions", a, v.rank())
	}
	return only(c.reshaped(v, []int{graph.Elems(v.shape[:a]), graph.Elems(v.shape[a:])}))
}

func squeezeNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	drop := c.axesAt(in, 1, v.rank())
	if c.listAt(in, 1, "axes") == nil {
		for d, n := range v.shape {
			drop[d] = n == 1
		}
	}
	return only(c.without(v, drop))
}

func unsqueezeNode(c *converter, in []*value) []*value {
	v, list := c.given(in, 0), c.listAt(in, 1, "axes")
	added := c.axesAt(in, 1, v.rank()+len(list))
	if len(added) != len(list) {
		c.refuse("axes %v name a dimension twice", list)
	}
	return only(c.with(v, added))
}

func transposeNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	perm := c.listAt(in, -1, "perm")
	if perm == nil {
		for i := range v.shape {
			perm = append(perm, v.rank()-1-i)
		}
	}
	seen := map[int]bool{}
	for i, p := range perm {
		perm[i] = c.axis(p, v.rank())
		seen[perm[i]] = true
	}
	if len(perm) != v.rank() || len(seen) != v.rank() {
		c.refuse("permutation %v does not fit %d dimensions", perm, v.rank())
	}
	return only(c.permuted(v, perm))
}

func concatNode(c *converter, in []*value) []*value {
	var parts []*value
	for i := range in {
		parts = append(parts, c.given(in, i))
	}
	if len(parts) == 0 {
		c.refuse("it joins nothing")
	}
	truths := slices.ContainsFunc(parts, (*value).computedTruth)
	for i, p := range parts {
		if truths {
			parts[i] = c.truth(p)
		}
	}
	got := c.concatenated(parts, c.axis(whole(c.node.Int("axis", 1)), parts[0].rank()), c.base)
	if truths {
		got = asTruth(got)
	}
	return only(got)
}

func splitNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	a := c.axis(whole(c.node.Int("axis", 0)), v.rank())
	sizes, n := c.listAt(in, 1, "split"), len(c.node.Outputs)
	if sizes == nil {
		part := (v.shape[a] + n - 1) / max(n, 1)
		for i := range n {
			sizes = append(sizes, max(0, min(part, v.shape[a]-i*part)))
		}
	}
	sum, least := 0, 1
	for _, s := range sizes {
		sum, least = sum+s, min(least, s)
	}
	if len(sizes) != n || sum != v.shape[a] || least < 0 {
		c.refuse("parts %v for %d outputs do not fill dimension %d of %v", sizes, n, a, v.shape)
	}
	var out []*value
	if c.known(v) || least == 0 {
		at := 0
		for i, s := range sizes {
			spans := full(v.shape)
			spans[a] = span{at, 1, s}
			out = append(out, c.sliced(v, spans, c.node.Out(i)))
			at += s
		}
		return out
	}
	names := make([]string, n)
	for i := range names {
		if names[i] = c.node.Out(i); names[i] == "" {
			names[i] = c.base + "/unused"
		}
	}
	for _, id := range c.split(v.id, position(orderOf(v), a), sizes, names...) {
		out = append(out, c.stored(id, v.order))
	}
	return out
}

func sliceNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	starts, ends := c.listAt(in, 1, "starts"), c.listAt(in, 2, "ends")
	list, steps := c.listAt(in, 3, "axes"), c.listAt(in, 4, "steps")
	if len(starts) != len(ends) || list != nil && len(list) != len(starts) || steps != nil && len(steps) != len(starts) {
		c.refuse("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(list), len(steps))
	}
	spans := full(v.shape)
	for i := range starts {
		a, by := i, 1
		if list != nil {
			a = list[i]
		}
		if steps != nil {
			by = steps[i]
		}
		a = c.axis(a, v.rank())
		spans[a] = c.span(v.shape[a], starts[i], ends[i], by)
	}
	return only(c.sliced(v, spans, c.base))
}

// span cuts start and end to a dimension of n elements.
func (c *converter) span(n, start, end, by int) span {
	cut := func(x, lo, hi int) int {
		if x < 0 {
			x = max(x, -n-1) + n // the least int would not take n
		}
		return min(max(x, lo), hi)
	}
	if by == 0 {
		c.refuse("a step is 0")
	}
	by = min(max(by, -n-1), n+1) // beyond it one element is taken at most
	if by > 0 {
		s, e := cut(start, 0, n), cut(end, 0, n)
		return span{s, by, max(0, (e-s+by-1)/by)}
	}
	s, e := cut(start, 0, n-1), cut(end, -1, n-1)
	if n == 0 || s <= e {
		return span{0, by, 0}
	}
	return span{s, by, (s - e - by - 1) / -by}
}

func expandNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	want := c.list(in, 1, "the shape")
	shape, err := graph.Broadcast(v.shape, want)
	if err != nil {
		c.refuse("%v", err)
	}
	if _, err := Elems(shape); err != nil {
		c.refuse("%v", err)
	}
	added := map[int]bool{}
	for d := range len(shape) - v.rank() {
		added[d] = true
	}
	v = c.with(v, added)
	own := strides(v.shape)
	if c.known(v) {
		return only(c.pick(v, shape, func(index []int) int {
			at := 0
			for d, i := range index {
				if v.shape[d] != 1 {
					at += i * own[d]
				}
			}
			return at
		}))
	}
	times := make([]int, len(shape))
	for d := range times {
		times[d] = 1
		if v.shape[d] != shape[d] {
			times[d] = shape[d]
		}
	}
	return only(c.tiled(v, times))
}

// tiled repeats a value along its dimensions.
func (c *converter) tiled(v *value, times []int) *value {
	shape, once, whole := make([]int, v.rank()), true, 1
	for d, n := range v.shape {
		if times[d] < 0 || times[d] > MaxElements || whole > MaxElements {
			c.refuse("repetitions %v are out of range", times)
		}
		shape[d] = n * times[d]
		whole *= max(shape[d], 1)
		once = once && times[d] == 1
	}
	if once {
		return v
	}
	if c.known(v) {
		own := strides(v.shape)
		return c.pick(v, shape, func(index []int) int {
			at := 0
			for d, i := range index {
				at += i % v.shape[d] * own[d]
			}
			return at
		})
	}
	// Copies side by side are what every runtime and the NPU have.
	for d, n := range times {
		if n == 1 {
			continue
		}
		if n > 1<<12 {
			c.refuse("dimension %d is repeated %d times; at most %d are written out", d, n, 1<<12)
		}
		parts := make([]*value, n)
		for i := range parts {
			parts[i] = v
		}
		if n == 0 {
			c.refuse("repeating 0 times leaves nothing")
		}
		v = c.concatenated(parts, d, c.base)
	}
	return v
}

func tileNode(c *converter, in []*value) []*value {
	v, times := c.given(in, 0), c.list(in, 1, "repeats")
	if len(times) != v.rank() {
		c.refuse("%d repetitions for %d dimensions", len(times), v.rank())
	}
	return only(c.tiled(v, times))
}
