// SPDX-License-Identifier: Apache-2.0

package eval

import "fmt"

var _ = register(map[string]operator{"ScatterND": scatterND, "ScatterElements": scatterElements, "Scatter": scatterElements})

// scatterInto gives a copy of the data on which write is called with the place and the
// number of every update.
func scatterInto(c *call, data, updates *Array, each func(write func(place, update int))) ([]*Array, error) {
	y, err := c.make(data.Type, data.Shape)
	if err != nil {
		return nil, err
	}
	copy(y.Data, data.Data)
	how := c.Text("reduction", "none")
	if how != "none" && how != "add" {
		return nil, fmt.Errorf("reduction %q is not known", how)
	}
	each(func(place, update int) {
		if how == "add" {
			y.Data[place] += updates.Data[update]
		} else {
			y.Data[place] = updates.Data[update]
		}
	})
	return []*Array{y}, nil
}

func three(c *call) (data, idx, updates *Array, err error) {
	if data, err = c.arg(0); err != nil {
		return
	}
	if idx, err = c.arg(1); err != nil {
		return
	}
	updates, err = c.arg(2)
	return
}

func scatterND(c *call) ([]*Array, error) {
	data, idx, updates, err := three(c)
	if err != nil {
		return nil, err
	}
	if idx.rank() == 0 {
		return nil, fmt.Errorf("indices are a single number")
	}
	k := idx.Shape[idx.rank()-1]
	if k < 1 || k > data.rank() {
		return nil, fmt.Errorf("indices %v do not fit %v", idx.Shape, data.Shape)
	}
	block := elems(data.Shape[k:])
	rows := len(idx.Data) / k
	if rows*block != len(updates.Data) {
		return nil, fmt.Errorf("updates of shape %v do not fit", updates.Shape)
	}
	v, own := idx.ints(), strides(data.Shape)
	for i, x := range v {
		if n := data.Shape[i%k]; x < -n || x >= n {
			return nil, fmt.Errorf("index %d is outside a dimension of %d", x, n)
		} else if x < 0 {
			v[i] += n
		}
	}
	return scatterInto(c, data, updates, func(write func(place, update int)) {
		for r := range rows {
			place := offset(v[r*k:(r+1)*k], own[:k])
			for i := range block {
				write(place+i, r*block+i)
			}
		}
	})
}

func scatterElements(c *call) ([]*Array, error) {
	data, idx, updates, err := three(c)
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", 0)), data.rank())
	if err != nil {
		return nil, err
	}
	if idx.rank() != data.rank() || len(idx.Data) != len(updates.Data) {
		return nil, fmt.Errorf("indices %v do not fit %v", idx.Shape, data.Shape)
	}
	for d, n := range idx.Shape {
		if d != a && n > data.Shape[d] {
			return nil, fmt.Errorf("indices %v do not fit %v", idx.Shape, data.Shape)
		}
	}
	v, err := indices(idx, data.Shape[a])
	if err != nil {
		return nil, err
	}
	own := strides(data.Shape)
	return scatterInto(c, data, updates, func(write func(place, update int)) {
		each(idx.Shape, func(at int, index []int) {
			to := append([]int(nil), index...)
			to[a] = v[at]
			write(offset(to, own), at)
		})
	})
}
