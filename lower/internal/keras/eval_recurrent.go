// SPDX-License-Identifier: Apache-2.0

package keras

import "slices"

var _ = evaluates(map[string]func(e *evaluator, in []*Array) []*Array{
	"GRU": evalRecurrent, "LSTM": evalRecurrent, "SimpleRNN": evalRecurrent, "Bidirectional": evalBoth, "TimeDistributed": evalSteps,
})

func evalRecurrent(e *evaluator, in []*Array) []*Array {
	every, states := e.run(in[0])
	out := []*Array{states[0]}
	if e.l.Config.flag("return_sequences", false) {
		out[0] = every
	}
	if e.l.Config.flag("return_state", false) {
		out = append(out, states...)
	}
	return out
}

// run computes the rows in the order of computation, and the last states.
func (e *evaluator) run(x *Array) (every *Array, states []*Array) {
	c := e.l.Config
	steps, features := x.Shape[1], x.Shape[2]
	names := []string{"kernel", "recurrent_kernel", "bias"}
	k, r := e.weight(names, "kernel"), e.weight(names, "recurrent_kernel")
	units, cols := r.Shape[0], r.Shape[1]
	inBias, recBias := make([]float64, cols), make([]float64, cols)
	if c.flag("use_bias", true) {
		b := e.weight(names, "bias")
		copy(inBias, b.Data[:cols])
		if len(b.Data) == 2*cols {
			copy(recBias, b.Data[cols:])
		}
	}
	times := func(v []float64, m *Array, from, to int, bias []float64) []float64 {
		out := make([]float64, to-from)
		for j := range out {
			out[j] = bias[from+j]
			for i, a := range v {
				out[j] += float64(a * m.Data[m.at(i, from+j)])
			}
		}
		return out
	}
	name, _ := c["activation"].(string)
	act := e.function(name)
	name, _ = c["recurrent_activation"].(string)
	gate := e.function(name)
	h, cell := make([]float64, units), make([]float64, units)
	every = newArray(1, steps, units)
	after := c.flag("reset_after", !e.m.early())
	for n := range steps {
		t := n
		if c.flag("go_backwards", false) {
			t = steps - 1 - n
		}
		row := x.Data[t*features : (t+1)*features]
		mx, next := times(row, k, 0, cols, inBias), make([]float64, units)
		switch e.l.Class {
		case "SimpleRNN":
			mh := times(h, r, 0, units, recBias)
			for j := range next {
				next[j] = act(mx[j] + mh[j])
			}
		case "LSTM":
			mh := times(h, r, 0, cols, recBias)
			for j := range next {
				part := func(i int) float64 { return mx[i*units+j] + mh[i*units+j] }
				cell[j] = float64(gate(part(1))*cell[j]) + float64(gate(part(0))*act(part(2)))
				next[j] = gate(part(3)) * act(cell[j])
			}
		case "GRU":
			mh := times(h, r, 0, 2*units, recBias)
			z, reset := make([]float64, units), make([]float64, units)
			for j := range next {
				z[j], reset[j] = gate(mx[j]+mh[j]), gate(mx[units+j]+mh[units+j])
			}
			var candidate []float64
			if after { // the gate on the product, which has a bias of its own
				candidate = times(h, r, 2*units, cols, recBias)
				for j := range candidate {
					candidate[j] *= reset[j]
				}
			} else {
				gated := make([]float64, units)
				for j := range gated {
					gated[j] = reset[j] * h[j]
				}
				candidate = times(gated, r, 2*units, cols, recBias)
			}
			for j := range next {
				next[j] = float64(z[j]*h[j]) + float64((1-z[j])*act(mx[2*units+j]+candidate[j]))
			}
		}
		h = next
		copy(every.Data[n*units:], h)
	}
	states = []*Array{{Shape: []int{1, units}, Data: h}}
	if e.l.Class == "LSTM" {
		states = append(states, &Array{Shape: []int{1, units}, Data: cell})
	}
	return every, states
}

// evalBoth turns the rows of the layer that runs backward, and merges.
func evalBoth(e *evaluator, in []*Array) []*Array {
	side := func(key, part string, backward bool) []*Array {
		outer := e.l
		if outer.Config[key] == nil {
			key = "layer"
		}
		l := outer.wrapped(key)
		l.part = part
		l.Config["go_backwards"] = backward
		inner := &evaluator{m: e.m, l: l}
		return evalRecurrent(inner, in)
	}
	a, b := side("layer", "forward", false)[0], side("backward_layer", "backward", true)[0]
	if len(b.Shape) == 3 {
		n, units := b.Shape[1], b.Shape[2]
		turned := newArray(b.Shape...)
		for t := range n {
			copy(turned.Data[t*units:(t+1)*units], b.Data[(n-1-t)*units:(n-t)*units])
		}
		b = turned
	}
	mode, given := e.l.Config["merge_mode"]
	if !given {
		mode = "concat"
	}
	both := func(f func(a, b float64) float64) []*Array {
		y := newArray(a.Shape...)
		for i := range y.Data {
			y.Data[i] = f(a.Data[i], b.Data[i])
		}
		return []*Array{y}
	}
	switch mode {
	case "sum":
		return both(func(a, b float64) float64 { return a + b })
	case "mul":
		return both(func(a, b float64) float64 { return a * b })
	case "ave":
		return both(func(a, b float64) float64 { return (a + b) / 2 })
	case nil:
		return []*Array{a, b}
	}
	y := &Array{Shape: slices.Clone(a.Shape)}
	n, m := a.Shape[len(a.Shape)-1], b.Shape[len(b.Shape)-1]
	y.Shape[len(y.Shape)-1] = n + m
	for t := range len(a.Data) / n {
		y.Data = append(y.Data, a.Data[t*n:(t+1)*n]...)
		y.Data = append(y.Data, b.Data[t*m:(t+1)*m]...)
	}
	return []*Array{y}
}

// evalSteps applies a layer to every step by itself.
func evalSteps(e *evaluator, in []*Array) []*Array {
	x := in[0]
	l := e.l.wrapped("layer")
	l.part = "layer"
	inner := &evaluator{m: e.m, l: l}
	f := evaluators[l.Class]
	if f == nil {
		refuse("a %s at every step cannot be evaluated", l.Class)
	}
	y := &Array{}
	size := elems(x.Shape[2:])
	for t := range x.Shape[1] {
		out := f(inner, []*Array{{Shape: append([]int{1}, x.Shape[2:]...), Data: x.Data[t*size : (t+1)*size]}})[0]
		y.Shape = append([]int{1, x.Shape[1]}, out.Shape[1:]...)
		y.Data = append(y.Data, out.Data...)
	}
	return []*Array{y}
}
