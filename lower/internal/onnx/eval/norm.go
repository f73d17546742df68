// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{
	"LpNormalization": lpNormalization, "GlobalLpPool": globalLpPool, "MeanVarianceNormalization": meanVariance, "EyeLike": eyeLike,
})

// groups calls f with the places of the elements that differ along the given dimensions
// alone.
func groups(shape []int, over map[int]bool, f func(places []int)) {
	outer, inner := append([]int{}, shape...), append([]int{}, shape...)
	for d := range shape {
		if over[d] {
			outer[d] = 1
		} else {
			inner[d] = 1
		}
	}
	step := strides(shape)
	each(outer, func(_ int, at []int) {
		from := offset(at, step)
		var places []int
		each(inner, func(_ int, i []int) { places = append(places, from+offset(i, step)) })
		f(places)
	})
}

func norm(x []float64, places []int, p int64) (float64, error) {
	sum := 0.0
	for _, at := range places {
		switch p {
		case 1:
			sum += math.Abs(x[at])
		case 2:
			sum = math.Hypot(sum, x[at])
		default:
			return 0, fmt.Errorf("attribute p is %d", p)
		}
	}
	return sum, nil
}

func lpNormalization(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", -1)), x.rank())
	if err != nil {
		return nil, err
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	groups(x.Shape, map[int]bool{a: true}, func(places []int) {
		n, e := norm(x.Data, places, c.Int("p", 2))
		if e != nil {
			err = e
		}
		for _, at := range places {
			if n != 0 { // of nothing but zeros it is zero
				y.Data[at] = x.Data[at] / n
			}
		}
	})
	return []*Array{y}, err
}

func globalLpPool(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	shape, over := append([]int{}, x.Shape...), map[int]bool{}
	for d := 2; d < x.rank(); d++ {
		shape[d], over[d] = 1, true
	}
	y, err := c.make(x.Type, shape)
	if err != nil {
		return nil, err
	}
	at := 0
	groups(x.Shape, over, func(places []int) {
		n, e := norm(x.Data, places, c.Int("p", 2))
		if e != nil {
			err = e
		}
		y.Data[at] = n
		at++
	})
	return []*Array{y}, err
}

func meanVariance(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	list := toInts(c.Ints("axes"))
	if list == nil {
		list = []int{0, 2, 3}
	}
	over, err := axes(list, x.rank())
	if err != nil {
		return nil, err
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	groups(x.Shape, over, func(places []int) {
		mean, square := 0.0, 0.0
		for _, at := range places {
			mean += x.Data[at] / float64(len(places))
			square += x.Data[at] * x.Data[at] / float64(len(places))
		}
		for _, at := range places {
			y.Data[at] = (x.Data[at] - mean) / (math.Sqrt(math.Max(0, square-float64(mean*mean))) + 1e-9)
		}
	})
	return []*Array{y}, nil
}

func eyeLike(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	if x.rank() != 2 {
		return nil, fmt.Errorf("shape %v", x.Shape)
	}
	y, err := c.make(onnx.DataType(c.Int("dtype", int64(x.Type))), x.Shape)
	if err != nil {
		return nil, err
	}
	each(x.Shape, func(at int, i []int) {
		if i[1] == i[0]+int(c.Int("k", 0)) {
			y.Data[at] = 1
		}
	})
	return []*Array{y}, nil
}
