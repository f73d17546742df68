// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"fmt"
	"maps"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// converter builds the integer graph.
type converter struct {
	plan   *unroll.Plan
	o      Options
	ranges map[string]Range
	out    *graph.Graph

	quants    map[quantKey]*graph.Quant
	narrow    map[string]bool // roles that stay int8 in a mixed graph
	wideRoles map[string]bool // roles that have 16 bits where each has a width of its own, else nil
	center    map[string]bool // 8-bit roles that need zero point 0

	value map[graph.TensorID]graph.TensorID // by float tensor
	wide  map[graph.TensorID]graph.TensorID // int16 copy, by narrow tensor of the new graph

	requant map[requantKey]graph.TensorID

	weightOf map[weightKey]graph.TensorID
	biasOf   map[biasKey]graph.TensorID
	constOf  map[constKey]graph.TensorID

	partsOf map[partsKey][]part
	axisOf  map[int]graph.TensorID

	// meanOf has by quantized weights what their errors add to each output on average.
	meanOf map[graph.TensorID][]float64
}

type quantKey struct {
	role string
	t    graph.DType
}

// eightOnly are operators whose kernels have 8 bits alone: what they read and write in 16
// is converted.
var eightOnly = map[graph.Kind]bool{graph.Elu: true, graph.HardSwish: true, graph.Div: true, graph.Floor: true, graph.Ceil: true, graph.Round: true,
	graph.ResizeBilinear: true}

// compute is the type that an operator with arithmetic works in: the widest that it
// reads or writes where roles have widths of their own, else that of the scheme.
func (c *converter) compute(op *graph.Op) graph.DType {
	if eightOnly[op.Kind] {
		return graph.Int8
	}
	if c.wideRoles == nil {
		if c.o.Activations == Int8 {
			return graph.Int8
		}
		return graph.Int16
	}
	if c.inParts(op) {
		return graph.Int16
	}
	for i, id := range op.Inputs {
		if id != graph.None && c.wideRoles[c.plan.Role[id]] && !(i == 0 && c.readsNarrow(op)) {
			return graph.Int16
		}
	}
	for _, id := range op.Outputs {
		if c.wideRoles[c.plan.Role[id]] {
			return graph.Int16
		}
	}
	return graph.Int8
}

// typeOf is the type that the tensors of a role are kept in.
func (c *converter) typeOf(role string) graph.DType {
	switch {
	case c.wideRoles != nil:
		if c.wideRoles[role] {
			return graph.Int16
		}
		return graph.Int8
	case c.narrow[role] || c.o.Activations == Int8:
		return graph.Int8
	}
	return graph.Int16
}

// quant returns the one quantization of a role.
func (c *converter) quant(role string, t graph.DType) *graph.Quant {
	key := quantKey{role, t}
	if c.quants[key] == nil {
		c.quants[key] = params(c.plan, role, c.ranges[role], t, c.center[role])
	}
	return c.quants[key]
}

// tensor returns the new tensor of a float value or index constant.
func (c *converter) tensor(id graph.TensorID) graph.TensorID {
	if got, ok := c.value[id]; ok {
		return got
	}
	src := c.plan.Graph.Tensors[id]
	t := &graph.Tensor{Name: src.Name, Type: src.Type, Shape: src.Shape, Data: src.Data}
	if role := c.plan.Role[id]; role != "" {
		t.Type = c.typeOf(role)
		t.Quant = c.quant(role, t.Type)
		if src.IsConst() { // a value like the others of its role, known beforehand
			t.Data = make([]byte, t.Bytes())
			if err := Values(t.Data, t, floats(src)); err != nil {
				panic("BUG: " + err.Error()) // the builder of the plan chose the value
			}
		}
	}
	c.value[id] = c.out.Add(t)
	return c.value[id]
}

// mix chooses the roles that stay in 8 bits in a mixed graph: what the caller
// sees, and states also where it does not, but for sums without a bound: NPUs
// multiply 8-bit values at twice the rate.
//
// Operators read them through a CAST, which copies the integers: in 16 bits, where
// kernels want zero point 0, such a value is off by scale times zero point. A bias
// takes that back; where something else than a product reads the role, its zero
// point has to be 0 from the start.
func (c *converter) mix() {
	g := c.plan.Graph
	for _, ids := range [][]graph.TensorID{g.Inputs, g.Outputs} {
		for _, id := range ids {
			role := c.plan.Role[id]
			c.narrow[role] = !c.plan.Sums[role]
		}
	}
	for role := range c.plan.Carried {
		c.narrow[role] = true
	}
	c.centerRead()
}

// widen chooses the roles that have 16 bits where the caller names them. Outputs of
// functions whose 8-bit zero point is prescribed join them where an operator other
// than a product reads them in 16 bits, which needs zero point 0.
func (c *converter) widen() {
	c.wideRoles = maps.Clone(c.o.Wide)
	for changed := true; changed; {
		changed = false
		for _, op := range c.plan.Graph.Ops {
			if !centered(op) || c.compute(op) == graph.Int8 {
				continue
			}
			for _, id := range op.Inputs {
				k, fixed := c.plan.Fixed[c.role(id)]
				if fixed && graph.Describe(k).Fixed.Zero8 != 0 && !c.wideRoles[c.role(id)] {
					c.wideRoles[c.role(id)], changed = true, true
				}
			}
		}
	}
	c.centerRead()
}

// centerRead marks the 8-bit roles whose copy in 16 bits an operator other than a
// product reads.
func (c *converter) centerRead() {
	for _, op := range c.plan.Graph.Ops {
		if !centered(op) || c.compute(op) == graph.Int8 {
			continue
		}
		for _, id := range op.Inputs {
			if role := c.role(id); role != "" && c.typeOf(role) == graph.Int8 {
				c.center[role] = true
			}
		}
	}
	for _, op := range c.plan.Graph.Ops {
		for _, id := range op.DataInputs() {
			if op.Kind.Keeps() && c.plan.Converts(op, id) && c.typeOf(c.role(id)) == graph.Int8 && c.typeOf(c.role(op.Outputs[0])) == graph.Int16 {
				c.center[c.role(id)] = true
			}
		}
	}
}

// centered reports whether an operator takes 16-bit inputs of zero point 0 alone,
// since no bias can make up for another: padding puts real 0 beside them.
func centered(op *graph.Op) bool {
	switch a := op.Attr.(type) {
	case graph.Conv2DAttr:
		return a.Padding == graph.PadSame
	case graph.DepthwiseConv2DAttr:
		return a.Padding == graph.PadSame
	}
	return op.Kind != graph.FullyConnected && !op.Kind.Moves()
}

// role returns the role of a tensor, "" for constants and absent inputs.
func (c *converter) role(id graph.TensorID) string {
	if id == graph.None {
		return ""
	}
	return c.plan.Role[id]
}

// read returns the tensor in the type an operator works in, through a CAST where it
// is kept in 8 bits and a QUANTIZE where in 16, and what the integers there are too
// large by.
func (c *converter) read(id graph.TensorID, in graph.DType) (got graph.TensorID, excess int32) {
	role := c.plan.Role[id]
	if role == "" {
		return c.operand(id, in), 0
	}
	got = c.tensor(id)
	if c.typeOf(role) == in {
		return got, 0
	}
	src := c.out.Tensors[got]
	w, ok := c.wide[got]
	if !ok && in == graph.Int8 {
		w = c.out.Add(&graph.Tensor{Name: src.Name + "_int8", Type: graph.Int8, Shape: src.Shape, Quant: c.quant(role, graph.Int8)})
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: graph.Quantize, Inputs: []graph.TensorID{got}, Outputs: []graph.TensorID{w}})
		c.wide[got] = w
		return w, 0
	}
	if in == graph.Int8 {
		return w, 0
	}
	return c.cast(got)
}

// readCentered is read for what takes 16 bits with zero point 0 alone. An 8-bit value whose
// zero point is another, since a kernel prescribes it, is converted: its copy would be off.
func (c *converter) readCentered(id graph.TensorID, in graph.DType) graph.TensorID {
	role := c.plan.Role[id]
	if role == "" || in == graph.Int8 || c.typeOf(role) == graph.Int16 || c.out.Tensors[c.tensor(id)].ZeroPoint() == 0 {
		got, _ := c.read(id, in)
		return got
	}
	key := requantKey{c.tensor(id), role}
	to, ok := c.requant[key]
	if !ok {
		src := c.out.Tensors[key.id]
		to = c.out.Add(&graph.Tensor{Name: src.Name + "_centered", Type: graph.Int16, Shape: src.Shape, Quant: c.quant(role, graph.Int16)})
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: graph.Quantize, Inputs: []graph.TensorID{key.id}, Outputs: []graph.TensorID{to}})
		c.requant[key] = to
	}
	return to
}

// cast returns the copy in 16 bits of an 8-bit tensor of the new graph, and what its
// integers are too large by.
func (c *converter) cast(narrow graph.TensorID) (wide graph.TensorID, excess int32) {
	src := c.out.Tensors[narrow]
	wide, ok := c.wide[narrow]
	if !ok {
		wide = c.out.Add(&graph.Tensor{Name: src.Name + "_int16", Type: graph.Int16, Shape: src.Shape, Quant: graph.PerTensor(src.Scale(), 0)})
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: graph.Cast, Attr: graph.CastAttr{In: graph.Int8, Out: graph.Int16}, Inputs: []graph.TensorID{narrow}, Outputs: []graph.TensorID{wide}})
		c.wide[narrow] = wide
	}
	return wide, src.ZeroPoint()
}

// requantized returns the value of a tensor in the quantization of another role.
func (c *converter) requantized(id graph.TensorID, role string) graph.TensorID {
	t, got := c.typeOf(role), c.tensor(id)
	if t == graph.Int16 {
		got = c.readCentered(id, t)
	}
	key := requantKey{got, role}
	if to, ok := c.requant[key]; ok {
		return to
	}
	src := c.out.Tensors[got]
	to := c.out.Add(&graph.Tensor{Name: src.Name + "_as_" + role, Type: t, Shape: src.Shape, Quant: c.quant(role, t)})
	c.out.Ops = append(c.out.Ops, &graph.Op{Kind: graph.Quantize, Inputs: []graph.TensorID{got}, Outputs: []graph.TensorID{to}})
	c.requant[key] = to
	return to
}

type requantKey struct {
	id   graph.TensorID
	role string
}

// conversions is the table of how operators become integer ones. What keeps the
// quantization of values does so here.
var conversions = graph.NewStage[func(c *converter, op *graph.Op) error]("quantization", func(d *graph.Descriptor) (func(c *converter, op *graph.Op) error, bool) {
	switch {
	case d.Kind.Keeps():
		return (*converter).keep, true
	case d.Real != nil:
		return (*converter).elementwise, true
	}
	return nil, false
})

func init() {
	conversions.Set((*converter).product, graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D, graph.TransposeConv)
	conversions.Set((*converter).elementwise, graph.Add, graph.Sub, graph.Mul, graph.Div, graph.SquaredDifference,
		graph.Softmax, graph.Mean, graph.Sum, graph.BatchMatMul)
}

// convert appends the integer form of one float operator.
func (c *converter) convert(op *graph.Op) error {
	f, err := conversions.Get(op.Kind)
	if err != nil {
		return err
	}
	return f(c, op)
}

// keep leaves the values' quantization as it is.
func (c *converter) keep(op *graph.Op) error {
	next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
	role := c.role(op.Outputs[0])
	narrow := eightOnly[op.Kind] && c.typeOf(role) == graph.Int16
	for _, id := range op.Inputs {
		switch {
		case narrow && c.role(id) != "": // the one input, of the output's role
			id, _ = c.read(id, graph.Int8)
		case c.plan.Converts(op, id):
			id = c.requantized(id, role)
		case id != graph.None && c.isFloat(id):
			id = c.constant(id, c.typeOf(role), c.quant(role, c.typeOf(role)))
		case id != graph.None:
			id = c.tensor(id)
		}
		next.Inputs = append(next.Inputs, id)
	}
	if narrow {
		return c.finish(op, next.Inputs)
	}
	if c.changesNothing(op, next) {
		return nil
	}
	for _, id := range op.Outputs {
		next.Outputs = append(next.Outputs, c.tensor(id))
	}
	c.out.Ops = append(c.out.Ops, next)
	return nil
}

// isFloat reports whether a tensor is a constant of real numbers.
func (c *converter) isFloat(id graph.TensorID) bool {
	t := c.plan.Graph.Tensors[id]
	return t.IsConst() && t.Type == graph.Float32
}

// product quantizes the weights and the bias of a matrix product or convolution.
func (c *converter) product(op *graph.Op) error {
	data, weights, bias := 0, 1, 2
	if op.Kind == graph.TransposeConv {
		data, bias = 2, 3
	}
	if !c.isFloat(op.Inputs[weights]) {
		return fmt.Errorf("the weights %q are computed, expected a constant", c.plan.Graph.Tensors[op.Inputs[weights]].Name)
	}
	if c.inParts(op) {
		return c.parts(op)
	}
	compute, b := c.compute(op), graph.None
	if bias < len(op.Inputs) {
		b = op.Inputs[bias]
	}
	x, excess, narrow := c.factor(op, op.Inputs[data], compute)
	in, out := c.out.Tensors[x].Quant, c.quant(c.role(op.Outputs[0]), compute)
	if compute == graph.Int16 && narrow {
		c.reach(op.Inputs[weights], in, out)
	}
	w, err := c.weights(op, op.Inputs[weights], b, in, out)
	if err != nil {
		return err
	}
	if b, err = c.bias(op, b, w, in, excess, compute); err != nil {
		return err
	}
	if op.Kind == graph.TransposeConv {
		return c.finish(op, []graph.TensorID{c.tensor(op.Inputs[0]), w, x, b})
	}
	return c.finish(op, []graph.TensorID{x, w, b})
}

// elementwise reads operands that are all of the computing type; index constants stay.
func (c *converter) elementwise(op *graph.Op) error {
	var ins []graph.TensorID
	for _, id := range op.Inputs {
		if id != graph.None && c.role(id) == "" && !c.isFloat(id) {
			ins = append(ins, c.tensor(id))
			continue
		}
		ins = append(ins, c.readCentered(id, c.compute(op)))
	}
	return c.finish(op, ins)
}

// finish appends the operator with its result in the type and quantization of its role.
func (c *converter) finish(op *graph.Op, ins []graph.TensorID) error {
	return c.finishAs(op.Kind, op.Attr, op, ins)
}

// finishAs is finish with an operator of another kind, which gives what op does.
func (c *converter) finishAs(kind graph.Kind, attr any, op *graph.Op, ins []graph.TensorID) error {
	next := &graph.Op{Kind: kind, Attr: attr, Inputs: ins}
	role, compute := c.role(op.Outputs[0]), c.compute(op)
	quant := c.quant(role, compute)
	fixed := graph.Describe(kind).Fixed
	if _, ok := c.plan.Fixed[role]; !ok && fixed != (graph.Fixed{}) {
		quant = prescribed(fixed, compute) // of the kernel, but not of what shares the role
	}
	y := c.tensor(op.Outputs[0])
	if dst := c.out.Tensors[y]; dst.Type == compute && dst.Quant.Equal(quant) {
		next.Outputs = []graph.TensorID{y}
		c.out.Ops = append(c.out.Ops, next)
		return nil
	}
	dst := c.out.Tensors[y]
	w := c.out.Add(&graph.Tensor{Name: dst.Name + "_wide", Type: compute, Shape: dst.Shape, Quant: quant})
	next.Outputs = []graph.TensorID{w}
	c.out.Ops = append(c.out.Ops, next,
		&graph.Op{Kind: graph.Quantize, Inputs: []graph.TensorID{w}, Outputs: []graph.TensorID{y}})
	return nil
}
