// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
)

var _ = register(map[string]operator{"MatMul": matMul, "Gemm": gemm})

// matMul multiplies the last two dimensions; those before are broadcast.
func matMul(c *call) ([]*Array, error) {
	a, b, err := c.two()
	if err != nil {
		return nil, err
	}
	if a.rank() == 0 || b.rank() == 0 {
		return nil, fmt.Errorf("an operand is a single number")
	}
	va, vb := *a, *b // with two dimensions at least
	if a.rank() == 1 {
		va.Shape = []int{1, a.Shape[0]}
	}
	if b.rank() == 1 {
		vb.Shape = []int{b.Shape[0], 1}
	}
	ra, rb := va.rank(), vb.rank()
	rows, inner, cols := va.Shape[ra-2], va.Shape[ra-1], vb.Shape[rb-1]
	if vb.Shape[rb-2] != inner {
		return nil, fmt.Errorf("shapes %v and %v do not fit", a.Shape, b.Shape)
	}
	batch, err := broadcast(va.Shape[:ra-2], vb.Shape[:rb-2])
	if err != nil {
		return nil, err
	}
	y, err := c.make(a.Type, append(append([]int{}, batch...), rows, cols))
	if err != nil {
		return nil, err
	}
	if err := c.spend(len(y.Data), inner); err != nil {
		return nil, err
	}
	la, lb := Array{Shape: va.Shape[:ra-2]}, Array{Shape: vb.Shape[:rb-2]}
	sa, sb := la.view(batch), lb.view(batch)
	each(batch, func(at int, index []int) {
		fromA, fromB := offset(index, sa)*rows*inner, offset(index, sb)*inner*cols
		for i := range rows {
			for j := range cols {
				sum := 0.0
				for k := range inner {
					sum += float64(a.Data[fromA+i*inner+k] * b.Data[fromB+k*cols+j])
				}
				y.Data[(at*rows+i)*cols+j] = sum
			}
		}
	})
	switch {
	case a.rank() == 1 && b.rank() == 1:
		y.Shape = batch
	case a.rank() == 1:
		y.Shape = append(append([]int{}, batch...), cols)
	case b.rank() == 1:
		y.Shape = append(append([]int{}, batch...), rows)
	}
	return []*Array{y}, nil
}

func gemm(c *call) ([]*Array, error) {
	a, b, err := c.two()
	if err != nil {
		return nil, err
	}
	if a.rank() != 2 || b.rank() != 2 {
		return nil, fmt.Errorf("shapes %v and %v, expected matrices", a.Shape, b.Shape)
	}
	ta, tb := c.Int("transA", 0) != 0, c.Int("transB", 0) != 0
	rows, inner, ai, ak := a.Shape[0], a.Shape[1], a.Shape[1], 1
	if ta {
		rows, inner, ai, ak = a.Shape[1], a.Shape[0], 1, a.Shape[1]
	}
	cols, other, bk, bj := b.Shape[1], b.Shape[0], b.Shape[1], 1
	if tb {
		cols, other, bk, bj = b.Shape[0], b.Shape[1], 1, b.Shape[1]
	}
	if inner != other {
		return nil, fmt.Errorf("shapes %v and %v do not fit", a.Shape, b.Shape)
	}
	if err := c.spend(rows, cols, inner); err != nil {
		return nil, err
	}
	y, err := c.make(a.Type, []int{rows, cols})
	if err != nil {
		return nil, err
	}
	alpha, beta := float64(c.Float("alpha", 1)), float64(c.Float("beta", 1))
	for i := range rows {
		for j := range cols {
			sum := 0.0
			for k := range inner {
				sum += float64(a.Data[i*ai+k*ak] * b.Data[k*bk+j*bj])
			}
			y.Data[i*cols+j] = alpha * sum
		}
	}
	if bias := c.opt(2); bias != nil {
		shape, err := broadcast(y.Shape, bias.Shape)
		if err != nil || elems(shape) != len(y.Data) {
			return nil, fmt.Errorf("operand C of shape %v does not fit %v", bias.Shape, y.Shape)
		}
		y, err = c.combine(a.Type, y, bias, func(a, b float64) float64 { return a + float64(beta*b) })
		if err != nil {
			return nil, err
		}
	}
	return []*Array{y}, nil
}
