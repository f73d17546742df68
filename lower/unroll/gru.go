package unroll

import "github.com/unroll-npu/unroll/lower/graph"

// npuGRU builds a GRU of 7 block operations a step (8 in the classic variant).
//
// The gate rows are ordered u, r, n with u = 1-z: sigmoid(-a) = 1-sigmoid(a),
// so the z rows are negated and the complement costs no operation. u and r lie
// side by side and take one ADD with LOGISTIC in its table. The z and r parts
// of the recurrent bias join the input bias; the n part stays, for the reset
// gate multiplies it.
func (c *cell) npuGRU(x graph.TensorID) []graph.TensorID {
	const z, r, n = 0, 1, 2
	h := c.Units
	w := gates(c.Kernel, c.Features, h, 3, z, r, n)
	u := gates(c.Recurrent, h, h, 3, z, r, n)
	bias := append([]float32(nil), c.Bias[:3*h]...)
	rec := make([]float32, 3*h)
	if c.ResetAfter {
		copy(bias, plus(bias[:2*h], c.Bias[3*h:5*h]))
		copy(rec[2*h:], c.Bias[5*h:])
	}
	if c.o.Blend == Update {
		negate(w.data[:h*c.Features])
		negate(u.data[:h*h])
		negate(bias[:h])
	}
	rows := c.project(x, w, bias)
	if !c.ResetAfter {
		gatesU := c.weights("recurrent_gates", matrix{2 * h, h, u.data[:2*h*h]})
		candU := c.weights("recurrent_candidate", matrix{h, h, u.data[2*h*h:]})
		return c.run(func(t int) { c.classicStep(rows[t], gatesU, candU) })
	}
	recU := c.weights("recurrent", u)
	recB := c.bias("recurrent_bias", rec)
	var folded graph.TensorID = graph.None // what the candidate's product is of a zero state
	if !zero(rec) && !c.o.StateIO {
		folded = c.constant(c.role("recurrent_bias_n"), rec[2*h:], 1, h)
	}
	return c.run(func(t int) { c.gruStep(rows[t], recU, recB, folded) })
}

func (c *cell) gruStep(x, recU, recB, folded graph.TensorID) {
	h := c.Units
	part := []int{2 * h, h}
	xs := c.splitV(x, 1, part, c.at("x_g"), c.at("x_n"))
	var pre, recN graph.TensorID
	if c.h == graph.None {
		pre, recN = xs[0], folded
	} else {
		rec := c.fc(c.at("rec"), c.tied("rec", "pre"), c.h, recU, recB)
		recs := c.splitV(rec, 1, part, c.at("rec_g"), c.at("rec_n"))
		pre = c.sum(c.at("pre_g"), c.role("pre_g"), graph.ActNone, xs[0], recs[0])
		recN = recs[1]
	}
	g := c.split(c.logistic(c.at("g"), c.role("g"), pre), 1, c.at("u"), c.at("r"))
	var n graph.TensorID
	if recN == graph.None {
		n = c.activate("n", xs[1])
	} else {
		n = c.candidate("n", xs[1], c.mul(c.at("rn"), c.tied("rn", "pre"), g[1], recN))
	}
	c.blend(g[0], n)
}

// classicStep is the step of the variant that resets before the product.
func (c *cell) classicStep(x, gatesU, candU graph.TensorID) {
	h := c.Units
	xs := c.splitV(x, 1, []int{2 * h, h}, c.at("x_g"), c.at("x_n"))
	pre := xs[0]
	if c.h != graph.None {
		rec := c.fc(c.at("rec"), c.tied("rec", "pre"), c.h, gatesU, graph.None)
		pre = c.sum(c.at("pre_g"), c.role("pre_g"), graph.ActNone, xs[0], rec)
	}
	g := c.split(c.logistic(c.at("g"), c.role("g"), pre), 1, c.at("u"), c.at("r"))
	var n graph.TensorID
	if c.h == graph.None {
		n = c.activate("n", xs[1])
	} else {
		rh := c.mul(c.at("rh"), c.role("rh"), g[1], c.h)
		n = c.candidate("n", xs[1], c.fc(c.at("rec_n"), c.tied("rec_n", "pre"), rh, candU, graph.None))
	}
	c.blend(g[0], n)
}

// blend computes the new state from the gate (u or z, as Options.Blend says)
// and the candidate.
func (c *cell) blend(gate, n graph.TensorID) {
	name, role := c.stateName("h"), c.role("h")
	first := c.h == graph.None
	switch {
	case c.o.Blend == Update && first:
		c.h = c.mul(name, role, gate, n)
	case c.o.Blend == Update:
		d := c.sub(c.at("d"), c.role("d"), n, c.h)
		e := c.mul(c.at("e"), c.tied("e", "h"), gate, d)
		c.h = c.sum(name, role, graph.ActNone, c.h, e)
	case c.o.Blend == Keep && first:
		e := c.mul(c.at("e"), c.role("e"), gate, n)
		c.h = c.sub(name, role, n, e)
	case c.o.Blend == Keep:
		d := c.sub(c.at("d"), c.role("d"), c.h, n)
		e := c.mul(c.at("e"), c.role("e"), gate, d)
		c.h = c.sum(name, role, graph.ActNone, n, e)
	default:
		u := c.sub(c.at("1-z"), c.role("1-z"), c.oneScalar(), gate)
		if first {
			c.h = c.mul(name, role, u, n)
			return
		}
		zh := c.mul(c.at("zh"), c.role("zh"), gate, c.h)
		un := c.mul(c.at("un"), c.role("un"), u, n)
		c.h = c.sum(name, role, graph.ActNone, zh, un)
	}
}

// oneScalar returns the constant 1 of the layer.
func (c *cell) oneScalar() graph.TensorID {
	if id := c.Graph.Find(c.role("one")); id != graph.None {
		return id
	}
	return c.constant(c.role("one"), []float32{1})
}
