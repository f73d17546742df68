// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// planPool computes AVERAGE_POOL_2D (the mean of the elements inside the
// image, ties away from zero) and MAX_POOL_2D.
func planPool(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	if in.Type != graph.Int8 && in.Type != graph.Int16 {
		return nil, floatError(p, op)
	}
	lo, hi, err := quant.ClampRange(op.Attr.(graph.Pool2DAttr).Activation, in.Type, p.out(op, 0).Scale(), in.ZeroPoint())
	if err != nil {
		return nil, fmt.Errorf("%v: %w", op.Kind, err)
	}
	win, hin, err := convWindows(p, op)
	if err != nil {
		return nil, err
	}
	src, dst := op.Inputs[0], op.Outputs[0]
	wide, average, channels := in.Type == graph.Int16, op.Kind == graph.AveragePool2D, in.Shape[3]
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		n := 0
		for b := range in.Shape[0] {
			for oy := range hin.Out {
				y0, y1 := clip(oy, hin)
				for ox := range win.Out {
					x0, x1 := clip(ox, win)
					for c := range channels {
						sum, most := int32(0), int32(-32768)
						for iy := y0; iy < y1; iy++ {
							for ix := x0; ix < x1; ix++ {
								at := ((b*hin.In+iy)*win.In+ix)*channels + c
								v := int32(0)
								if wide {
									v = get16(x, at)
								} else {
									v = int32(int8(x[at]))
								}
								sum, most = sum+v, max(most, v)
							}
						}
						v := most
						if average {
							v = mean(sum, int32((y1-y0)*(x1-x0)))
						}
						v = min(max(v, lo), hi)
						if wide {
							put16(y, n, v)
						} else {
							y[n] = byte(v)
						}
						n++
					}
				}
			}
		}
	}, nil
}

// clip returns the part of an output's window that lies inside the image.
func clip(o int, w graph.Window) (from, to int) {
	at := o*w.Stride - w.PadBefore
	return max(at, 0), min(at+w.Kernel, w.In)
}

func mean(sum, n int32) int32 {
	if n <= 0 {
		return 0
	}
	if sum > 0 {
		return (sum + n/2) / n
	}
	return (sum - n/2) / n
}
