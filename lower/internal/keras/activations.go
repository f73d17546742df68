// SPDX-License-Identifier: Apache-2.0

package keras

import "math"

// activation applies what a description names, nil for none.
func (w *writer) activation(v any, x value) value {
	if c, ok := v.(map[string]any); ok { // a layer in the place of a name
		if name, ok := c["class_name"].(string); ok && name == "ReLU" {
			inner := *w
			inner.l = &Layer{Class: name, Name: w.l.Name, Config: config{}}
			if cfg, ok := c["config"].(map[string]any); ok {
				inner.l.Config = cfg
			}
			out := reluLayer(&inner, []value{x})
			w.count = inner.count
			return out[0]
		}
	}
	name, ok := v.(string)
	if v == nil {
		name, ok = "linear", true
	}
	if !ok {
		refuse("activation %v: expected a name", v)
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
	case "elu":
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
