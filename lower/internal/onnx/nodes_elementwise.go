// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{
	"Abs": pointwise(graph.Abs), "Neg": pointwise(graph.Neg), "Exp": pointwise(graph.Exp), "Log": pointwise(graph.Log),
	"Sqrt": pointwise(graph.Sqrt), "Sigmoid": pointwise(graph.Logistic), "Tanh": pointwise(graph.Tanh), "Relu": pointwise(graph.Relu),
	"Floor": pointwise(graph.Floor), "Ceil": pointwise(graph.Ceil), "Round": pointwise(graph.Round),
	"Sign": pointwise(graph.Sign), "Sin": pointwise(graph.Sin), "Cos": pointwise(graph.Cos), "HardSwish": pointwise(graph.HardSwish),
	"Reciprocal": each((*converter).reciprocal), "LeakyRelu": each(func(c *converter, x *value) *value { return c.leaky(x, c.node.Float("alpha", 0.01)) }),
	"Elu": each(func(c *converter, x *value) *value { return c.elu(x, c.node.Float("alpha", 1)) }),
	"HardSigmoid": each(func(c *converter, x *value) *value {
		return c.hardSigmoid(x, c.node.Float("alpha", 0.2), c.node.Float("beta", 0.5))
	}),
	"Softplus": each((*converter).softplus), "Softsign": each((*converter).softsign), "Gelu": geluNode,
	"Clip": clipNode, "PRelu": preluNode, "Cast": castNode, "Dropout": dropoutNode,

	"Add": arithmetic(graph.Add, graph.AddAttr{}), "Sub": arithmetic(graph.Sub, graph.SubAttr{}),
	"Mul": arithmetic(graph.Mul, graph.MulAttr{}), "Div": arithmetic(graph.Div, graph.DivAttr{}), "Pow": powNode,
	"Max": variadic(graph.Maximum, nil), "Min": variadic(graph.Minimum, nil), "Sum": variadic(graph.Add, graph.AddAttr{}), "Mean": meanNode,
})

// pointwise is an operator of the graph on one value.
func pointwise(k graph.Kind) nodeConverter {
	return func(c *converter, in []*value) []*value {
		v := c.given(in, 0)
		if v.ints != nil {
			f := map[string]func(int64) int64{
				"Neg": func(x int64) int64 { return -x }, "Abs": func(x int64) int64 { return max(x, -x) }, "Sign": func(x int64) int64 { return max(min(x, 1), -1) },
			}[c.node.Op]
			if f == nil {
				c.refuse("it is not computed on %v; cast to float before it", v.typ)
			}
			out := &value{typ: v.typ, shape: v.shape, ints: make([]int64, len(v.ints))}
			for i, x := range v.ints {
				out.ints[i] = held(v.typ, f(x))
			}
			return only(out)
		}
		return only(c.unary(k, nil, c.base, c.arg(in, 0)))
	}
}

// each converts a node of one float input.
func each(f func(c *converter, x *value) *value) nodeConverter {
	return func(c *converter, in []*value) []*value { return only(f(c, c.arg(in, 0))) }
}

func (c *converter) unary(k graph.Kind, attr any, name string, v *value) *value {
	return c.stored(c.op(k, attr, name, v.id), v.order)
}

// raised returns the value with as many dimensions as rank, ones in front.
func (c *converter) raised(v *value, rank int) *value {
	if v.rank() == rank {
		return v
	}
	added := map[int]bool{}
	for d := range rank - v.rank() {
		added[d] = true
	}
	return c.with(v, added)
}

// binary applies an operator of the graph to two values, broadcast to each other.
// A constant of one element stays a scalar.
func (c *converter) binary(k graph.Kind, attr any, name string, a, b *value) *value {
	shape, err := graph.Broadcast(a.shape, b.shape)
	if err != nil {
		c.refuse("%v", err)
	}
	rank := len(shape)
	single := func(v *value) bool { return v.elems() == 1 && c.known(v) }
	if single(a) && single(b) {
		a, b = c.raised(a, rank), c.raised(b, rank)
		return c.stored(c.op(k, attr, name, a.id, b.id), nil)
	}
	order := c.commonOrder(rank, a, b)
	get := func(v, other *value) graph.TensorID {
		if single(v) && other.rank() == rank {
			return c.reshape(v.id, name+"/scalar")
		}
		return c.as(c.raised(v, rank), order)
	}
	return c.stored(c.op(k, attr, name, get(a, b), get(b, a)), order)
}

// with1 applies an operator to a value and a number.
func (c *converter) with1(k graph.Kind, attr any, name string, v *value, number float32) *value {
	return c.stored(c.op(k, attr, name, v.id, c.scalar(name+"/scalar", number)), v.order)
}

func (c *converter) plus(name string, v *value, number float32) *value {
	if number == 0 {
		return v
	}
	return c.with1(graph.Add, graph.AddAttr{}, name, v, number)
}

func (c *converter) times(name string, v *value, number float32) *value {
	if number == 1 {
		return v
	}
	return c.with1(graph.Mul, graph.MulAttr{}, name, v, number)
}

// every reports whether a constant has this value in all elements.
func (c *converter) every(v *value, want float32) bool {
	f, ok := c.constant(v)
	for _, x := range f {
		ok = ok && x == want
	}
	return ok
}

func arithmetic(k graph.Kind, attr any) nodeConverter {
	return func(c *converter, in []*value) []*value {
		a, b := c.given(in, 0), c.given(in, 1)
		if a.zeroOf+b.zeroOf != "" {
			c.refuse("it multiplies by a zero point that is known at run time alone")
		}
		if len(a.units)+len(b.units) > 0 { // a product alone, of a quantized model
			if a.quant != nil || b.quant != nil {
				c.refuse("it multiplies integers of a quantized model; cast them to float before it")
			}
			y := arithmetic(k, attr)(c, []*value{bare(a), bare(b)})[0]
			w := *y
			w.units = a.units.times(b.units)
			return only(&w)
		}
		if a.ints != nil && b.ints != nil {
			return only(c.integer(c.node.Op, a, b))
		}
		a, b = c.arg(in, 0), c.arg(in, 1)
		// What changes nothing is no operator.
		if s, err := graph.Broadcast(a.shape, b.shape); err == nil {
			switch neutral := map[graph.Kind]float32{graph.Mul: 1, graph.Div: 1}[k]; {
			case sameShape(s, a.shape) && c.every(b, neutral):
				return only(a)
			case sameShape(s, b.shape) && (k == graph.Add || k == graph.Mul) && c.every(a, neutral):
				return only(b)
			}
		}
		if f, ok := c.constant(b); ok && k == graph.Div { // a product is what the NPU has
			inverse := make([]float32, len(f))
			for i, x := range f {
				if inverse[i] = 1 / x; x == 0 {
					c.refuse("a division by a constant that is 0")
				}
			}
			b = &value{typ: Float, shape: b.shape, id: c.floats(c.base+"/inverse", inverse, b.shape...)}
			return only(c.joined(graph.Mul, graph.MulAttr{}, a, b))
		}
		if root := c.rooted(b); k == graph.Div && root != graph.None { // which has a table, and a product is what the NPU has
			inverse := c.stored(c.op(graph.Rsqrt, nil, c.base+"/inverse", root), b.order)
			return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, a, inverse))
		}
		return only(c.joined(k, attr, a, b))
	}
}

// rooted returns the tensor that a value is the square root of, or None.
func (c *converter) rooted(v *value) graph.TensorID {
	if v.ints == nil {
		for i := len(c.g.Ops) - 1; i >= 0; i-- {
			if op := c.g.Ops[i]; op.Outputs[0] == v.id {
				if op.Kind == graph.Sqrt {
					return op.Inputs[0]
				}
				break
			}
		}
	}
	return graph.None
}

// joined is binary, and a GELU where the operator completes one.
func (c *converter) joined(k graph.Kind, attr any, a, b *value) *value {
	v := c.binary(k, attr, c.base, a, b)
	if g := c.gelu(k, a, b, v); g != nil {
		return g
	}
	return v
}

func variadic(k graph.Kind, attr any) nodeConverter {
	return func(c *converter, in []*value) []*value {
		for i := range in {
			c.noTruth(in, i)
		}
		v := c.given(in, 0)
		for i := 1; i < len(in); i++ {
			b := c.given(in, i)
			name := c.base
			if i+1 < len(in) {
				name = fmt.Sprintf("%s/part%d", c.base, i)
			}
			if v.ints != nil && b.ints != nil {
				v = c.integer(c.node.Op, v, b)
				continue
			}
			if v.ints != nil || b.ints != nil {
				c.refuse("it mixes integers and floats")
			}
			v = c.binary(k, attr, name, v, b)
		}
		return only(v)
	}
}

func meanNode(c *converter, in []*value) []*value {
	sum := variadic(graph.Add, graph.AddAttr{})(c, in)[0]
	return only(c.times(c.base+"/mean", sum, 1/float32(len(in))))
}

func (c *converter) reciprocal(x *value) *value {
	return c.stored(c.op(graph.Div, graph.DivAttr{}, c.base, c.scalar(c.base+"/one", 1), x.id), x.order)
}

// powNode writes the exponents that have an operator.
func powNode(c *converter, in []*value) []*value {
	x := c.given(in, 0)
	if e := c.given(in, 1); x.ints != nil && e.ints != nil {
		return only(c.integer("Pow", x, e))
	}
	x = c.arg(in, 0)
	c.noTruth(in, 1)
	e, ok := c.number(in[1])
	if !ok {
		y := in[1]
		if y.ints != nil {
			y = c.toFloat(y)
		}
		return only(c.binary(graph.Pow, nil, c.base, x, y))
	}
	switch e {
	case 1:
		return only(x)
	case 2:
		return only(c.squared(x, c.base))
	case 0.5:
		return only(c.unary(graph.Sqrt, nil, c.base, x))
	case -0.5:
		return only(c.unary(graph.Rsqrt, nil, c.base, x))
	case -1:
		return only(c.reciprocal(x))
	case 3:
		return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, c.squared(x, c.base+"/square"), x))
	case 4:
		return only(c.squared(c.squared(x, c.base+"/square"), c.base))
	case 1.5:
		return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, x, c.unary(graph.Sqrt, nil, c.base+"/root", x)))
	case 0.25:
		return only(c.unary(graph.Sqrt, nil, c.base, c.unary(graph.Sqrt, nil, c.base+"/root", x)))
	case -2:
		return only(c.squared(c.unary(graph.Rsqrt, nil, c.base+"/inverse", c.squared(x, c.base+"/square")), c.base))
	}
	return only(c.with1(graph.Pow, nil, c.base, x, e))
}

// squared is the product with itself, which the NPU has in 8 and in 16 bits.
func (c *converter) squared(x *value, name string) *value {
	return c.stored(c.op(graph.Mul, graph.MulAttr{}, name, x.id, x.id), x.order)
}

// limited cuts a value to lo..hi, by the operator that does it at once where there is one.
func (c *converter) limited(x *value, lo, hi float32, name string) *value {
	inf := float32(math.Inf(1))
	switch {
	case lo == 0 && hi >= math.MaxFloat32:
		return c.unary(graph.Relu, nil, name, x)
	case lo == 0 && hi == 6:
		return c.unary(graph.Relu6, nil, name, x)
	case lo == -1 && hi == 1:
		return c.unary(graph.ReluN1To1, nil, name, x)
	}
	if lo > -math.MaxFloat32 {
		part := name
		if hi < math.MaxFloat32 {
			part += "/low"
		}
		x = c.with1(graph.Maximum, nil, part, x, lo)
	}
	if hi < math.MaxFloat32 && hi < inf {
		x = c.with1(graph.Minimum, nil, name, x, hi)
	}
	return x
}

func clipNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	lo, hi := float32(math.Inf(-1)), float32(math.Inf(1))
	if c.node.Has("min") {
		lo = c.node.Float("min", 0)
	}
	if c.node.Has("max") {
		hi = c.node.Float("max", 0)
	}
	for i, to := range []*float32{&lo, &hi} {
		if b := opt(in, i+1); b != nil {
			v, ok := c.number(b)
			if !ok {
				c.refuse("its bounds have to be known numbers")
			}
			*to = v
		}
	}
	if lo > hi { // the upper bound has the last word
		lo = hi
	}
	return only(c.limited(x, lo, hi, c.base))
}

func (c *converter) leaky(x *value, alpha float32) *value {
	return c.unary(graph.LeakyRelu, graph.LeakyReluAttr{Alpha: alpha}, c.base, x)
}

func (c *converter) elu(x *value, alpha float32) *value {
	if alpha == 1 {
		return c.unary(graph.Elu, nil, c.base, x)
	}
	// elu(x, a) = relu(x) + a*elu(min(x, 0), 1)
	pos := c.unary(graph.Relu, nil, c.base+"/positive", x)
	neg := c.unary(graph.Elu, nil, c.base+"/elu", c.with1(graph.Minimum, nil, c.base+"/negative", x, 0))
	return c.binary(graph.Add, graph.AddAttr{}, c.base, pos, c.times(c.base+"/scaled", neg, alpha))
}

func (c *converter) hardSigmoid(x *value, alpha, beta float32) *value {
	return c.limited(c.plus(c.base+"/shifted", c.times(c.base+"/scaled", x, alpha), beta), 0, 1, c.base)
}

// softplus is relu(x) + log(1 + exp(-|x|)), which never overflows.
func (c *converter) softplus(x *value) *value {
	small := c.unary(graph.Exp, nil, c.base+"/exp", c.unary(graph.Neg, nil, c.base+"/neg", c.unary(graph.Abs, nil, c.base+"/abs", x)))
	log := c.unary(graph.Log, nil, c.base+"/log", c.plus(c.base+"/more", small, 1))
	return c.binary(graph.Add, graph.AddAttr{}, c.base, c.unary(graph.Relu, nil, c.base+"/relu", x), log)
}

func (c *converter) softsign(x *value) *value {
	return c.binary(graph.Div, graph.DivAttr{}, c.base, x, c.plus(c.base+"/more", c.unary(graph.Abs, nil, c.base+"/abs", x), 1))
}

func geluNode(c *converter, in []*value) []*value {
	return only(c.unary(graph.Gelu, graph.GeluAttr{Approximate: c.node.Text("approximate", "none") == "tanh"}, c.base, c.arg(in, 0)))
}

// preluNode with slopes that are computed is relu(x) + slope*min(x, 0).
func preluNode(c *converter, in []*value) []*value {
	x, slope := c.arg(in, 0), c.arg(in, 1)
	if f, ok := c.constant(slope); ok && len(f) > 0 && c.every(slope, f[0]) {
		return only(c.leaky(x, f[0]))
	}
	if c.known(slope) {
		return only(c.binary(graph.PRelu, nil, c.base, x, slope))
	}
	pos := c.unary(graph.Relu, nil, c.base+"/positive", x)
	neg := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/scaled", c.with1(graph.Minimum, nil, c.base+"/negative", x, 0), slope)
	return only(c.binary(graph.Add, graph.AddAttr{}, c.base, pos, neg))
}

func castNode(c *converter, in []*value) []*value {
	v, to := c.given(in, 0), DataType(c.node.Int("to", 0))
	if v.special() {
		return only(c.castSpecial(v, to))
	}
	switch {
	case to.Size() == 0:
		c.refuse("attribute to is %v, which is not computed with", to)
	case v.ints != nil && to.IsFloat():
		return only(c.toFloat(v))
	case v.computedTruth() && to.IsFloat():
		return only(c.truth(v))
	case v.computedTruth() && to == Bool:
		return only(v)
	case to == Bool && !c.known(v):
		return only(asTruth(c.nonzero(v, c.base)))
	case v.ints != nil:
		out := &value{typ: to, shape: v.shape, ints: slices.Clone(v.ints)}
		for i, x := range out.ints {
			out.ints[i] = held(to, x)
		}
		return only(out)
	case to.IsFloat(): // half precision is how numbers are stored: what is computed is not rounded to it
		f, ok := c.constant(v)
		if !ok || to == Float || to == Double {
			return only(v)
		}
		for i, x := range f {
			f[i] = halved(to, x)
		}
		return only(&value{typ: Float, shape: v.shape, id: c.floats(c.base, f, v.shape...)})
	}
	f, ok := c.constant(v)
	if !ok {
		c.refuse("attribute to is %v: values that are computed stay float here; export without the cast", to)
	}
	out := &value{typ: to, shape: v.shape, ints: make([]int64, len(f))}
	for i, x := range f {
		switch {
		case to == Bool:
			out.ints[i] = truth(x != 0)
		case !(x > -(1<<63) && x < 1<<63) || held(to, int64(x)) != int64(x):
			c.refuse("the constant %v is out of the range of %v, and ONNX leaves open what it becomes", x, to)
		default:
			out.ints[i] = int64(x)
		}
	}
	return only(out)
}

// dropoutNode passes everything on; its mask is true everywhere.
func dropoutNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	if t := opt(in, 2); t != nil && (t.ints == nil || len(t.ints) != 1 || t.ints[0] != 0) {
		c.refuse("input training_mode is set; export the model for inference (model.eval())")
	}
	mask := &value{typ: Bool, shape: v.shape, ints: make([]int64, v.elems())}
	for i := range mask.ints {
		mask.ints[i] = 1
	}
	return []*value{v, mask}
}
