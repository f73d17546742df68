// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"RNN": recurrentNode(1), "GRU": recurrentNode(3), "LSTM": recurrentNode(4)})

// layer is one direction of a recurrent node while its steps are written.
type layer struct {
	*converter
	name         string
	gates, units int
	batch        int
	act          []activation
	clip         float32
	afterReset   bool // linear_before_reset
	inputForget  bool
	keep         bool // the update gate is written as 1-z

	w, r   []float32 // [gates*units, features] and [gates*units, units]
	in     []float32 // bias of the projection
	rec    []float32 // bias of the recurrent product, or nil
	peep   [3]*value // of i, o, f; nil where there are none
	h, c   *value    // [batch, units]; nil is zero
	recAll graph.TensorID
	recN   graph.TensorID // of the candidate alone
	recB   graph.TensorID
}

// recurrentNode unrolls a node: the inputs of all steps are multiplied at once, and
// every step has the same operators on the same constants.
func recurrentNode(gates int) nodeConverter {
	return func(c *converter, in []*value) []*value {
		x := c.arg(in, 0)
		if x.rank() != 3 {
			c.refuse("X has shape %v, expected three dimensions", x.shape)
		}
		batchFirst := c.node.Int("layout", 0) != 0
		if batchFirst {
			x = c.permuted(x, []int{1, 0, 2})
		}
		steps, batch, features := x.shape[0], x.shape[1], x.shape[2]
		direction := c.node.Text("direction", "forward")
		dirs := map[string]int{"forward": 1, "reverse": 1, "bidirectional": 2}[direction]
		if dirs == 0 {
			c.refuse("attribute direction is %q; expected forward, reverse or bidirectional", direction)
		}
		weights := func(i int, what string, shape ...int) []float32 {
			v := opt(in, i)
			if v == nil {
				return nil
			}
			f, ok := c.constant(c.arg(in, i))
			if !ok {
				c.refuse("%s is computed at run time; expected constants", what)
			}
			if len(v.shape) != len(shape) || graph.Elems(shape) != len(f) || v.shape[0] != dirs {
				c.refuse("%s has shape %v, expected %v", what, v.shape, shape)
			}
			return f
		}
		r := c.arg(in, 2)
		if r.rank() != 3 || steps < 1 || batch < 1 {
			c.refuse("X %v and R %v do not fit", x.shape, r.shape)
		}
		if steps > maxOps/8 {
			c.refuse("X has %d steps, more than can be unrolled; give fewer by --shape, and carry the states from call to call", steps)
		}
		if gates == 4 && c.node.Float("clip", 0) > 0 {
			c.refuse("attribute clip is %g: by the words of ONNX it bounds also what the last activation reads, the cell state, and runtimes do not bound that; export without clip, or write the cell with Clip nodes", c.node.Float("clip", 0))
		}
		units := r.shape[2]
		rows := gates * units
		w := weights(1, "W", dirs, rows, features)
		rec := weights(2, "R", dirs, rows, units)
		b := weights(3, "B", dirs, 2*rows)
		p := weights(7, "P", dirs, 3*units)
		groups := c.groups(in, steps, batch)
		acts := c.activations(gates, dirs)
		state := func(i, d int) *value { // [batch, units]
			if opt(in, i) == nil {
				return nil
			}
			v := c.arg(in, i)
			if batchFirst && v.rank() == 3 {
				v = c.permuted(v, []int{1, 0, 2})
			}
			if !sameShape(v.shape, []int{dirs, batch, units}) {
				c.refuse("input %d, an initial state, has shape %v, expected %v", i, v.shape, []int{dirs, batch, units})
			}
			if c.known(v) && c.every(v, 0) {
				return nil
			}
			spans := full(v.shape)
			spans[0] = span{d, 1, 1}
			return c.without(c.sliced(v, spans, c.base+"/initial"), map[int]bool{0: true})
		}
		var y, lastH, lastC []*value
		for d := range dirs {
			var ys, hs, cs []*value
			for _, g := range groups {
				l := &layer{converter: c, name: c.base + g.suffix, gates: gates, units: units, batch: g.count, act: acts[d], clip: c.node.Float("clip", 0),
					afterReset: c.node.Int("linear_before_reset", 0) != 0, inputForget: c.node.Int("input_forget", 0) != 0,
					w: part(w, d, dirs), r: part(rec, d, dirs), h: g.of(c, state(5, d), 0), c: g.of(c, state(6, d), 0)}
				if dirs == 2 {
					l.name += []string{"/forward", "/backward"}[d]
				}
				if l.w == nil || l.r == nil {
					c.refuse("W or R is missing")
				}
				l.biases(part(b, d, dirs))
				l.peepholes(part(p, d, dirs))
				ys = append(ys, l.padded(l.run(g.rows(c, x), g.steps, direction == "reverse" || d == 1), steps))
				hs = append(hs, c.with(l.state(l.h), map[int]bool{0: true}))
				if gates == 4 {
					cs = append(cs, c.with(l.state(l.c), map[int]bool{0: true}))
				}
			}
			y, lastH = append(y, c.concatenated(ys, 2, c.base+"/all")), append(lastH, c.concatenated(hs, 1, c.base+"/all_h"))
			if gates == 4 {
				lastC = append(lastC, c.concatenated(cs, 1, c.base+"/all_c"))
			}
		}
		outs := []*value{c.concatenated(y, 1, c.base), c.concatenated(lastH, 0, c.base+"/Y_h")}
		if gates == 4 {
			outs = append(outs, c.concatenated(lastC, 0, c.base+"/Y_c"))
		}
		if batchFirst {
			for i, perm := range [][]int{{2, 0, 1, 3}, {1, 0, 2}, {1, 0, 2}}[:len(outs)] {
				outs[i] = c.permuted(outs[i], perm)
			}
		}
		return outs
	}
}

// group are sequences of the batch that have one length.
type group struct {
	first, count, steps int
	suffix              string // of names, where there are several
}

// groups divides the batch by sequence_lens; all of it is one group where the lengths
// are the same.
func (c *converter) groups(in []*value, steps, batch int) []group {
	if opt(in, 4) == nil {
		return []group{{0, batch, steps, ""}}
	}
	lens := c.list(in, 4, "sequence_lens")
	if len(lens) != batch {
		c.refuse("input sequence_lens has %d lengths for a batch of %d", len(lens), batch)
	}
	var out []group
	for i, n := range lens {
		if n < 0 || n > steps {
			c.refuse("input sequence_lens has %d, expected 0 to %d", n, steps)
		}
		if i > 0 && n == out[len(out)-1].steps {
			out[len(out)-1].count++
			continue
		}
		out = append(out, group{i, 1, n, fmt.Sprintf("/b%d", i)})
	}
	if len(out) == 1 {
		out[0].suffix = ""
	}
	return out
}

// of takes the group out of a value, along dimension d.
func (g group) of(c *converter, v *value, d int) *value {
	if v == nil {
		return nil
	}
	spans := full(v.shape)
	spans[d] = span{g.first, 1, g.count}
	return c.sliced(v, spans, c.base+g.suffix+"/part")
}

// rows are the inputs of the group, [steps*batch, features]; None without a step.
func (g group) rows(c *converter, x *value) graph.TensorID {
	if g.steps == 0 {
		return graph.None
	}
	v := g.of(c, x, 1)
	spans := full(v.shape)
	spans[0] = span{0, 1, g.steps}
	return c.reshape(c.plain(c.sliced(v, spans, c.base+g.suffix+"/part")), c.base+g.suffix+"/rows", g.steps*g.count, x.shape[2])
}

// state is a state at the end, zero where no step made one.
func (l *layer) state(v *value) *value {
	if v == nil {
		return l.tensor("zero", make([]float32, l.batch*l.units), l.batch, l.units)
	}
	return v
}

// padded adds zeros for the steps behind the end of a sequence.
func (l *layer) padded(v *value, steps int) *value {
	n := steps
	if v != nil {
		if n -= v.shape[0]; n == 0 {
			return v
		}
	}
	rest := l.tensor("rest", make([]float32, n*l.batch*l.units), n, 1, l.batch, l.units)
	if v == nil {
		return rest
	}
	return l.concatenated([]*value{v, rest}, 0, l.name+"/padded")
}

// part returns what belongs to direction d.
func part(v []float32, d, dirs int) []float32 {
	if v == nil {
		return nil
	}
	n := len(v) / dirs
	return v[d*n : (d+1)*n]
}

// biases adds up what acts as one sum: all but the candidate's of a GRU whose
// reset gate comes after the product.
func (l *layer) biases(b []float32) {
	rows := l.gates * l.units
	l.in = make([]float32, rows)
	l.keep = l.gates == 3 && l.act[0].name == "sigmoid"
	apart := l.gates == 3 && l.afterReset
	if apart {
		l.rec = make([]float32, rows)
	}
	for i := range rows {
		if b == nil {
			break
		}
		l.in[i] = b[i] + b[rows+i]
		if apart && i >= 2*l.units {
			l.in[i], l.rec[i] = b[i], b[rows+i]
		}
	}
	if l.keep { // 1-sigmoid(x) is sigmoid(-x): the gate says how much is new
		l.w, l.r = negated(l.w, l.units*len(l.w)/rows), negated(l.r, l.units*l.units)
		l.in = negated(l.in, l.units)
	}
}

// negated changes the sign of the first n values of a copy.
func negated(v []float32, n int) []float32 {
	out := append([]float32(nil), v...)
	for i := range n {
		out[i] = -out[i]
	}
	return out
}

func (l *layer) peepholes(p []float32) {
	if p == nil {
		return
	}
	for i := range l.peep {
		l.peep[i] = l.tensor("peephole"+[]string{"_i", "_o", "_f"}[i], p[i*l.units:(i+1)*l.units], 1, l.units)
	}
}

func (l *layer) tensor(what string, v []float32, shape ...int) *value {
	return &value{typ: Float, shape: shape, id: l.floats(l.name+"/"+what, v, shape...)}
}

// run writes all steps and returns the states of all of them, [steps, 1, batch, units];
// nil where there are none.
func (l *layer) run(flat graph.TensorID, steps int, backward bool) *value {
	if steps == 0 {
		return nil
	}
	rows, features := l.gates*l.units, l.shapeOf(flat)[1]
	weights, bias := l.floats(l.name+"/W", l.w, rows, features), l.floats(l.name+"/B", l.in, rows)
	xp := l.op(graph.FullyConnected, graph.FullyConnectedAttr{}, l.name+"/xp", flat, weights, bias)
	sizes, names := make([]int, steps), make([]string, steps)
	for t := range sizes {
		sizes[t], names[t] = l.batch, fmt.Sprintf("%s/t%02d/x", l.name, t)
	}
	xs := l.split(xp, 0, sizes, names...)
	l.recAll, l.recN, l.recB = graph.None, graph.None, graph.None
	if l.gates == 3 && !l.afterReset {
		n := 2 * l.units * l.units
		l.recAll, l.recN = l.floats(l.name+"/R_zr", l.r[:n], 2*l.units, l.units), l.floats(l.name+"/R_h", l.r[n:], l.units, l.units)
	} else {
		l.recAll = l.floats(l.name+"/R", l.r, rows, l.units)
		if l.rec != nil {
			l.recB = l.floats(l.name+"/R_bias", l.rec, rows)
		}
	}
	l.carried[l.name+"/h"] = true
	squashed := l.act[len(l.act)-1].name == "tanh" && (l.gates == 1 || l.act[0].name == "sigmoid")
	if squashed && l.withinOne(l.h) {
		l.bounds[l.name+"/h"] = [2]float32{-1, 1}
	}
	if l.gates == 4 {
		l.sums[l.name+"/c"] = true
	}
	hs := make([]*value, steps)
	for i := range steps {
		t := i
		if backward {
			t = steps - 1 - i
		}
		step, role := l.step0, l.role0
		l.enter(fmt.Sprintf("%s/t%02d/", l.name, t), l.name+"/")
		l.step(l.stored(xs[t], nil))
		l.enter(step, role)
		hs[t] = l.h
	}
	ids := make([]graph.TensorID, steps)
	for t, h := range hs {
		ids[t] = l.plain(h)
	}
	all := ids[0]
	if steps > 1 {
		all = l.op(graph.Concatenation, graph.ConcatenationAttr{}, l.name+"/states", ids...)
	}
	return l.stored(l.reshape(all, l.name+"/sequence", steps, 1, l.batch, l.units), nil)
}
