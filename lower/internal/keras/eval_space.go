// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
	"strings"
)

// Images of one dimension are evaluated as those of two, one row high.

func init() {
	evaluates(map[string]func(e *evaluator, in []*Array) []*Array{
		"Conv1D": evalConv, "Conv2D": evalConv, "Convolution1D": evalConv, "Convolution2D": evalConv,
		"DepthwiseConv1D": evalDepthwise, "DepthwiseConv2D": evalDepthwise, "SeparableConv1D": evalSeparable, "SeparableConv2D": evalSeparable,
		"Conv1DTranspose": evalTransposed, "Conv2DTranspose": evalTransposed,
		"MaxPooling1D": evalPool, "MaxPooling2D": evalPool, "AveragePooling1D": evalPool, "AveragePooling2D": evalPool,
		"GlobalAveragePooling1D": evalGlobal, "GlobalAveragePooling2D": evalGlobal, "GlobalMaxPooling1D": evalGlobal, "GlobalMaxPooling2D": evalGlobal,
		"ZeroPadding1D": evalFrame, "ZeroPadding2D": evalFrame, "Cropping1D": evalFrame, "Cropping2D": evalFrame,
		"UpSampling1D": evalUp, "UpSampling2D": evalUp,
	})
}

// image sees a value as [rows, columns, channels]; flat says that it had no rows.
func image(x *Array) (*Array, bool) {
	if len(x.Shape) == 3 {
		return &Array{Shape: []int{1, x.Shape[1], x.Shape[2]}, Data: x.Data}, true
	}
	return &Array{Shape: x.Shape[1:], Data: x.Data}, false
}

func back(x *Array, flat bool) *Array {
	if flat {
		return &Array{Shape: []int{1, x.Shape[1], x.Shape[2]}, Data: x.Data}
	}
	return &Array{Shape: append([]int{1}, x.Shape...), Data: x.Data}
}

// two reads a size for rows and columns; flat has one for columns.
func (e *evaluator) two(key string, flat bool, def int) [2]int {
	if flat {
		return [2]int{1, e.l.Config.sizes(key, 1, def)[0]}
	}
	s := e.l.Config.sizes(key, 2, def)
	return [2]int{s[0], s[1]}
}

// tap is where a window begins and how many places it has.
type tap struct {
	first, count int
}

// places says where the window of every output begins, by TensorFlow's rule for padding.
func (e *evaluator) places(n, size, stride, dilation int) tap {
	reach := float64((size-1)*dilation + 1)
	switch strings.ToLower(e.l.Config.text("padding", "valid")) {
	case "same":
		count := math.Ceil(float64(n) / float64(stride))
		needed := math.Max(float64((count-1)*float64(stride))+reach-float64(n), 0)
		return tap{-int(math.Floor(needed / 2)), int(count)}
	case "causal":
		return tap{-int(reach) + 1, int(math.Ceil(float64(n) / float64(stride)))}
	}
	return tap{0, int(math.Ceil((float64(n) - reach + 1) / float64(stride)))}
}

// slide computes f of every window: the values under it, by tap and channel; outside of
// the image inside is false.
func (e *evaluator) slide(x *Array, size, stride, dilation [2]int, channels int, f func(y []float64, at func(row, column, channel int) (float64, bool))) *Array {
	r, c := e.places(x.Shape[0], size[0], stride[0], dilation[0]), e.places(x.Shape[1], size[1], stride[1], dilation[1])
	y := newArray(r.count, c.count, channels)
	for i := range r.count {
		for j := range c.count {
			from := y.at(i, j, 0)
			f(y.Data[from:from+channels], func(row, column, channel int) (float64, bool) {
				a, b := r.first+i*stride[0]+row*dilation[0], c.first+j*stride[1]+column*dilation[1]
				if a < 0 || b < 0 || a >= x.Shape[0] || b >= x.Shape[1] {
					return 0, false
				}
				return x.Data[x.at(a, b, channel)], true
			})
		}
	}
	return y
}

// convolve computes a convolution by its definition: kernel [size…, C/groups, K], and
// output k sees the channels of its group alone.
func (e *evaluator) convolve(x *Array, kernel *Array, size, stride, dilation [2]int, groups int) *Array {
	inner, outer := kernel.Shape[len(kernel.Shape)-2], kernel.Shape[len(kernel.Shape)-1]
	return e.slide(x, size, stride, dilation, outer, func(y []float64, at func(int, int, int) (float64, bool)) {
		for k := range y {
			group := k / (outer / groups)
			for i := range size[0] {
				for j := range size[1] {
					for c := range inner {
						v, _ := at(i, j, group*inner+c)
						y[k] += float64(v * kernel.Data[((i*size[1]+j)*inner+c)*outer+k])
					}
				}
			}
		}
	})
}

func (e *evaluator) biased(x *Array, names []string) *Array {
	n := x.Shape[len(x.Shape)-1]
	b := e.vector(names, "use_bias", "bias", n, 0)
	for i := range x.Data {
		x.Data[i] += b.Data[i%n]
	}
	return e.activate(e.l.Config["activation"], x)
}

func evalConv(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	names := []string{"kernel", "bias"}
	y := e.convolve(x, e.weight(names, "kernel"), e.two("kernel_size", flat, 1), e.two("strides", flat, 1), e.two("dilation_rate", flat, 1), e.l.Config.whole("groups", 1, 1))
	return []*Array{e.biased(back(y, flat), names)}
}

// deep runs every channel through kernels of its own, [size…, C, M].
func (e *evaluator) deep(x *Array, kernel *Array, flat bool) *Array {
	size := e.two("kernel_size", flat, 1)
	c, m := kernel.Shape[len(kernel.Shape)-2], kernel.Shape[len(kernel.Shape)-1]
	return e.slide(x, size, e.two("strides", flat, 1), e.two("dilation_rate", flat, 1), c*m, func(y []float64, at func(int, int, int) (float64, bool)) {
		for k := range y {
			for i := range size[0] {
				for j := range size[1] {
					v, _ := at(i, j, k/m)
					y[k] += float64(v * kernel.Data[((i*size[1]+j)*c+k/m)*m+k%m])
				}
			}
		}
	})
}

func evalDepthwise(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	names := []string{"kernel", "bias"}
	set := e.m.tensors(e.l, names)
	name := "kernel"
	if set[name] == nil {
		name = "depthwise_kernel"
	}
	return []*Array{e.biased(back(e.deep(x, e.weight(names, name), flat), flat), names)}
}

func evalSeparable(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	names := []string{"depthwise_kernel", "pointwise_kernel", "bias"}
	mid := e.deep(x, e.weight(names, "depthwise_kernel"), flat)
	point := e.weight(names, "pointwise_kernel")
	n := point.Shape[len(point.Shape)-1]
	y := newArray(mid.Shape[0], mid.Shape[1], n)
	c := mid.Shape[2]
	for r := range len(mid.Data) / c {
		for k := range n {
			for i := range c {
				y.Data[r*n+k] += float64(mid.Data[r*c+i] * point.Data[i*n+k])
			}
		}
	}
	return []*Array{e.biased(back(y, flat), names)}
}

// evalTransposed spreads every value of the input over the outputs that a convolution
// would have made it of. Kernel [size…, K, C].
func evalTransposed(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	names := []string{"kernel", "bias"}
	kernel, size, stride := e.weight(names, "kernel"), e.two("kernel_size", flat, 1), e.two("strides", flat, 1)
	outer, inner := kernel.Shape[len(kernel.Shape)-2], kernel.Shape[len(kernel.Shape)-1]
	var n, first [2]int
	for d := range n {
		n[d] = x.Shape[d] * stride[d]
		if e.l.Config.text("padding", "valid") == "same" {
			first[d] = e.places(n[d], size[d], stride[d], 1).first
		} else if size[d] > stride[d] {
			n[d] += size[d] - stride[d]
		}
	}
	y := newArray(n[0], n[1], outer)
	walk([]int{x.Shape[0], x.Shape[1], size[0], size[1]}, func(_ int, at []int) {
		a, b := first[0]+at[0]*stride[0]+at[2], first[1]+at[1]*stride[1]+at[3]
		if a < 0 || b < 0 || a >= n[0] || b >= n[1] {
			return
		}
		for k := range outer {
			for c := range inner {
				y.Data[y.at(a, b, k)] += float64(x.Data[x.at(at[0], at[1], c)] * kernel.Data[((at[2]*size[1]+at[3])*outer+k)*inner+c])
			}
		}
	})
	return []*Array{e.biased(back(y, flat), names)}
}

func evalPool(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	size := e.two("pool_size", flat, 2)
	stride := size
	if e.l.Config["strides"] != nil {
		stride = e.two("strides", flat, 1)
	}
	largest := strings.HasPrefix(e.l.Class, "Max")
	y := e.slide(x, size, stride, [2]int{1, 1}, x.Shape[2], func(y []float64, at func(int, int, int) (float64, bool)) {
		for c := range y {
			n, sum, top := 0.0, 0.0, math.Inf(-1)
			for i := range size[0] {
				for j := range size[1] {
					if v, inside := at(i, j, c); inside {
						n, sum, top = n+1, sum+v, math.Max(top, v)
					}
				}
			}
			if y[c] = sum / n; largest {
				y[c] = top
			}
		}
	})
	return []*Array{back(y, flat)}
}

func evalGlobal(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	n := x.Shape[2]
	y := newArray(1, n)
	for c := range n {
		sum, top, count := 0.0, math.Inf(-1), 0
		for i := c; i < len(x.Data); i += n {
			sum, top, count = sum+x.Data[i], math.Max(top, x.Data[i]), count+1
		}
		if y.Data[c] = sum / float64(count); strings.HasPrefix(e.l.Class, "GlobalMax") {
			y.Data[c] = top
		}
	}
	if e.l.Config.flag("keepdims", false) {
		y.Shape = []int{1, 1, 1, n}
		if flat {
			y.Shape = []int{1, 1, n}
		}
	}
	return []*Array{y}
}

// evalFrame puts zeros around an image, or takes its border off.
func evalFrame(e *evaluator, in []*Array) []*Array {
	x := in[0]
	key, sign := "padding", 1
	if strings.HasPrefix(e.l.Class, "Cropping") {
		key, sign = "cropping", -1
	}
	shape := slices.Clone(x.Shape)
	shift := make([]int, len(shape))
	for i, p := range e.l.Config.pairs(key, len(shape)-2, 1) {
		shape[1+i] += sign * (p[0] + p[1])
		shift[1+i] = sign * p[0]
	}
	y := newArray(shape...)
	walk(shape, func(at int, index []int) {
		source := make([]int, len(index))
		for i := range index {
			source[i] = index[i] - shift[i]
			if source[i] < 0 || source[i] >= x.Shape[i] {
				return
			}
		}
		y.Data[at] = x.Data[x.at(source...)]
	})
	return []*Array{y}
}

func evalUp(e *evaluator, in []*Array) []*Array {
	x, flat := image(in[0])
	s := e.two("size", flat, 2)
	y := newArray(x.Shape[0]*s[0], x.Shape[1]*s[1], x.Shape[2])
	walk(y.Shape, func(at int, index []int) {
		y.Data[at] = x.Data[x.at(index[0]/s[0], index[1]/s[1], index[2])]
	})
	return []*Array{back(y, flat)}
}
