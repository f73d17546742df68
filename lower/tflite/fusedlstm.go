// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// lstmWeights are the constants of an LSTM; nil where the gate or the connection is
// absent. Gates are i, f, c, o.
type lstmWeights struct {
	in, rec, bias [4][]float32
	peep          [3][]float32 // of i, f, o
	proj, projB   []float32
}

// read takes the constants off the operator's inputs.
func (w *lstmWeights) read(u *unfuser, units, out int) (err error) {
	for pos := 20; pos < len(u.op.Inputs); pos++ {
		if u.op.Inputs[pos] != graph.None {
			return fmt.Errorf("input %d %q is present: layer normalization inside an LSTM; export the network with the normalization outside, or to ONNX", pos, u.g.Tensors[u.op.Inputs[pos]].Name)
		}
	}
	take := func(to *[]float32, pos int, what string, shape ...int) {
		if err == nil {
			*to, err = u.input(pos, what, shape...)
		}
	}
	for gate := range 4 {
		take(&w.in[gate], 1+gate, "weights", units, u.width)
		take(&w.rec[gate], 5+gate, "recurrent weights", units, out)
		take(&w.bias[gate], 12+gate, "biases", units)
	}
	for i := range w.peep {
		take(&w.peep[i], 9+i, "peephole weights", units)
	}
	take(&w.proj, 16, "projection weights", out, units)
	take(&w.projB, 17, "projection biases", out)
	if err != nil {
		return err
	}
	coupled := w.in[0] == nil && w.rec[0] == nil
	peep := w.peep[1] != nil
	switch {
	case (w.peep[2] != nil) != peep || (w.peep[0] != nil) != (peep && !coupled):
		return fmt.Errorf("peephole weights (inputs 9 to 11) are there for some gates alone; expected those of all gates or none")
	case coupled && w.bias[0] != nil:
		return fmt.Errorf("input 12, the biases of the input gate, is present without weights of that gate")
	case w.projB != nil && w.proj == nil:
		return fmt.Errorf("input 17, the projection biases, is present without projection weights")
	}
	for gate := range 4 {
		if (w.in[gate] == nil || w.rec[gate] == nil) && !(gate == 0 && coupled) {
			return fmt.Errorf("weights of gate %d are missing", gate)
		}
		if w.bias[gate] == nil {
			w.bias[gate] = make([]float32, units)
		}
	}
	return nil
}

// joined lays rows of gates on top of each other: i, o, f, then the candidate; without i
// where it is coupled to f.
func (w *lstmWeights) joined(of [4][]float32) []float32 {
	var out []float32
	for _, gate := range []int{0, 3, 1, 2} {
		if gate == 0 && w.in[0] == nil {
			continue
		}
		out = append(out, of[gate]...)
	}
	return out
}

// lstm writes the cell as TFLite's float kernel computes it.
func (u *unfuser) lstm() error {
	a, ok := u.op.Attr.(graph.LSTMAttr)
	if !ok || len(u.op.Inputs) < 20 {
		return fmt.Errorf("has %d inputs, expected 20 or 24", len(u.op.Inputs))
	}
	units, err := u.open(a.TimeMajor, 6)
	if err != nil {
		return err
	}
	out := u.g.Tensors[u.op.Outputs[0]].Shape[2]
	var w lstmWeights
	if err := w.read(u, units, out); err != nil {
		return err
	}
	if w.proj == nil && out != units {
		return fmt.Errorf("output has %d values for %d units and no projection", out, units)
	}
	h0, err := u.state(18, "h", out)
	if err != nil {
		return err
	}
	c0, err := u.state(19, "c", units)
	if err != nil {
		return err
	}
	gates := 3
	if w.in[0] == nil {
		gates = 2
	}
	rows := (gates + 1) * units
	h, c := h0, c0
	var hs []graph.TensorID
	for t, x := range u.project(a.TimeMajor, w.joined(w.in), w.joined(w.bias), rows) {
		u.step = fmt.Sprintf("t%02d/", t)
		rec := u.one(graph.FullyConnected, graph.FullyConnectedAttr{}, "rec", []int{u.batch, rows}, h, u.floats("R", w.joined(w.rec), rows, out), graph.None)
		if h, c, err = u.lstmStep(a, &w, x, rec, c, gates, units, out); err != nil {
			return err
		}
		hs = append(hs, h)
	}
	u.step = ""
	u.r.m.carried(u.name+"/h", a.Activation == graph.ActTanh && w.proj == nil)
	if u.r.m.Sums == nil {
		u.r.m.Sums = map[string]bool{}
	}
	u.r.m.Sums[u.name+"/c"] = true
	u.joined(a.TimeMajor, hs, out)
	u.end(h0, h, "h")
	u.end(c0, c, "c")
	return nil
}

func (u *unfuser) lstmStep(a graph.LSTMAttr, w *lstmWeights, x, rec, c graph.TensorID, gates, units, out int) (h, next graph.TensorID, err error) {
	shape := []int{u.batch, units}
	wide := []int{u.batch, gates * units}
	sizes := []int{gates * units, units}
	whole := []int{u.batch, (gates + 1) * units}
	xs, rs := u.parts(x, 1, whole, sizes, "x_g", "x_n"), u.parts(rec, 1, whole, sizes, "rec_g", "rec_n")
	cand, err := u.activated(a.Activation, "n", u.one(graph.Add, graph.AddAttr{}, "pre_n", shape, xs[1], rs[1]), shape)
	if err != nil {
		return 0, 0, err
	}
	names := []string{"i", "o", "f"}[3-gates:]
	sum := u.one(graph.Add, graph.AddAttr{}, "pre_g", wide, xs[0], rs[0])
	at := map[string]graph.TensorID{}
	peep := w.peep[1] != nil
	if !peep {
		for i, id := range u.parts(u.one(graph.Logistic, nil, "g", wide, sum), 1, wide, repeated(units, gates), names...) {
			at[names[i]] = id
		}
	} else {
		var sums []string
		for _, n := range names {
			sums = append(sums, "sum_"+n)
		}
		for i, id := range u.parts(sum, 1, wide, repeated(units, gates), sums...) {
			at[names[i]] = id
		}
	}
	gate := func(name string, i int, cell graph.TensorID) {
		id := at[name]
		if w.peep[i] != nil {
			p := u.one(graph.Mul, graph.MulAttr{}, "peep_"+name, shape, cell, u.floats("P_"+name, w.peep[i], 1, units))
			id = u.one(graph.Add, graph.AddAttr{}, "pre_"+name, shape, id, p)
		}
		at[name] = u.one(graph.Logistic, nil, name, shape, id)
	}
	if peep {
		gate("f", 1, c)
		if gates == 3 {
			gate("i", 0, c)
		}
	}
	if gates == 2 {
		at["i"] = u.one(graph.Sub, graph.SubAttr{}, "i", shape, u.floats("one", []float32{1}), at["f"])
	}
	next = u.one(graph.Add, graph.AddAttr{}, "c", shape,
		u.one(graph.Mul, graph.MulAttr{}, "fc", shape, at["f"], c), u.one(graph.Mul, graph.MulAttr{}, "in", shape, at["i"], cand))
	next = u.clipped(a.CellClip, "c", next, shape)
	if peep {
		gate("o", 2, next)
	}
	q, err := u.activated(a.Activation, "q", next, shape)
	if err != nil {
		return 0, 0, err
	}
	if w.proj == nil {
		return u.one(graph.Mul, graph.MulAttr{}, "h", shape, at["o"], q), next, nil
	}
	m := u.one(graph.Mul, graph.MulAttr{}, "m", shape, at["o"], q)
	narrow := []int{u.batch, out}
	bias := graph.None
	if w.projB != nil {
		bias = u.floats("projection_bias", w.projB, out)
	}
	h = u.one(graph.FullyConnected, graph.FullyConnectedAttr{}, "h", narrow, m, u.floats("projection", w.proj, out, units), bias)
	return u.clipped(a.ProjClip, "h", h, narrow), next, nil
}
