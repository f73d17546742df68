// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"fmt"
	"math"
	"slices"
)

// Array is a value with channels last and a batch of 1, in float64.
type Array struct {
	Shape []int
	Data  []float64
}

func newArray(shape ...int) *Array {
	return &Array{Shape: shape, Data: make([]float64, elems(shape))}
}

// at is the place of an index.
func (a *Array) at(index ...int) int {
	n := 0
	for i, x := range index {
		n = n*a.Shape[i] + x
	}
	return n
}

// evaluator computes one model.
type evaluator struct {
	m *Model
	l *Layer
	c call // of the layer
}

// evaluators is filled by the files of layers.
var evaluators = map[string]func(e *evaluator, in []*Array) []*Array{}

func evaluates(kinds map[string]func(e *evaluator, in []*Array) []*Array) {
	for class, f := range kinds {
		evaluators[class] = f
	}
}

// Evaluate computes the outputs of a model that ONNX has written, in its order, by the
// definitions of its layers.
func (m *Model) Evaluate(inputs map[string]*Array) (outs []*Array, err error) {
	defer caught(&err)
	values := map[ref]*Array{}
	for _, r := range m.Inputs {
		if values[r] = inputs[r.layer]; values[r] == nil {
			return nil, fmt.Errorf("%s: input %q is not given", m.File, r.layer)
		}
	}
	var value func(r ref) *Array
	value = func(r ref) *Array {
		if v, ok := values[r]; ok {
			return v
		}
		l := m.layer(r.layer)
		if l == nil || r.call < 0 || r.call >= len(l.Calls) || evaluators[l.Class] == nil {
			refuse("%s: output %d of layer %q cannot be evaluated", m.File, r.output, r.layer)
		}
		var in []*Array
		for _, source := range l.Calls[r.call].reads {
			in = append(in, value(source))
		}
		e := &evaluator{m: m, l: l, c: l.Calls[r.call]}
		for i, v := range evaluators[l.Class](e, in) {
			values[ref{r.layer, r.call, i}] = v
		}
		if values[r] == nil {
			refuse("%s: layer %q has no output %d", m.File, r.layer, r.output)
		}
		return values[r]
	}
	for _, r := range m.Outputs {
		all := r.output == every
		if all {
			r.output = 0
		}
		for outs = append(outs, value(r)); all; outs = append(outs, values[r]) {
			if r.output++; values[r] == nil {
				break
			}
		}
	}
	return outs, nil
}

// weight reads a tensor of the layer as it is.
func (e *evaluator) weight(names []string, name string) *Array {
	n := e.m.tensors(e.l, names)[name]
	if n == nil {
		refuse("its %s is not in the file", name)
	}
	a := &Array{Shape: n.Shape}
	for _, v := range n.Data {
		a.Data = append(a.Data, float64(v))
	}
	return a
}

// each applies a function to every element.
func each(x *Array, f func(float64) float64) *Array {
	y := &Array{Shape: x.Shape, Data: make([]float64, len(x.Data))}
	for i, v := range x.Data {
		y.Data[i] = f(v)
	}
	return y
}

func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
func softplus(v float64) float64 { return math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

// function is a Keras activation of single numbers.
func (e *evaluator) function(name string) func(float64) float64 {
	leaky := func(v, slope float64) float64 {
		if v < 0 {
			return float64(slope * v)
		}
		return v
	}
	switch name {
	case "", "linear":
		return func(v float64) float64 { return v }
	case "relu":
		return func(v float64) float64 { return math.Max(v, 0) }
	case "relu6":
		return func(v float64) float64 { return math.Min(math.Max(v, 0), 6) }
	case "tanh":
		return math.Tanh
	case "sigmoid":
		return logistic
	case "hard_sigmoid":
		if e.m.legacy() {
			return func(v float64) float64 { return math.Min(math.Max(0.5+float64(v*0.2), 0), 1) }
		}
		return func(v float64) float64 { return math.Min(math.Max(v+3, 0), 6) / 6 }
	case "softplus":
		return softplus
	case "softsign":
		return func(v float64) float64 { return v / (1 + math.Abs(v)) }
	case "hard_tanh":
		return func(v float64) float64 { return math.Max(-1, math.Min(v, 1)) }
	case "log_sigmoid":
		return func(v float64) float64 { return math.Log(logistic(v)) }
	case "tanh_shrink":
		return func(v float64) float64 { return v - math.Tanh(v) }
	case "soft_shrink":
		return func(v float64) float64 { return math.Copysign(math.Max(math.Abs(v)-0.5, 0), v) }
	case "sparse_sigmoid":
		return func(v float64) float64 { return math.Max(0, math.Min((v+1)/2, 1)) }
	case "squareplus":
		return func(v float64) float64 { return (v + math.Sqrt(float64(v*v)+4)) / 2 }
	case "elu", "celu":
		return func(v float64) float64 {
			if v < 0 {
				return math.Expm1(v)
			}
			return v
		}
	case "selu":
		return func(v float64) float64 {
			const alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
			if v < 0 {
				return float64(scale * alpha * math.Expm1(v))
			}
			return float64(scale * v)
		}
	case "exponential":
		return math.Exp
	case "leaky_relu":
		return func(v float64) float64 { return leaky(v, 0.2) }
	case "swish", "silu":
		return func(v float64) float64 { return v * logistic(v) }
	case "hard_swish", "hard_silu":
		return func(v float64) float64 { return v * (math.Min(math.Max(v+3, 0), 6) / 6) }
	case "mish":
		return func(v float64) float64 { return v * math.Tanh(softplus(v)) }
	case "gelu":
		return func(v float64) float64 { return 0.5 * v * math.Erfc(-v/math.Sqrt2) }
	}
	refuse("activation %s cannot be evaluated", name)
	return nil
}

func (e *evaluator) activate(v any, x *Array) *Array {
	if _, ok := v.(map[string]any); ok {
		l := e.l.wrapped("activation")
		return evaluators[l.Class](&evaluator{m: e.m, l: l}, []*Array{x})[0]
	}
	switch name, _ := v.(string); name {
	case "softmax":
		return softmax(x, len(x.Shape)-1)
	case "log_softmax":
		return logSoftmax(x)
	case "glu":
		n := x.Shape[len(x.Shape)-1] / 2
		y := newArray(append(slices.Clone(x.Shape[:len(x.Shape)-1]), n)...)
		for i := range y.Data {
			y.Data[i] = x.Data[i/n*2*n+i%n] * logistic(x.Data[i/n*2*n+n+i%n])
		}
		return y
	default:
		return each(x, e.function(name))
	}
}

// lines calls f with the places of every line along a dimension.
func lines(shape []int, axis int, f func(places []int)) {
	inner := 1
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	outer := elems(shape) / inner / shape[axis]
	for o := range outer {
		for i := range inner {
			places := make([]int, shape[axis])
			for k := range places {
				places[k] = (o*shape[axis]+k)*inner + i
			}
			f(places)
		}
	}
}

func softmax(x *Array, axis int) *Array {
	y := &Array{Shape: x.Shape, Data: slices.Clone(x.Data)}
	lines(x.Shape, axis, func(p []int) {
		top, sum := math.Inf(-1), 0.0
		for _, i := range p {
			top = math.Max(top, x.Data[i])
		}
		for _, i := range p {
			y.Data[i] = math.Exp(x.Data[i] - top)
			sum += y.Data[i]
		}
		for _, i := range p {
			y.Data[i] /= sum
		}
	})
	return y
}

// logSoftmax is what is below the largest element, less the logarithm of the sum, which
// stays finite where the softmax is 0.
func logSoftmax(x *Array) *Array {
	y := newArray(x.Shape...)
	lines(x.Shape, len(x.Shape)-1, func(p []int) {
		top, sum := math.Inf(-1), 0.0
		for _, i := range p {
			top = math.Max(top, x.Data[i])
		}
		for _, i := range p {
			sum += math.Exp(x.Data[i] - top)
		}
		for _, i := range p {
			y.Data[i] = x.Data[i] - top - math.Log(sum)
		}
	})
	return y
}

// dimension is the axis of a description, the last where it has none.
func (e *evaluator) dimension(rank int) int {
	v := e.l.Config["axis"]
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	f, ok := v.(float64)
	if !ok {
		return rank - 1
	}
	return (int(f) + rank) % rank
}

// vector is a tensor of one dimension, or its neutral value where the layer has none.
func (e *evaluator) vector(names []string, flag, name string, n int, neutral float64) *Array {
	if e.l.Config.flag(flag, true) {
		return e.weight(names, name)
	}
	a := newArray(n)
	for i := range a.Data {
		a.Data[i] = neutral
	}
	return a
}

// present lists the tensors that a layer has, in Keras' order, by the flags they depend on.
func (l *Layer) present(list ...[2]string) []string {
	var out []string
	for _, t := range list {
		if t[1] == "" || l.Config.flag(t[1], true) {
			out = append(out, t[0])
		}
	}
	return out
}
