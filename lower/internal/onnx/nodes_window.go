// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{
	"Conv": convNode, "ConvTranspose": convTransposeNode, "AveragePool": averagePoolNode, "MaxPool": maxPoolNode,
})

// window is one spatial dimension of a node.
type window struct {
	in, out, kernel, stride, dilation, before, after int
}

func (w window) extent() int { return (w.kernel-1)*w.dilation + 1 }

// image returns a value [N,C,L] or [N,C,H,W] as a tensor [N,H,W,C]; lines have height 1.
func (c *converter) image(v *value) graph.TensorID {
	if v.rank() == 4 {
		return c.as(v, []int{0, 2, 3, 1})
	}
	id := c.as(v, []int{0, 2, 1})
	s := c.shapeOf(id)
	return c.reshape(id, c.base+"/image", s[0], 1, s[1], s[2])
}

// fromImage is the way back.
func (c *converter) fromImage(id graph.TensorID, rank int) *value {
	if rank == 4 {
		return c.stored(id, []int{0, 2, 3, 1})
	}
	s := c.shapeOf(id)
	return c.stored(c.reshape(id, c.base+"/line", s[0], s[2], s[3]), []int{0, 2, 1})
}

// spatial reads a node's windows, always two: a line has one of height 1 in front.
func (c *converter) spatial(v *value, kernel []int) [2]window {
	if v.rank() != 3 && v.rank() != 4 {
		c.refuse("input has %d dimensions; expected [N,C,L] or [N,C,H,W]: the NPU has no windows of three dimensions", v.rank())
	}
	n := v.rank() - 2
	list := func(attr string, def, size int) []int {
		out := c.listAt(nil, -1, attr)
		if out == nil {
			for range size {
				out = append(out, def)
			}
		}
		if len(out) != size {
			c.refuse("attribute %s has %d entries, expected %d", attr, len(out), size)
		}
		for _, x := range out {
			if x < def || x > 1<<16 {
				c.refuse("attribute %s %v is out of range", attr, out)
			}
		}
		return out
	}
	stride, dilation, pads := list("strides", 1, n), list("dilations", 1, n), list("pads", 0, 2*n)
	if len(kernel) != n {
		c.refuse("kernel %v for %d spatial dimensions", kernel, n)
	}
	ws := [2]window{{1, 1, 1, 1, 1, 0, 0}}
	for i := range n {
		if kernel[i] < 1 || kernel[i] > 1<<16 {
			c.refuse("kernel %v is out of range", kernel)
		}
		ws[2-n+i] = window{v.shape[2+i], 0, kernel[i], stride[i], dilation[i], pads[i], pads[n+i]}
	}
	return ws
}

// forward fixes padding and size of what a convolution or pooling gives.
func (c *converter) forward(ws *[2]window) {
	auto := c.node.Text("auto_pad", "NOTSET")
	for i := range ws {
		w := &ws[i]
		switch auto {
		case "SAME_UPPER", "SAME_LOWER":
			w.out = (w.in + w.stride - 1) / w.stride
			total := max(0, (w.out-1)*w.stride+w.extent()-w.in)
			w.before, w.after = total/2, total-total/2
			if auto == "SAME_LOWER" {
				w.before, w.after = w.after, w.before
			}
			continue
		case "VALID":
			w.before, w.after = 0, 0
		case "NOTSET", "":
		default:
			c.refuse("attribute auto_pad is %q; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto)
		}
		room := w.in + w.before + w.after - w.extent()
		if room < 0 {
			c.refuse("a kernel of extent %d does not fit %d elements padded by %d and %d", w.extent(), w.in, w.before, w.after)
		}
		w.out = room/w.stride + 1
		if c.node.Int("ceil_mode", 0) != 0 {
			if w.out = (room+w.stride-1)/w.stride + 1; (w.out-1)*w.stride >= w.in+w.before {
				w.out--
			}
		}
	}
}

// scheme says which of TFLite's paddings is that of both windows, or neither.
func scheme(ws [2]window) (graph.Padding, bool) {
	for _, pad := range []graph.Padding{graph.PadValid, graph.PadSame} {
		all := true
		for _, w := range ws {
			have, err := graph.NewWindow(w.in, w.kernel, w.stride, w.dilation, pad)
			all = all && err == nil && have.Out == w.out && have.PadBefore == w.before
		}
		if all {
			return pad, true
		}
	}
	return graph.PadValid, false
}

// reach is what has to be added after the last element for the last window.
func (w window) reach() int { return max(0, (w.out-1)*w.stride+w.extent()-w.in-w.before) }

// zeroPadded makes the padding explicit, for windows that then take what fits.
func (c *converter) zeroPadded(id graph.TensorID, ws [2]window) graph.TensorID {
	v := c.stored(id, nil)
	return c.padded(v, []int{0, ws[0].before, ws[1].before, 0}, []int{0, ws[0].reach(), ws[1].reach(), 0}, 0).id
}

// known weights of a convolution, as [O,I,H,W].
func (c *converter) kernel(in []*value, rank int) *value {
	w := c.arg(in, 1)
	if !c.known(w) {
		c.refuse("its weights are computed at run time; expected constants")
	}
	if w.rank() != rank {
		c.refuse("weights have shape %v for an input of %d dimensions", w.shape, rank)
	}
	if rank == 3 {
		w = c.with(w, map[int]bool{2: true})
	}
	return w
}

// biasOf returns the bias of a convolution, or None.
func (c *converter) biasOf(in []*value, i, channels int) graph.TensorID {
	b := opt(in, i)
	if b == nil {
		return graph.None
	}
	if b = c.arg(in, i); !c.known(b) || b.elems() != channels {
		c.refuse("the bias has shape %v, expected %d known numbers", b.shape, channels)
	}
	return c.plain(c.reshaped(b, []int{channels}))
}

func convNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	if x.rank() != 3 && x.rank() != 4 {
		c.refuse("input has %d dimensions; expected [N,C,L] or [N,C,H,W]: the NPU has no convolution of three dimensions", x.rank())
	}
	w := c.kernel(in, x.rank())
	group := whole(c.node.Int("group", 1))
	if group < 1 || x.shape[1]%group != 0 || w.shape[0]%group != 0 || w.shape[1] != x.shape[1]/group {
		c.refuse("input %v, weights %v and %d groups do not fit", x.shape, w.shape, group)
	}
	ws := c.spatial(x, w.shape[2+4-x.rank():])
	c.forward(&ws)
	pad, ok := scheme(ws)
	image := c.image(x)
	if !ok {
		image = c.zeroPadded(image, ws)
	}
	bias := c.biasOf(in, 2, w.shape[0])
	h, l := ws[0], ws[1]
	full := graph.Conv2DAttr{Padding: pad, StrideH: h.stride, StrideW: l.stride, DilationH: h.dilation, DilationW: l.dilation}
	ohwi := func(w *value) graph.TensorID { return c.plain(c.permuted(w, []int{0, 2, 3, 1})) }
	if group == 1 {
		return only(c.fromImage(c.op(graph.Conv2D, full, c.base, image, ohwi(w), bias), x.rank()))
	}
	if group == x.shape[1] {
		a := graph.DepthwiseConv2DAttr{Padding: pad, StrideH: h.stride, StrideW: l.stride, DilationH: h.dilation, DilationW: l.dilation, DepthMultiplier: w.shape[0] / group}
		return only(c.fromImage(c.op(graph.DepthwiseConv2D, a, c.base, image, c.plain(c.permuted(w, []int{1, 2, 3, 0})), bias), x.rank()))
	}
	if group > 256 {
		c.refuse("attribute group is %d; expected 1, the %d channels, or at most 256", group, x.shape[1])
	}
	parts := c.grouped(group, image, w, bias, 0, func(name string, x graph.TensorID, w *value, bias graph.TensorID) graph.TensorID {
		return c.op(graph.Conv2D, full, name, x, ohwi(w), bias)
	})
	return only(c.fromImage(parts, x.rank()))
}

// grouped runs a convolution for every group of channels and joins the results.
// Dimension a of the weights belongs to the groups.
func (c *converter) grouped(group int, image graph.TensorID, w *value, bias graph.TensorID, a int,
	run func(name string, x graph.TensorID, w *value, bias graph.TensorID) graph.TensorID) graph.TensorID {
	sizes, names := make([]int, group), make([]string, group)
	for i := range sizes {
		sizes[i], names[i] = c.shapeOf(image)[3]/group, fmt.Sprintf("%s/in%d", c.base, i)
	}
	var outs []graph.TensorID
	for i, x := range c.split(image, 3, sizes, names...) {
		spans, part := full(w.shape), graph.None
		spans[a] = span{i * w.shape[a] / group, 1, w.shape[a] / group}
		if bias != graph.None {
			n := c.shapeOf(bias)[0] / group
			part = c.sliced(c.stored(bias, nil), []span{{i * n, 1, n}}, c.base+"/bias").id
		}
		outs = append(outs, run(fmt.Sprintf("%s/group%d", c.base, i), x, c.sliced(w, spans, ""), part))
	}
	return c.op(graph.Concatenation, graph.ConcatenationAttr{Axis: 3}, c.base, outs...)
}

// convTransposeNode writes a transposed convolution that takes all it can, and
// cuts the padding off where TFLite's schemes do not.
func convTransposeNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	if x.rank() != 3 && x.rank() != 4 {
		c.refuse("input has %d dimensions; expected [N,C,L] or [N,C,H,W]: the NPU has no transposed convolution of three dimensions", x.rank())
	}
	w := c.kernel(in, x.rank())
	group := whole(c.node.Int("group", 1))
	if group < 1 || group > 256 || x.shape[1] != w.shape[0] || x.shape[1]%group != 0 {
		c.refuse("input %v, weights %v and %d groups do not fit", x.shape, w.shape, group)
	}
	ws := c.spatial(x, w.shape[2+4-x.rank():])
	extra, want := c.listAt(nil, -1, "output_padding"), c.listAt(nil, -1, "output_shape")
	n := x.rank() - 2
	if len(want) > n {
		want = want[len(want)-n:]
	}
	w = c.dilated(w, ws)
	var fulls [2]int // sizes without padding
	auto := c.node.Text("auto_pad", "NOTSET")
	for i := range ws {
		v, at := &ws[i], i-(2-n)
		v.kernel, v.dilation = v.extent(), 1
		fulls[i] = (v.in-1)*v.stride + v.kernel
		if at >= 0 && at < len(extra) {
			if extra[at] < 0 || extra[at] >= v.stride {
				c.refuse("attribute output_padding %v, expected less than the strides", extra)
			}
			fulls[i] += extra[at]
		}
		total := 0
		switch {
		case at >= 0 && at < len(want):
			v.out = want[at]
			total = fulls[i] - v.out
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			v.out = v.in * v.stride
			if total = fulls[i] - v.out; total < 0 {
				c.refuse("attribute auto_pad is %s with a kernel of extent %d below the stride %d: by the words of ONNX the output has %d elements, and runtimes give %d; give pads and output_padding", auto, v.kernel, v.stride, v.out, fulls[i])
			}
		case auto == "VALID":
			v.out, v.before = fulls[i], 0
			continue
		default:
			v.out = fulls[i] - v.before - v.after
			continue
		}
		if total < 0 { // more than the kernel reaches: empty room at the end
			fulls[i], total = v.out, 0
			if v.out >= (v.in-1)*v.stride+v.kernel+v.stride {
				c.refuse("output size %d is more than stride and kernel reach", v.out)
			}
		}
		v.before = total - total/2 // of an odd padding, the larger part is in front
		if auto == "SAME_UPPER" {
			v.before = total / 2
		}
	}
	attr := graph.TransposeConvAttr{Padding: graph.PadValid, StrideH: ws[0].stride, StrideW: ws[1].stride}
	sizes := fulls
	same := true
	for i, v := range ws {
		if v.out < 1 {
			c.refuse("the output would be empty: sizes %v", ws)
		}
		sizes[i] = max((v.in-1)*v.stride+v.kernel, v.before+v.out) // not more than there is to keep
		have, err := graph.NewWindow(v.out, v.kernel, v.stride, 1, graph.PadSame)
		same = same && err == nil && have.Out == v.in && have.PadBefore == v.before && v.kernel >= v.stride
	}
	if same {
		attr.Padding, sizes = graph.PadSame, [2]int{ws[0].out, ws[1].out}
	}
	bias := c.biasOf(in, 2, w.shape[1]*group)
	run := func(name string, x graph.TensorID, w *value, bias graph.TensorID) graph.TensorID {
		dims := c.numbers("shape", c.shapeOf(x)[0], sizes[0], sizes[1], w.shape[1])
		return c.op(graph.TransposeConv, attr, name, dims, c.plain(c.permuted(w, []int{1, 2, 3, 0})), x, bias)
	}
	image := c.image(x)
	var y graph.TensorID
	if group == 1 {
		y = run(c.base, image, w, bias)
	} else {
		y = c.grouped(group, image, w, bias, 0, run)
	}
	if !same {
		s := c.shapeOf(y)
		spans := full(s)
		spans[1], spans[2] = span{ws[0].before, 1, ws[0].out}, span{ws[1].before, 1, ws[1].out}
		if spans[1].begin+spans[1].count > s[1] || spans[2].begin+spans[2].count > s[2] {
			c.refuse("padding %v does not fit", ws)
		}
		y = c.sliced(c.stored(y, nil), spans, c.base+"/cut").id
	}
	return only(c.fromImage(y, x.rank()))
}

// dilated spreads a kernel [I,O,H,W], with zeros between its elements.
func (c *converter) dilated(w *value, ws [2]window) *value {
	if ws[0].dilation == 1 && ws[1].dilation == 1 {
		return w
	}
	f := c.constantOf(w)
	shape := []int{w.shape[0], w.shape[1], ws[0].extent(), ws[1].extent()}
	if n, err := Elems(shape); err != nil || n > maxPicked {
		c.refuse("dilations make a kernel of shape %v", shape)
	}
	out := make([]float32, graph.Elems(shape))
	for i := range f {
		x, y := i%w.shape[3], i/w.shape[3]%w.shape[2]
		at := i / (w.shape[2] * w.shape[3])
		out[(at*shape[2]+y*ws[0].dilation)*shape[3]+x*ws[1].dilation] = f[i]
	}
	return &value{typ: Float, shape: shape, id: c.floats(c.base+"/dilated", out, shape...)}
}

func (c *converter) poolWindows(x *value) [2]window {
	if x.rank() < 3 {
		c.refuse("input of shape %v has no spatial dimension", x.shape)
	}
	if len(c.node.Outputs) > 1 && c.node.Out(1) != "" {
		c.refuse("output Indices cannot be had; remove it if nothing needs it")
	}
	ws := c.spatial(x, c.listAt(nil, -1, "kernel_shape"))
	c.forward(&ws)
	c.pooled += float64(float64(x.shape[0]) * float64(x.shape[1]) * float64(ws[0].out) * float64(ws[1].out) * float64(ws[0].kernel) * float64(ws[1].kernel))
	if c.pooled > maxPooled {
		c.refuse("the windows up to here see %.3g elements, at most %.3g are taken: pool in several steps, or take the mean or maximum of the whole dimension (GlobalAveragePool, ReduceMean)", c.pooled, float64(maxPooled))
	}
	return ws
}

// maxPooled bounds the elements that all windows of poolings see, far above those of a network
// for a microcontroller.
const maxPooled = 1 << 26

func (c *converter) pool(k graph.Kind, pad graph.Padding, ws [2]window, name string, id graph.TensorID) graph.TensorID {
	return c.op(k, graph.Pool2DAttr{Padding: pad, StrideH: ws[0].stride, StrideW: ws[1].stride, FilterH: ws[0].kernel, FilterW: ws[1].kernel}, name, id)
}

// averagePoolNode pads with zeros where it has to, and then corrects for those
// that are not to be counted.
func averagePoolNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	ws := c.poolWindows(x)
	if ws[0].dilation != 1 || ws[1].dilation != 1 {
		c.refuse("attribute dilations is set; write the mean as a depthwise convolution (Conv with equal weights)")
	}
	all := c.node.Int("count_include_pad", 0) != 0
	pad, ok := scheme(ws)
	image := c.image(x)
	if ok && (pad == graph.PadValid || !all) {
		return only(c.fromImage(c.pool(graph.AveragePool2D, pad, ws, c.base, image), x.rank()))
	}
	y := c.pool(graph.AveragePool2D, graph.PadValid, ws, c.base+"/sums", c.zeroPadded(image, ws))
	factors, differ := make([]float32, 0, ws[0].out*ws[1].out), false
	for i := range ws[0].out {
		for j := range ws[1].out {
			f := ws[0].share(i, all) * ws[1].share(j, all)
			factors, differ = append(factors, float32(f)), differ || f != 1
		}
	}
	if differ {
		y = c.op(graph.Mul, graph.MulAttr{}, c.base, y, c.floats(c.base+"/share", factors, 1, ws[0].out, ws[1].out, 1))
	}
	return only(c.fromImage(y, x.rank()))
}

// share is the size of a window over the number of its elements that count.
func (w window) share(i int, padding bool) float64 {
	n := 0
	for k := range w.kernel {
		at := i*w.stride - w.before + k
		if at >= 0 && at < w.in || padding && at < w.in+w.after {
			n++
		}
	}
	return float64(w.kernel) / float64(max(n, 1))
}

// maxPoolNode repeats the edges as padding where it has to: a window that reaches
// over an edge has the element at the edge.
func maxPoolNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	ws := c.poolWindows(x)
	image := c.image(x)
	pad, ok := scheme(ws)
	if ws[0].dilation != 1 || ws[1].dilation != 1 {
		return only(c.fromImage(c.dilatedMax(image, ws), x.rank()))
	}
	if !ok {
		for _, w := range ws {
			if w.before >= w.kernel {
				c.refuse("attribute pads has %d for a kernel of %d; expected less", w.before, w.kernel)
			}
		}
		pad = graph.PadValid
		image = c.edged(c.stored(image, nil), []int{0, ws[0].before, ws[1].before, 0}, []int{0, ws[0].reach(), ws[1].reach(), 0}).id
	}
	return only(c.fromImage(c.pool(graph.MaxPool2D, pad, ws, c.base, image), x.rank()))
}

// dilatedMax takes the largest of one strided slice for every element of the kernel.
func (c *converter) dilatedMax(image graph.TensorID, ws [2]window) graph.TensorID {
	for _, w := range ws {
		if w.before > 0 || w.reach() > 0 {
			c.refuse("attributes dilations and pads are both set; pad by a Pad node before it")
		}
	}
	taps := ws[0].kernel * ws[1].kernel
	if taps > 64 {
		c.refuse("attribute dilations with a kernel of %d elements; expected at most 64", taps)
	}
	v := c.stored(image, nil)
	var y *value
	for i := range taps {
		spans := full(v.shape)
		for d, w := range ws {
			k := i % ws[1].kernel
			if d == 0 {
				k = i / ws[1].kernel
			}
			spans[1+d] = span{k * w.dilation, w.stride, w.out}
		}
		part := c.sliced(v, spans, fmt.Sprintf("%s/tap%d", c.base, i))
		if y == nil {
			y = part
			continue
		}
		y = c.binary(graph.Maximum, nil, fmt.Sprintf("%s/largest%d", c.base, i), y, part)
	}
	return c.plain(y)
}
