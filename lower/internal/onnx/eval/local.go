// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
)

var _ = register(map[string]operator{"LRN": lrn, "LpPool": lpPool, "Hardmax": hardmax, "OneHot": oneHot})

// lrn divides by a power of the mean of squares over neighbouring channels.
func lrn(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	size := int(c.Int("size", 0))
	if x.rank() < 2 || size < 1 {
		return nil, fmt.Errorf("input %v, size %d", x.Shape, size)
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	channels, inner := x.Shape[1], elems(x.Shape[2:])
	if err := c.spend(len(x.Data), min(size, channels)); err != nil {
		return nil, err
	}
	alpha, beta, bias := float64(c.Float("alpha", 1e-4)), float64(c.Float("beta", 0.75)), float64(c.Float("bias", 1))
	for at := range x.Data {
		ch := at / inner % channels
		sum := 0.0
		first, last := max(0, ch-(size-1)/2), min(channels-1, ch+size/2)
		for k := first; k <= last; k++ {
			v := x.Data[at+(k-ch)*inner]
			sum += float64(v * v)
		}
		y.Data[at] = x.Data[at] / math.Pow(bias+float64(alpha/float64(size)*sum), beta)
	}
	return []*Array{y}, nil
}

// lpPool is the p-norm of a window.
func lpPool(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	if x.rank() < 3 {
		return nil, fmt.Errorf("input %v has no spatial dimension", x.Shape)
	}
	ws, err := c.windows(x.Shape[2:], toInts(c.Ints("kernel_shape")))
	if err == nil {
		err = c.forward(ws)
	}
	if err != nil {
		return nil, err
	}
	kernel := sizes(ws, kernelSize)
	y, err := c.make(x.Type, append([]int{x.Shape[0], x.Shape[1]}, sizes(ws, outSize)...))
	if err == nil {
		err = c.spend(len(y.Data), elems(kernel))
	}
	if err != nil {
		return nil, err
	}
	p, to, step := float64(c.Int("p", 2)), make([]int, len(ws)), strides(x.Shape)
	each(y.Shape, func(at int, index []int) {
		sum := 0.0
		each(kernel, func(_ int, k []int) {
			if place(ws, index[2:], k, to) {
				v := math.Abs(x.Data[offset(index[:2], step[:2])+offset(to, step[2:])])
				if p == 2 { // which is fast, for wide windows
					v *= v
				} else {
					v = math.Pow(v, p)
				}
				sum += v
			}
		})
		y.Data[at] = math.Pow(sum, 1/p)
	})
	return []*Array{y}, nil
}

// hardmax is 1 at the first largest element along an axis.
func hardmax(c *call) ([]*Array, error) {
	x, shape, a, err := c.spread()
	if err != nil {
		return nil, err
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	lanes(shape, a, func(at, step, n int) {
		best := at
		for i := range n {
			if x.Data[at+i*step] > x.Data[best] {
				best = at + i*step
			}
		}
		if n > 0 {
			y.Data[best] = 1
		}
	})
	return []*Array{y}, nil
}

// oneHot puts a value where the index says, and another elsewhere.
func oneHot(c *call) ([]*Array, error) {
	idx, depth, err := c.two()
	if err != nil {
		return nil, err
	}
	values, err := c.arg(2)
	if err != nil {
		return nil, err
	}
	if len(depth.Data) != 1 || !(depth.Data[0] >= 1 && depth.Data[0] <= maxElements) || len(values.Data) != 2 {
		return nil, fmt.Errorf("a depth of %v and values %v", depth.Data, values.Data)
	}
	n := int(depth.Data[0])
	a, err := axis(int(c.Int("axis", -1)), idx.rank()+1)
	if err != nil {
		return nil, err
	}
	shape := append(append(append([]int{}, idx.Shape[:a]...), n), idx.Shape[a:]...)
	y, err := c.make(values.Type, shape)
	if err != nil {
		return nil, err
	}
	inner := elems(idx.Shape[a:])
	for i := range y.Data {
		y.Data[i] = values.Data[0]
	}
	for i, v := range idx.Data {
		k := int(v)
		if k < 0 {
			k += n
		}
		if k >= 0 && k < n {
			y.Data[(i/inner*n+k)*inner+i%inner] = values.Data[1]
		}
	}
	return []*Array{y}, nil
}
