// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { planners.Set(planBilinear, graph.ResizeBilinear) }

// planBilinear interpolates between the pixels around each place, with weights of 10 bits
// in each direction.
func planBilinear(o *operator) (*Kernel, error) {
	t, to := o.in(0), o.out(0).Shape
	if t.Type != graph.Int8 {
		return nil, o.refuse(0, "int8")
	}
	a := o.op.Attr.(graph.ResizeAttr)
	rows, cols := graph.Taps(t.Shape[1], to[1], a), graph.Taps(t.Shape[2], to[2], a)
	x, height, width, depth := o.operand(0), t.Shape[1], t.Shape[2], t.Shape[3]
	table := func(taps []graph.Tap) Table {
		var w Table
		for _, p := range taps {
			w = append(w, uint32(p.Lo), uint32(p.Hi), uint32(p.Part))
		}
		return w
	}
	return one("bilinear", func(in, out [][]byte) {
		for i := range out[0] {
			k, at := i%depth, i/depth
			c := cols[at%to[2]]
			r := rows[at/to[2]%to[1]]
			image := x.of(in)[at/to[2]/to[1]*height*width*depth:]
			pixel := func(row, col int) int32 { return int32(int8(image[(row*width+col)*depth+k])) }
			left := pixel(r.Lo, c.Lo)<<10 + (pixel(r.Hi, c.Lo)-pixel(r.Lo, c.Lo))*int32(r.Part)
			right := pixel(r.Lo, c.Hi)<<10 + (pixel(r.Hi, c.Hi)-pixel(r.Lo, c.Hi))*int32(r.Part)
			out[0][i] = byte(halved(left<<10+(right-left)*int32(c.Part), 20))
		}
	}, args(Output(0), x.arg(), ints(t.Shape[0], height, width, depth, to[1], to[2]), table(rows), table(cols))...), nil
}
