// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{"RNN": recurrent(1), "GRU": recurrent(3), "LSTM": recurrent(4)})

// layer is one direction of a recurrent node.
type layer struct {
	units, features, gates int
	w, r, b, p             []float64 // of this direction; b and p may be nil
	clip                   float64
	act                    []func(float64) float64
	afterReset             bool // linear_before_reset
	inputForget            bool
}

// dot returns the product of row g*units+j of a matrix with v.
func dot(m []float64, row int, v []float64) float64 {
	sum := 0.0
	for i, x := range v {
		sum += float64(m[row*len(v)+i] * x)
	}
	return sum
}

// bias returns the input bias and the recurrent bias of a row.
func (l *layer) bias(row int) (in, rec float64) {
	if l.b == nil {
		return 0, 0
	}
	return l.b[row], l.b[l.gates*l.units+row]
}

// gate applies activation a to the sum for row: input, state and biases, and extra.
func (l *layer) gate(a, row int, x, h []float64, extra float64) float64 {
	in, rec := l.bias(row)
	return l.activate(a, dot(l.w, row, x)+dot(l.r, row, h)+in+rec+extra)
}

func (l *layer) activate(a int, v float64) float64 {
	if l.clip > 0 {
		v = math.Max(-l.clip, math.Min(l.clip, v))
	}
	return l.act[a](v)
}

// step returns the next states, after the equations of the operator descriptions.
func (l *layer) step(x, h, c []float64) (nextH, nextC []float64) {
	n := l.units
	nextH, nextC = make([]float64, n), make([]float64, n)
	peep := func(which, j int, c []float64) float64 {
		if l.p == nil {
			return 0
		}
		return l.p[which*n+j] * c[j]
	}
	switch l.gates {
	case 1:
		for j := range n {
			nextH[j] = l.gate(0, j, x, h, 0)
		}
	case 3: // z, r, h
		reset := make([]float64, n)
		scaled := make([]float64, n) // r . h
		for j := range n {
			reset[j] = l.gate(0, n+j, x, h, 0)
			scaled[j] = reset[j] * h[j]
		}
		for j := range n {
			z, row := l.gate(0, j, x, h, 0), 2*n+j
			in, rec := l.bias(row)
			pre := dot(l.w, row, x) + in
			if l.afterReset {
				pre += float64(reset[j] * (dot(l.r, row, h) + rec))
			} else {
				pre += dot(l.r, row, scaled) + rec
			}
			nextH[j] = float64((1-z)*l.activate(1, pre)) + float64(z*h[j])
		}
	case 4: // i, o, f, c
		for j := range n {
			i := l.gate(0, j, x, h, peep(0, j, c))
			f := l.gate(0, 2*n+j, x, h, peep(2, j, c))
			if l.inputForget {
				f = 1 - i
			}
			nextC[j] = float64(f*c[j]) + float64(i*l.gate(1, 3*n+j, x, h, 0))
			o := l.gate(0, n+j, x, h, peep(1, j, nextC))
			nextH[j] = o * l.activate(2, nextC[j])
		}
	}
	return nextH, nextC
}

func recurrent(gates int) operator {
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		w, err := c.arg(1)
		if err != nil {
			return nil, err
		}
		r, err := c.arg(2)
		if err != nil {
			return nil, err
		}
		batchFirst := c.Int("layout", 0) != 0
		direction := c.Text("direction", "forward")
		dirs := map[string]int{"forward": 1, "reverse": 1, "bidirectional": 2}[direction]
		if x.rank() != 3 || w.rank() != 3 || r.rank() != 3 || dirs == 0 {
			return nil, fmt.Errorf("inputs X %v, W %v, R %v and direction %q do not fit", x.Shape, w.Shape, r.Shape, direction)
		}
		steps, batch, features, units := x.Shape[0], x.Shape[1], x.Shape[2], r.Shape[2]
		if batchFirst {
			steps, batch = batch, steps
		}
		for _, f := range []struct {
			a     *Array
			shape []int
			what  string
		}{
			{w, []int{dirs, gates * units, features}, "W"}, {r, []int{dirs, gates * units, units}, "R"},
			{c.opt(3), []int{dirs, 2 * gates * units}, "B"}, {c.opt(4), []int{batch}, "sequence_lens"}, {c.opt(7), []int{dirs, 3 * units}, "P"},
		} {
			if f.a != nil && fmt.Sprint(f.a.Shape) != fmt.Sprint(f.shape) {
				return nil, fmt.Errorf("%s has shape %v, expected %v", f.what, f.a.Shape, f.shape)
			}
		}
		if err := c.spend(dirs*steps*batch, gates*units, features+units); err != nil {
			return nil, err
		}
		// The states and results are kept batch second, and turned at the end.
		state := func(a *Array) ([]float64, error) {
			v := make([]float64, dirs*batch*units)
			if a == nil {
				return v, nil
			}
			if len(a.Data) != len(v) {
				return nil, fmt.Errorf("an initial state has shape %v, expected %d directions, %d sequences, %d units", a.Shape, dirs, batch, units)
			}
			for i := range v {
				d, b, j := i/units/batch, i/units%batch, i%units
				if batchFirst {
					v[i] = a.Data[(b*dirs+d)*units+j]
				} else {
					v[i] = a.Data[i]
				}
			}
			return v, nil
		}
		h, err := state(c.opt(5))
		if err != nil {
			return nil, err
		}
		cell, err := state(c.opt(6))
		if err != nil {
			return nil, err
		}
		y := make([]float64, steps*dirs*batch*units)
		acts, err := c.activations(gates, dirs)
		if err != nil {
			return nil, err
		}
		for d := range dirs {
			l := &layer{units: units, features: features, gates: gates, clip: float64(c.Float("clip", 0)),
				afterReset: c.Int("linear_before_reset", 0) != 0, inputForget: c.Int("input_forget", 0) != 0}
			part := func(a *Array) []float64 {
				if a == nil {
					return nil
				}
				n := len(a.Data) / dirs
				return a.Data[d*n : (d+1)*n]
			}
			l.w, l.r, l.b, l.p = part(w), part(r), part(c.opt(3)), part(c.opt(7))
			l.act = acts[d*len(acts)/dirs : (d+1)*len(acts)/dirs]
			backward := direction == "reverse" || d == 1
			for b := range batch {
				n := steps
				if lens := c.opt(4); lens != nil {
					n = max(0, min(steps, lens.ints()[b]))
				}
				at := (d*batch + b) * units
				for i := range n {
					t := i
					if backward {
						t = n - 1 - i
					}
					from := (t*batch + b) * features
					if batchFirst {
						from = (b*steps + t) * features
					}
					nh, nc := l.step(x.Data[from:from+features], h[at:at+units], cell[at:at+units])
					copy(h[at:], nh)
					copy(cell[at:], nc)
					copy(y[((t*dirs+d)*batch+b)*units:], nh)
				}
			}
		}
		return c.recurrentOutputs(x.Type, y, h, cell, steps, dirs, batch, units, gates == 4)
	}
}

// recurrentOutputs gives the results their shapes: [steps, directions, batch, units]
// and [directions, batch, units], with layout 1 the batch first.
func (c *call) recurrentOutputs(t onnx.DataType, y, h, cell []float64, steps, dirs, batch, units int, withCell bool) ([]*Array, error) {
	if c.elements -= len(y) + len(h) + len(cell); c.elements < 0 {
		return nil, fmt.Errorf("the values up to here have more than %d elements, which is the limit", maxElements)
	}
	out := []*Array{
		{Type: t, Shape: []int{steps, dirs, batch, units}, Data: y},
		{Type: t, Shape: []int{dirs, batch, units}, Data: h},
	}
	if withCell {
		out = append(out, &Array{Type: t, Shape: []int{dirs, batch, units}, Data: cell})
	}
	if c.Int("layout", 0) != 0 {
		for i, perm := range [][]int{{2, 0, 1, 3}, {1, 0, 2}, {1, 0, 2}}[:len(out)] {
			turned, err := c.permute(out[i], perm)
			if err != nil {
				return nil, err
			}
			out[i] = turned[0]
		}
	}
	return out, nil
}

// activations returns the functions of all directions. Parameters are handed out
// in order to those functions that take one.
func (c *call) activations(gates, dirs int) ([]func(float64) float64, error) {
	names := c.Strings("activations")
	if len(names) == 0 {
		usual := map[int][]string{1: {"Tanh"}, 3: {"Sigmoid", "Tanh"}, 4: {"Sigmoid", "Tanh", "Tanh"}}[gates]
		for range dirs {
			names = append(names, usual...)
		}
	}
	if want := dirs * map[int]int{1: 1, 3: 2, 4: 3}[gates]; len(names) != want {
		return nil, fmt.Errorf("%d activations, expected %d", len(names), want)
	}
	var alphas, betas []float32
	if a := c.Attrs["activation_alpha"]; a != nil {
		alphas = a.Floats
	}
	if a := c.Attrs["activation_beta"]; a != nil {
		betas = a.Floats
	}
	take := func(from *[]float32, def float64) float64 {
		if len(*from) == 0 {
			return def
		}
		v := float64((*from)[0])
		*from = (*from)[1:]
		return v
	}
	var out []func(float64) float64
	for _, name := range names {
		var f func(float64) float64
		switch strings.ToLower(name) {
		case "sigmoid":
			f = sigmoid
		case "tanh":
			f = math.Tanh
		case "relu":
			f = func(x float64) float64 { return math.Max(0, x) }
		case "softsign":
			f = func(x float64) float64 { return x / (1 + math.Abs(x)) }
		case "softplus":
			f = func(x float64) float64 { return math.Log1p(math.Exp(-math.Abs(x))) + math.Max(x, 0) }
		case "affine":
			a, b := take(&alphas, 1), take(&betas, 0)
			f = func(x float64) float64 { return float64(a*x) + b }
		case "scaledtanh":
			a, b := take(&alphas, 1), take(&betas, 1)
			f = func(x float64) float64 { return a * math.Tanh(b*x) }
		case "hardsigmoid":
			a, b := take(&alphas, 0.2), take(&betas, 0.5)
			f = func(x float64) float64 { return math.Max(0, math.Min(1, float64(a*x)+b)) }
		case "leakyrelu":
			a := take(&alphas, 0.01)
			f = func(x float64) float64 { return math.Max(x, 0) + float64(a*math.Min(x, 0)) }
		case "elu":
			a := take(&alphas, 1)
			f = func(x float64) float64 { return math.Max(x, 0) + float64(a*math.Expm1(math.Min(x, 0))) }
		case "thresholdedrelu":
			a := take(&alphas, 1)
			f = func(x float64) float64 {
				if x >= a {
					return x
				}
				return 0
			}
		default:
			return nil, fmt.Errorf("activation %q is not computed", name)
		}
		out = append(out, f)
	}
	return out, nil
}
