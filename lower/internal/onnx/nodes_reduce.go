// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

var _ = register(map[string]nodeConverter{
	"ReduceMean": reduceNode(graph.Mean, -1, -1), "ReduceSum": reduceNode(graph.Sum, -1, -1),
	"ReduceMax": reduceNode(graph.ReduceMax, -1, -1), "ReduceMin": reduceNode(graph.ReduceMin, -1, -1),
	"ReduceSumSquare": reduceNode(graph.Sum, graph.Square, -1), "ReduceL1": reduceNode(graph.Sum, graph.Abs, -1),
	"ReduceL2": reduceNode(graph.Sum, graph.Square, graph.Sqrt), "ReduceLogSum": reduceNode(graph.Sum, -1, graph.Log),
	"ReduceLogSumExp":   reduceNode(graph.Sum, graph.Exp, graph.Log),
	"GlobalAveragePool": globalNode(graph.Mean), "GlobalMaxPool": globalNode(graph.ReduceMax),
	"Softmax": softmaxNode(graph.Softmax, graph.SoftmaxAttr{Beta: 1}), "LogSoftmax": softmaxNode(graph.LogSoftmax, nil),
	"LayerNormalization": layerNormNode, "InstanceNormalization": instanceNormNode, "BatchNormalization": batchNormNode,
})

// reduced runs an operator along dimensions, which stay with size 1 or go.
func (c *converter) reduced(k graph.Kind, v *value, over map[int]bool, keep bool, name string) *value {
	order := orderOf(v)
	var axes []int
	single := true // nothing to join
	for i, d := range order {
		if over[d] {
			axes = append(axes, i)
			single = single && v.shape[d] == 1
		}
	}
	if single && keep {
		return v
	}
	if single {
		return c.without(v, over)
	}
	got := c.stored(c.op(k, graph.ReducerAttr{KeepDims: true}, name, v.id, c.numbers("axes", axes...)), v.order)
	if !keep {
		return c.without(got, over)
	}
	return got
}

// reduceNode applies before to the elements, reduces, and applies after; -1 is nothing.
func reduceNode(k, before, after graph.Kind) nodeConverter {
	return func(c *converter, in []*value) []*value {
		v := c.arg(in, 0)
		over := c.axesAt(in, 1, v.rank())
		if len(over) == 0 {
			if c.node.Int("noop_with_empty_axes", 0) != 0 {
				return only(v)
			}
			for d := range v.shape {
				over[d] = true
			}
		}
		switch {
		case before == graph.Square:
			v = c.squared(v, c.base+"/elements")
		case before >= 0:
			v = c.unary(before, nil, c.base+"/elements", v)
		}
		v = c.reduced(k, v, over, c.node.Int("keepdims", 1) != 0, c.base)
		if after >= 0 {
			v = c.unary(after, nil, c.base+"/result", v)
		}
		return only(v)
	}
}

func globalNode(k graph.Kind) nodeConverter {
	return func(c *converter, in []*value) []*value {
		v := c.arg(in, 0)
		over := map[int]bool{}
		for d := 2; d < v.rank(); d++ {
			over[d] = true
		}
		if len(over) == 0 {
			c.refuse("input of shape %v has no spatial dimension", v.shape)
		}
		return only(c.reduced(k, v, over, true, c.base))
	}
}

// last returns the value's order with dimension a at the end.
func last(v *value, a int) []int {
	var out []int
	for _, d := range orderOf(v) {
		if d != a {
			out = append(out, d)
		}
	}
	return append(out, a)
}

// softmaxNode works along one axis from opset 13 on, before that over all
// dimensions from the axis on.
func softmaxNode(k graph.Kind, attr any) nodeConverter {
	return func(c *converter, in []*value) []*value {
		v, def := c.arg(in, 0), int64(-1)
		if c.m.Opset < 13 {
			def = 1
		}
		a := c.axis(whole(c.node.Int("axis", def)), v.rank())
		if c.m.Opset < 13 && graph.Elems(v.shape[a:]) != v.shape[a] {
			rows := c.reshape(c.plain(v), c.base+"/rows", graph.Elems(v.shape[:a]), graph.Elems(v.shape[a:]))
			return only(c.stored(c.reshape(c.op(k, attr, c.base, rows), c.base+"/shaped", v.shape...), nil))
		}
		order := last(v, a)
		return only(c.stored(c.op(k, attr, c.base, c.as(v, order)), order))
	}
}

// normalized takes mean and deviation off along dimensions, and returns also both.
func (c *converter) normalized(v *value, over map[int]bool, epsilon float32) (y, mean, inverse *value) {
	mean = c.reduced(graph.Mean, v, over, true, c.base+"/mean")
	centered := c.binary(graph.Sub, graph.SubAttr{}, c.base+"/centered", v, mean)
	variance := c.reduced(graph.Mean, c.squared(centered, c.base+"/square"), over, true, c.base+"/variance")
	inverse = c.unary(graph.Rsqrt, nil, c.base+"/inverse", c.plus(c.base+"/positive", variance, epsilon))
	return c.binary(graph.Mul, graph.MulAttr{}, c.base+"/normalized", centered, inverse), mean, inverse
}

func layerNormNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	over := map[int]bool{}
	for d := c.axis(whole(c.node.Int("axis", -1)), v.rank()); d < v.rank(); d++ {
		over[d] = true
	}
	y, mean, inverse := c.normalized(v, over, c.node.Float("epsilon", 1e-5))
	y = c.binary(graph.Mul, graph.MulAttr{}, c.base+"/scaled", y, c.arg(in, 1))
	if opt(in, 2) != nil {
		y = c.binary(graph.Add, graph.AddAttr{}, c.base, y, c.arg(in, 2))
	}
	return []*value{y, mean, inverse}
}

// channel returns a constant of one number for each channel, dimension 1, ready to
// be broadcast.
func (c *converter) channel(in []*value, i int, v *value) *value {
	p := c.arg(in, i)
	if !c.known(p) || p.elems() != v.shape[1] {
		c.refuse("input %d has shape %v, expected a known number for each of the %d channels", i, p.shape, v.shape[1])
	}
	shape := make([]int, v.rank())
	for d := range shape {
		shape[d] = 1
	}
	shape[1] = v.shape[1]
	return c.reshaped(p, shape)
}

func instanceNormNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	if v.rank() < 3 {
		c.refuse("input of shape %v has no spatial dimension", v.shape)
	}
	over := map[int]bool{}
	for d := 2; d < v.rank(); d++ {
		over[d] = true
	}
	scale, bias := c.channel(in, 1, v), c.channel(in, 2, v)
	y, _, _ := c.normalized(v, over, c.node.Float("epsilon", 1e-5))
	return only(c.binary(graph.Add, graph.AddAttr{}, c.base, c.binary(graph.Mul, graph.MulAttr{}, c.base+"/scaled", y, scale), bias))
}

// batchNormNode is a factor and a summand for every channel; simplify moves them
// into the weights before where there are some.
func batchNormNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	if c.node.Int("training_mode", 0) != 0 || len(c.node.Outputs) > 1 && c.node.Out(1) != "" {
		c.refuse("attribute training_mode is set; export the model for inference (model.eval())")
	}
	if v.rank() < 2 {
		c.refuse("input of shape %v has no channels", v.shape)
	}
	var p [4]*value
	for i := range p {
		p[i] = c.channel(in, i+1, v)
	}
	deviation := c.unary(graph.Sqrt, nil, c.base+"/deviation", c.plus(c.base+"/positive", p[3], c.node.Float("epsilon", 1e-5)))
	factor := c.binary(graph.Div, graph.DivAttr{}, c.base+"/factor", p[0], deviation)
	summand := c.binary(graph.Sub, graph.SubAttr{}, c.base+"/summand", p[1], c.binary(graph.Mul, graph.MulAttr{}, c.base+"/shift", p[2], factor))
	y := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/scaled", v, factor)
	return only(c.binary(graph.Add, graph.AddAttr{}, c.base, y, summand))
}
