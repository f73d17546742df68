// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { lowerers.Set(lowerArg, graph.ArgMax, graph.ArgMin) }

// lowerArg lowers ARG_MAX and ARG_MIN over n elements to arithmetic: where an element is
// the maximum, n minus its index is kept, else 0; the greatest of these is n minus the
// first index. ARG_MIN looks at the mirrored values.
func lowerArg(l *lowering, gop *graph.Op) error {
	in, out := l.g.Tensors[gop.Inputs[0]], l.g.Tensors[gop.Outputs[0]]
	axis, err := l.g.Axis(gop)
	if err != nil {
		return err
	}
	n := in.Shape[axis]
	if in.Type != graph.Int8 || out.Type != graph.Int32 || n > 32767 {
		return fmt.Errorf("of %d values of %v to %v: the NPU finds an index of up to 32767 values of int8, as int32; end the network before it and compute it on the CPU", n, in.Type, out.Type)
	}
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	perm := make([]int, 0, len(v.shape))
	for d := range v.shape {
		if d != axis {
			perm = append(perm, d)
		}
	}
	if v, err = l.dense(v.permute(append(perm, axis))); err != nil {
		return err
	}
	rows := v.elems() / n
	v, _ = v.reshape([]int{rows, n})
	if gop.Kind == graph.ArgMin {
		w := l.fresh(in.Name+"/mirror", in.Type, v.shape)
		if err := l.mirror(v, w); err != nil {
			return err
		}
		v = w
	}
	c := l.chain(gop)
	top := l.rowMax(v, n)
	behind := c.wide(kernel.Sub, operand{v: top}, operand{v: v}, unscaled, v.shape)
	other := c.wide(kernel.Min, behind, number(1), unscaled, v.shape)
	first := c.wide(kernel.Sub, number(1), other, unscaled, v.shape)
	places := make([]byte, 0, 2*n)
	for i := range n {
		places = binary.LittleEndian.AppendUint16(places, uint16(n-i))
	}
	const name = "places from the end"
	from := denseView(l.m.Constants.Intern(name, places, 16), 0, graph.Int16, []int{1, n}, name)
	kept := c.wide(kernel.Mul, first, operand{v: from}, unscaled, v.shape)
	if c.err != nil {
		return c.err
	}
	best := l.rowMax(kept.v, n)
	dst, ok := l.out(gop.Outputs[0]).reshape([]int{rows, 1})
	if !ok {
		return fmt.Errorf("output of shape %v is no column of %d", out.Shape, rows)
	}
	c.do(kernel.Sub, number(n), operand{v: best}, unscaled, dst, 0, -32768, 32767)
	return c.err
}

// rowMax returns the greatest value of every row of n, as a column.
func (l *lowering) rowMax(v view, n int) view {
	rows := v.shape[0]
	out := l.fresh(v.name+"/max", v.dt, []int{rows, 1})
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolMax, Rescale: kernel.Rescale{Out: unscaled}, Window: kernel.Window{KH: 1, KW: n, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}}
	p.Lo, p.Hi = kernel.TypeRange(v.dt)
	image, _ := v.reshape([]int{1, rows, n, 1})
	column, _ := out.reshape([]int{1, rows, 1, 1})
	p.IFM, p.OFM = imageMap(image, 0), imageMap(column, 0)
	l.emit(&p)
	return out
}

// mirror writes 127 for -128, -128 for 127, and so on in between.
func (l *lowering) mirror(v, out view) error {
	var mirrored [256]int8
	for i := range mirrored {
		mirrored[i] = int8(127 - i)
	}
	k := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: unscaled}, Output: kernel.Output{Lo: -128, Hi: 127, Fn: kernel.FnTable, Table: l.table8(mirrored)}}
	return l.elementwise(k, operand{v: v}, &operand{scalar: true, value: 1}, out, 0)
}
