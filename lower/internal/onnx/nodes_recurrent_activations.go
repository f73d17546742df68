// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// activation applies a function of a recurrent node.
type activation struct {
	name        string
	alpha, beta float32
}

func (a activation) apply(c *converter, v *value, name string) *value {
	base := c.base
	c.base = name
	defer func() { c.base = base }()
	switch a.name {
	case "sigmoid":
		return c.unary(graph.Logistic, nil, name, v)
	case "tanh":
		return c.unary(graph.Tanh, nil, name, v)
	case "relu":
		return c.unary(graph.Relu, nil, name, v)
	case "leakyrelu":
		return c.leaky(v, a.alpha)
	case "affine":
		return c.plus(name, c.times(name+"/scaled", v, a.alpha), a.beta)
	case "scaledtanh":
		return c.times(name, c.unary(graph.Tanh, nil, name+"/tanh", c.times(name+"/scaled", v, a.beta)), a.alpha)
	case "hardsigmoid":
		return c.hardSigmoid(v, a.alpha, a.beta)
	case "elu":
		return c.elu(v, a.alpha)
	case "softsign":
		return c.softsign(v)
	case "softplus":
		return c.softplus(v)
	}
	c.refuse("attribute activations has %q; expected Sigmoid, Tanh, Relu, LeakyRelu, Affine, ScaledTanh, HardSigmoid, Elu, Softsign or Softplus", a.name)
	return nil
}

// activations reads the functions of all directions. Parameters are handed out in
// order to those functions that take one.
func (c *converter) activations(gates, dirs int) [][]activation {
	usual := map[int][]string{1: {"Tanh"}, 3: {"Sigmoid", "Tanh"}, 4: {"Sigmoid", "Tanh", "Tanh"}}[gates]
	names := c.node.Strings("activations")
	if len(names) == 0 {
		for range dirs {
			names = append(names, usual...)
		}
	}
	if len(names) != dirs*len(usual) {
		c.refuse("attribute activations has %d entries, expected %d", len(names), dirs*len(usual))
	}
	var lists [2][]float32
	for i, attr := range []string{"activation_alpha", "activation_beta"} {
		if a := c.node.Attrs[attr]; a != nil {
			lists[i] = a.Floats
		}
	}
	take := func(i int, def float32) float32 {
		if len(lists[i]) == 0 {
			return def
		}
		v := lists[i][0]
		lists[i] = lists[i][1:]
		return v
	}
	// Affine and ScaledTanh are no operators of ONNX any more, so that nothing says what
	// they are without parameters: runtimes take 0 or 1 as they like.
	stated := func(i int, name string) float32 {
		if len(lists[i]) == 0 {
			c.refuse("activation %s has no %s in the list of its node, and no operator of ONNX says what it is then; give it", name, []string{"activation_alpha", "activation_beta"}[i])
		}
		return take(i, 0)
	}
	out := make([][]activation, dirs)
	for i, n := range names {
		a := activation{name: strings.ToLower(n)}
		switch a.name {
		case "affine":
			a.alpha, a.beta = stated(0, n), take(1, 0)
		case "scaledtanh":
			a.alpha, a.beta = stated(0, n), stated(1, n)
		case "hardsigmoid":
			a.alpha, a.beta = take(0, 0.2), take(1, 0.5)
		case "leakyrelu":
			a.alpha = take(0, 0.01)
		case "elu", "thresholdedrelu":
			a.alpha = take(0, 1)
		}
		out[i/len(usual)] = append(out[i/len(usual)], a)
	}
	return out
}
