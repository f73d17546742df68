// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

// activation applies what a description names, nil for none.
func (w *writer) activation(v any, x value) value {
	if _, ok := v.(map[string]any); ok { // a layer in the place of a name
		l := w.l.wrapped("activation")
		if !slices.Contains([]string{"ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"}, l.Class) {
			refuse("activation %s: there is no form for it", spoken(v))
		}
		outer := w.l
		w.l = l
		defer func() { w.l = outer }()
		return layerKinds[l.Class](w, []value{x})[0]
	}
	name, ok := v.(string)
	if v == nil {
		name, ok = "linear", true
	}
	if !ok {
		refuse("activation %v: expected a name", spoken(v))
	}
	one := func(op string, attrs map[string]any) value { return w.node(op, attrs, x.shape, x.name) }
	gated := func(g value) value { return w.node("Mul", nil, x.shape, x.name, g.name) }
	switch name {
	case "linear":
		return x
	case "relu":
		return one("Relu", nil)
	case "relu6":
		return w.clip(x, 0, 6)
	case "tanh":
		return one("Tanh", nil)
	case "sigmoid":
		return one("Sigmoid", nil)
	case "hard_sigmoid":
		alpha, beta := w.m.hardSigmoid()
		return one("HardSigmoid", map[string]any{"alpha": alpha, "beta": beta})
	case "softmax":
		return one("Softmax", map[string]any{"axis": -1})
	case "log_softmax":
		return one("LogSoftmax", map[string]any{"axis": -1})
	case "softplus":
		return one("Softplus", nil)
	case "softsign":
		return one("Softsign", nil)
	case "elu", "celu":
		return one("Elu", nil)
	case "selu":
		return one("Selu", nil)
	case "exponential":
		return one("Exp", nil)
	case "leaky_relu":
		return one("LeakyRelu", map[string]any{"alpha": 0.2})
	case "swish", "silu":
		return gated(one("Sigmoid", nil))
	case "hard_swish", "hard_silu":
		return gated(one("HardSigmoid", map[string]any{"alpha": 1.0 / 6, "beta": 0.5}))
	case "mish":
		return gated(w.node("Tanh", nil, x.shape, one("Softplus", nil).name))
	case "hard_tanh":
		return w.clip(x, -1, 1)
	case "log_sigmoid":
		return w.affine(w.node("Softplus", nil, x.shape, w.affine(x, -1, 0).name), -1, 0)
	case "tanh_shrink":
		return w.node("Sub", nil, x.shape, x.name, one("Tanh", nil).name)
	case "soft_shrink": // what is beyond 0.5
		return w.node("Sub", nil, x.shape, x.name, w.clip(x, -0.5, 0.5).name)
	case "sparse_sigmoid":
		return w.clip(w.affine(x, 0.5, 0.5), 0, 1)
	case "squareplus":
		root := w.node("Sqrt", nil, x.shape, w.affine(w.node("Mul", nil, x.shape, x.name, x.name), 1, 4).name)
		return w.affine(w.node("Add", nil, x.shape, x.name, root.name), 0.5, 0)
	case "glu": // the first half of the channels, gated by the second
		half := slices.Clone(x.shape)
		if half[x.rank()-1]%2 != 0 {
			refuse("activation glu of %d channels", x.last())
		}
		n := x.last() / 2
		half[x.rank()-1] = n
		part := func(from, to int) value {
			return w.node("Slice", nil, half, x.name, w.ints(from), w.ints(to), w.ints(x.rank()-1))
		}
		return w.node("Mul", nil, half, part(0, n).name, w.node("Sigmoid", nil, half, part(n, 2*n).name).name)
	case "gelu":
		e := w.node("Erf", nil, x.shape, w.affine(x, float32(1/math.Sqrt2), 0).name)
		return w.affine(gated(w.affine(e, 1, 1)), 0.5, 0)
	}
	refuse("activation %s: there is no form for it", name)
	return value{}
}

// hardSigmoid is slope and middle of Keras' hard_sigmoid, which changed with Keras 3.
func (m *Model) hardSigmoid() (alpha, beta float64) {
	switch {
	case m.Version == "":
		refuse("hard_sigmoid: it changed with Keras 3, and the file does not say its version; save it again")
	case m.legacy():
		return 0.2, 0.5
	}
	return 1.0 / 6, 0.5
}
