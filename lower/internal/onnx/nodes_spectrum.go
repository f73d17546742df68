// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Spectra with known lengths are products with constant matrices.
var _ = register(map[string]nodeConverter{
	"DFT": dftNode, "STFT": stftNode,
	"HannWindow": windowNode(0.5, 0.5, 0), "HammingWindow": windowNode(25.0/46, 21.0/46, 0), "BlackmanWindow": windowNode(0.42, 0.5, 0.08),
})

// maxSpectrum bounds the length of a transform, whose matrix grows with its square.
const maxSpectrum = 1 << 12

// turns are the real and imaginary parts of the unit circle's n points.
func turns(n int) (re, im []float64) {
	re, im = make([]float64, n), make([]float64, n)
	for i := range n {
		im[i], re[i] = math.Sincos(2 * math.Pi * float64(i) / float64(n))
		switch { // zeros that are exact
		case 4*i == n || 4*i == 3*n:
			re[i] = 0
		case 2*i == n:
			im[i] = 0
		}
	}
	return re, im
}

// transform returns the matrix of one of n points of parts numbers each (1 real, 2 complex) to
// bins complex ones, [bins*2, points*parts]: what of it the first points give.
func transform(n, points, parts, bins int, inverse bool) []float32 {
	re, im := turns(n)
	sign, scale := -1.0, 1.0
	if inverse {
		sign, scale = 1, 1/float64(n)
	}
	out := make([]float32, 0, bins*2*points*parts)
	for k := range bins {
		for o := range 2 {
			for i := range points {
				c, s := float64(re[i*k%n]*scale), float64(sign*im[i*k%n]*scale)
				row := [2]float64{c, -s} // (c + is)(x + iy) = cx - sy + i(sx + cy)
				if o == 1 {
					row = [2]float64{s, c}
				}
				for p := range parts {
					out = append(out, float32(row[p]))
				}
			}
		}
	}
	return out
}

// bins returns how many values a transform gives.
func (c *converter) bins(n, parts int, onesided, inverse bool) int {
	switch {
	case parts != 1 && parts != 2:
		c.refuse("its last dimension has %d elements; expected 1 (real) or 2 (complex)", parts)
	case n < 1 || n > maxSpectrum:
		c.refuse("a transform of %d points; expected 1 to %d", n, maxSpectrum)
	case onesided && (parts == 2 || inverse):
		c.refuse("attribute onesided is set for a complex or an inverse transform")
	}
	out := n
	if onesided {
		out = n/2 + 1
	}
	if bytes := 4 * out * 2 * n * parts; bytes > graph.MaxTensorBytes {
		c.refuse("a transform of %d points to %d takes a matrix of %d bytes; one tensor has at most %d: transform fewer points, or compute the spectrum in the application", n, out, bytes, graph.MaxTensorBytes)
	}
	return out
}

func dftNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	at := whole(c.node.Int("axis", 1))
	if c.m.Opset >= 20 {
		at = -2
		if a := c.list(in, 2, "the axis"); len(a) == 1 {
			at = a[0]
		}
	}
	rank := x.rank()
	if rank < 2 {
		c.refuse("its input has shape %v, expected at least two dimensions", x.shape)
	}
	if at = c.axis(at, rank); at == rank-1 {
		c.refuse("axis %d is that of real and imaginary parts", at)
	}
	points, parts := x.shape[at], x.shape[rank-1]
	n := points
	if l := c.list(in, 1, "dft_length"); len(l) == 1 {
		n = l[0]
	}
	inverse, onesided := c.node.Int("inverse", 0) != 0, c.node.Int("onesided", 0) != 0
	bins := c.bins(n, parts, onesided, inverse)
	if points > n {
		spans := full(x.shape)
		spans[at] = span{0, 1, n}
		x, points = c.sliced(x, spans, c.base+"/cut"), n
	}
	var perm []int // the transformed dimension before that of the parts
	for d := range rank - 1 {
		if d != at {
			perm = append(perm, d)
		}
	}
	perm = append(perm, at, rank-1)
	x = c.permuted(x, perm)
	lead := append([]int{}, x.shape[:rank-2]...)
	rows := c.reshaped(x, append(append([]int{}, lead...), points*parts))
	m := c.floats(c.base+"/transform", transform(n, points, parts, bins, inverse), bins*2, points*parts)
	y := c.reshaped(c.weighted(rows, m, graph.None, c.base+"/product"), append(append([]int{}, lead...), bins, 2))
	back := make([]int, rank)
	for i, d := range perm {
		back[d] = i
	}
	return only(c.permuted(y, back))
}

func stftNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	if x.rank() == 2 {
		x = c.with(x, map[int]bool{2: true})
	}
	if x.rank() != 3 {
		c.refuse("its signal has shape %v, expected [batch, samples, 1]", x.shape)
	}
	step, frame := c.list(in, 1, "frame_step"), c.list(in, 3, "frame_length")
	if len(step) == 1 && step[0] > x.shape[1] { // which takes one frame, whatever the step
		step[0] = max(x.shape[1], 1)
	}
	var window []float32
	if w := opt(in, 2); w != nil {
		var ok bool
		if window, ok = c.constant(c.arg(in, 2)); !ok || w.rank() != 1 {
			c.refuse("its window is computed at run time, or no list; expected constants")
		}
	}
	size := len(window)
	if len(frame) == 1 {
		size = frame[0]
	}
	if len(step) != 1 || step[0] < 1 || size < 1 || size > x.shape[1] || window != nil && len(window) != size {
		c.refuse("steps %v, frames of %d and a window of %d do not fit %d samples", step, size, len(window), x.shape[1])
	}
	parts := x.shape[2]
	if parts == 2 {
		c.refuse("its signal is complex, of which ONNX Runtime does not give what the operator's words say; transform frames by DFT")
	}
	bins := c.bins(size, parts, c.node.Int("onesided", 1) != 0, false)
	m, w := transform(size, size, parts, bins, false), make([]float32, bins*2*size*parts)
	for i, v := range m { // [bins*2, samples, parts], as weights of a convolution
		if w[i] = v; window != nil {
			w[i] *= window[i/parts%size]
		}
	}
	image := c.reshape(c.plain(x), c.base+"/image", x.shape[0], 1, x.shape[1], parts)
	y := c.op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: step[0], DilationH: 1, DilationW: 1}, c.base+"/frames",
		image, c.floats(c.base+"/transform", w, bins*2, 1, size, parts), graph.None)
	return only(c.stored(c.reshape(y, c.base, x.shape[0], c.shapeOf(y)[2], bins, 2), nil))
}

// windowNode gives a - b cos(2 pi i / n) + d cos(4 pi i / n).
func windowNode(a, b, d float64) nodeConverter {
	return func(c *converter, in []*value) []*value {
		size := c.list(in, 0, "the size")
		if len(size) != 1 || size[0] < 1 || size[0] > maxPicked {
			c.refuse("its size is %v, expected one positive number", size)
		}
		if t := DataType(c.node.Int("output_datatype", int64(Float))); !t.IsFloat() {
			c.refuse("attribute output_datatype is %v, which would round all of it; cast what is computed with it", t)
		}
		n := float64(size[0])
		if c.node.Int("periodic", 1) == 0 {
			n--
		}
		w := make([]float32, size[0])
		for i := range w {
			at := 2 * math.Pi * float64(i) / math.Max(n, 1)
			w[i] = float32(a - float64(b*math.Cos(at)) + float64(d*math.Cos(2*at)))
		}
		return only(&value{typ: Float, shape: []int{len(w)}, id: c.floats(c.base, w, len(w))})
	}
}
