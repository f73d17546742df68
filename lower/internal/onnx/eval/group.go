// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"
	"math"
)

var _ = register(map[string]operator{
	"GroupNormalization": groupNorm, "RMSNormalization": rmsNorm, "CumSum": cumSum, "Trilu": trilu,
	"Swish": withAttrs(func(c *call) func(float64) float64 {
		alpha := float64(c.Float("alpha", 1))
		return func(x float64) float64 { return x / (1 + math.Exp(-float64(alpha*x))) }
	}),
})

// groupNorm takes mean and deviation over a group of channels and all of their elements.
func groupNorm(c *call) ([]*Array, error) {
	x, scale, err := c.two()
	if err != nil {
		return nil, err
	}
	bias, err := c.arg(2)
	if err != nil {
		return nil, err
	}
	groups := int(c.Int("num_groups", 0))
	if x.rank() < 2 || groups < 1 || x.Shape[1]%groups != 0 || len(x.Data) == 0 {
		return nil, fmt.Errorf("%d groups of an input of shape %v", groups, x.Shape)
	}
	numbers := groups // of scale and bias
	if c.opset() >= 21 {
		numbers = x.Shape[1]
	}
	if len(scale.Data) != numbers || len(bias.Data) != numbers {
		return nil, fmt.Errorf("%d scales and %d biases, expected %d", len(scale.Data), len(bias.Data), numbers)
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	space := elems(x.Shape[2:])
	size := x.Shape[1] / groups * space
	for at := 0; at < len(x.Data); at += size {
		mean, inverse := moments(x.Data[at:at+size], float64(c.Float("epsilon", 1e-5)))
		for i := at; i < at+size; i++ {
			channel := i / space % x.Shape[1]
			n := channel
			if numbers == groups {
				n = channel / (x.Shape[1] / groups)
			}
			y.Data[i] = float64((x.Data[i]-mean)*inverse*scale.Data[n]) + bias.Data[n]
		}
	}
	return []*Array{y}, nil
}

func rmsNorm(c *call) ([]*Array, error) {
	x, scale, err := c.two()
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", -1)), x.rank())
	if err != nil {
		return nil, err
	}
	if err := withinOne(x, "the input"); err != nil {
		return nil, err
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	n := elems(x.Shape[a:])
	for at := 0; at < len(x.Data); at += n {
		sum := 0.0
		for _, v := range x.Data[at : at+n] {
			sum += float64(v * v)
		}
		root := math.Sqrt(sum/float64(n) + float64(c.Float("epsilon", 1e-5)))
		for i := at; i < at+n; i++ {
			y.Data[i] = x.Data[i] / root
		}
	}
	y, err = c.combine(x.Type, y, scale, func(a, b float64) float64 { return a * b })
	return []*Array{y}, err
}

// cumSum walks along an axis, from its end where reverse says so.
func cumSum(c *call) ([]*Array, error) {
	x, at, err := c.two()
	if err != nil {
		return nil, err
	}
	if len(at.Data) != 1 {
		return nil, errors.New("the axis is no single number")
	}
	a, err := axis(at.ints()[0], x.rank())
	if err != nil {
		return nil, err
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	lanes(x.Shape, a, func(from, step, n int) {
		sum := 0.0
		for i := range n {
			p := from + i*step
			if c.Int("reverse", 0) != 0 {
				p = from + (n-1-i)*step
			}
			before := sum
			sum += x.Data[p]
			if y.Data[p] = sum; c.Int("exclusive", 0) != 0 {
				y.Data[p] = before
			}
		}
	})
	return []*Array{y}, nil
}

func trilu(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	if x.rank() < 2 {
		return nil, fmt.Errorf("an input of shape %v", x.Shape)
	}
	k := 0
	if at := c.opt(1); at != nil && len(at.Data) == 1 {
		const far = 1 << 30 // beyond every matrix
		k = max(min(at.ints()[0], far), -far)
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	each(x.Shape, func(at int, index []int) {
		below := index[len(index)-2] + k // the diagonal's column in this row
		column := index[len(index)-1]
		if c.Int("upper", 1) != 0 && column >= below || c.Int("upper", 1) == 0 && column <= below {
			y.Data[at] = x.Data[at]
		}
	})
	return []*Array{y}, nil
}
