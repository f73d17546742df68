// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
)

var _ = register(map[string]operator{
	"Conv": conv, "ConvTranspose": convTranspose, "AveragePool": pool(false), "MaxPool": pool(true),
	"GlobalAveragePool": globalPool(false), "GlobalMaxPool": globalPool(true),
})

// window is one spatial dimension of a convolution or pooling.
type window struct {
	in, out, kernel, stride, dilation, before, after int
}

const maxWindow = 1 << 16

func (w window) extent() int { return (w.kernel-1)*w.dilation + 1 }

// windows reads kernel, strides, dilations and padding of the spatial dimensions.
func (c *call) windows(spatial, kernel []int) ([]window, error) {
	n := len(spatial)
	list := func(attr string, def, size int) ([]int, error) {
		v := toInts(c.Ints(attr))
		if v == nil {
			for range size {
				v = append(v, def)
			}
		}
		if len(v) != size {
			return nil, fmt.Errorf("%s has %d entries, expected %d", attr, len(v), size)
		}
		for _, x := range v {
			if x < 0 || x > maxWindow || def == 1 && x == 0 {
				return nil, fmt.Errorf("%s %v is out of range", attr, v)
			}
		}
		return v, nil
	}
	stride, err := list("strides", 1, n)
	if err != nil {
		return nil, err
	}
	dilation, err := list("dilations", 1, n)
	if err != nil {
		return nil, err
	}
	pads, err := list("pads", 0, 2*n)
	if err != nil {
		return nil, err
	}
	if len(kernel) != n {
		return nil, fmt.Errorf("kernel_shape %v for %d spatial dimensions", kernel, n)
	}
	ws := make([]window, n)
	for i := range ws {
		if kernel[i] < 1 || kernel[i] > maxWindow {
			return nil, fmt.Errorf("kernel_shape %v is out of range", kernel)
		}
		ws[i] = window{in: spatial[i], kernel: kernel[i], stride: stride[i], dilation: dilation[i], before: pads[i], after: pads[n+i]}
	}
	return ws, nil
}

// forward fixes padding and size of what a convolution or pooling gives.
func (c *call) forward(ws []window) error {
	for i := range ws {
		w := &ws[i]
		switch auto := c.Text("auto_pad", "NOTSET"); auto {
		case "SAME_UPPER", "SAME_LOWER":
			w.out = (w.in + w.stride - 1) / w.stride
			total := max(0, (w.out-1)*w.stride+w.extent()-w.in)
			w.before = total / 2
			if auto == "SAME_LOWER" {
				w.before = total - total/2
			}
			w.after = total - w.before
			continue
		case "VALID":
			w.before, w.after = 0, 0
		case "NOTSET", "":
		default:
			return fmt.Errorf("auto_pad is %q", auto)
		}
		room := w.in + w.before + w.after - w.extent()
		if room < 0 {
			return fmt.Errorf("a kernel of extent %d does not fit %d elements padded by %d and %d", w.extent(), w.in, w.before, w.after)
		}
		w.out = room/w.stride + 1
		if c.Int("ceil_mode", 0) != 0 {
			w.out = (room+w.stride-1)/w.stride + 1
			if (w.out-1)*w.stride >= w.in+w.before { // would start in the padding
				w.out--
			}
		}
	}
	return nil
}

func sizes(ws []window, f func(w window) int) []int {
	out := make([]int, len(ws))
	for i, w := range ws {
		out[i] = f(w)
	}
	return out
}

func outSize(w window) int    { return w.out }
func kernelSize(w window) int { return w.kernel }

// place returns the input index that a window's element looks at, or false in the padding.
func place(ws []window, at, k, to []int) bool {
	for i, w := range ws {
		if to[i] = at[i]*w.stride - w.before + k[i]*w.dilation; to[i] < 0 || to[i] >= w.in {
			return false
		}
	}
	return true
}

func conv(c *call) ([]*Array, error) {
	x, w, err := c.two()
	if err != nil {
		return nil, err
	}
	group := int(c.Int("group", 1))
	if x.rank() < 3 || w.rank() != x.rank() || group < 1 || x.Shape[1]%group != 0 || w.Shape[0]%group != 0 || x.Shape[1]/group != w.Shape[1] {
		return nil, fmt.Errorf("input %v, weights %v and %d groups do not fit", x.Shape, w.Shape, group)
	}
	ws, err := c.windows(x.Shape[2:], w.Shape[2:])
	if err != nil {
		return nil, err
	}
	if err := c.forward(ws); err != nil {
		return nil, err
	}
	bias := c.opt(2)
	if bias != nil && len(bias.Data) != w.Shape[0] {
		return nil, fmt.Errorf("bias has %d elements for %d outputs", len(bias.Data), w.Shape[0])
	}
	outs, kernel := sizes(ws, outSize), sizes(ws, kernelSize)
	y, err := c.make(x.Type, append([]int{x.Shape[0], w.Shape[0]}, outs...))
	if err != nil {
		return nil, err
	}
	if err := c.spend(len(y.Data), elems(w.Shape[1:])); err != nil {
		return nil, err
	}
	taps, plane := elems(kernel), elems(x.Shape[2:])
	step, to := strides(x.Shape[2:]), make([]int, len(ws))
	inner, outer := w.Shape[1], w.Shape[0]/group
	each(y.Shape, func(at int, index []int) {
		n, o := index[0], index[1]
		sum := 0.0
		if bias != nil {
			sum = bias.Data[o]
		}
		each(kernel, func(tap int, k []int) {
			if !place(ws, index[2:], k, to) {
				return
			}
			from := offset(to, step)
			for i := range inner {
				ch := o/outer*inner + i
				sum += float64(x.Data[(n*x.Shape[1]+ch)*plane+from] * w.Data[(o*inner+i)*taps+tap])
			}
		})
		y.Data[at] = sum
	})
	return []*Array{y}, nil
}

// convTranspose adds every input element, times the kernel, where a convolution
// would read it.
func convTranspose(c *call) ([]*Array, error) {
	x, w, err := c.two()
	if err != nil {
		return nil, err
	}
	group := int(c.Int("group", 1))
	if x.rank() < 3 || w.rank() != x.rank() || group < 1 || x.Shape[1] != w.Shape[0] || x.Shape[1]%group != 0 {
		return nil, fmt.Errorf("input %v, weights %v and %d groups do not fit", x.Shape, w.Shape, group)
	}
	ws, err := c.windows(x.Shape[2:], w.Shape[2:])
	if err != nil {
		return nil, err
	}
	extra, want := toInts(c.Ints("output_padding")), toInts(c.Ints("output_shape"))
	auto := c.Text("auto_pad", "NOTSET")
	if len(want) > len(ws) {
		want = want[len(want)-len(ws):]
	}
	for i := range ws {
		v, add := &ws[i], 0
		if i < len(extra) {
			add = extra[i]
		}
		full := (v.in-1)*v.stride + v.extent() + add
		same := auto == "SAME_UPPER" || auto == "SAME_LOWER"
		switch {
		case i < len(want) || same:
			v.out = v.in * v.stride
			if i < len(want) {
				v.out = want[i]
			}
			total := max(0, full-v.out)
			v.before = total - total/2
			if auto == "SAME_UPPER" {
				v.before = total / 2
			}
		case auto == "VALID":
			v.before, v.out = 0, full
		default:
			v.out = full - v.before - v.after
		}
		if v.out < 1 || v.out > maxWindow<<8 {
			return nil, fmt.Errorf("the output would have %d elements along dimension %d", v.out, i+2)
		}
	}
	outs, kernel := sizes(ws, outSize), sizes(ws, kernelSize)
	channels := w.Shape[1] * group
	y, err := c.make(x.Type, append([]int{x.Shape[0], channels}, outs...))
	if err != nil {
		return nil, err
	}
	if err := c.spend(len(x.Data), elems(w.Shape[1:])); err != nil {
		return nil, err
	}
	if bias := c.opt(2); bias != nil {
		if len(bias.Data) != channels {
			return nil, fmt.Errorf("bias has %d elements for %d outputs", len(bias.Data), channels)
		}
		for i := range y.Data {
			y.Data[i] = bias.Data[i/elems(outs)%channels]
		}
	}
	taps, step, plane := elems(kernel), strides(outs), elems(outs)
	inner := x.Shape[1] / group
	each(x.Shape, func(at int, index []int) {
		n, ch := index[0], index[1]
		each(kernel, func(tap int, k []int) {
			to := 0
			for i, v := range ws {
				p := index[2+i]*v.stride - v.before + k[i]*v.dilation
				if p < 0 || p >= v.out {
					return
				}
				to += p * step[i]
			}
			for o := range w.Shape[1] {
				out := ch/inner*w.Shape[1] + o
				y.Data[(n*channels+out)*plane+to] += float64(x.Data[at] * w.Data[(ch*w.Shape[1]+o)*taps+tap])
			}
		})
	})
	return []*Array{y}, nil
}

func pool(largest bool) operator {
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		if x.rank() < 3 {
			return nil, fmt.Errorf("input %v has no spatial dimension", x.Shape)
		}
		if len(c.Outputs) > 1 && c.Out(1) != "" {
			return nil, fmt.Errorf("output Indices is not computed")
		}
		ws, err := c.windows(x.Shape[2:], toInts(c.Ints("kernel_shape")))
		if err != nil {
			return nil, err
		}
		if err := c.forward(ws); err != nil {
			return nil, err
		}
		kernel := sizes(ws, kernelSize)
		y, err := c.make(x.Type, append([]int{x.Shape[0], x.Shape[1]}, sizes(ws, outSize)...))
		if err != nil {
			return nil, err
		}
		if err := c.spend(len(y.Data), elems(kernel)); err != nil {
			return nil, err
		}
		all, to := c.Int("count_include_pad", 0) != 0, make([]int, len(ws))
		step := strides(x.Shape)
		each(y.Shape, func(at int, index []int) {
			top, sum, n := math.Inf(-1), 0.0, 0
			each(kernel, func(_ int, k []int) {
				if !place(ws, index[2:], k, to) {
					if all && padded(ws, index[2:], k) {
						n++
					}
					return
				}
				v := x.Data[offset(index[:2], step[:2])+offset(to, step[2:])]
				top, sum, n = math.Max(top, v), sum+v, n+1
			})
			if y.Data[at] = top; !largest {
				y.Data[at] = sum / float64(n)
			}
		})
		return []*Array{y}, nil
	}
}

// padded reports whether a window's element lies in the input or its padding, not
// in what only rounding the size up adds.
func padded(ws []window, at, k []int) bool {
	for i, w := range ws {
		if p := at[i]*w.stride - w.before + k[i]*w.dilation; p >= w.in+w.after {
			return false
		}
	}
	return true
}

func globalPool(largest bool) operator {
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		if x.rank() < 3 || len(x.Data) == 0 {
			return nil, fmt.Errorf("input %v has no spatial dimension", x.Shape)
		}
		shape := []int{x.Shape[0], x.Shape[1]}
		for range x.Shape[2:] {
			shape = append(shape, 1)
		}
		y, err := c.make(x.Type, shape)
		if err != nil {
			return nil, err
		}
		n := elems(x.Shape[2:])
		for i := range y.Data {
			top, sum := math.Inf(-1), 0.0
			for _, v := range x.Data[i*n : (i+1)*n] {
				top, sum = math.Max(top, v), sum+v
			}
			if y.Data[i] = top; !largest {
				y.Data[i] = sum / float64(n)
			}
		}
		return []*Array{y}, nil
	}
}
