// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

var _ = register(map[string]nodeConverter{"Pad": padNode})

func padNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	pads, list := c.listAt(in, 1, "pads"), c.listAt(in, 3, "axes")
	if list == nil {
		list = inPlace(v.rank())
	}
	if len(pads) != 2*len(list) {
		c.refuse("%d pads for %d dimensions", len(pads), len(list))
	}
	fill := c.node.Float("value", 0)
	if f := opt(in, 2); f != nil {
		if f.ints != nil {
			f = c.toFloat(f)
		}
		k, ok := c.constant(f)
		if !ok || len(k) != 1 {
			c.refuse("constant_value has to be one known number")
		}
		fill = k[0]
	}
	before, after := make([]int, v.rank()), make([]int, v.rank())
	spans, cut := full(v.shape), false
	for i, a := range list {
		a = c.axis(a, v.rank())
		p, q := pads[i], pads[len(list)+i]
		if max(p, q) > maxPicked || min(p, q) < -v.shape[a] {
			c.refuse("pads %v are out of range", pads)
		}
		before[a], after[a] = max(p, 0), max(q, 0)
		if p < 0 || q < 0 { // negative pads cut off
			spans[a] = span{max(-p, 0), 1, v.shape[a] + min(p, 0) + min(q, 0)}
			cut = true
		}
	}
	if cut {
		for _, s := range spans {
			if s.count < 0 {
				c.refuse("pads %v cut off more than there is of %v", pads, v.shape)
			}
		}
		v = c.sliced(v, spans, c.base+"/cut")
	}
	switch mode := c.node.Text("mode", "constant"); mode {
	case "constant":
		return only(c.padded(v, before, after, fill))
	case "reflect":
		return only(c.mirrored(v, before, after))
	case "edge":
		return only(c.edged(v, before, after))
	case "wrap":
		return only(c.wrapped(v, before, after))
	default:
		c.refuse("attribute mode is %q; expected constant, reflect, edge or wrap", mode)
	}
	return nil
}

// mirrored pads by reflection about the edges, which are not repeated.
func (c *converter) mirrored(v *value, before, after []int) *value {
	order, pads, any := orderOf(v), []int{}, false
	for _, d := range order {
		if max(before[d], after[d]) >= v.shape[d] {
			if before[d]+after[d] > 0 {
				c.refuse("dimension %d of %d elements cannot be reflected by %d and %d; pad by less than the dimension has", d, v.shape[d], before[d], after[d])
			}
		}
		pads, any = append(pads, before[d], after[d]), any || before[d]+after[d] > 0
	}
	if !any {
		return v
	}
	return c.stored(c.op(graph.MirrorPad, graph.MirrorPadAttr{}, c.base, v.id, c.index("paddings", []int{len(order), 2}, pads...)), v.order)
}

// edged repeats the first and last elements.
func (c *converter) edged(v *value, before, after []int) *value {
	return c.extended(v, before, after, func(n, p, q int) (pre, post []span) {
		for range p {
			pre = append(pre, span{0, 1, 1})
		}
		for range q {
			post = append(post, span{n - 1, 1, 1})
		}
		return pre, post
	})
}

// wrapped continues with the other end.
func (c *converter) wrapped(v *value, before, after []int) *value {
	return c.extended(v, before, after, func(n, p, q int) (pre, post []span) {
		if p > n || q > n {
			c.refuse("%d elements cannot be wrapped by %d and %d", n, p, q)
		}
		if p > 0 {
			pre = []span{{n - p, 1, p}}
		}
		if q > 0 {
			post = []span{{0, 1, q}}
		}
		return pre, post
	})
}

// extended puts parts of a value before and after it along every dimension.
func (c *converter) extended(v *value, before, after []int, parts func(n, p, q int) (pre, post []span)) *value {
	for d := range before {
		if before[d] == 0 && after[d] == 0 {
			continue
		}
		if v.shape[d] == 0 || before[d]+after[d] > 1<<12 {
			c.refuse("dimension %d of %d elements cannot be padded by %d and %d", d, v.shape[d], before[d], after[d])
		}
		cut := func(s span) *value {
			spans := full(v.shape)
			spans[d] = s
			return c.sliced(v, spans, c.base+"/edge")
		}
		pre, post := parts(v.shape[d], before[d], after[d])
		var list []*value
		for _, s := range pre {
			list = append(list, cut(s))
		}
		list = append(list, v)
		for _, s := range post {
			list = append(list, cut(s))
		}
		v = c.concatenated(list, d, c.base)
	}
	return v
}
