// SPDX-License-Identifier: Apache-2.0

package place

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// ShareStates lets the output of a state use the place of its input when the
// input is not read after the output is first written.
func ShareStates(l *Layout) error {
	if l.in.Tight {
		return nil // apart, each can share its memory with other feature maps
	}
	l.live()
	for _, p := range l.mod.States {
		in, out := l.root(p[0]), l.root(p[1])
		if in == out || out.fromCall || in.toCaller || out.buf.Size != in.buf.Size || out.buf.Own != 0 || out.buf.Placed {
			continue
		}
		firstWrite, lastRead := len(l.ops), -1
		for i, o := range l.ops {
			at, _ := l.unit(i)
			o.Reads(func(b *kernel.Buffer) {
				if l.root(b) == in {
					lastRead = at
				}
			})
			o.Writes(func(b *kernel.Buffer) {
				if l.root(b) == out {
					firstWrite = min(firstWrite, at)
				}
			})
		}
		if lastRead > firstWrite || lastRead == firstWrite && !l.unitInPlace(lastRead, in) {
			continue
		}
		in.toCaller = true
		in.bound = true
		out.into = in
	}
	return nil
}

// unitInPlace reports whether the operations of a unit that read buffer b may write their
// result over it.
func (l *Layout) unitInPlace(at int, b *storage) bool {
	first, last := l.unit(at)
	to := l.ops[last].Kernel
	for i := first; i <= last; i++ {
		o, reads := l.ops[i], false
		o.Reads(func(c *kernel.Buffer) { reads = reads || l.root(c) == b })
		if reads && (!elementwise(o) || to == nil || !l.elementOrder(o.Kernel, to.OFM, b)) {
			return false
		}
	}
	return true
}

func elementwise(o schedule.Operation) bool {
	return o.Kernel != nil && o.Kernel.Kind == kernel.Elementwise
}

// elementOrder reports whether a result g may be written over the input buffer b of an
// elementwise kernel: every element is read before it is written.
func (l *Layout) elementOrder(o *schedule.Op, g *kernel.Map, b *storage) bool {
	same := func(f *kernel.Map) bool {
		if f == nil || f.Buf == nil || l.root(f.Buf) != b {
			return f == nil || f.Buf == nil || f.Low == nil || l.root(f.Low) != b
		}
		return f.Low == nil && g.Low == nil && f.Off == 0 && g.Off == 0 && f.H == g.H && f.W == g.W && f.C == g.C &&
			f.StrideY == g.StrideY && f.StrideX == g.StrideX && f.Type.Size() == g.Type.Size()
	}
	return same(o.IFM) && (o.Scalar || same(o.IFM2))
}

// WriteInPlace lets elementwise results take the memory of an operand that dies there.
func WriteInPlace(l *Layout) error {
	l.live()
	for i, op := range l.ops {
		if !elementwise(op) || op.Kernel.Chain != (schedule.Chain{}) {
			continue // in a chain, other kernels may still read what it would write over
		}
		o := op.Kernel
		out := l.root(o.OFM.Buf)
		for _, f := range []*kernel.Map{o.IFM, o.IFM2} {
			if f == nil || f.Buf == nil || f.Low != nil || o.OFM.Low != nil {
				continue
			}
			in := l.root(f.Buf)
			if in == out || in.buf.Constant() || in.last != i || out.first != i || in.buf.Size != out.buf.Size || in.toCaller || out.fromCall || out.into != nil || out.buf.Placed {
				continue
			}
			if l.regionOf(in) != l.regionOf(out) || (in.bound != out.bound) || !l.elementOrder(o, o.OFM, in) {
				continue
			}
			out.into = in
			in.last = out.last
			in.toCaller = in.toCaller || out.toCaller
			break
		}
	}
	return nil
}
