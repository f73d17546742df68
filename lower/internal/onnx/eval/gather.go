// SPDX-License-Identifier: Apache-2.0

package eval

import "fmt"

var _ = register(map[string]operator{
	"Gather": gather, "GatherElements": gatherElements, "GatherND": gatherND,
	"DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth, "ReverseSequence": reverseSequence,
})

func gather(c *call) ([]*Array, error) {
	x, idx, err := c.two()
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", 0)), x.rank())
	if err != nil {
		return nil, err
	}
	at, err := indices(idx, x.Shape[a])
	if err != nil {
		return nil, err
	}
	shape := append(append(append([]int{}, x.Shape[:a]...), idx.Shape...), x.Shape[a+1:]...)
	step, own := strides(idx.Shape), strides(x.Shape)
	return c.remap(x, shape, 0, func(index []int) int {
		i := at[offset(index[a:a+len(step)], step)]
		return offset(index[:a], own[:a]) + i*own[a] + offset(index[a+len(step):], own[a+1:])
	})
}

// indices returns indices from 0 on, or an error where one is outside.
func indices(a *Array, n int) ([]int, error) {
	at := a.ints()
	for i, v := range at {
		if v < 0 {
			v += n
		}
		if v < 0 || v >= n {
			return nil, fmt.Errorf("index %d is outside a dimension of %d", at[i], n)
		}
		at[i] = v
	}
	return at, nil
}

func gatherElements(c *call) ([]*Array, error) {
	x, idx, err := c.two()
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", 0)), x.rank())
	if err != nil {
		return nil, err
	}
	at, err := indices(idx, x.Shape[a])
	if err != nil {
		return nil, err
	}
	for d := range x.Shape {
		if idx.rank() != x.rank() || d != a && idx.Shape[d] > x.Shape[d] {
			return nil, fmt.Errorf("indices %v do not fit %v", idx.Shape, x.Shape)
		}
	}
	own, step := strides(x.Shape), strides(idx.Shape)
	return c.remap(x, idx.Shape, 0, func(index []int) int {
		return offset(index, own) + (at[offset(index, step)]-index[a])*own[a]
	})
}

func gatherND(c *call) ([]*Array, error) {
	x, idx, err := c.two()
	if err != nil {
		return nil, err
	}
	if c.Int("batch_dims", 0) != 0 {
		return nil, fmt.Errorf("batch_dims is not computed")
	}
	if idx.rank() == 0 || idx.Shape[idx.rank()-1] > x.rank() {
		return nil, fmt.Errorf("indices %v do not fit %v", idx.Shape, x.Shape)
	}
	last := idx.rank() - 1
	k := idx.Shape[last]
	shape := append(append([]int{}, idx.Shape[:last]...), x.Shape[k:]...)
	own, step, at := strides(x.Shape), strides(idx.Shape), idx.ints()
	for i := range at {
		n := x.Shape[i%max(k, 1)]
		if at[i] < 0 {
			at[i] += n
		}
		if at[i] < 0 || at[i] >= n {
			return nil, fmt.Errorf("index %v is outside %v", idx.Data[i], x.Shape)
		}
	}
	return c.remap(x, shape, 0, func(index []int) int {
		row := offset(index[:last], step[:last])
		return offset(at[row:row+k], own[:k]) + offset(index[last:], own[k:])
	})
}

// depthToSpace by the two reshapes of its description.
func depthToSpace(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	b := int(c.Int("blocksize", 0))
	if x.rank() != 4 || b < 1 || b > 1<<12 || x.Shape[1]%(b*b) != 0 {
		return nil, fmt.Errorf("blocks of %d do not fit %v", b, x.Shape)
	}
	n, d, h, w := x.Shape[0], x.Shape[1]/(b*b), x.Shape[2], x.Shape[3]
	shape, perm := []int{n, b, b, d, h, w}, []int{0, 3, 4, 1, 5, 2}
	if c.Text("mode", "DCR") == "CRD" {
		shape, perm = []int{n, d, b, b, h, w}, []int{0, 1, 4, 2, 5, 3}
	}
	r, err := reshaped(x, shape)
	if err != nil {
		return nil, err
	}
	if r, err = c.permute(r[0], perm); err != nil {
		return nil, err
	}
	return reshaped(r[0], []int{n, d, h * b, w * b})
}

func spaceToDepth(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	b := int(c.Int("blocksize", 0))
	if x.rank() != 4 || b < 1 || x.Shape[2]%b != 0 || x.Shape[3]%b != 0 {
		return nil, fmt.Errorf("blocks of %d do not fit %v", b, x.Shape)
	}
	n, d, h, w := x.Shape[0], x.Shape[1], x.Shape[2]/b, x.Shape[3]/b
	r, err := reshaped(x, []int{n, d, h, b, w, b})
	if err != nil {
		return nil, err
	}
	if r, err = c.permute(r[0], []int{0, 3, 5, 1, 2, 4}); err != nil {
		return nil, err
	}
	return reshaped(r[0], []int{n, b * b * d, h, w})
}

func reverseSequence(c *call) ([]*Array, error) {
	x, lens, err := c.two()
	if err != nil {
		return nil, err
	}
	t, err := axis(int(c.Int("time_axis", 0)), x.rank())
	if err != nil {
		return nil, err
	}
	b, err := axis(int(c.Int("batch_axis", 1)), x.rank())
	if err != nil {
		return nil, err
	}
	n := lens.ints()
	if len(n) != x.Shape[b] {
		return nil, fmt.Errorf("%d lengths for a batch of %d", len(n), x.Shape[b])
	}
	own := strides(x.Shape)
	return c.remap(x, x.Shape, 0, func(index []int) int {
		at, i := offset(index, own), index[t]
		if k := min(n[index[b]], x.Shape[t]); i < k {
			at += (k - 1 - 2*i) * own[t]
		}
		return at
	})
}
