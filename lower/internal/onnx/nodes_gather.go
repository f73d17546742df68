// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

var _ = register(map[string]nodeConverter{
	"Gather": gatherNode, "GatherElements": gatherElementsNode, "GatherND": gatherNDNode,
	"DepthToSpace": depthToSpaceNode, "SpaceToDepth": spaceToDepthNode, "ReverseSequence": reverseSequenceNode,
})

// within maps indices into a dimension of n elements.
func (c *converter) within(list []int, n int) []int {
	out := make([]int, len(list))
	for i, x := range list {
		if out[i] = x; x < 0 {
			out[i] += n
		}
		if out[i] < 0 || out[i] >= n {
			c.refuse("index %d is outside a dimension of %d", x, n)
		}
	}
	return out
}

func gatherNode(c *converter, in []*value) []*value {
	v, idx := c.given(in, 0), c.given(in, 1)
	a := c.axis(whole(c.node.Int("axis", 0)), v.rank())
	list := c.within(c.list(in, 1, "indices"), v.shape[a])
	if idx.rank() != 1 && len(list) == 0 {
		c.refuse("it picks nothing")
	}
	got := c.gathered(v, a, list)
	switch idx.rank() {
	case 0:
		return only(c.without(got, map[int]bool{a: true}))
	case 1:
		return only(got)
	}
	shape := append(append(append([]int{}, v.shape[:a]...), idx.shape...), v.shape[a+1:]...)
	return only(c.reshaped(got, shape))
}

func gatherElementsNode(c *converter, in []*value) []*value {
	v, idx := c.given(in, 0), c.given(in, 1)
	a := c.axis(whole(c.node.Int("axis", 0)), v.rank())
	list := c.within(c.list(in, 1, "indices"), v.shape[a])
	if idx.rank() != v.rank() {
		c.refuse("indices %v do not fit %v", idx.shape, v.shape)
	}
	for d := range v.shape {
		if d != a && idx.shape[d] > v.shape[d] {
			c.refuse("indices %v do not fit %v", idx.shape, v.shape)
		}
	}
	own, step := strides(v.shape), strides(idx.shape)
	return only(c.scatter(v, idx.shape, func(index []int) int {
		at, i := 0, 0
		for d, x := range index {
			i += x * step[d]
			if d != a {
				at += x * own[d]
			}
		}
		return at + list[i]*own[a]
	}))
}

func gatherNDNode(c *converter, in []*value) []*value {
	v, idx := c.given(in, 0), c.given(in, 1)
	if c.node.Int("batch_dims", 0) != 0 {
		c.refuse("attribute batch_dims is %d; expected 0", c.node.Int("batch_dims", 0))
	}
	last := idx.rank() - 1
	if last < 0 || idx.shape[last] < 1 || idx.shape[last] > v.rank() {
		c.refuse("indices %v do not fit %v", idx.shape, v.shape)
	}
	k, list := idx.shape[last], append([]int{}, c.list(in, 1, "indices")...)
	for i := range list {
		list[i] = c.within(list[i:i+1], v.shape[i%k])[0]
	}
	own, step := strides(v.shape), strides(idx.shape)
	shape := append(append([]int{}, idx.shape[:last]...), v.shape[k:]...)
	return only(c.scatter(v, shape, func(index []int) int {
		row, at := 0, 0
		for d := range last {
			row += index[d] * step[d]
		}
		for d := range k {
			at += list[row+d] * own[d]
		}
		for d := last; d < len(index); d++ {
			at += index[d] * own[k+d-last]
		}
		return at
	}))
}

func (c *converter) blocks(v *value, b, divide int) {
	if v.rank() != 4 || b < 1 || b > 1<<12 || v.shape[1]%divide != 0 {
		c.refuse("blocks of %d do not fit %v", b, v.shape)
	}
}

func depthToSpaceNode(c *converter, in []*value) []*value {
	v, b := c.given(in, 0), whole(c.node.Int("blocksize", 0))
	c.blocks(v, b, max(1, b*b))
	n, d, h, w := v.shape[0], v.shape[1]/(b*b), v.shape[2], v.shape[3]
	mode := c.node.Text("mode", "DCR")
	if mode != "DCR" && mode != "CRD" {
		c.refuse("attribute mode is %q; expected DCR or CRD", mode)
	}
	if mode == "DCR" && !c.known(v) {
		return only(c.stored(c.op(graph.DepthToSpace, graph.BlockAttr{Size: b}, c.base, c.as(v, []int{0, 2, 3, 1})), []int{0, 2, 3, 1}))
	}
	own := strides(v.shape)
	return only(c.scatter(v, []int{n, d, h * b, w * b}, func(i []int) int {
		y, x := i[2]%b, i[3]%b
		ch := (y*b+x)*d + i[1]
		if mode == "CRD" {
			ch = (i[1]*b+y)*b + x
		}
		return i[0]*own[0] + ch*own[1] + i[2]/b*own[2] + i[3]/b
	}))
}

func spaceToDepthNode(c *converter, in []*value) []*value {
	v, b := c.given(in, 0), whole(c.node.Int("blocksize", 0))
	c.blocks(v, b, 1)
	if v.shape[2]%b != 0 || v.shape[3]%b != 0 {
		c.refuse("blocks of %d do not fit %v", b, v.shape)
	}
	if !c.known(v) {
		return only(c.stored(c.op(graph.SpaceToDepth, graph.BlockAttr{Size: b}, c.base, c.as(v, []int{0, 2, 3, 1})), []int{0, 2, 3, 1}))
	}
	d, own := v.shape[1], strides(v.shape)
	return only(c.pick(v, []int{v.shape[0], b * b * d, v.shape[2] / b, v.shape[3] / b}, func(i []int) int {
		block := i[1] / d
		return i[0]*own[0] + i[1]%d*own[1] + (i[2]*b+block/b)*own[2] + i[3]*b + block%b
	}))
}

func reverseSequenceNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	t, b := c.axis(whole(c.node.Int("time_axis", 0)), v.rank()), c.axis(whole(c.node.Int("batch_axis", 1)), v.rank())
	lens := c.list(in, 1, "sequence_lens")
	if len(lens) != v.shape[b] {
		c.refuse("%d lengths for a batch of %d", len(lens), v.shape[b])
	}
	whole := true
	for _, n := range lens {
		whole = whole && n == v.shape[t]
	}
	if whole && v.shape[t] > 0 {
		spans := full(v.shape)
		spans[t] = span{v.shape[t] - 1, -1, v.shape[t]}
		return only(c.sliced(v, spans, c.base))
	}
	own := strides(v.shape)
	return only(c.scatter(v, v.shape, func(index []int) int {
		at, i := 0, index[t]
		if n := min(lens[index[b]], v.shape[t]); i < n {
			i = n - 1 - i
		}
		for d, x := range index {
			if d == t {
				x = i
			}
			at += x * own[d]
		}
		return at
	}))
}
