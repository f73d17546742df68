package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// kerasInput cuts the input [1,T,F] into T rows [1,F] as the converter does.
func (b *builder) kerasInput(in graph.TensorID, steps, features int) []graph.TensorID {
	if steps > 1 {
		in = b.reshape("input_rows", in, steps, 1, features)
	}
	out := make([]graph.TensorID, steps)
	for t := range out {
		out[t] = b.value(fmt.Sprintf("input/t%02d", t), "input", 1, features)
	}
	b.op(graph.Unpack, graph.UnpackAttr{Axis: 0, Num: steps}, out, in)
	return out
}

// kerasGRU builds the reset_after step of 14 operators; the classic variant,
// for which the converter has two more products, follows the same pattern.
func (c *cell) kerasGRU(xs []graph.TensorID) []graph.TensorID {
	h := c.Units
	w := c.weights("kernel", turn(c.Kernel, c.Features, 3*h, 0, 3*h))
	b := c.bias("bias", c.Bias[:3*h])
	if !c.ResetAfter {
		u := c.weights("recurrent_gates", turn(c.Recurrent, h, 3*h, 0, 2*h))
		un := c.weights("recurrent_candidate", turn(c.Recurrent, h, 3*h, 2*h, 3*h))
		return c.run(func(t int) { c.kerasGRUStep(xs[t], w, b, u, graph.None, un, nil) })
	}
	u := c.weights("recurrent", turn(c.Recurrent, h, 3*h, 0, 3*h))
	br := c.bias("recurrent_bias", c.Bias[3*h:])
	var folded []graph.TensorID
	if !c.o.StateIO {
		for i, what := range []string{"z", "r", "n"} {
			part := c.Bias[(3+i)*h : (4+i)*h]
			folded = append(folded, c.constant(c.role("recurrent_bias_"+what), part, 1, h))
		}
	}
	return c.run(func(t int) { c.kerasGRUStep(xs[t], w, b, u, br, graph.None, folded) })
}

func (c *cell) kerasGRUStep(x, w, b, u, br, un graph.TensorID, folded []graph.TensorID) {
	h := c.Units
	xs := c.split(c.fc(c.at("xp"), c.role("xp"), x, w, b), 1, c.at("x_z"), c.at("x_r"), c.at("x_n"))
	first := c.h == graph.None
	gate := func(name string, x graph.TensorID, rec []graph.TensorID, i int) graph.TensorID {
		if rec != nil {
			x = c.sum(c.at("pre_"+name), c.role("pre_"+name), graph.ActNone, x, rec[i])
		}
		return c.logistic(c.at(name), c.role(name), x)
	}
	rec := folded
	switch {
	case first: // folded, or none in the classic variant
	case c.ResetAfter:
		all := c.fc(c.at("rec"), c.role("rec"), c.h, u, br)
		rec = c.splitV(all, 1, []int{h, h, h}, c.at("rec_z"), c.at("rec_r"), c.at("rec_n"))
	default:
		rec = c.split(c.fc(c.at("rec"), c.role("rec"), c.h, u, graph.None), 1, c.at("rec_z"), c.at("rec_r"))
	}
	z := gate("z", xs[0], rec, 0)
	var zh graph.TensorID
	if first {
		zero := c.constant(c.at("h_zero"), []float32{0})
		zh = c.mul(c.at("zh"), c.role("zh_zero"), z, zero)
	} else {
		zh = c.mul(c.at("zh"), c.role("zh"), z, c.h)
	}
	keep := c.sub(c.at("1-z"), c.role("1-z"), c.oneScalar(), z)
	r := gate("r", xs[1], rec, 1)
	var n graph.TensorID
	switch {
	case c.ResetAfter:
		n = c.candidate("n", xs[2], c.mul(c.at("rn"), c.role("rn"), r, rec[2]))
	case first:
		n = c.activate("n", xs[2])
	default:
		rh := c.mul(c.at("rh"), c.role("rh"), r, c.h)
		n = c.candidate("n", xs[2], c.fc(c.at("rec_n"), c.role("rec_n"), rh, un, graph.None))
	}
	c.h = c.sum(c.stateName("h"), c.role("h"), graph.ActNone, zh, c.mul(c.at("un"), c.role("un"), keep, n))
}

// kerasLSTM builds the step of 16 operators, two products without bias and the
// bias as a constant operand.
func (c *cell) kerasLSTM(xs []graph.TensorID) []graph.TensorID {
	h := c.Units
	w := c.weights("kernel", turn(c.Kernel, c.Features, 4*h, 0, 4*h))
	u := c.weights("recurrent", turn(c.Recurrent, h, 4*h, 0, 4*h))
	var firstBias, bias graph.TensorID = graph.None, graph.None
	if !c.o.StateIO {
		firstBias = c.bias("bias", c.Bias)
	}
	if !zero(c.Bias) {
		bias = c.constant(c.role("bias_row"), c.Bias, 1, 4*h)
	}
	return c.run(func(t int) {
		var pre graph.TensorID
		if c.h == graph.None {
			pre = c.fc(c.at("pre"), c.role("pre"), xs[t], w, firstBias)
		} else {
			xp := c.fc(c.at("xp"), c.role("xp"), xs[t], w, graph.None)
			rec := c.fc(c.at("rec"), c.role("rec"), c.h, u, graph.None)
			if bias == graph.None {
				pre = c.sum(c.at("pre"), c.role("pre"), graph.ActNone, xp, rec)
			} else {
				pre = c.sum(c.at("sum"), c.role("sum"), graph.ActNone, xp, rec)
				pre = c.sum(c.at("pre"), c.role("pre"), graph.ActNone, pre, bias)
			}
		}
		c.kerasLSTMStep(pre)
	})
}

func (c *cell) kerasLSTMStep(pre graph.TensorID) {
	g := c.split(pre, 1, c.at("pre_i"), c.at("pre_f"), c.at("pre_n"), c.at("pre_o"))
	i := c.logistic(c.at("i"), c.role("i"), g[0])
	if c.c == graph.None {
		c.c = c.mul(c.stateName("c"), c.role("c"), i, c.activate("n", g[2]))
	} else {
		f := c.logistic(c.at("f"), c.role("f"), g[1])
		fc := c.mul(c.at("fc"), c.role("fc"), f, c.c)
		in := c.mul(c.at("in"), c.role("in"), i, c.activate("n", g[2]))
		c.c = c.sum(c.stateName("c"), c.role("c"), graph.ActNone, fc, in)
	}
	o := c.logistic(c.at("o"), c.role("o"), g[3])
	c.h = c.mul(c.stateName("h"), c.role("h"), o, c.activate("q", c.c))
}

// kerasRNN builds the step of 4 operators; the first of a zero state has 2.
func (c *cell) kerasRNN(xs []graph.TensorID) []graph.TensorID {
	h := c.Units
	w := c.weights("kernel", turn(c.Kernel, c.Features, h, 0, h))
	u := c.weights("recurrent", turn(c.Recurrent, h, h, 0, h))
	b := c.bias("bias", c.Bias)
	return c.run(func(t int) {
		xp := c.fc(c.at("xp"), c.role("xp"), xs[t], w, b)
		if c.h == graph.None {
			c.h = c.stateActivate(xp)
			return
		}
		c.rnnStep(xp, c.fc(c.at("rec"), c.role("rec"), c.h, u, graph.None))
	})
}
