// SPDX-License-Identifier: Apache-2.0

package calibrate

import "github.com/unroll-npu/unroll/lower/graph"

// windows returns a function that calls add with the window of the input that every
// output pixel of a convolution sees, in the order of its weights [H,W,I]; what lies in
// the padding is 0.
func windows(g *graph.Graph, op *graph.Op) func(x []float32, add func(row []float32)) {
	a := op.Attr.(graph.Conv2DAttr)
	in, w, out := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Inputs[1]].Shape, g.Tensors[op.Outputs[0]].Shape
	kh, kw, c := w[1], w[2], w[3]
	dh, dw := max(a.DilationH, 1), max(a.DilationW, 1)
	top, left := 0, 0
	if a.Padding == graph.PadSame {
		top = max((out[1]-1)*a.StrideH+(kh-1)*dh+1-in[1], 0) / 2
		left = max((out[2]-1)*a.StrideW+(kw-1)*dw+1-in[2], 0) / 2
	}
	return func(x []float32, add func(row []float32)) {
		row := make([]float32, kh*kw*c)
		for y := range out[1] {
			for z := range out[2] {
				clear(row)
				for i := range kh {
					for j := range kw {
						h, v := y*a.StrideH+i*dh-top, z*a.StrideW+j*dw-left
						if h >= 0 && h < in[1] && v >= 0 && v < in[2] {
							copy(row[(i*kw+j)*c:][:c], x[(h*in[2]+v)*c:])
						}
					}
				}
				add(row)
			}
		}
	}
}
