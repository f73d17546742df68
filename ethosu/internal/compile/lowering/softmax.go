// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// soft emits the operations of one SOFTMAX over [rows, depth].
type soft struct {
	l           *lowering
	rows, depth int
	err         error
	n           int
}

// full and row return fresh int32 maps of [rows, depth] and of [rows, 1].
func (s *soft) fresh(dt graph.DType, depth int) view {
	s.n++
	name := fmt.Sprintf("%s/softmax%d", s.l.g.Tensors[s.l.g.Ops[s.l.cur].Outputs[0]].Name, s.n)
	return s.l.fresh(name, dt, []int{s.rows, depth})
}

// constant returns an int32 constant of one element.
func (s *soft) constant(x int32) operand {
	b := make([]byte, 16)
	binary.LittleEndian.PutUint32(b, uint32(x))
	buf := s.l.m.Constants.Intern("softmax constant", b, 16)
	return operand{v: denseView(buf, 0, graph.Int32, []int{1, 1}, fmt.Sprintf("constant %d", x))}
}

// ew emits c = a op b with the given shift and returns c.
func (s *soft) ew(mode int, a, b operand, shift, round int, out view) view {
	if s.err != nil {
		return out
	}
	p := kernel.Kernel{Mode: mode, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1, Shift: shift}, Round: round, OPA: kernel.Scale{Mul: 1}, OPB: 1}, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	p.Global = mode == kernel.Mul || mode == kernel.Add || mode == kernel.Sub
	s.err = s.l.elementwise(p, a, &b, out, 0)
	return out
}

func (s *soft) clz(a view) view {
	out := s.fresh(graph.Int32, 1)
	if s.err == nil {
		p := kernel.Kernel{Mode: kernel.Clz, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}}, Output: kernel.Output{Lo: -32768, Hi: 32767}}
		s.err = s.l.elementwise(p, operand{v: a}, nil, out, 0)
	}
	return out
}

func (s *soft) reduceSum(a view) view {
	out := s.fresh(graph.Int32, 1)
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolReduceSum, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}, Global: true}, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	p.IFM, p.OFM = rowMap(a, 0), rowMap(out, 0)
	s.l.emit(&p)
	return out
}

// max emits the row maximum: the depth axis is walked as width.
func (s *soft) max(v view, zp int) view {
	out := s.fresh(v.dt, 1)
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolMax, Window: kernel.Window{KH: 1, KW: s.depth, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}}}
	p.Lo, p.Hi = kernel.TypeRange(v.dt)
	e := v.dt.Size()
	p.IFM = &kernel.Map{Buf: v.buf, Off: v.off, H: s.rows, W: s.depth, C: 1, StrideY: v.strides[0], StrideX: e, Type: v.dt, Zero: zp, Name: v.name}
	if s.rows == 1 {
		p.IFM.StrideY = s.depth * e
	}
	p.OFM = &kernel.Map{Buf: out.buf, H: s.rows, W: 1, C: 1, StrideY: e, StrideX: e, Type: v.dt, Zero: zp, Name: out.name}
	s.l.emit(&p)
	return out
}

func o32(v view) operand { return operand{v: v} }

func lowerSoftmax(l *lowering, gop *graph.Op) error {
	t := l.g.Tensors[gop.Inputs[0]]
	if len(t.Shape) == 0 {
		return fmt.Errorf("input %q is a scalar", t.Name)
	}
	depth := t.Shape[len(t.Shape)-1]
	if depth > 65536 {
		return fmt.Errorf("rows of %d exceed 65536", depth)
	}
	v, err := l.rows(gop.Inputs[0], depth)
	if err != nil {
		return err
	}
	s := &soft{l: l, rows: v.shape[0], depth: depth}
	out := l.out(gop.Outputs[0])
	dst, together := out.reshape([]int{s.rows, depth})
	if !together { // part of a larger tensor: the rows have no common stride there
		dst = l.fresh(out.name+"/dense", out.dt, []int{s.rows, depth})
	}
	dst.name = out.name
	lower := lowerSoftmax8
	if t.Type == graph.Int16 {
		lower = lowerSoftmax16
	}
	if err := lower(s, gop, v, dst); err != nil || together {
		return err
	}
	return l.copyView("COPY to place", dst, out)
}

// negligible bounds what cannot be seen of exp(x - max), in units of 2^-31. The sum
// takes it rounded to units of 2^12, which is zero. The result is shifted right by 23
// or more, 15 or more of an int16 result, since the sum is 2^19 at least: zero, too.
// With zeros in their place the table is shorter.
const negligible = 2048

func lowerSoftmax8(s *soft, gop *graph.Op, v, dst view) error {
	l, depth := s.l, s.depth
	q, err := quant.ForSoftmax8(l.g, gop)
	if err != nil {
		return err
	}
	short, ok := (*seeded)(nil), false
	if q.Bits == 8 && s.rows <= seededRows {
		short, ok = l.opt.Memo.plan(q.Exp, depth)
	}
	if ok {
		q.Exp = short.exp
	}
	zp := int(l.g.Tensors[gop.Inputs[0]].ZeroPoint())
	top := s.max(v, zp)
	tab := make([]byte, 1024)
	for i, e := range q.Exp {
		if e < negligible {
			continue
		}
		binary.LittleEndian.PutUint32(tab[4*i:], uint32(e))
	}
	// Pass numbers follow the full form of the NPU's int8 softmax.
	e := s.fresh(graph.Int32, depth) // 1: exp(x - max)
	p := kernel.Kernel{Mode: kernel.Sub, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}, OPA: kernel.Scale{Mul: 1}, OPB: 1, Global: true}, Output: kernel.Output{Lo: -128, Hi: 127, Fn: kernel.FnTable, Table: l.tableOf("softmax exp table", tab)}}
	if err := l.elementwise(p, operand{v: v, zp: zp}, &operand{v: top, zp: zp}, e, 127); err != nil {
		return err
	}
	e12 := s.ew(kernel.Shr, o32(e), s.constant(12), 0, kernel.RoundNatural, s.fresh(graph.Int32, depth))
	sum := s.reduceSum(e12)
	if ok {
		return s.divide(short, e, sum, dst)
	}
	h := s.clz(sum)
	final := s.ew(kernel.Sub, s.constant(int32(12+31-q.Bits)), o32(h), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	h1 := s.ew(kernel.Sub, o32(h), s.constant(1), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	half := s.ew(kernel.Shl, o32(sum), o32(h1), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1)) // 7: half denominator
	x := s.ew(kernel.Mul, o32(half), s.constant(-1010580540), 31, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	x = s.ew(kernel.Add, o32(x), s.constant(1515870810), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	for i := 0; i < 3; i++ {
		a := s.ew(kernel.Mul, o32(x), o32(half), 31, kernel.RoundTFL, s.fresh(graph.Int32, 1))
		a = s.ew(kernel.Sub, s.constant(1<<29), o32(a), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
		a = s.ew(kernel.Mul, o32(x), o32(a), 31, kernel.RoundTFL, s.fresh(graph.Int32, 1))
		a = s.ew(kernel.Mul, o32(a), s.constant(4), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
		x = s.ew(kernel.Add, o32(x), o32(a), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	}
	shift := 30
	if !shortSoftmax(q.Exp[:]) {
		x = s.ew(kernel.Mul, o32(x), s.constant(2), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
		shift = 31
	}
	y := s.ew(kernel.Mul, o32(e), o32(x), shift, kernel.RoundTFL, s.fresh(graph.Int32, depth))
	if s.err != nil {
		return s.err
	}
	last := kernel.Kernel{Mode: kernel.Shr, Rescale: kernel.Rescale{Round: kernel.RoundNatural, Out: kernel.Scale{Mul: 1}}, Output: kernel.Output{Lo: -128, Hi: 127}}
	if q.Bits == 8 {
		return l.elementwise(last, o32(y), &operand{v: final}, dst, -128)
	}
	// An int16 result: its zero point does not fit the output stage of a shift.
	last.Lo, last.Hi = -32768, 32767
	w := s.fresh(graph.Int32, depth)
	if err := l.elementwise(last, o32(y), &operand{v: final}, w, 0); err != nil {
		return err
	}
	s.ew(kernel.Add, o32(w), s.constant(-32768), 0, kernel.RoundTFL, dst)
	return s.err
}

// seededRows is how many rows may take the short form, which has constants for every row.
const seededRows = 32

// divide emits the results of exponentials and their sums.
func (s *soft) divide(short *seeded, e, sum, dst view) error {
	pair := func(a, b int32) operand {
		var data []byte
		for range s.rows {
			data = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(data, uint32(a)), uint32(b))
		}
		buf := s.l.m.Constants.Intern("softmax constants", data, 16)
		return operand{v: denseView(buf, 0, graph.Int32, []int{s.rows, 2}, fmt.Sprintf("constants %d and %d", a, b))}
	}
	// The table is looked up twice: one result is the upper half of x, the other one its
	// lower half. Its first index is -32768.
	halves := s.fresh(graph.Int16, 2)
	first := int32(-one - 32768<<tableStep)
	look := kernel.Kernel{Mode: kernel.Add, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1, Shift: tableStep}, OPA: kernel.Scale{Mul: 1}, OPB: 1, Global: true},
		Output: kernel.Output{Lo: -32768, Hi: -32768 + 128*len(short.segments) - 1, Fn: kernel.FnTable, Table: s.l.keepTable(short.table())}}
	of := o32(sum)
	if err := s.l.elementwise(look, pair(first-int32(short.behind)<<tableStep, first), &of, halves, 0); err != nil {
		return err
	}
	x := denseView(halves.buf, 0, graph.Int32, []int{s.rows, 1}, halves.name)
	q := short.q
	m := s.ew(kernel.Mul, o32(sum), o32(x), 50-q, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	p := s.ew(kernel.Mul, o32(e), o32(x), 31, kernel.RoundTFL, s.fresh(graph.Int32, s.depth))
	eps := s.ew(kernel.Sub, pair(1<<q, 2<<q), o32(m), 0, kernel.RoundTFL, s.fresh(graph.Int32, 2)) // and 1 + eps
	square := s.ew(kernel.Mul, o32(eps.cut(1, 0, 1, 1)), o32(eps.cut(1, 0, 1, 1)), q, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	correction := s.ew(kernel.Add, o32(eps.cut(1, 1, 1, 1)), o32(square), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	if s.err != nil {
		return s.err
	}
	last := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: kernel.Scale{Mul: 1, Shift: 23 + q}, Round: kernel.RoundNatural}, Output: kernel.Output{Lo: -128, Hi: 127}}
	return s.l.elementwise(last, o32(p), &operand{v: correction}, dst, -128)
}

// shortSoftmax reports whether the form without the saturating doubling gives the
// reference's result for every row: no table entry between 2^30 and 2^31-1 may
// have its low 22 bits all zero.
func shortSoftmax(exp []int32) bool {
	for _, e := range exp {
		if e > 1<<30 && e < 1<<31-1 && e&(1<<22-1) == 0 {
			return false
		}
	}
	return true
}

// packed16 is a 16-bit interpolated table in the form of table memory.
func packed16(t *[513]int16) []byte {
	b := make([]byte, 2048)
	for i := 0; i < 512; i++ {
		binary.LittleEndian.PutUint16(b[4*i:], uint16(t[i]))
		binary.LittleEndian.PutUint16(b[4*i+2:], uint16(t[i+1]-t[i]))
	}
	return b
}

func lowerSoftmax16(s *soft, gop *graph.Op, v, dst view) error {
	l := s.l
	q, err := quant.ForSoftmax16(l.g, gop)
	if err != nil {
		return err
	}
	in, err := kernel.ScaleOf(q.In)
	if err != nil {
		return err
	}
	top := s.max(v, 0)
	diff := s.ew(kernel.Sub, o32(v), o32(top), 0, kernel.RoundTFL, s.fresh(graph.Int32, s.depth))
	scaled := s.ew(kernel.Mul, o32(diff), s.constant(int32(in.Mul)), in.Shift, kernel.RoundTFL, s.fresh(graph.Int32, s.depth))
	table16 := func(mode int, a, b operand, name string, t *[513]int16, out view) {
		p := kernel.Kernel{Mode: mode, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}, OPA: kernel.Scale{Mul: 1}, OPB: 1, Global: true}, Output: kernel.Output{Lo: -32768, Hi: 32767, Fn: kernel.FnTable, Table: l.tableOf(name, packed16(t))}}
		if s.err == nil {
			s.err = l.elementwise(p, a, &b, out, 0)
		}
	}
	e := s.fresh(graph.Int16, s.depth)
	table16(kernel.Add, o32(scaled), s.constant(32767), "softmax exp table", &quant.ExpTable16, e)
	sum := s.reduceSum(e)
	h := s.clz(sum)
	rs := s.ew(kernel.Sub, s.constant(31), o32(h), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	lead := s.ew(kernel.Shl, s.constant(1), o32(rs), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	rest := s.ew(kernel.Sub, o32(sum), o32(lead), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	rest = s.ew(kernel.Shl, o32(rest), o32(h), 0, kernel.RoundTFL, s.fresh(graph.Int32, 1))
	rest = s.ew(kernel.Shr, o32(rest), s.constant(15), 0, kernel.RoundNatural, s.fresh(graph.Int32, 1))
	rc := s.fresh(graph.Int16, 1)
	table16(kernel.Sub, o32(rest), s.constant(32768), "softmax reciprocal table", &quant.ReciprocalTable16, rc)
	y := s.fresh(graph.Int32, s.depth)
	s.ew(kernel.Mul, o32(e), o32(rc), 0, kernel.RoundTFL, y)
	if s.err != nil {
		return s.err
	}
	last := kernel.Kernel{Mode: kernel.Shr, Rescale: kernel.Rescale{Round: kernel.RoundNatural, Out: kernel.Scale{Mul: 1}}, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	return l.elementwise(last, o32(y), &operand{v: rs}, dst, 0)
}
