// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Operators that look at windows of an image, or resize it.
func init() {
	Register(
		Descriptor{Kind: AveragePool2D, Name: "AVERAGE_POOL_2D", Attr: Pool2DAttr{}, Inputs: one, Outputs: one, Types: TypesMoved, Shapes: shapesPool,
			File: File{Union: 5, Fields: poolFields, Versions: [3]int{1, 2, 3}, Releases: since("1.5 1.14 2.3")}},
		Descriptor{Kind: MaxPool2D, Name: "MAX_POOL_2D", Attr: Pool2DAttr{}, Inputs: one, Outputs: one, Types: TypesMoved, Shapes: shapesPool,
			File: File{Union: 5, Fields: poolFields, Versions: [3]int{1, 2, 3}, Releases: since("1.5 1.14 2.3")}},
		Descriptor{Kind: ResizeBilinear, Name: "RESIZE_BILINEAR", Attr: ResizeAttr{}, Inputs: two, Outputs: one, Types: TypesMoved, Shapes: shapesResize,
			File: File{Union: 15, Fields: func(f Fields, attr any) any {
				a, _ := attr.(ResizeAttr)
				f.Bool(2, &a.AlignCorners, false)
				f.Bool(3, &a.HalfPixelCenters, false)
				return a
			}, Versions: [3]int{1, 2, 4}, Version: func(g *Graph, op *Op, v int) int {
				if op.Attr.(ResizeAttr).HalfPixelCenters {
					return max(v, 3)
				}
				return v
			}, Releases: since("1.7 1.14 2.2 2.5")}},
		Descriptor{Kind: ResizeNearestNeighbor, Name: "RESIZE_NEAREST_NEIGHBOR", Class: Movement, Attr: ResizeAttr{}, Inputs: two, Outputs: one,
			Types: TypesMoved, Shapes: shapesResize, Moves: movesResize,
			File: File{Union: 74, Fields: func(f Fields, attr any) any {
				a, _ := attr.(ResizeAttr)
				f.Bool(0, &a.AlignCorners, false)
				f.Bool(1, &a.HalfPixelCenters, false)
				return a
			}, Versions: [3]int{1, 2, 4}, Version: func(g *Graph, op *Op, v int) int {
				if a := op.Attr.(ResizeAttr); a.AlignCorners || a.HalfPixelCenters {
					return max(v, 3)
				}
				return v
			}, Releases: since("1.13 1.14 2.3 2.4")}},
	)
}

// poolFields are the options of poolings.
func poolFields(f Fields, attr any) any {
	a, _ := attr.(Pool2DAttr)
	f.Byte(0, (*uint8)(&a.Padding), 0)
	f.Int(1, &a.StrideW, 0)
	f.Int(2, &a.StrideH, 0)
	f.Int(3, &a.FilterW, 0)
	f.Int(4, &a.FilterH, 0)
	f.Byte(5, (*uint8)(&a.Activation), 0)
	return a
}

func shapesResize(g *Graph, op *Op) ([][]int, error) {
	in := g.Tensors[op.Inputs[0]]
	size, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	if len(in.Shape) != 4 || in.Elems() == 0 || len(size) != 2 || min(size[0], size[1]) < 1 || max(size[0], size[1]) > 1<<16 {
		return nil, fmt.Errorf("input %q of shape %v to size %v, expected [batch, height, width, channels] and a height and width from 1 to 65536", in.Name, in.Shape, size)
	}
	if a := op.Attr.(ResizeAttr); op.Kind == ResizeBilinear && a.AlignCorners && a.HalfPixelCenters {
		return nil, fmt.Errorf("align_corners and half_pixel_centers are both set, expected one of them")
	}
	return [][]int{{in.Shape[0], size[0], size[1], in.Shape[3]}}, nil
}

// movesResize copies the nearest pixel of the input to every pixel of the output.
func movesResize(g *Graph, op *Op) ([]Move, error) {
	a := op.Attr.(ResizeAttr)
	in, out := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape
	axes := make([][]run, 4)
	axes[0], axes[3] = []run{{0, 0, 1, out[0]}}, []run{{0, 0, 1, out[3]}}
	for _, d := range []int{1, 2} {
		from := make([]int, out[d])
		for i := range from {
			from[i] = nearest(i, in[d], out[d], a)
		}
		axes[d] = runs(from)
	}
	return blocks(in, out, axes), nil
}

// nearest is the input index for output index i. TFLite computes it in float32.
func nearest(i, in, out int, a ResizeAttr) int {
	scale := float32(in) / float32(out)
	if a.AlignCorners && out > 1 {
		scale = float32(in-1) / float32(out-1)
	}
	offset := float32(0)
	if a.HalfPixelCenters {
		offset = 0.5
	}
	at := float32(float32(i)+offset) * scale
	index := int(at) // not negative
	if a.AlignCorners {
		index = int(float64(at) + 0.5)
	}
	return min(max(index, 0), in-1)
}

// TapUnit is 1 in the fractions of RESIZE_BILINEAR.
const TapUnit = 1 << 10

// Tap is what one output of RESIZE_BILINEAR takes along one dimension: the inputs
// before and behind it, and how far it is from the first, in parts of TapUnit. Where
// both are one, at an edge, Part may be anything.
type Tap struct {
	Lo, Hi int
	Part   int64
}

// Taps returns the taps of all outputs along a dimension, by TFLite's integer positions.
func Taps(in, out int, a ResizeAttr) []Tap {
	scale := (TapUnit*in + out/2) / out
	if a.AlignCorners && out > 1 {
		scale = (TapUnit*(in-1) + (out-1)/2) / (out - 1)
	}
	list := make([]Tap, out)
	for i := range list {
		at := i * scale
		if a.HalfPixelCenters {
			at += scale/2 - TapUnit/2
		}
		lo := max(at/TapUnit, 0)
		list[i] = Tap{lo, min((at+TapUnit-1)/TapUnit, in-1), int64(at - lo*TapUnit)}
	}
	return list
}
