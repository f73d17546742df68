// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

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
