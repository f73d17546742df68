// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// finish decides where an operation that computes tensor id writes. When every
// use of the tensor is one pointwise operator, that operator becomes a table of
// the operation and its result is written instead. elem says whether the
// operation is elementwise: without table banks of their own the small
// accelerators cannot keep a table beside accumulators.
func (l *lowering) finish(p *kernel.Kernel, id graph.TensorID, elem bool) (view, error) {
	if l.g.Tensors[id].Type != graph.Int8 || (!elem && l.opt.NoTableBesideMAC) || p.Fn != kernel.FnNone {
		return l.out(id), nil
	}
	var tab [256]int8
	for i := range tab {
		tab[i] = int8(i - 128)
	}
	n := 0
	for !l.output[id] && len(l.consumers[id]) == 1 && !l.g.Tensors[id].Variable {
		i := l.consumers[id][0]
		next, ok := l.pointwise(i, id)
		if !ok {
			break
		}
		for k := range tab {
			tab[k] = next[int(tab[k])+128]
		}
		l.fused[i] = true
		id = l.g.Ops[i].Outputs[0]
		n++
	}
	if n > 0 {
		p.Fn, p.Table = kernel.FnTable, l.table8(tab)
		p.Source = l.g.Tensors[id].Name
		p.Name = l.g.Ops[l.cur].Kind.String() + "+" + l.g.Ops[l.producer[id]].Kind.String()
	}
	return l.out(id), nil
}

// pointwise returns operator i as a function of int8 tensor id, and false when it
// is not one: a kernel with one input, or arithmetic with a constant.
func (l *lowering) pointwise(i int, id graph.TensorID) (tab [256]int8, ok bool) {
	op := l.g.Ops[i]
	if len(op.Outputs) != 1 {
		return
	}
	in, out := l.g.Tensors[id], l.g.Tensors[op.Outputs[0]]
	if in.Type != graph.Int8 || out.Type != graph.Int8 || in.Elems() != out.Elems() {
		return
	}
	fill := func(f func(x int32) int32) {
		for k := range tab {
			tab[k] = int8(f(int32(k) - 128))
		}
		ok = true
	}
	switch {
	case quant.HasElement(op.Kind):
		f, e := quant.ForElement(l.g, op)
		if e != nil {
			return tab, false // its own lowering reports it
		}
		fill(f)
	case len(op.Inputs) == 2 && binaries[op.Kind]:
		other := op.Inputs[0]
		if other == id {
			other = op.Inputs[1]
		}
		t := l.g.Tensors[other]
		if other == id || !t.IsConst() || t.Type != graph.Int8 {
			return
		}
		c, same := uniform(t)
		if !same {
			return
		}
		first := op.Inputs[0] == id
		f, e := binaryFunc(l.g, op)
		if e != nil {
			return tab, false
		}
		fill(func(x int32) int32 {
			if first {
				return f(x, int32(c))
			}
			return f(int32(c), x)
		})
	}
	return
}

// binaries are the operators on two values that become a table when one is constant.
var binaries = map[graph.Kind]bool{graph.Add: true, graph.Sub: true, graph.Mul: true, graph.Div: true, graph.SquaredDifference: true, graph.PRelu: true}

// binaryFunc returns such an operator on two int8 values as the kernel computes it.
func binaryFunc(g *graph.Graph, op *graph.Op) (func(a, b int32) int32, error) {
	switch op.Kind {
	case graph.Mul:
		q, err := quant.ForMul(g, op)
		return func(a, b int32) int32 {
			return min(max(quant.MBQM((a-q.ZeroA)*(b-q.ZeroB), q.Out)+q.ZeroOut, q.Lo), q.Hi)
		}, err
	case graph.Div:
		q, err := quant.ForDiv(g, op)
		return q.Quotient, err
	case graph.SquaredDifference:
		q, err := quant.ForSquared(g, op)
		return q.Square, err
	case graph.PRelu:
		q, err := quant.ForPRelu(g, op)
		return q.Slope, err
	}
	q, err := quant.ForAddSub(g, op)
	sign := int32(1)
	if op.Kind == graph.Sub {
		sign = -1
	}
	return func(a, b int32) int32 {
		x := quant.MBQM((a-q.ZeroA)<<q.LeftShift, q.A)
		y := quant.MBQM((b-q.ZeroB)<<q.LeftShift, q.B)
		return min(max(quant.MBQM(x+sign*y, q.Out)+q.ZeroOut, q.Lo), q.Hi)
	}, err
}

// table8 returns the table with the given 256 entries, one for each content.
func (l *lowering) table8(t [256]int8) *kernel.Table {
	b := make([]byte, 256)
	for i, x := range t {
		b[i] = byte(x)
	}
	return l.tableOf("table", b)
}

func (l *lowering) tableOf(name string, data []byte) *kernel.Table {
	return l.keepTable(&kernel.Table{Name: name, Data: data})
}

// keepTable returns the table with the content and the loaded part of t.
func (l *lowering) keepTable(t *kernel.Table) *kernel.Table {
	for _, u := range l.tables {
		if string(u.Data) == string(t.Data) && u.From == t.From && u.To == t.To {
			return u
		}
	}
	l.tables = append(l.tables, t)
	return t
}

// lowerActivation lowers a function of one value that no producer could take.
func lowerActivation(l *lowering, gop *graph.Op) error {
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	if v.dt == graph.Int8 && l.g.Tensors[gop.Outputs[0]].Type == graph.Int8 {
		return l.tableOnly(gop.Inputs[0], v, l.cur)
	}
	if quant.HasTable16(l.g, gop) {
		t, err := quant.ForTable16(l.g, gop)
		if err != nil {
			return err
		}
		for i := range 512 {
			if d := int(t[i+1]) - int(t[i]); d != int(int16(d)) {
				return fmt.Errorf("between values %d and %d its result goes from %d to %d, more than the NPU's tables of 16 bits hold as a slope; give its output a larger scale", 128*i-32768, 128*i-32640, t[i], t[i+1])
			}
		}
		p := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: kernel.Scale{Mul: 1}},
			Output: kernel.Output{Lo: -32768, Hi: 32767, Fn: kernel.FnTable, Table: l.tableOf("table", packed16(t))}}
		return l.elementwise(p, operand{v: v}, &operand{scalar: true, value: 1}, l.out(gop.Outputs[0]), 0)
	}
	if gop.Kind != graph.Logistic && gop.Kind != graph.Tanh {
		return fmt.Errorf("of %v: the NPU's tables of 16 bits interpolate, so that they do not give the kernel's values; quantize its input and output to int8", v.dt)
	}
	q, err := quant.ForLut16(l.g, gop)
	if err != nil {
		return err
	}
	p := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: kernel.Scale{Mul: uint32(q.Mult), Shift: q.Shift}}, Output: kernel.Output{Lo: -32768, Hi: 32767, Fn: kernel.FnSigmoid}}
	if gop.Kind == graph.Tanh {
		p.Fn = kernel.FnTanh
	}
	return l.elementwise(p, operand{v: v}, &operand{scalar: true, value: 1}, l.out(gop.Outputs[0]), 0)
}

// tableOnly applies pointwise operator i by a multiplication with one and a table.
func (l *lowering) tableOnly(id graph.TensorID, v view, i int) error {
	tab, ok := l.pointwise(i, id)
	if !ok {
		if _, err := quant.ForElement(l.g, l.g.Ops[i]); err != nil {
			return err
		}
		return fmt.Errorf("not a function of one int8 tensor")
	}
	op1 := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: kernel.Scale{Mul: 1}}, Output: kernel.Output{Lo: -128, Hi: 127, Fn: kernel.FnTable, Table: l.table8(tab)}}
	return l.elementwise(op1, operand{v: v}, &operand{scalar: true, value: 1}, l.out(l.g.Ops[i].Outputs[0]), 0)
}
