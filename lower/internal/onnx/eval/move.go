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

// reshaped returns the same elements in another shape.
func reshaped(x *Array, shape []int) ([]*Array, error) {
	n, err := onnx.Elems(shape)
	if err != nil {
		return nil, err
	}
	if n != len(x.Data) {
		return nil, fmt.Errorf("%d elements do not fill shape %v", len(x.Data), shape)
	}
	return []*Array{{Type: x.Type, Shape: append([]int{}, shape...), Data: x.Data}}, nil
}

func constant(c *call) ([]*Array, error) {
	switch {
	case c.Has("value") && c.Attrs["value"].Tensor != nil:
		a, err := FromTensor(c.Attrs["value"].Tensor)
		return []*Array{a}, err
	case c.Has("value_float"):
		return []*Array{{Type: onnx.Float, Shape: []int{}, Data: []float64{float64(c.Float("value_float", 0))}}}, nil
	case c.Has("value_int"):
		return []*Array{{Type: onnx.Int64, Shape: []int{}, Data: []float64{float64(c.Int("value_int", 0))}}}, nil
	case c.Has("value_floats"):
		a := &Array{Type: onnx.Float}
		for _, v := range c.Attrs["value_floats"].Floats {
			a.Data = append(a.Data, float64(v))
		}
		a.Shape = []int{len(a.Data)}
		return []*Array{a}, nil
	case c.Has("value_ints"):
		a := &Array{Type: onnx.Int64}
		for _, v := range c.Ints("value_ints") {
			a.Data = append(a.Data, float64(v))
		}
		a.Shape = []int{len(a.Data)}
		return []*Array{a}, nil
	}
	return nil, fmt.Errorf("the constant is no tensor of numbers")
}

func constantOfShape(c *call) ([]*Array, error) {
	s, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	t, v := onnx.Float, 0.0
	if a := c.Attrs["value"]; a != nil && a.Tensor != nil {
		f, err := FromTensor(a.Tensor)
		if err != nil || len(f.Data) != 1 {
			return nil, fmt.Errorf("the value has to be one number")
		}
		t, v = f.Type, f.Data[0]
	}
	y, err := c.make(t, s.ints())
	if err != nil {
		return nil, err
	}
	for i := range y.Data {
		y.Data[i] = v
	}
	return []*Array{y}, nil
}

func shapeOf(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	clamp := func(v int) int {
		if v < 0 {
			v += x.rank()
		}
		return max(0, min(v, x.rank()))
	}
	start, end := clamp(int(c.Int("start", 0))), clamp(int(c.Int("end", int64(x.rank()))))
	y := &Array{Type: onnx.Int64, Data: []float64{}}
	for i := start; i < end; i++ {
		y.Data = append(y.Data, float64(x.Shape[i]))
	}
	y.Shape = []int{len(y.Data)}
	return []*Array{y}, nil
}

func sizeOf(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	return []*Array{{Type: onnx.Int64, Shape: []int{}, Data: []float64{float64(len(x.Data))}}}, nil
}

func rangeOf(c *call) ([]*Array, error) {
	var v [3]float64
	var t onnx.DataType
	for i := range v {
		a, err := c.arg(i)
		if err != nil || len(a.Data) != 1 {
			return nil, fmt.Errorf("start, limit and delta have to be numbers")
		}
		v[i], t = a.Data[0], a.Type
	}
	n := 0
	if v[2] != 0 {
		for x := v[0]; (v[2] > 0 && x < v[1]) || (v[2] < 0 && x > v[1]); x = v[0] + float64(float64(n)*v[2]) {
			if n++; n > maxElements {
				return nil, fmt.Errorf("the range has more than %d elements", maxElements)
			}
		}
	}
	y, err := c.make(t, []int{n})
	if err != nil {
		return nil, err
	}
	for i := range y.Data {
		y.Data[i] = v[0] + float64(float64(i)*v[2])
	}
	return []*Array{y}, nil
}

func reshape(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	shape := append([]int{}, c.intsAt(1, "shape")...)
	open, known := -1, 1
	for i, d := range shape {
		switch {
		case d == 0 && c.Int("allowzero", 0) == 0:
			if i >= x.rank() {
				return nil, fmt.Errorf("dimension %d is to be copied, but there are %d", i, x.rank())
			}
			shape[i] = x.Shape[i]
		case d == -1:
			if open >= 0 {
				return nil, fmt.Errorf("shape %v has two open dimensions", shape)
			}
			open = i
			continue
		}
		if shape[i] < 0 || shape[i] > onnx.MaxElements || known > onnx.MaxElements {
			return nil, fmt.Errorf("shape %v is out of range", shape)
		}
		known *= shape[i]
	}
	if open >= 0 {
		if known == 0 || len(x.Data)%known != 0 {
			return nil, fmt.Errorf("%d elements do not fill shape %v", len(x.Data), shape)
		}
		shape[open] = len(x.Data) / known
	}
	return reshaped(x, shape)
}

func flatten(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	a := int(c.Int("axis", 1))
	if a < 0 {
		a += x.rank()
	}
	if a < 0 || a > x.rank() {
		return nil, fmt.Errorf("axis %d is outside the %d dimensions", a, x.rank())
	}
	return reshaped(x, []int{elems(x.Shape[:a]), elems(x.Shape[a:])})
}

func squeeze(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	list := c.intsAt(1, "axes")
	drop, err := axes(list, x.rank())
	if err != nil {
		return nil, err
	}
	shape := []int{}
	for i, d := range x.Shape {
		if drop[i] && d != 1 {
			return nil, fmt.Errorf("dimension %d has size %d, expected 1", i, d)
		}
		if !drop[i] && (list != nil || d != 1) {
			shape = append(shape, d)
		}
	}
	return reshaped(x, shape)
}

func unsqueeze(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	list := c.intsAt(1, "axes")
	rank := x.rank() + len(list)
	added, err := axes(list, rank)
	if err != nil || len(added) != len(list) {
		return nil, fmt.Errorf("axes %v do not fit %d dimensions", list, rank)
	}
	shape, next := []int{}, 0
	for i := range rank {
		if added[i] {
			shape = append(shape, 1)
		} else {
			shape = append(shape, x.Shape[next])
			next++
		}
	}
	return reshaped(x, shape)
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
