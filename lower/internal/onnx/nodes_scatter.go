// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"ScatterND": scatterNDNode, "ScatterElements": scatterElementsNode, "Scatter": scatterElementsNode})

// scattered writes updates over data: element i of the updates goes to place to[i].
// Where the places are a box, the result is data with a box put in; else it is picked
// element by element.
func (c *converter) scattered(data, updates *value, to []int) *value {
	if len(to) != updates.elems() {
		c.refuse("updates of shape %v do not fit the indices", updates.shape)
	}
	if (data.ints == nil) != (updates.ints == nil) {
		c.refuse("it mixes integers and floats")
	}
	seen := map[int]int{}
	for i, at := range to {
		if at < 0 || at >= data.elems() {
			c.refuse("an index is outside the data of shape %v", data.shape)
		}
		if _, twice := seen[at]; twice {
			c.refuse("it writes one place twice, and which value stays is not defined")
		}
		seen[at] = i
	}
	switch op := c.node.Text("reduction", "none"); op {
	case "none":
	case "add":
		if data.ints != nil {
			c.refuse("attribute reduction is %q for integers; expected none", op)
		}
		zero := &value{typ: Float, shape: data.shape, id: c.floats(c.base+"/zero", make([]float32, data.elems()), data.shape...)}
		return c.binary(graph.Add, graph.AddAttr{}, c.base, data, c.placed(zero, updates, to, seen))
	default:
		c.refuse("attribute reduction is %q; expected none or add", op)
	}
	return c.placed(data, updates, to, seen)
}

func (c *converter) placed(data, updates *value, to []int, seen map[int]int) *value {
	if len(to) == 0 {
		return data
	}
	// The smallest box that holds all places, if they fill it in order.
	own := strides(data.shape)
	lo, hi := slices.Clone(data.shape), make([]int, data.rank())
	for _, at := range to {
		for d := range data.shape {
			x := at / own[d] % data.shape[d]
			lo[d], hi[d] = min(lo[d], x), max(hi[d], x+1)
		}
	}
	box, filled := make([]int, data.rank()), true
	for d := range box {
		box[d] = hi[d] - lo[d]
	}
	if graph.Elems(box) == len(to) {
		i := 0
		c.sources(box, func(index []int) int {
			at := 0
			for d, x := range index {
				at += (lo[d] + x) * own[d]
			}
			filled = filled && to[i] == at
			i++
			return 0
		})
		if filled {
			return c.boxed(data, c.reshaped(updates, box), lo, 0)
		}
	}
	flat := c.concatenated([]*value{c.reshaped(data, []int{data.elems()}), c.reshaped(updates, []int{updates.elems()})}, 0, c.base+"/both")
	n := data.elems()
	return c.scatter(flat, data.shape, func(index []int) int {
		at := 0
		for d, x := range index {
			at += x * own[d]
		}
		if i, ok := seen[at]; ok {
			return n + i
		}
		return at
	})
}

// boxed puts a box into data, at lo, going through the dimensions from d on.
func (c *converter) boxed(data, box *value, lo []int, d int) *value {
	if d == data.rank() {
		return box
	}
	cut := func(from, n int) *value {
		spans := full(data.shape)
		spans[d] = span{from, 1, n}
		return c.sliced(data, spans, c.base+"/kept")
	}
	n := box.shape[d]
	parts := []*value{c.boxed(cut(lo[d], n), box, lo, d+1)}
	if lo[d] > 0 {
		parts = append([]*value{cut(0, lo[d])}, parts...)
	}
	if end := lo[d] + n; end < data.shape[d] {
		parts = append(parts, cut(end, data.shape[d]-end))
	}
	return c.concatenated(parts, d, c.base)
}

func scatterNDNode(c *converter, in []*value) []*value {
	data, idx, updates := c.given(in, 0), c.given(in, 1), c.given(in, 2)
	last := idx.rank() - 1
	if last < 0 || idx.shape[last] < 1 || idx.shape[last] > data.rank() {
		c.refuse("indices %v do not fit %v", idx.shape, data.shape)
	}
	k, list := idx.shape[last], c.list(in, 1, "indices")
	if want := append(slices.Clone(idx.shape[:last]), data.shape[k:]...); !sameShape(updates.shape, want) {
		c.refuse("updates have shape %v, expected %v", updates.shape, want)
	}
	own, inner := strides(data.shape), graph.Elems(data.shape[k:])
	if n := len(list) / k * inner; n > maxPicked {
		c.refuse("%d elements are too many to move one by one", n)
	}
	var to []int
	for row := 0; row < len(list); row += k {
		at := 0
		for d := range k {
			at += c.within(list[row+d:row+d+1], data.shape[d])[0] * own[d]
		}
		for i := range inner {
			to = append(to, at+i)
		}
	}
	return only(c.scattered(data, updates, to))
}

func scatterElementsNode(c *converter, in []*value) []*value {
	data, idx, updates := c.given(in, 0), c.given(in, 1), c.given(in, 2)
	a := c.axis(whole(c.node.Int("axis", 0)), data.rank())
	if idx.rank() != data.rank() || !sameShape(idx.shape, updates.shape) {
		c.refuse("indices %v and updates %v do not fit %v", idx.shape, updates.shape, data.shape)
	}
	for d, n := range idx.shape {
		if d != a && n > data.shape[d] {
			c.refuse("indices %v do not fit %v", idx.shape, data.shape)
		}
	}
	list, own := c.within(c.list(in, 1, "indices"), data.shape[a]), strides(data.shape)
	i := 0
	to := c.sources(idx.shape, func(index []int) int {
		at := list[i] * own[a]
		i++
		for d, x := range index {
			if d != a {
				at += x * own[d]
			}
		}
		return at
	})
	return only(c.scattered(data, updates, to))
}
