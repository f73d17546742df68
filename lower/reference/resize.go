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
	rows, cols := tapsOf(in.Shape[1], out.Shape[1], a), tapsOf(in.Shape[2], out.Shape[2], a)
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
						sum := at(r.lo, c.lo)*(unit-r.part)*(unit-c.part) + at(r.hi, c.lo)*r.part*(unit-c.part) +
							at(r.lo, c.hi)*(unit-r.part)*c.part + at(r.hi, c.hi)*r.part*c.part
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

const unit = 1 << 10

// tap is what one output position takes: the input before it and the one behind, and
// how far it is from the first, in units of 2^-10.
type tap struct {
	lo, hi int
	part   int64
}

func tapsOf(in, out int, a graph.ResizeAttr) []tap {
	scale := (unit*in + out/2) / out
	if a.AlignCorners && out > 1 {
		scale = (unit*(in-1) + (out-1)/2) / (out - 1)
	}
	list := make([]tap, out)
	for i := range list {
		at := i * scale
		if a.HalfPixelCenters {
			at += scale/2 - unit/2
		}
		lo := max(at/unit, 0)
		list[i] = tap{lo, min((at+unit-1)/unit, in-1), int64(at - lo*unit)}
	}
	return list
}
