// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"slices"
	"strings"
)

func init() {
	register(map[string]layerKind{
		"Conv1D": convolution(1), "Conv2D": convolution(2), "Convolution1D": convolution(1), "Convolution2D": convolution(2),
		"DepthwiseConv1D": depthwise(1), "DepthwiseConv2D": depthwise(2),
		"SeparableConv1D": separable(1), "SeparableConv2D": separable(2),
		"Conv1DTranspose": transposed(1), "Conv2DTranspose": transposed(2),
		"MaxPooling1D": pooling("MaxPool", 1), "MaxPooling2D": pooling("MaxPool", 2),
		"AveragePooling1D": pooling("AveragePool", 1), "AveragePooling2D": pooling("AveragePool", 2),
		"GlobalAveragePooling1D": globalPool("ReduceMean", 1), "GlobalAveragePooling2D": globalPool("ReduceMean", 2),
		"GlobalMaxPooling1D": globalPool("ReduceMax", 1), "GlobalMaxPooling2D": globalPool("ReduceMax", 2),
	})
}

// window is a sliding window over n dimensions.
type window struct {
	size, stride, dilation []int
	before, after          []int // zeros around the input
}

// window reads a description; in are the sizes of the dimensions. Output sizes are returned.
func (l *Layer) window(key string, in []int, strideDefault []int) (window, []int) {
	n := len(in)
	w := window{size: l.Config.sizes(key, n, 1), stride: l.Config.sizes("strides", n, 0), dilation: l.Config.sizes("dilation_rate", n, 1), before: make([]int, n), after: make([]int, n)}
	out := make([]int, n)
	for i := range in {
		if w.stride[i] == 0 {
			if l.Config["strides"] != nil {
				refuse("strides %v: expected at least 1", w.stride)
			}
			if w.stride[i] = 1; strideDefault != nil {
				w.stride[i] = strideDefault[i]
			}
		}
		if w.size[i] < 1 || w.dilation[i] < 1 {
			refuse("%s %v, dilation_rate %v: expected at least 1", key, w.size, w.dilation)
		}
		reach := (w.size[i]-1)*w.dilation[i] + 1
		switch p := l.Config.text("padding", "valid"); strings.ToLower(p) {
		case "valid":
		case "same":
			total := max((ceil(in[i], w.stride[i])-1)*w.stride[i]+reach-in[i], 0)
			w.before[i], w.after[i] = total/2, total-total/2
		case "causal":
			if n != 1 {
				refuse("padding causal: only one dimension has it")
			}
			w.before[i] = reach - 1
		default:
			refuse("padding %q: expected valid, same or causal", p)
		}
		out[i] = (in[i]+w.before[i]+w.after[i]-reach)/w.stride[i] + 1
		if in[i]+w.before[i]+w.after[i] < reach {
			refuse("its window of %d is larger than its input of %d", reach, in[i])
		}
	}
	return w, out
}

func ceil(a, b int) int { return (a + b - 1) / b }

// pads is before and after as ONNX has them.
func (w window) pads() []int { return append(slices.Clone(w.before), w.after...) }

// conv writes a convolution of a value with channels first. kernel is in Keras' layout,
// [size…, in/groups, out].
func (w *writer) conv(x value, win window, out []int, kernel []float32, inner, outer, groups int, bias []float32) value {
	taps := 1
	for _, k := range win.size {
		taps *= k
	}
	turned := make([]float32, len(kernel))
	for t := range taps {
		for i := range inner {
			for o := range outer {
				turned[(o*inner+i)*taps+t] = kernel[(t*inner+i)*outer+o]
			}
		}
	}
	in := []string{x.name, w.floats(turned, append([]int{outer, inner}, win.size...)...)}
	if bias != nil {
		in = append(in, w.floats(bias, outer))
	}
	attrs := map[string]any{"kernel_shape": win.size, "strides": win.stride, "dilations": win.dilation, "pads": win.pads(), "group": groups}
	return w.node("Conv", attrs, append([]int{1, outer}, out...), in...)
}

const convWords = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias "

func convolution(n int) layerKind {
	return func(w *writer, in []value) []value {
		l := w.l
		l.known(convWords)
		x := want(in[0], n+2)
		filters, groups := l.Config.whole("filters", 0, 1), l.Config.whole("groups", 1, 1)
		win, out := l.window("kernel_size", x.shape[1:n+1], nil)
		if x.last()%groups != 0 || filters%groups != 0 {
			refuse("%d groups of %d channels and %d filters", groups, x.last(), filters)
		}
		set := w.m.tensors(l, []string{"kernel", "bias"})
		kernel := take(set, "kernel", append(slices.Clone(win.size), x.last()/groups, filters)...)
		return []value{w.activation(l.Config["activation"], w.channelsLast(w.conv(w.channelsFirst(x), win, out, kernel, x.last()/groups, filters, groups, l.bias(set, filters))))}
	}
}

// bias is nil where the layer has none.
func (l *Layer) bias(set tensors, n int) []float32 {
	if !l.Config.flag("use_bias", true) {
		return nil
	}
	return take(set, "bias", n)
}

// depthwise reads a kernel [size…, C, M], which as one of C groups, [size…, 1, C*M], is the
// same numbers.
func depthwise(n int) layerKind {
	return func(w *writer, in []value) []value {
		l := w.l
		l.known(convWords + "depth_multiplier")
		if g := l.Config.whole("groups", 1, 1); g != 1 {
			refuse("groups of %d", g)
		}
		x := want(in[0], n+2)
		multiplier, c := l.Config.whole("depth_multiplier", 1, 1), x.last()
		win, out := l.window("kernel_size", x.shape[1:n+1], nil)
		set := w.m.tensors(l, []string{"kernel", "bias"})
		if set["kernel"] == nil {
			set["kernel"] = set["depthwise_kernel"]
		}
		kernel := take(set, "kernel", append(slices.Clone(win.size), c, multiplier)...)
		return []value{w.activation(l.Config["activation"], w.channelsLast(w.conv(w.channelsFirst(x), win, out, kernel, 1, c*multiplier, c, l.bias(set, c*multiplier))))}
	}
}

func separable(n int) layerKind {
	return func(w *writer, in []value) []value {
		l := w.l
		l.known(convWords + "depth_multiplier")
		if g := l.Config.whole("groups", 1, 1); g != 1 {
			refuse("groups of %d", g)
		}
		x := want(in[0], n+2)
		multiplier, c, filters := l.Config.whole("depth_multiplier", 1, 1), x.last(), l.Config.whole("filters", 0, 1)
		win, out := l.window("kernel_size", x.shape[1:n+1], nil)
		set := w.m.tensors(l, []string{"depthwise_kernel", "pointwise_kernel", "bias"})
		deep := take(set, "depthwise_kernel", append(slices.Clone(win.size), c, multiplier)...)
		ones := slices.Repeat([]int{1}, n)
		point := take(set, "pointwise_kernel", append(slices.Clone(ones), c*multiplier, filters)...)
		v := w.conv(w.channelsFirst(x), win, out, deep, 1, c*multiplier, c, nil)
		still := window{size: ones, stride: ones, dilation: ones, before: make([]int, n), after: make([]int, n)}
		v = w.conv(v, still, out, point, c*multiplier, filters, 1, l.bias(set, filters))
		return []value{w.activation(l.Config["activation"], w.channelsLast(v))}
	}
}

// transposed writes the transpose of a convolution, whose input would be the output.
func transposed(n int) layerKind {
	return func(w *writer, in []value) []value {
		l := w.l
		l.known(convWords)
		x := want(in[0], n+2)
		filters, c := l.Config.whole("filters", 0, 1), x.last()
		size, stride := l.Config.sizes("kernel_size", n, 1), l.Config.sizes("strides", n, 1)
		if g := l.Config.whole("groups", 1, 1); g != 1 {
			refuse("groups of %d", g)
		}
		before, after, extra, out := make([]int, n), make([]int, n), make([]int, n), []int{1, filters}
		for i := range size {
			if size[i] < 1 || stride[i] < 1 {
				refuse("kernel_size %v, strides %v", size, stride)
			}
			rows := x.shape[1+i]
			switch p := l.Config.text("padding", "valid"); p {
			case "valid":
				extra[i] = max(stride[i]-size[i], 0)
			case "same":
				total := max(size[i]-stride[i], 0)
				before[i], after[i], extra[i] = total/2, total-total/2, max(stride[i]-size[i], 0)
			default:
				refuse("padding %q: expected valid or same", p)
			}
			out = append(out, stride[i]*(rows-1)+size[i]+extra[i]-before[i]-after[i])
		}
		for _, d := range l.Config.sizes("dilation_rate", n, 1) {
			if d != 1 {
				refuse("dilation_rate of %d", d)
			}
		}
		set := w.m.tensors(l, []string{"kernel", "bias"})
		kernel := take(set, "kernel", append(slices.Clone(size), filters, c)...)
		taps := len(kernel) / (filters * c)
		turned := make([]float32, len(kernel))
		for t := range taps {
			for o := range filters {
				for i := range c {
					turned[(i*filters+o)*taps+t] = kernel[(t*filters+o)*c+i]
				}
			}
		}
		names := []string{w.channelsFirst(x).name, w.floats(turned, append([]int{c, filters}, size...)...)}
		if b := l.bias(set, filters); b != nil {
			names = append(names, w.floats(b, filters))
		}
		attrs := map[string]any{"kernel_shape": size, "strides": stride, "pads": append(before, after...), "output_padding": extra}
		return []value{w.activation(l.Config["activation"], w.channelsLast(w.node("ConvTranspose", attrs, out, names...)))}
	}
}

func pooling(op string, n int) layerKind {
	return func(w *writer, in []value) []value {
		l := w.l
		l.known("pool_size strides padding data_format")
		x := want(in[0], n+2)
		if l.Config["pool_size"] == nil {
			refuse("its description has no pool_size")
		}
		win, out := l.window("pool_size", x.shape[1:n+1], l.Config.sizes("pool_size", n, 2))
		attrs := map[string]any{"kernel_shape": win.size, "strides": win.stride, "pads": win.pads()}
		return []value{w.channelsLast(w.node(op, attrs, append([]int{1, x.last()}, out...), w.channelsFirst(x).name))}
	}
}

func globalPool(op string, n int) layerKind {
	return func(w *writer, in []value) []value {
		w.l.known("data_format keepdims")
		x := want(in[0], n+2)
		shape, axes, keep := []int{1}, []int{}, 0
		for i := range n {
			axes = append(axes, 1+i)
			if w.l.Config.flag("keepdims", false) {
				shape, keep = append(shape, 1), 1
			}
		}
		return []value{w.node(op, map[string]any{"axes": axes, "keepdims": keep}, append(shape, x.last()), x.name)}
	}
}
