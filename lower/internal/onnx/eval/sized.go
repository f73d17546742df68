// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{"NonZero": nonZero, "Compress": compress})

// nonZero lists the indices of all elements that are not zero, column by column.
func nonZero(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	shape := x.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	rows := make([][]float64, len(shape))
	each(shape, func(at int, index []int) {
		if x.Data[at] == 0 {
			return
		}
		for d, i := range index {
			rows[d] = append(rows[d], float64(i))
		}
	})
	y, err := c.make(onnx.Int64, []int{len(shape), len(rows[0])})
	if err != nil {
		return nil, err
	}
	for d, r := range rows {
		copy(y.Data[d*len(r):], r)
	}
	return []*Array{y}, nil
}

// compress copies the slices along an axis that are to be kept.
func compress(c *call) ([]*Array, error) {
	x, cond, err := c.two()
	if err != nil {
		return nil, err
	}
	shape, a := []int{elems(x.Shape)}, 0
	if c.Attrs["axis"] != nil {
		shape = append([]int{}, x.Shape...)
		if a, err = axis(int(c.Int("axis", 0)), x.rank()); err != nil {
			return nil, err
		}
	}
	full := append([]int{}, shape...)
	shape[a] = 0
	place := map[int]int{}
	for i, v := range cond.Data {
		if v != 0 {
			place[i] = shape[a]
			shape[a]++
		}
	}
	for i := range place {
		if i >= full[a] {
			return nil, fmt.Errorf("element %d is kept of a dimension of %d", i, full[a])
		}
	}
	if shape[a] == 0 {
		return nil, errors.New("nothing is kept")
	}
	y, err := c.make(x.Type, shape)
	if err != nil {
		return nil, err
	}
	own := strides(shape)
	each(full, func(at int, index []int) {
		to := append([]int{}, index...)
		i, kept := place[index[a]]
		if to[a] = i; kept {
			y.Data[offset(to, own)] = x.Data[at]
		}
	})
	return []*Array{y}, nil
}
