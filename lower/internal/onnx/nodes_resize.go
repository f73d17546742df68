// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"Resize": resizeNode, "Upsample": resizeNode})

// resizing is how one dimension is resized.
type resizing struct {
	in, out int
	scale   float64
}

// source returns the coordinate in the input of output element o.
func (r resizing) source(mode string, o int) (float64, bool) {
	v := float64(o)
	switch mode {
	case "asymmetric":
		return v / r.scale, true
	case "align_corners":
		if r.out == 1 {
			return 0, true
		}
		return v * float64(r.in-1) / float64(r.out-1), true
	case "pytorch_half_pixel":
		if r.out == 1 {
			return 0, true
		}
		return (v+0.5)/r.scale - 0.5, true
	case "half_pixel":
		return (v+0.5)/r.scale - 0.5, true
	}
	return 0, false
}

func resizeNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	n := c.node
	coordinates, nearest, at := n.Text("coordinate_transformation_mode", "half_pixel"), n.Text("nearest_mode", "round_prefer_floor"), 2
	if n.Op == "Upsample" || c.m.Opset < 11 {
		coordinates, nearest, at = "asymmetric", "floor", 1
	}
	if n.Int("antialias", 0) != 0 || n.Text("keep_aspect_ratio_policy", "stretch") != "stretch" {
		c.refuse("attributes antialias and keep_aspect_ratio_policy have to be at their defaults")
	}
	rs := c.resizings(in, x, at)
	changed := 0
	for _, r := range rs {
		if r.out != r.in || r.scale != 1 {
			changed++
		}
	}
	if changed == 0 {
		return only(x)
	}
	switch mode := n.Text("mode", "nearest"); mode {
	case "nearest":
		return only(c.nearest(x, rs, coordinates, nearest))
	case "linear":
		return only(c.bilinear(x, rs, coordinates))
	default:
		c.refuse("attribute mode is %q; expected nearest or linear", mode)
	}
	return nil
}

// resizings reads scales or sizes.
func (c *converter) resizings(in []*value, x *value, at int) []resizing {
	rs := make([]resizing, x.rank())
	for d, n := range x.shape {
		rs[d] = resizing{n, n, 1}
	}
	list := c.listAt(nil, -1, "axes")
	if list == nil {
		list = inPlace(x.rank())
	}
	var scales []float32
	if s := opt(in, at); s != nil && s.ints == nil {
		f, ok := c.constant(s)
		if !ok {
			c.refuse("its scales are computed at run time")
		}
		scales = f
	} else if a := c.node.Attrs["scales"]; a != nil {
		scales = a.Floats
	}
	sizes := c.list(in, 3, "sizes")
	if len(scales) != len(list) && len(sizes) != len(list) {
		c.refuse("%d scales and %d sizes for %d dimensions", len(scales), len(sizes), len(list))
	}
	for i, a := range list {
		r := &rs[c.axis(a, x.rank())]
		if len(sizes) == len(list) {
			r.out, r.scale = sizes[i], float64(sizes[i])/float64(r.in)
		} else {
			r.scale = float64(scales[i])
			r.out = int(math.Floor(float64(r.in) * math.Min(r.scale, 1<<16)))
		}
		if r.out < 1 || r.out > MaxElements || !(r.scale > 0) {
			c.refuse("dimension %d of %v cannot become %d", a, x.shape, r.out)
		}
	}
	return rs
}

// nearest picks elements, dimension by dimension; heights and widths that the
// operator of TFLite resizes in the same way go through it.
func (c *converter) nearest(x *value, rs []resizing, coordinates, nearest string) *value {
	round := map[string]func(float64) float64{
		"round_prefer_floor": func(v float64) float64 { return math.Ceil(v - 0.5) },
		"round_prefer_ceil":  func(v float64) float64 { return math.Floor(v + 0.5) },
		"floor":              math.Floor, "ceil": math.Ceil,
	}[nearest]
	if round == nil {
		c.refuse("attribute nearest_mode is %q; expected round_prefer_floor, round_prefer_ceil, floor or ceil", nearest)
	}
	for d, r := range rs {
		if r.out == r.in && r.scale == 1 {
			continue
		}
		list := make([]int, r.out)
		for o := range list {
			v, ok := r.source(coordinates, o)
			if !ok {
				c.refuse("attribute coordinate_transformation_mode is %q; expected half_pixel, pytorch_half_pixel, align_corners or asymmetric", coordinates)
			}
			list[o] = int(min(max(round(v), 0), float64(r.in-1)))
		}
		x = c.gathered(x, d, list)
	}
	return x
}

// bilinear interpolates height and width.
func (c *converter) bilinear(x *value, rs []resizing, coordinates string) *value {
	var attr graph.ResizeAttr
	switch coordinates {
	case "align_corners":
		attr.AlignCorners = true
	case "half_pixel", "pytorch_half_pixel":
		attr.HalfPixelCenters = true
	case "asymmetric":
	default:
		c.refuse("attribute coordinate_transformation_mode is %q; expected half_pixel, align_corners or asymmetric", coordinates)
	}
	if x.rank() != 3 && x.rank() != 4 {
		c.refuse("attribute mode is linear for %d dimensions; expected [N,C,L] or [N,C,H,W]", x.rank())
	}
	if coordinates == "pytorch_half_pixel" { // which takes the first element where it leaves one
		for d := range rs {
			if r := &rs[d]; d >= 2 && r.out == 1 && r.in > 1 {
				x, r.in, r.scale = c.gathered(x, d, []int{0}), 1, 1
			}
		}
	}
	size := []int{1, 1}
	for d, r := range rs {
		if d < 2 {
			if r.out != r.in {
				c.refuse("attribute mode is linear along dimension %d; expected batch and channels to stay", d)
			}
			continue
		}
		if r.scale != float64(r.out)/float64(r.in) && coordinates != "align_corners" {
			c.refuse("the scale %v does not give whole sizes; give sizes", r.scale)
		}
		size[d-x.rank()+2] = r.out
	}
	return c.fromImage(c.op(graph.ResizeBilinear, attr, c.base, c.image(x), c.numbers("size", size...)), x.rank())
}
