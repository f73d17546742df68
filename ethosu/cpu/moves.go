// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"bytes"

	"github.com/unroll-npu/unroll/lower/graph"
)

// block is a movement's block in bytes: w.steps are those of the source, if there is one,
// and of the destination.
type block struct {
	w        walk
	from     *operand // nil: fill with zero
	zero     []byte
	src, dst int
	out, run int
}

// planMoves copies as the blocks of the operator's description say.
func planMoves(o *operator) (*Kernel, error) {
	list, err := graph.Describe(o.op.Kind).Moves(o.Graph, o.op)
	if err != nil {
		return nil, err
	}
	k := &Kernel{}
	var blocks []block
	for _, m := range list {
		if graph.Elems(m.Shape) == 0 {
			continue
		}
		b := o.block(m)
		blocks = append(blocks, b)
		if b.from == nil {
			value := int64(o.out(m.Out).ZeroPoint())
			k.Calls = append(k.Calls, Call{"fill", args(Output(b.out), ints(b.dst, b.run), Integer(value), b.w.args())})
			continue
		}
		k.Calls = append(k.Calls, Call{"move", args(Output(b.out), Integer(b.dst), b.from.arg(), ints(b.src, b.run), b.w.args())})
	}
	k.run = func(in, out [][]byte) {
		for _, b := range blocks {
			to := out[b.out]
			b.w.each(func(_ int, at []int) {
				if b.from == nil {
					copy(to[b.dst+at[0]:][:b.run], b.zero)
					return
				}
				copy(to[b.dst+at[1]:][:b.run], b.from.of(in)[b.src+at[0]:])
			})
		}
	}
	return k, nil
}

// block joins the dimensions that lie together on both sides, the inner ones, to a run.
func (o *operator) block(m graph.Move) block {
	size := o.out(m.Out).Type.Size()
	b := block{src: m.Src * size, dst: m.Dst * size, out: m.Out, run: size}
	if m.In == graph.Zero {
		b.zero = (&graph.Tensor{Type: o.out(m.Out).Type, Quant: o.out(m.Out).Quant}).ZeroBytes()
	} else {
		from := o.operand(m.In)
		b.from = &from
	}
	n := len(m.Shape)
	for n > 0 && b.from != nil && m.SrcStep[n-1]*size == b.run && m.DstStep[n-1]*size == b.run {
		n--
		b.run *= m.Shape[n]
	}
	src, dst := make([]int, n), make([]int, n)
	for d := range n {
		src[d], dst[d] = m.SrcStep[d]*size, m.DstStep[d]*size
	}
	b.w = walk{m.Shape[:n], [][]int{src, dst}}
	if b.from == nil {
		b.w.steps = [][]int{dst}
		b.zero = bytes.Repeat(b.zero, b.run/len(b.zero))
	}
	return b
}
