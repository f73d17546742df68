// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	kernels.Set(planBatchMatMul, graph.BatchMatMul)
	kernels.Set(planTransposeConv, graph.TransposeConv)
}

// planBatchMatMul multiplies matrices, of which any may be computed.
func planBatchMatMul(p *plan, op *graph.Op) (step, error) {
	x, y, out := p.in(op, 0), p.in(op, 1), p.out(op, 0)
	if x.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForMatMul(p.g, op)
	if err != nil {
		return nil, err
	}
	a := op.Attr.(graph.BatchMatMulAttr)
	rank := len(out.Shape)
	batch := out.Shape[:rank-2]
	rows, cols := out.Shape[rank-2], out.Shape[rank-1]
	nx, ny := len(x.Shape), len(y.Shape)
	inner := x.Shape[nx-1]
	rowX, colX := inner, 1
	if a.AdjX {
		inner = x.Shape[nx-2]
		rowX, colX = 1, rows
	}
	rowY, colY := cols, 1
	if a.AdjY {
		rowY, colY = 1, inner
	}
	batchX, batchY := broadcastStrides(x.Shape[:nx-2], batch), broadcastStrides(y.Shape[:ny-2], batch)
	get, put := loader(x.Type), storer(out.Type)
	return func(m *memory) {
		vx, vy, vo := m.v[op.Inputs[0]], m.v[op.Inputs[1]], m.v[op.Outputs[0]]
		n := 0
		for b := range graph.Elems(batch) {
			bx, by := 0, 0
			for d, rest := len(batch)-1, b; d >= 0; d-- {
				bx += rest % batch[d] * batchX[d]
				by += rest % batch[d] * batchY[d]
				rest /= batch[d]
			}
			bx, by = bx*rows*inner, by*inner*cols
			for r := range rows {
				for c := range cols {
					acc := int64(0)
					for k := range inner {
						acc += int64(get(vx, bx+r*rowX+k*colX)-q.A) * int64(get(vy, by+k*rowY+c*colY)-q.B)
					}
					put(vo, n, q.Result(acc))
					n++
				}
			}
		}
	}, nil
}

// planTransposeConv adds every input, times the weights, to the window of outputs
// that it reaches.
func planTransposeConv(p *plan, op *graph.Op) (step, error) {
	w, in, out := p.in(op, 1), p.in(op, 2), p.out(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForMAC(p.g, op)
	if err != nil {
		return nil, err
	}
	if !w.IsConst() {
		return nil, errComputed(op, 1, w.Name)
	}
	bias := make([]int64, out.Shape[3])
	if len(op.Inputs) == 4 && op.Inputs[3] != graph.None {
		b := p.in(op, 3)
		if !b.IsConst() {
			return nil, errComputed(op, 3, b.Name)
		}
		for i := range bias {
			if b.Type == graph.Int64 {
				bias[i] = int64(binary.LittleEndian.Uint64(b.Data[8*i:]))
			} else {
				bias[i] = int64(int32(binary.LittleEndian.Uint32(b.Data[4*i:])))
			}
		}
	}
	h, wide, err := p.g.TransposeWindows(op)
	if err != nil {
		return nil, err
	}
	channels, outs := in.Shape[3], out.Shape[3]
	get, put := loader(in.Type), storer(out.Type)
	return func(m *memory) {
		x, y := m.v[op.Inputs[2]], m.v[op.Outputs[0]]
		acc := make([]int64, h.In*wide.In*outs)
		for b := range in.Shape[0] {
			for i := range acc {
				acc[i] = bias[i%outs]
			}
			for iy := range h.Out {
				for ix := range wide.Out {
					at := ((b*h.Out+iy)*wide.Out + ix) * channels
					for ky := range h.Kernel {
						oy := iy*h.Stride - h.PadBefore + ky
						for kx := range wide.Kernel {
							ox := ix*wide.Stride - wide.PadBefore + kx
							if oy < 0 || oy >= h.In || ox < 0 || ox >= wide.In {
								continue
							}
							for o := range outs {
								k := ((o*h.Kernel+ky)*wide.Kernel + kx) * channels
								sum := int64(0)
								for c := range channels {
									sum += int64(int8(w.Data[k+c])) * int64(get(x, at+c)-q.In)
								}
								acc[(oy*wide.In+ox)*outs+o] += sum
							}
						}
					}
				}
			}
			for i, v := range acc {
				var r int32
				if q.Reduced {
					r = quant.MBQM64(v, q.Mult[i%outs])
				} else {
					r = quant.MBQM(int32(v), q.Mult[i%outs])
				}
				put(y, b*len(acc)+i, min(max(r+q.Out, q.Lo), q.Hi))
			}
		}
	}, nil
}
