// SPDX-License-Identifier: Apache-2.0

package keras

import "slices"

func init() {
	evaluates(map[string]func(e *evaluator, in []*Array) []*Array{
		"GRU": evalRecurrent, "LSTM": evalRecurrent, "SimpleRNN": evalRecurrent, "RNN": evalRecurrent, "Bidirectional": evalBoth, "TimeDistributed": evalSteps,
		"Functional": evalNested, "Model": evalNested, "Sequential": evalNested,
	})
}

func evalRecurrent(e *evaluator, in []*Array) []*Array {
	rows, states := e.run(in)
	list := e.l.stack()
	out := []*Array{states[len(states)-1]}
	if list[len(list)-1].Class == "LSTM" {
		out[0] = states[len(states)-2]
	}
	if e.l.Config.flag("return_sequences", false) {
		out[0] = rows
	}
	if e.l.Config.flag("return_state", false) {
		out = append(out, states...)
	}
	return out
}

// run computes the rows of a layer in the order of computation, and the last states of its
// cells. in is what it reads and the states that it starts with.
func (e *evaluator) run(in []*Array) (rows *Array, states []*Array) {
	list := e.l.stack()
	start := in[1:]
	rows = in[0]
	if e.l.Config.flag("go_backwards", false) {
		rows = backward(rows)
	}
	for _, l := range list {
		inner := &evaluator{m: e.m, l: l}
		var begin [2][]float64
		for i := range begin {
			if units := l.Config.whole("units", 0, 1); i < 1 || l.Class == "LSTM" {
				begin[i] = make([]float64, units)
				if len(start) > 0 {
					copy(begin[i], start[0].Data)
					start = start[1:]
				}
			}
		}
		var ends []*Array
		rows, ends = inner.steps(rows, begin[0], begin[1])
		states = append(states, ends...)
	}
	return rows, states
}

// backward turns the rows of an array round.
func backward(x *Array) *Array {
	n, size := x.Shape[1], x.Shape[2]
	y := newArray(x.Shape...)
	for t := range n {
		copy(y.Data[t*size:(t+1)*size], x.Data[(n-1-t)*size:(n-t)*size])
	}
	return y
}

// steps computes a cell over all rows, from the first to the last.
func (e *evaluator) steps(x *Array, h, cell []float64) (rows *Array, states []*Array) {
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
	rows = newArray(1, steps, units)
	after := c.flag("reset_after", !e.m.store.Early())
	for t := range steps {
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
		copy(rows.Data[t*units:], h)
	}
	states = []*Array{{Shape: []int{1, units}, Data: h}}
	if e.l.Class == "LSTM" {
		states = append(states, &Array{Shape: []int{1, units}, Data: cell})
	}
	return rows, states
}

// evalBoth turns the rows of the layer that runs backward, and merges.
func evalBoth(e *evaluator, in []*Array) []*Array {
	ahead, back := e.l.both()
	half := (len(in) - 1) / 2
	first := evalRecurrent(&evaluator{m: e.m, l: ahead}, append(in[:1:1], in[1:1+half]...))
	second := evalRecurrent(&evaluator{m: e.m, l: back}, append(in[:1:1], in[1+half:]...))
	a, b := first[0], second[0]
	if len(b.Shape) == 3 {
		b = backward(b)
	}
	return append(append(e.joined(a, b), first[1:]...), second[1:]...)
}

// joined merges both directions.
func (e *evaluator) joined(a, b *Array) []*Array {
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
	inner := &evaluator{m: e.m, l: l}
	if l.inner != nil {
		l.inner.File, l.inner.Version, l.inner.store = e.m.File, e.m.Version, e.m.store
	}
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

// evalNested computes a model within the model.
func evalNested(e *evaluator, in []*Array) []*Array {
	given := map[string]*Array{}
	for i, r := range e.l.inner.Inputs {
		given[r.layer] = in[i]
	}
	out, err := e.l.inner.Evaluate(given)
	if err != nil {
		panic(refusal{err})
	}
	return out
}
