// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

// Operators whose output has a size that their input decides, which has to be known.
var _ = register(map[string]nodeConverter{"NonZero": nonZeroNode, "Compress": compressNode})

const dataDecide = "the size of its output depends on the data; compute it outside of the model, or fix what decides it with --set or --shape"

// truths says which elements of a known value are not zero.
func (c *converter) truths(v *value) []bool {
	if !c.known(v) || v.special() {
		c.refuse("%s", dataDecide)
	}
	out := make([]bool, v.elems())
	if v.ints != nil {
		for i, x := range v.ints {
			out[i] = x != 0
		}
		return out
	}
	for i, x := range c.constantOf(v) {
		out[i] = x != 0
	}
	return out
}

// nonZeroNode gives the places of elements that are not zero, a row for each dimension.
func nonZeroNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	set := c.truths(v)
	places := []int{}
	for i, t := range set {
		if t {
			places = append(places, i)
		}
	}
	rank := max(v.rank(), 1) // a scalar counts as one element in a row
	step := []int{1}
	if v.rank() > 0 {
		step = strides(v.shape)
	}
	out := integers([]int{rank, len(places)})
	for d := range rank {
		for _, at := range places {
			at /= step[d]
			if d > 0 {
				at %= v.shape[d]
			}
			out.ints = append(out.ints, int64(at))
		}
	}
	return only(out)
}

// compressNode keeps what a known condition says, along an axis or of all elements in a row.
func compressNode(c *converter, in []*value) []*value {
	v, cond := c.given(in, 0), c.given(in, 1)
	a := 0
	if c.node.Attrs["axis"] == nil {
		v = c.reshaped(v, []int{graph.Elems(v.shape)})
	} else {
		a = c.axis(whole(c.node.Int("axis", 0)), v.rank())
	}
	list := []int{}
	for i, t := range c.truths(cond) {
		if !t {
			continue
		}
		if i >= v.shape[a] {
			c.refuse("its condition keeps element %d of a dimension of %d", i, v.shape[a])
		}
		list = append(list, i)
	}
	if len(list) == 0 {
		c.refuse("its condition keeps nothing")
	}
	return only(c.gathered(v, a, list))
}
