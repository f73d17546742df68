// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/gemm"
)

func init() {
	planners.Set((*Exec).planConv, graph.Conv2D)
	planners.Set((*Exec).planDepthwise, graph.DepthwiseConv2D)
	planners.Set((*Exec).planTransposeConv, graph.TransposeConv)
	planners.Set((*Exec).planPool, graph.AveragePool2D, graph.MaxPool2D)
	planners.Set((*Exec).planBilinear, graph.ResizeBilinear)
	planners.Set((*Exec).planBatchMatMul, graph.BatchMatMul)
}

// weighted returns the constant weights and the bias, zeros where there is none.
func (e *Exec) weighted(op *graph.Op, at, outputs int) (w, bias []float32, err error) {
	v, ok := e.consts[op.Inputs[at]]
	if !ok {
		return nil, nil, fmt.Errorf("weights must be constant")
	}
	bias = make([]float32, outputs)
	last := at + 1
	if op.Kind == graph.TransposeConv {
		last = 3
	}
	if len(op.Inputs) > last && op.Inputs[last] != graph.None {
		b, ok := e.consts[op.Inputs[last]]
		if !ok || b.N != outputs {
			return nil, nil, fmt.Errorf("the bias must be a constant of %d elements", outputs)
		}
		copy(bias, b.Data)
	}
	return v.Data, bias, nil
}

// matrix multiplies rows with constant weights [outputs, inputs], packed once.
type matrix struct {
	e               *Exec
	inputs, outputs int
	padded          int
	panels, bias    []float32
}

func (e *Exec) newMatrix(w, bias []float32, outputs, inputs int) *matrix {
	m := &matrix{e: e, inputs: inputs, outputs: outputs, padded: gemm.PanelCount(outputs) * gemm.Width, bias: bias}
	m.panels = make([]float32, gemm.PanelSize(inputs, outputs))
	gemm.Pack(m.panels, inputs, outputs, w, 1, inputs)
	return m
}

// rows writes y = x.w' + bias for rows that lie one after the other.
func (m *matrix) rows(r *Runner, y, x []float32, rows int) {
	c := r.scratch(rows * m.padded)
	for i := range rows {
		copy(c[i*m.padded:(i+1)*m.padded], m.bias)
	}
	m.e.product(&gemm.Product{
		Rows: rows, Inner: m.inputs, Panels: m.padded / gemm.Width, Add: true,
		A: x, ARow: m.inputs, AInner: 1, B: m.panels, BPanel: m.inputs * gemm.Width,
		C: c, CRow: m.padded, CPanel: gemm.Width,
	})
	for i := range rows {
		copy(y[i*m.outputs:(i+1)*m.outputs], c[i*m.padded:])
	}
}

// taps calls f for every output position and kernel element that meets the input:
// output row and column, kernel row and column, input row and column.
func taps(h, w graph.Window, f func(oy, ox, ky, kx, y, x int)) {
	for oy := range h.Out {
		for ox := range w.Out {
			for ky := range h.Kernel {
				y := oy*h.Stride - h.PadBefore + ky*h.Dilation
				if y < 0 || y >= h.In {
					continue
				}
				for kx := range w.Kernel {
					if x := ox*w.Stride - w.PadBefore + kx*w.Dilation; x >= 0 && x < w.In {
						f(oy, ox, ky, kx, y, x)
					}
				}
			}
		}
	}
}

// planConv lays the inputs of every output side by side and multiplies.
func (e *Exec) planConv(op *graph.Op) (kernel, error) {
	h, w, err := e.g.Windows(op)
	if err != nil {
		return nil, err
	}
	in, out, k := op.Inputs[0], op.Outputs[0], e.shape(op.Inputs[1])
	weights, bias, err := e.weighted(op, 1, k[0])
	if err != nil {
		return nil, err
	}
	lo, hi, err := clampOf(op.Fused())
	if err != nil {
		return nil, err
	}
	depth, inner := k[3], k[1]*k[2]*k[3]
	if c := e.shape(in)[3]; c != depth {
		return nil, fmt.Errorf("weights of %d channels for an input of %d: groups have no float execution; split the channels before it", depth, c)
	}
	m := e.newMatrix(weights, bias, k[0], inner)
	images, rows := e.shape(in)[0], h.Out*w.Out
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		columns := make([]float32, rows*inner)
		size := h.In * w.In * depth
		for b := range batch {
			from, to := x.Row(b), y.Row(b)
			for i := range images {
				image := from[i*size : (i+1)*size]
				taps(h, w, func(oy, ox, ky, kx, iy, ix int) {
					at := (oy*w.Out+ox)*inner + (ky*w.Kernel+kx)*depth
					copy(columns[at:at+depth], image[(iy*w.In+ix)*depth:])
				})
				m.rows(r, to[i*rows*k[0]:], columns, rows)
			}
		}
		if op.Fused() != graph.ActNone {
			clamp(y.Data, lo, hi)
		}
		return nil
	}, nil
}

func (e *Exec) planDepthwise(op *graph.Op) (kernel, error) {
	h, w, err := e.g.Windows(op)
	if err != nil {
		return nil, err
	}
	in, out, k := op.Inputs[0], op.Outputs[0], e.shape(op.Inputs[1])
	weights, bias, err := e.weighted(op, 1, k[3])
	if err != nil {
		return nil, err
	}
	lo, hi, err := clampOf(op.Fused())
	if err != nil {
		return nil, err
	}
	images, depth, outputs := e.shape(in)[0], e.shape(in)[3], k[3]
	times := outputs / depth
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		size, outSize := h.In*w.In*depth, h.Out*w.Out*outputs
		for b := range batch {
			for i := range images {
				from, to := x.Row(b)[i*size:(i+1)*size], y.Row(b)[i*outSize:(i+1)*outSize]
				for p := 0; p < outSize; p += outputs {
					copy(to[p:p+outputs], bias)
				}
				taps(h, w, func(oy, ox, ky, kx, iy, ix int) {
					dst := to[(oy*w.Out+ox)*outputs:][:outputs]
					src := from[(iy*w.In+ix)*depth:][:depth]
					f := weights[(ky*w.Kernel+kx)*outputs:][:outputs]
					for o := range dst {
						dst[o] += float32(src[o/times] * f[o])
					}
				})
			}
		}
		if op.Fused() != graph.ActNone {
			clamp(y.Data, lo, hi)
		}
		return nil
	}, nil
}

// planTransposeConv adds every input element, times the kernel, to the outputs
// whose forward convolution reads it.
func (e *Exec) planTransposeConv(op *graph.Op) (kernel, error) {
	a, ok := op.Attr.(graph.TransposeConvAttr)
	if !ok {
		return nil, fmt.Errorf("attributes are %T", op.Attr)
	}
	in, out, k := op.Inputs[2], op.Outputs[0], e.shape(op.Inputs[1])
	so, si := e.shape(out), e.shape(in)
	h, err := graph.NewWindow(so[1], k[1], a.StrideH, 1, a.Padding)
	if err != nil {
		return nil, err
	}
	w, err := graph.NewWindow(so[2], k[2], a.StrideW, 1, a.Padding)
	if err != nil {
		return nil, err
	}
	weights, bias, err := e.weighted(op, 1, k[0])
	if err != nil {
		return nil, err
	}
	lo, hi, err := clampOf(a.Activation)
	if err != nil {
		return nil, err
	}
	h.Out, w.Out = si[1], si[2]
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		size, outSize := si[1]*si[2]*si[3], so[1]*so[2]*so[3]
		for b := range batch {
			for i := range si[0] {
				from, to := x.Row(b)[i*size:(i+1)*size], y.Row(b)[i*outSize:(i+1)*outSize]
				for p := 0; p < outSize; p += so[3] {
					copy(to[p:p+so[3]], bias)
				}
				taps(h, w, func(oy, ox, ky, kx, iy, ix int) {
					src := from[(oy*si[2]+ox)*si[3]:][:si[3]]
					dst := to[(iy*so[2]+ix)*so[3]:][:so[3]]
					for o := range dst {
						f := weights[((o*k[1]+ky)*k[2]+kx)*k[3]:][:k[3]]
						sum := float32(0)
						for c, v := range src {
							sum += float32(v * f[c])
						}
						dst[o] += sum
					}
				})
			}
		}
		if a.Activation != graph.ActNone {
			clamp(y.Data, lo, hi)
		}
		return nil
	}, nil
}

// planPool leaves padding out of maxima and means.
func (e *Exec) planPool(op *graph.Op) (kernel, error) {
	h, w, err := e.g.Windows(op)
	if err != nil {
		return nil, err
	}
	lo, hi, err := clampOf(op.Fused())
	if err != nil {
		return nil, err
	}
	in, out, largest := op.Inputs[0], op.Outputs[0], op.Kind == graph.MaxPool2D
	images, depth := e.shape(in)[0], e.shape(in)[3]
	counts := make([]float32, h.Out*w.Out)
	taps(h, w, func(oy, ox, _, _, _, _ int) { counts[oy*w.Out+ox]++ })
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		size, outSize := h.In*w.In*depth, h.Out*w.Out*depth
		for b := range batch {
			for i := range images {
				from, to := x.Row(b)[i*size:(i+1)*size], y.Row(b)[i*outSize:(i+1)*outSize]
				for p := range to {
					if to[p] = 0; largest {
						to[p] = float32(math.Inf(-1))
					}
				}
				taps(h, w, func(oy, ox, _, _, iy, ix int) {
					dst, src := to[(oy*w.Out+ox)*depth:][:depth], from[(iy*w.In+ix)*depth:][:depth]
					for c, v := range src {
						if largest {
							dst[c] = max(dst[c], v)
						} else {
							dst[c] += v
						}
					}
				})
				for p := range to {
					if !largest {
						to[p] /= counts[p/depth]
					}
				}
			}
		}
		if op.Fused() != graph.ActNone {
			clamp(y.Data, lo, hi)
		}
		return nil
	}, nil
}

// planBilinear interpolates between the four neighbours of TFLite's coordinates.
func (e *Exec) planBilinear(op *graph.Op) (kernel, error) {
	a, _ := op.Attr.(graph.ResizeAttr)
	in, out := op.Inputs[0], op.Outputs[0]
	si, so := e.shape(in), e.shape(out)
	if len(si) != 4 || len(so) != 4 {
		return nil, fmt.Errorf("input %v and output %v, expected 4 dimensions", si, so)
	}
	type point struct {
		lo, hi int
		part   float32
	}
	axis := func(d int) []point {
		scale := float32(si[d]) / float32(so[d])
		if a.AlignCorners && so[d] > 1 {
			scale = float32(si[d]-1) / float32(so[d]-1)
		}
		ps := make([]point, so[d])
		for i := range ps {
			v := float32(i) * scale
			if a.HalfPixelCenters {
				v = float32((float32(i)+0.5)*scale) - 0.5
			}
			lo := float32(math.Floor(float64(v)))
			ps[i] = point{min(max(int(lo), 0), si[d]-1), min(max(int(lo)+1, 0), si[d]-1), v - lo}
		}
		return ps
	}
	ys, xs := axis(1), axis(2)
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		for b := range batch {
			for i := range y.Row(b) {
				c, ox, oy, n := i%so[3], i/so[3]%so[2], i/so[3]/so[2]%so[1], i/so[3]/so[2]/so[1]
				at := func(iy, ix int) float32 { return x.Row(b)[((n*si[1]+iy)*si[2]+ix)*si[3]+c] }
				p, q := ys[oy], xs[ox]
				top := float32(at(p.lo, q.lo)*(1-q.part)) + float32(at(p.lo, q.hi)*q.part)
				low := float32(at(p.hi, q.lo)*(1-q.part)) + float32(at(p.hi, q.hi)*q.part)
				y.Row(b)[i] = float32(top*(1-p.part)) + float32(low*p.part)
			}
		}
		return nil
	}, nil
}

// planBatchMatMul multiplies the last two dimensions of computed values.
func (e *Exec) planBatchMatMul(op *graph.Op) (kernel, error) {
	a, ok := op.Attr.(graph.BatchMatMulAttr)
	if !ok {
		return nil, fmt.Errorf("attributes are %T", op.Attr)
	}
	idx, idy, out := op.Inputs[0], op.Inputs[1], op.Outputs[0]
	sx, sy, so := e.shape(idx), e.shape(idy), e.shape(out)
	rows, cols := so[len(so)-2], so[len(so)-1]
	inner, xi, xk := sx[len(sx)-1], sx[len(sx)-1], 1
	if a.AdjX {
		inner, xi, xk = sx[len(sx)-2], 1, sx[len(sx)-1]
	}
	yk, yj := sy[len(sy)-1], 1
	if a.AdjY {
		yk, yj = 1, sy[len(sy)-1]
	}
	lead := so[:len(so)-2]
	batches := graph.Elems(lead)
	mx, err := spread(sx[:len(sx)-2], lead)
	if err != nil {
		return nil, err
	}
	my, err := spread(sy[:len(sy)-2], lead)
	if err != nil {
		return nil, err
	}
	at := func(m []int, i int) int {
		if m == nil {
			return i
		}
		return m[i]
	}
	return func(r *Runner, batch int) error {
		x, y, z := r.views[idx], r.views[idy], r.alloc(out, batch)
		for b := range batch {
			for n := range batches {
				p, q := x.Row(b)[at(mx, n)*rows*inner:], y.Row(b)[at(my, n)*inner*cols:]
				for i := range rows {
					for j := range cols {
						sum := float32(0)
						for k := range inner {
							sum += float32(p[i*xi+k*xk] * q[k*yk+j*yj])
						}
						z.Row(b)[(n*rows+i)*cols+j] = sum
					}
				}
			}
		}
		return nil
	}, nil
}
