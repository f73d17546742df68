// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// mac is the second half of FULLY_CONNECTED and CONV_2D: it multiplies the
// input vector in memory.x and writes one row of outputs.
type mac struct {
	w      *packed
	base   []int32 // bias, with the input's zero point folded in
	base64 []int64 // the same where the accumulator has 64 bits
	scale  []scaler
	scale6 []scaler64
	zero   int32
	lo, hi int32
}

// newMAC prepares weights of [outputs, inputs] for int8 or int16 activations.
func newMAC(p *plan, op *graph.Op, q quant.MAC, cols int) *mac {
	w := p.in(op, 1)
	k := &mac{zero: q.Out, lo: q.Lo, hi: q.Hi}
	if k.w = p.packs[op.Inputs[1]]; k.w == nil || k.w.cols != cols {
		k.w = pack(w.Data, len(q.Mult), cols)
		p.packs[op.Inputs[1]] = k.w
	}
	bias := biases(p, op, len(q.Mult))
	for o, m := range q.Mult {
		k.base = append(k.base, int32(bias[o])-q.In*k.w.sums[o])
		k.base64 = append(k.base64, bias[o]) // int16 activations have zero point 0
		k.scale = append(k.scale, newScaler(m))
		if q.Reduced {
			k.scale6 = append(k.scale6, newScaler64(m))
		}
	}
	p.need(k.w.lenX(), k.w.lenAcc(), k.w.rows)
	return k
}

// biases returns the bias as 64-bit numbers, zeros when there is none.
func biases(p *plan, op *graph.Op, n int) []int64 {
	v := make([]int64, n)
	if len(op.Inputs) < 3 || op.Inputs[2] == graph.None {
		return v
	}
	b := p.in(op, 2)
	for i := range v {
		if b.Type == graph.Int64 {
			v[i] = int64(binary.LittleEndian.Uint64(b.Data[8*i:]))
		} else {
			v[i] = int64(int32(binary.LittleEndian.Uint32(b.Data[4*i:])))
		}
	}
	return v
}

// row8 computes one row of int8 outputs.
func (k *mac) row8(m *memory, dst []byte) {
	acc := m.acc[:k.w.lenAcc()]
	k.w.mul(acc, m.x)
	base, scale := k.base[:len(dst)], k.scale[:len(dst)]
	acc = acc[:len(dst)]
	for o := range dst {
		dst[o] = byte(min(max(scale[o].apply(acc[o]+base[o])+k.zero, k.lo), k.hi))
	}
}

// row16 computes one row of int16 outputs.
func (k *mac) row16(m *memory, dst []byte) {
	k.w.mulWide(m.wide, m.acc, m.x)
	for o := range k.w.rows {
		var v int32
		if k.scale6 != nil {
			v = k.scale6[o].apply(m.wide[o] + k.base64[o])
		} else {
			v = k.scale[o].apply(int32(m.wide[o]) + k.base[o])
		}
		put16(dst, o, min(max(v+k.zero, k.lo), k.hi))
	}
}

// widen8 and widen16 copy values to 16 bits.
func widen8(x []int16, src []byte) {
	x = x[:len(src)]
	for i, b := range src {
		x[i] = int16(int8(b))
	}
}

func widen16(x []int16, src []byte) {
	for i := range len(src) / 2 {
		x[i] = int16(get16(src, i))
	}
}

func planFullyConnected(p *plan, op *graph.Op) (step, error) {
	in, w := p.in(op, 0), p.in(op, 1)
	if in.Type == graph.Float32 {
		return planRealConnected(p, op)
	}
	q, err := quant.ForMAC(p.g, op)
	if err != nil {
		return nil, err
	}
	if !w.IsConst() || len(op.Inputs) > 2 && op.Inputs[2] != graph.None && !p.in(op, 2).IsConst() {
		return planComputedWeights(p, op, q)
	}
	cols := w.Shape[1]
	k := newMAC(p, op, q, cols)
	src, dst := op.Inputs[0], op.Outputs[0]
	size, rows := in.Type.Size(), in.Elems()/cols
	if in.Type == graph.Int16 {
		return func(m *memory) {
			x, y := m.v[src], m.v[dst]
			for r := range rows {
				widen16(m.x, x[r*cols*size:(r+1)*cols*size])
				k.row16(m, y[r*k.w.rows*size:(r+1)*k.w.rows*size])
			}
		}, nil
	}
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for r := range rows {
			widen8(m.x, x[r*cols:(r+1)*cols])
			k.row8(m, y[r*k.w.rows:(r+1)*k.w.rows])
		}
	}, nil
}

// planComputedWeights handles weights or a bias that other operators compute,
// without packing them.
func planComputedWeights(p *plan, op *graph.Op, q quant.MAC) (step, error) {
	in, w := p.in(op, 0), p.in(op, 1)
	wide := in.Type == graph.Int16
	rows, cols, outs := in.Elems()/w.Shape[1], w.Shape[1], w.Shape[0]
	hasBias := len(op.Inputs) > 2 && op.Inputs[2] != graph.None
	src, weights, dst := op.Inputs[0], op.Inputs[1], op.Outputs[0]
	at := func(b []byte, i int) int32 {
		if wide {
			return get16(b, i)
		}
		return int32(int8(b[i]))
	}
	return func(m *memory) {
		x, w, y := m.v[src], m.v[weights], m.v[dst]
		for r := range rows {
			for o := range outs {
				var acc int64
				if hasBias {
					if b := m.v[op.Inputs[2]]; len(b) == 8*outs {
						acc = int64(binary.LittleEndian.Uint64(b[8*o:]))
					} else {
						acc = int64(int32(binary.LittleEndian.Uint32(b[4*o:])))
					}
				}
				for i := range cols {
					acc += int64(int8(w[o*cols+i])) * int64(at(x, r*cols+i)-q.In)
				}
				var v int32
				if q.Reduced {
					v = quant.MBQM64(acc, q.Mult[o])
				} else {
					v = quant.MBQM(int32(acc), q.Mult[o])
				}
				v = min(max(v+q.Out, q.Lo), q.Hi)
				if wide {
					put16(y, r*outs+o, v)
				} else {
					y[r*outs+o] = byte(v)
				}
			}
		}
	}, nil
}
