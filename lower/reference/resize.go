// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { kernels.Set(planBilinear, graph.ResizeBilinear) }

// planBilinear computes RESIZE_BILINEAR with positions in 10 bits below the point.
func planBilinear(p *plan, op *graph.Op) (step, error) {
	in, out := p.in(op, 0), p.out(op, 0)
	if in.Type != graph.Int8 {
		return nil, floatError(p, op)
	}
	a := op.Attr.(graph.ResizeAttr)
	rows, cols := graph.Taps(in.Shape[1], out.Shape[1], a), graph.Taps(in.Shape[2], out.Shape[2], a)
	src, dst := op.Inputs[0], op.Outputs[0]
	width, depth := in.Shape[2], in.Shape[3]
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		n := 0
		for b := range in.Shape[0] {
			image := x[b*in.Shape[1]*width*depth:]
			for _, r := range rows {
				for _, c := range cols {
					for k := range depth {
						at := func(row, col int) int64 { return int64(int8(image[(row*width+col)*depth+k])) }
						sum := at(r.Lo, c.Lo)*(unit-r.Part)*(unit-c.Part) + at(r.Hi, c.Lo)*r.Part*(unit-c.Part) +
							at(r.Lo, c.Hi)*(unit-r.Part)*c.Part + at(r.Hi, c.Hi)*r.Part*c.Part
						half := int64(unit * unit / 2)
						if sum <= 0 {
							half = -half
						}
						y[n] = byte((sum + half) / (unit * unit))
						n++
					}
				}
			}
		}
	}, nil
}

const unit = graph.TapUnit
