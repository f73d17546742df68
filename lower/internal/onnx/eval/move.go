// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{
	"Constant": constant, "ConstantOfShape": constantOfShape, "Shape": shapeOf, "Size": sizeOf, "Range": rangeOf,
	"Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose,
	"Concat": concat, "Split": split, "Slice": slice, "Expand": expand, "Tile": tile, "Pad": pad,
})

// remap makes an array whose elements are those of x at the offsets that from
// gives for every index; a negative offset gives fill.
func (c *call) remap(x *Array, shape []int, fill float64, from func(index []int) int) ([]*Array, error) {
	y, err := c.make(x.Type, shape)
	if err != nil {
		return nil, err
	}
	each(shape, func(at int, index []int) {
		if i := from(index); i >= 0 {
			y.Data[at] = x.Data[i]
		} else {
			y.Data[at] = fill
		}
	})
	return []*Array{y}, nil
}

func transpose(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	perm := toInts(c.Ints("perm"))
	if perm == nil {
		for i := range x.Shape {
			perm = append(perm, x.rank()-1-i)
		}
	}
	return c.permute(x, perm)
}

func (c *call) permute(x *Array, perm []int) ([]*Array, error) {
	seen, err := axes(perm, x.rank())
	if err != nil || len(seen) != x.rank() || len(perm) != x.rank() {
		return nil, fmt.Errorf("permutation %v does not fit %d dimensions", perm, x.rank())
	}
	own := strides(x.Shape)
	shape, step := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		shape[i], step[i] = x.Shape[p], own[p]
	}
	return c.remap(x, shape, 0, func(index []int) int { return offset(index, step) })
}

func concat(c *call) ([]*Array, error) {
	first, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", 1)), first.rank())
	if err != nil {
		return nil, err
	}
	shape := append([]int{}, first.Shape...)
	shape[a] = 0
	for i := range c.in {
		x, err := c.arg(i)
		if err != nil {
			return nil, err
		}
		for d := range shape {
			if x.rank() != len(shape) || d != a && x.Shape[d] != shape[d] {
				return nil, fmt.Errorf("shapes %v and %v cannot be joined along %d", first.Shape, x.Shape, a)
			}
		}
		shape[a] += x.Shape[a]
	}
	y, err := c.make(first.Type, shape)
	if err != nil {
		return nil, err
	}
	step, at := strides(shape), 0
	for _, x := range c.in {
		each(x.Shape, func(i int, index []int) {
			y.Data[offset(index, step)+at*step[a]] = x.Data[i]
		})
		at += x.Shape[a]
	}
	return []*Array{y}, nil
}

func split(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", 0)), x.rank())
	if err != nil {
		return nil, err
	}
	sizes := c.intsAt(1, "split")
	if sizes == nil {
		n := int(c.Int("num_outputs", int64(len(c.Outputs))))
		if n < 1 || n != len(c.Outputs) {
			return nil, fmt.Errorf("%d parts for %d outputs", n, len(c.Outputs))
		}
		part := (x.Shape[a] + n - 1) / n
		for i := range n {
			sizes = append(sizes, max(0, min(part, x.Shape[a]-i*part)))
		}
	}
	step, at := strides(x.Shape), 0
	var out []*Array
	for _, n := range sizes {
		if n < 0 || n > x.Shape[a]-at {
			return nil, fmt.Errorf("parts %v do not fit dimension %d of %v", sizes, a, x.Shape)
		}
		shape := append([]int{}, x.Shape...)
		shape[a] = n
		part, err := c.remap(x, shape, 0, func(index []int) int { return offset(index, step) + at*step[a] })
		if err != nil {
			return nil, err
		}
		out = append(out, part[0])
		at += n
	}
	if at != x.Shape[a] {
		return nil, fmt.Errorf("parts %v do not fill dimension %d of %v", sizes, a, x.Shape)
	}
	return out, nil
}

func slice(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	starts, ends := c.intsAt(1, "starts"), c.intsAt(2, "ends")
	list, steps := c.intsAt(3, "axes"), c.intsAt(4, "steps")
	if len(starts) != len(ends) || list != nil && len(list) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(list), len(steps))
	}
	from, by := make([]int, x.rank()), make([]int, x.rank())
	shape := append([]int{}, x.Shape...)
	for i := range by {
		by[i] = 1
	}
	for i := range starts {
		a := i
		if list != nil {
			a = list[i]
		}
		if a, err = axis(a, x.rank()); err != nil {
			return nil, err
		}
		if steps != nil {
			by[a] = steps[i]
		}
		d := x.Shape[a]
		clamp := func(v, lo, hi int) int {
			if v < 0 {
				v += d
			}
			return max(lo, min(v, hi))
		}
		switch {
		case by[a] > 0:
			begin, end := clamp(starts[i], 0, d), clamp(ends[i], 0, d)
			from[a], shape[a] = begin, max(0, end-begin)
			if by[a] < d {
				shape[a] = max(0, (end-begin+by[a]-1)/by[a])
			} else {
				shape[a] = min(shape[a], 1)
			}
		case by[a] < 0:
			begin, end := clamp(starts[i], 0, d-1), clamp(ends[i], -1, d-1)
			from[a], shape[a] = begin, 0
			for v := begin; v > end && v >= 0; v += by[a] {
				shape[a]++
				if by[a] < -d {
					break
				}
			}
		default:
			return nil, fmt.Errorf("a step is 0")
		}
	}
	step := strides(x.Shape)
	return c.remap(x, shape, 0, func(index []int) int {
		at := 0
		for d, i := range index {
			at += (from[d] + i*by[d]) * step[d]
		}
		return at
	})
}

func expand(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	s, err := c.arg(1)
	if err != nil {
		return nil, err
	}
	shape, err := broadcast(x.Shape, s.ints())
	if err != nil {
		return nil, err
	}
	step := x.view(shape)
	return c.remap(x, shape, 0, func(index []int) int { return offset(index, step) })
}

func tile(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	r, err := c.arg(1)
	if err != nil {
		return nil, err
	}
	times := r.ints()
	if len(times) != x.rank() {
		return nil, fmt.Errorf("%d repetitions for %d dimensions", len(times), x.rank())
	}
	shape := make([]int, x.rank())
	for i, d := range x.Shape {
		if times[i] < 0 || times[i] > onnx.MaxElements {
			return nil, fmt.Errorf("repetitions %v are out of range", times)
		}
		shape[i] = d * times[i]
	}
	step := strides(x.Shape)
	return c.remap(x, shape, 0, func(index []int) int {
		at := 0
		for d, i := range index {
			at += i % x.Shape[d] * step[d]
		}
		return at
	})
}

func pad(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	pads, value := c.intsAt(1, "pads"), float64(c.Float("value", 0))
	if v := c.opt(2); v != nil && len(v.Data) == 1 {
		value = v.Data[0]
	}
	list := c.intsAt(3, "axes")
	if list == nil {
		for i := range x.Shape {
			list = append(list, i)
		}
	}
	if len(pads) != 2*len(list) {
		return nil, fmt.Errorf("%d pads for %d dimensions", len(pads), len(list))
	}
	before, shape := make([]int, x.rank()), append([]int{}, x.Shape...)
	for i, a := range list {
		if a, err = axis(a, x.rank()); err != nil {
			return nil, err
		}
		p, q := pads[i], pads[i+len(list)]
		if max(p, q) > onnx.MaxElements || min(p, q) < -onnx.MaxElements {
			return nil, fmt.Errorf("pads %v are out of range", pads)
		}
		before[a], shape[a] = p, x.Shape[a]+p+q
	}
	mode := c.Text("mode", "constant")
	step := strides(x.Shape)
	for d := range shape {
		if mode != "constant" && x.Shape[d] == 0 || mode == "reflect" && x.Shape[d] == 1 && shape[d] != 1 {
			return nil, fmt.Errorf("dimension %d of size %d cannot be padded by %s", d, x.Shape[d], mode)
		}
	}
	return c.remap(x, shape, value, func(index []int) int {
		at := 0
		for d, i := range index {
			n := x.Shape[d]
			i -= before[d]
			if i < 0 || i >= n {
				switch mode {
				case "edge":
					i = max(0, min(i, n-1))
				case "reflect":
					period := max(1, 2*(n-1))
					if i = ((i % period) + period) % period; i >= n {
						i = period - i
					}
				case "wrap":
					i = ((i % n) + n) % n
				default:
					return -1
				}
			}
			at += i * step[d]
		}
		return at
	})
}
