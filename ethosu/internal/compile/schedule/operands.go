// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// operandCopy is a copy in SRAM of all constants that kernels take as feature maps.
type operandCopy struct {
	data []byte
	dst  *kernel.Buffer
	with *kernel.Weights // it comes in the transfer of these, which is in time
}

// CopyOperands copies constants that kernels take as feature maps to SRAM, together
// with weights that are copied before, when the estimated schedule gets shorter: even
// one element costs a burst of the slow memory every time.
func CopyOperands(pl *Plan) error {
	if !pl.prefetch || pl.Room >= 0 {
		return nil
	}
	c := &operandCopy{dst: &kernel.Buffer{Name: "operands/resident", Resident: true}}
	type place struct {
		b        *kernel.Buffer
		from, to int
	}
	at := map[place]int{}
	move := func(f *kernel.Map) *kernel.Map {
		if f == nil || f.Buf == nil || !f.Buf.Constant() || f.Low != nil {
			return f
		}
		s := f.Off + (f.H-1)*f.StrideY + (f.W-1)*f.StrideX + f.C*f.Type.Size()
		p := place{f.Buf, f.Off, s}
		off, ok := at[p]
		if !ok {
			off = kernel.RoundUp(len(c.data), max(f.Type.Size(), graph.Int32.Size()))
			c.data = append(append(c.data, make([]byte, off-len(c.data))...), p.b.Data[p.from:p.to]...)
			at[p] = off
		}
		g := *f
		g.Buf, g.Off = c.dst, off
		return &g
	}
	best := pl.cycles()
	old := pl.Ops
	pl.Ops = make([]*Op, len(old))
	for i, o := range old {
		pl.Ops[i] = o
		ifm, ifm2 := move(o.IFM), o.IFM2
		if !o.Scalar {
			ifm2 = move(ifm2)
		}
		if ifm != o.IFM || ifm2 != o.IFM2 {
			p := *o
			p.IFM, p.IFM2 = ifm, ifm2
			pl.Ops[i] = &p
		}
	}
	if len(c.data) == 0 {
		return nil
	}
	c.dst.Size = kernel.Align(len(c.data))
	for _, o := range pl.Ops {
		used := false
		o.Reads(func(b *kernel.Buffer) { used = used || b == c.dst })
		if used {
			break
		}
		if mode := pl.copies[o.Weights]; o.Weights != nil && (mode == copyWeights || mode == copyBoth) {
			c.with = o.Weights
		}
	}
	pl.operands = c
	if c.with == nil || pl.cyclesBelow(best) >= best {
		pl.operands, pl.Ops = nil, old
	}
	return nil
}
