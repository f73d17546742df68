// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// planConv gathers the window of every output position into a vector, with
// the zero point where the window leaves the image, and multiplies it as
// FULLY_CONNECTED does.
func planConv(p *plan, op *graph.Op) (step, error) {
	in, w := p.in(op, 0), p.in(op, 1)
	if in.Type == graph.Float32 {
		return planRealConv(p, op)
	}
	q, err := quant.ForMAC(p.g, op)
	if err != nil {
		return nil, err
	}
	if err := constantWeights(p, op); err != nil {
		return nil, err
	}
	win, hin, err := convWindows(p, op)
	if err != nil {
		return nil, err
	}
	if w.Shape[3] != in.Shape[3] {
		return planGrouped(p, op, q, hin, win), nil
	}
	k := newMAC(p, op, q, w.Elems()/w.Shape[0])
	src, dst := op.Inputs[0], op.Outputs[0]
	size, channels, batches := in.Type.Size(), in.Shape[3], in.Shape[0]
	outs := k.w.rows * size
	zero := int16(q.In)
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for b := range batches {
			for oy := range hin.Out {
				for ox := range win.Out {
					v := m.x
					for ky := range hin.Kernel {
						iy := oy*hin.Stride - hin.PadBefore + ky*hin.Dilation
						for kx := range win.Kernel {
							ix := ox*win.Stride - win.PadBefore + kx*win.Dilation
							switch at := ((b*hin.In+iy)*win.In + ix) * channels * size; {
							case iy < 0 || iy >= hin.In || ix < 0 || ix >= win.In:
								for i := range channels {
									v[i] = zero
								}
							case size == 1:
								widen8(v, x[at:at+channels])
							default:
								widen16(v, x[at:at+2*channels])
							}
							v = v[channels:]
						}
					}
					if size == 1 {
						k.row8(m, y[:outs])
					} else {
						k.row16(m, y[:outs])
					}
					y = y[outs:]
				}
			}
		}
	}, nil
}

// planGrouped computes a CONV_2D whose outputs each see one group of the input channels.
func planGrouped(p *plan, op *graph.Op, q quant.MAC, hin, win graph.Window) step {
	in, w := p.in(op, 0), p.in(op, 1)
	bias := biases(p, op, len(q.Mult))
	get, put := loader(in.Type), storer(in.Type)
	channels, depth, outs := in.Shape[3], w.Shape[3], w.Shape[0]
	perGroup := outs / (channels / depth)
	return func(m *memory) {
		x, y, n := m.v[op.Inputs[0]], m.v[op.Outputs[0]], 0
		for b := range in.Shape[0] {
			for oy := range hin.Out {
				for ox := range win.Out {
					for o := range outs {
						acc := bias[o]
						for ky := range hin.Kernel {
							iy := oy*hin.Stride - hin.PadBefore + ky*hin.Dilation
							for kx := range win.Kernel {
								ix := ox*win.Stride - win.PadBefore + kx*win.Dilation
								if iy < 0 || iy >= hin.In || ix < 0 || ix >= win.In {
									continue
								}
								at := ((b*hin.In+iy)*win.In+ix)*channels + o/perGroup*depth
								wat := ((o*hin.Kernel+ky)*win.Kernel + kx) * depth
								for c := range depth {
									acc += int64(int8(w.Data[wat+c])) * int64(get(x, at+c)-q.In)
								}
							}
						}
						v := int32(0)
						if q.Reduced {
							v = quant.MBQM64(acc, q.Mult[o])
						} else {
							v = quant.MBQM(int32(acc), q.Mult[o])
						}
						put(y, n, min(max(v+q.Out, q.Lo), q.Hi))
						n++
					}
				}
			}
		}
	}
}

// planDepthwise computes every output channel from its own input channel.
func planDepthwise(p *plan, op *graph.Op) (step, error) {
	in, w := p.in(op, 0), p.in(op, 1)
	if in.Type == graph.Float32 {
		return planRealConv(p, op)
	}
	q, err := quant.ForMAC(p.g, op)
	if err != nil {
		return nil, err
	}
	if err := constantWeights(p, op); err != nil {
		return nil, err
	}
	win, hin, err := convWindows(p, op)
	if err != nil {
		return nil, err
	}
	bias := biases(p, op, len(q.Mult))
	src, dst := op.Inputs[0], op.Outputs[0]
	wide := in.Type == graph.Int16
	channels, outs := in.Shape[3], w.Shape[3]
	multiplier := outs / channels
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		n := 0
		for b := range in.Shape[0] {
			for oy := range hin.Out {
				for ox := range win.Out {
					for o := range outs {
						acc := bias[o]
						for ky := range hin.Kernel {
							iy := oy*hin.Stride - hin.PadBefore + ky*hin.Dilation
							for kx := range win.Kernel {
								ix := ox*win.Stride - win.PadBefore + kx*win.Dilation
								if iy < 0 || iy >= hin.In || ix < 0 || ix >= win.In {
									continue
								}
								at := ((b*hin.In+iy)*win.In+ix)*channels + o/multiplier
								var v int32
								if wide {
									v = get16(x, at)
								} else {
									v = int32(int8(x[at]))
								}
								acc += int64(int8(w.Data[(ky*win.Kernel+kx)*outs+o])) * int64(v-q.In)
							}
						}
						var v int32
						if q.Reduced {
							v = quant.MBQM64(acc, q.Mult[o])
						} else {
							v = quant.MBQM(int32(acc), q.Mult[o])
						}
						v = min(max(v+q.Out, q.Lo), q.Hi)
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

func convWindows(p *plan, op *graph.Op) (width, height graph.Window, err error) {
	height, width, err = p.g.Windows(op)
	return width, height, err
}

// constantWeights requires weights and bias to be constants.
func constantWeights(p *plan, op *graph.Op) error {
	for i := 1; i < len(op.Inputs); i++ {
		if id := op.Inputs[i]; id != graph.None && !p.g.Tensors[id].IsConst() {
			return errComputed(op, i, p.g.Tensors[id].Name)
		}
	}
	return nil
}

func errComputed(op *graph.Op, i int, name string) error {
	return fmt.Errorf("%v: input %d %q is computed, expected constant weights and bias", op.Kind, i, name)
}
