package unroll

import "github.com/unroll-npu/unroll/lower/graph"

// npuLSTM builds an LSTM of 8 block operations a step. The gate rows are
// ordered i, f, o, g, so that the three sigmoids are one operation.
func (c *cell) npuLSTM(x graph.TensorID) []graph.TensorID {
	const i, f, g, o = 0, 1, 2, 3
	h := c.Units
	rows := c.project(x, gates(c.Kernel, c.Features, h, 4, i, f, o, g), blocks(c.Bias, h, i, f, o, g))
	rec := c.weights("recurrent", gates(c.Recurrent, h, h, 4, i, f, o, g))
	return c.run(func(t int) { c.lstmStep(rows[t], rec) })
}

func (c *cell) lstmStep(x, recU graph.TensorID) {
	h := c.Units
	part := []int{3 * h, h}
	xs := c.splitV(x, 1, part, c.at("x_g"), c.at("x_n"))
	pre := xs[0]
	var n graph.TensorID
	if c.h == graph.None {
		n = c.activate("n", xs[1])
	} else {
		rec := c.fc(c.at("rec"), c.tied("rec", "pre"), c.h, recU, graph.None)
		recs := c.splitV(rec, 1, part, c.at("rec_g"), c.at("rec_n"))
		pre = c.sum(c.at("pre_g"), c.role("pre_g"), graph.ActNone, xs[0], recs[0])
		n = c.candidate("n", xs[1], recs[1])
	}
	g := c.split(c.logistic(c.at("g"), c.role("g"), pre), 1, c.at("i"), c.at("f"), c.at("o"))
	if c.c == graph.None {
		c.c = c.mul(c.stateName("c"), c.role("c"), g[0], n)
	} else {
		fc := c.mul(c.at("fc"), c.tied("fc", "c"), g[1], c.c)
		in := c.mul(c.at("in"), c.tied("in", "c"), g[0], n)
		c.c = c.sum(c.stateName("c"), c.role("c"), graph.ActNone, fc, in)
	}
	c.h = c.mul(c.stateName("h"), c.role("h"), g[2], c.activate("q", c.c))
}
