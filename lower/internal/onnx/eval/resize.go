// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
)

var _ = register(map[string]operator{"Resize": resize, "Upsample": resize})

// resize scales dimensions by nearest or linear interpolation, one axis after the
// other. Upsample of opset 9 is the asymmetric, rounding down form.
func resize(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	at := 2
	coordinates, nearest := c.Text("coordinate_transformation_mode", "half_pixel"), c.Text("nearest_mode", "round_prefer_floor")
	if c.Op == "Upsample" || c.opset() < 11 {
		at, coordinates, nearest = 1, "asymmetric", "floor"
	}
	list := toInts(c.Ints("axes"))
	if list == nil {
		for i := range x.Shape {
			list = append(list, i)
		}
	}
	var scales []float64
	if a := c.opt(at); a != nil {
		scales = a.Data
	} else if a := c.Attrs["scales"]; a != nil {
		for _, v := range a.Floats {
			scales = append(scales, float64(v))
		}
	}
	var want []int
	if a := c.opt(3); a != nil {
		want = a.ints()
	}
	if c.Text("keep_aspect_ratio_policy", "stretch") != "stretch" || c.Int("antialias", 0) != 0 {
		return nil, fmt.Errorf("keep_aspect_ratio_policy and antialias are not computed")
	}
	if len(scales) != len(list) && len(want) != len(list) {
		return nil, fmt.Errorf("%d scales and %d sizes for %d axes", len(scales), len(want), len(list))
	}
	y := x
	for i, a := range list {
		if a, err = axis(a, x.rank()); err != nil {
			return nil, err
		}
		n, scale := x.Shape[a], 0.0
		size := 0
		if len(want) == len(list) {
			size, scale = want[i], float64(want[i])/float64(n)
		} else {
			scale = scales[i]
			size = int(math.Floor(float64(n) * math.Min(scale, 1<<20)))
		}
		if size == n && scale == 1 {
			continue
		}
		if n == 0 || size < 1 || !(scale > 0) {
			return nil, fmt.Errorf("dimension %d of %v cannot become %d", a, x.Shape, size)
		}
		source := func(o int) float64 {
			v := float64(o)
			switch coordinates {
			case "asymmetric":
				return v / scale
			case "align_corners":
				if size == 1 {
					return 0
				}
				return v * float64(n-1) / float64(size-1)
			case "pytorch_half_pixel":
				if size == 1 {
					return 0
				}
			case "half_pixel":
			default:
				return math.NaN()
			}
			return (v+0.5)/scale - 0.5
		}
		if source(0) != source(0) {
			return nil, fmt.Errorf("coordinate_transformation_mode %q is not computed", coordinates)
		}
		if y, err = c.along(y, a, size, source, nearest); err != nil {
			return nil, err
		}
	}
	return []*Array{y}, nil
}

// along interpolates one axis.
func (c *call) along(x *Array, a, size int, source func(int) float64, nearest string) (*Array, error) {
	shape := append([]int{}, x.Shape...)
	shape[a] = size
	y, err := c.make(x.Type, shape)
	if err != nil {
		return nil, err
	}
	n, own := x.Shape[a], strides(x.Shape)
	clamp := func(i float64) int { return int(math.Max(0, math.Min(float64(n-1), i))) }
	mode := c.Text("mode", "nearest")
	if mode != "nearest" && mode != "linear" {
		return nil, fmt.Errorf("mode %q is not computed", mode)
	}
	pick := map[string]func(float64) float64{
		"round_prefer_floor": func(v float64) float64 { return math.Ceil(v - 0.5) },
		"round_prefer_ceil":  func(v float64) float64 { return math.Floor(v + 0.5) },
		"floor":              math.Floor, "ceil": math.Ceil,
	}[nearest]
	if pick == nil {
		return nil, fmt.Errorf("nearest_mode %q is not computed", nearest)
	}
	each(shape, func(at int, index []int) {
		base := offset(index, own) - index[a]*own[a]
		v := source(index[a])
		if mode == "nearest" {
			y.Data[at] = x.Data[base+clamp(pick(v))*own[a]]
			return
		}
		lo := math.Floor(v)
		y.Data[at] = float64(x.Data[base+clamp(lo)*own[a]]*(lo+1-v)) + float64(x.Data[base+clamp(lo+1)*own[a]]*(v-lo))
	})
	return y, nil
}
