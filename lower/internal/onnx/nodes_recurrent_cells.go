// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// withinOne reports that an initial state is zero, or a constant within the bounds.
func (l *layer) withinOne(h *value) bool {
	if h == nil {
		return true
	}
	f, ok := l.constant(h)
	for _, v := range f {
		ok = ok && v >= -1 && v <= 1
	}
	return ok
}

// at names a value of the step being written.
func (l *layer) at(what string) string { return l.step0 + what }

// recurrent multiplies the state with the recurrent weights; nil for a zero state
// without bias.
func (l *layer) recurrent(what string, h *value, weights, bias graph.TensorID) *value {
	if h == nil {
		if bias == graph.None {
			return nil
		}
		row := l.constantOf(&value{id: bias})
		all := make([]float32, 0, l.batch*len(row))
		for range l.batch {
			all = append(all, row...)
		}
		return l.tensor("zero_"+what, all, l.batch, len(row))
	}
	return l.stored(l.op(graph.FullyConnected, graph.FullyConnectedAttr{}, l.at(what), l.plain(h), weights, bias), nil)
}

// cut splits rows of gates.
func (l *layer) cut(v *value, sizes []int, names ...string) []*value {
	if v == nil {
		return make([]*value, len(sizes))
	}
	for i := range names {
		names[i] = l.at(names[i])
	}
	var out []*value
	if l.known(v) {
		at := 0
		for _, n := range sizes {
			out = append(out, l.sliced(v, []span{{0, 1, l.batch}, {at, 1, n}}, ""))
			at += n
		}
		return out
	}
	for _, id := range l.split(l.plain(v), 1, sizes, names...) {
		out = append(out, l.stored(id, nil))
	}
	return out
}

// sum adds what is there.
func (l *layer) sum(what string, a, b *value) *value {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return l.binary(graph.Add, graph.AddAttr{}, l.at(what), a, b)
}

func (l *layer) mul(what string, a, b *value) *value {
	if a == nil || b == nil {
		return nil
	}
	return l.binary(graph.Mul, graph.MulAttr{}, l.at(what), a, b)
}

// activate clips, if asked for, and applies activation i.
func (l *layer) activate(i int, what string, v *value) *value {
	if l.clip > 0 {
		v = l.limited(v, -l.clip, l.clip, l.at(what+"_clipped"))
	}
	return l.act[i].apply(l.converter, v, l.at(what))
}

func (l *layer) step(x *value) {
	switch l.gates {
	case 1:
		l.h = l.activate(0, "h", l.sum("pre", x, l.recurrent("rec", l.h, l.recAll, graph.None)))
	case 3:
		l.gruStep(x)
	case 4:
		l.lstmStep(x)
	}
}

func (l *layer) gruStep(x *value) {
	n := l.units
	xs := l.cut(x, []int{2 * n, n}, "x_g", "x_n")
	rec := l.recurrent("rec", l.h, l.recAll, l.recB)
	recG, recN := rec, (*value)(nil)
	if l.afterReset {
		parts := l.cut(rec, []int{2 * n, n}, "rec_g", "rec_n")
		recG, recN = parts[0], parts[1]
	}
	g := l.cut(l.activate(0, "g", l.sum("pre_g", xs[0], recG)), []int{n, n}, "z", "r")
	if l.afterReset {
		recN = l.mul("rn", g[1], recN)
	} else if l.h != nil {
		recN = l.recurrent("rec_n", l.mul("rh", g[1], l.h), l.recN, graph.None)
	}
	cand := l.activate(1, "n", l.sum("pre_n", xs[1], recN))
	switch {
	case l.h == nil && l.keep:
		l.h = l.mul("h", g[0], cand)
	case l.h == nil:
		l.h = l.binary(graph.Sub, graph.SubAttr{}, l.at("h"), cand, l.mul("zn", g[0], cand))
	case l.keep: // h + u*(n-h)
		l.h = l.sum("h", l.h, l.mul("step", g[0], l.binary(graph.Sub, graph.SubAttr{}, l.at("diff"), cand, l.h)))
	default: // n + z*(h-n)
		l.h = l.sum("h", cand, l.mul("step", g[0], l.binary(graph.Sub, graph.SubAttr{}, l.at("diff"), l.h, cand)))
	}
}

// lstmStep has the gates i, o, f as one block where nothing tells them apart.
func (l *layer) lstmStep(x *value) {
	n := l.units
	xs := l.cut(x, []int{3 * n, n}, "x_g", "x_n")
	rec := l.cut(l.recurrent("rec", l.h, l.recAll, graph.None), []int{3 * n, n}, "rec_g", "rec_n")
	cand := l.activate(1, "n", l.sum("pre_n", xs[1], rec[1]))
	var i, o, f, pre *value
	if l.peep[0] == nil {
		g := l.cut(l.activate(0, "g", l.sum("pre_g", xs[0], rec[0])), []int{n, n, n}, "i", "o", "f")
		i, o, f = g[0], g[1], g[2]
	} else {
		parts := l.cut(l.sum("sum_g", xs[0], rec[0]), []int{n, n, n}, "sum_i", "sum_o", "sum_f")
		i = l.activate(0, "i", l.sum("pre_i", parts[0], l.mul("peep_i", l.c, l.peep[0])))
		f = l.activate(0, "f", l.sum("pre_f", parts[2], l.mul("peep_f", l.c, l.peep[2])))
		pre = parts[1]
	}
	if l.inputForget {
		f = l.stored(l.op(graph.Sub, graph.SubAttr{}, l.at("f_coupled"), l.scalar(l.name+"/one", 1), i.id), i.order)
	}
	l.c = l.sum("c", l.mul("fc", f, l.c), l.mul("in", i, cand))
	if pre != nil {
		o = l.activate(0, "o", l.sum("pre_o", pre, l.mul("peep_o", l.c, l.peep[1])))
	}
	l.h = l.mul("h", o, l.activate(2, "q", l.c))
}
