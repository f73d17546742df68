// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	kernels.Set(kernel{convolution, convolutionBack}, graph.Conv2D)
	kernels.Set(kernel{depthwise, depthwiseBack}, graph.DepthwiseConv2D)
	kernels.Set(kernel{pooling, poolingBack}, graph.MaxPool2D, graph.AveragePool2D)
}

// window is how an operator looks at an image: the size of the filter, strides,
// dilations, and what lies outside.
type window struct {
	in, out        []int // [batch, height, width, channels]
	kh, kw         int
	sy, sx, dy, dx int
	top, left      int
}

func windowOf(t *tape, op *graph.Op) window {
	g := t.p.g
	w := window{in: g.Tensors[op.Inputs[0]].Shape, out: g.Tensors[op.Outputs[0]].Shape, dy: 1, dx: 1}
	padding := graph.PadValid
	switch a := op.Attr.(type) {
	case graph.Conv2DAttr:
		s := g.Tensors[op.Inputs[1]].Shape
		w.kh, w.kw, w.sy, w.sx, w.dy, w.dx, padding = s[1], s[2], a.StrideH, a.StrideW, max(a.DilationH, 1), max(a.DilationW, 1), a.Padding
	case graph.DepthwiseConv2DAttr:
		s := g.Tensors[op.Inputs[1]].Shape
		w.kh, w.kw, w.sy, w.sx, w.dy, w.dx, padding = s[1], s[2], a.StrideH, a.StrideW, max(a.DilationH, 1), max(a.DilationW, 1), a.Padding
	case graph.Pool2DAttr:
		w.kh, w.kw, w.sy, w.sx, padding = a.FilterH, a.FilterW, a.StrideH, a.StrideW, a.Padding
	}
	if padding == graph.PadSame {
		w.top = max((w.out[1]-1)*w.sy+(w.kh-1)*w.dy+1-w.in[1], 0) / 2
		w.left = max((w.out[2]-1)*w.sx+(w.kw-1)*w.dx+1-w.in[2], 0) / 2
	}
	return w
}

// each calls f for every output pixel and every tap that lies inside the image, with the
// pixels' first elements and the tap's number.
func (w window) each(f func(out, in, tap int)) {
	for y := range w.out[1] {
		for x := range w.out[2] {
			for i := range w.kh {
				for j := range w.kw {
					h, v := y*w.sy+i*w.dy-w.top, x*w.sx+j*w.dx-w.left
					if h >= 0 && h < w.in[1] && v >= 0 && v < w.in[2] {
						f((y*w.out[2]+x)*w.out[3], (h*w.in[2]+v)*w.in[3], i*w.kw+j)
					}
				}
			}
		}
	}
}

// addBias adds the bias of an operator to every pixel of an output.
func addBias(t *tape, op *graph.Op, y []float32) {
	id := optional(op, 2)
	if id == graph.None {
		return
	}
	b := t.p.consts[id].rounded
	for i := range y {
		y[i] += b[i%len(b)]
	}
}

func addBiasBack(t *tape, op *graph.Op, dy []float32) {
	id := optional(op, 2)
	if id == graph.None {
		return
	}
	db := t.constants[id]
	for i, d := range dy {
		db[i%len(db)] += d
	}
}

func convolution(t *tape, op *graph.Op) {
	w, k := windowOf(t, op), t.p.consts[op.Inputs[1]].rounded
	n, c, taps := w.out[3], w.in[3], w.kh*w.kw
	for s := range t.batch {
		x, y := t.value(op.Inputs[0], s), t.value(op.Outputs[0], s)
		clear(y)
		w.each(func(out, in, tap int) {
			pixel := x[in : in+c]
			for o := range n {
				sum, row := float32(0), k[(o*taps+tap)*c:][:c]
				for i, v := range pixel {
					sum += float32(v * row[i])
				}
				y[out+o] += sum
			}
		})
		addBias(t, op, y)
	}
	t.fused(op)
}

func convolutionBack(t *tape, op *graph.Op) {
	w, k, dk := windowOf(t, op), t.p.consts[op.Inputs[1]].rounded, t.constants[op.Inputs[1]]
	n, c, taps := w.out[3], w.in[3], w.kh*w.kw
	for s := range t.batch {
		x, dx, dy := t.value(op.Inputs[0], s), t.slope(op.Inputs[0], s), t.slope(op.Outputs[0], s)
		w.each(func(out, in, tap int) {
			for o := range n {
				d := dy[out+o]
				if d == 0 {
					continue
				}
				at := (o*taps + tap) * c
				for i := range c {
					dx[in+i] += float32(d * k[at+i])
					dk[at+i] += float32(d * x[in+i])
				}
			}
		})
		addBiasBack(t, op, dy)
	}
}

func depthwise(t *tape, op *graph.Op) {
	w, k := windowOf(t, op), t.p.consts[op.Inputs[1]].rounded
	n, each := w.out[3], w.out[3]/w.in[3]
	for s := range t.batch {
		x, y := t.value(op.Inputs[0], s), t.value(op.Outputs[0], s)
		clear(y)
		w.each(func(out, in, tap int) {
			for o := range n {
				y[out+o] += float32(x[in+o/each] * k[tap*n+o])
			}
		})
		addBias(t, op, y)
	}
	t.fused(op)
}

func depthwiseBack(t *tape, op *graph.Op) {
	w, k, dk := windowOf(t, op), t.p.consts[op.Inputs[1]].rounded, t.constants[op.Inputs[1]]
	n, each := w.out[3], w.out[3]/w.in[3]
	for s := range t.batch {
		x, dx, dy := t.value(op.Inputs[0], s), t.slope(op.Inputs[0], s), t.slope(op.Outputs[0], s)
		w.each(func(out, in, tap int) {
			for o := range n {
				dx[in+o/each] += float32(dy[out+o] * k[tap*n+o])
				dk[tap*n+o] += float32(dy[out+o] * x[in+o/each])
			}
		})
		addBiasBack(t, op, dy)
	}
}

// counts returns how many taps of every output pixel lie inside the image.
func (w window) counts() []float32 {
	n := make([]float32, w.out[1]*w.out[2])
	w.each(func(out, _, _ int) { n[out/w.out[3]]++ })
	return n
}

func pooling(t *tape, op *graph.Op) {
	w := windowOf(t, op)
	counts := w.counts()
	for s := range t.batch {
		x, y := t.value(op.Inputs[0], s), t.value(op.Outputs[0], s)
		for i := range y {
			if y[i] = 0; op.Kind == graph.MaxPool2D {
				y[i] = float32(math.Inf(-1))
			}
		}
		w.each(func(out, in, _ int) {
			for c := range w.out[3] {
				if op.Kind == graph.MaxPool2D {
					y[out+c] = max(y[out+c], x[in+c])
				} else {
					y[out+c] += x[in+c] / counts[out/w.out[3]]
				}
			}
		})
	}
	t.fused(op)
}

// poolingBack gives the gradient to the inputs that are the largest, or to all alike.
func poolingBack(t *tape, op *graph.Op) {
	w := windowOf(t, op)
	counts := w.counts()
	for s := range t.batch {
		x, y, dx, dy := t.value(op.Inputs[0], s), t.value(op.Outputs[0], s), t.slope(op.Inputs[0], s), t.slope(op.Outputs[0], s)
		w.each(func(out, in, _ int) {
			for c := range w.out[3] {
				switch {
				case op.Kind == graph.AveragePool2D:
					dx[in+c] += dy[out+c] / counts[out/w.out[3]]
				case x[in+c] == y[out+c]:
					dx[in+c] += dy[out+c]
				}
			}
		})
	}
}
