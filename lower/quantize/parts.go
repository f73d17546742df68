// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Kernels have weights of 8 bits. Weights of 16 are two matrices of 8, W = A + B, of which
// B holds what rounding to A has left, in steps finer by twice the levels: one product of
// 16-bit values gives the rows of both, each with a scale of its own, and an ADD sums the
// halves. Where the outputs of one operator cannot be those of both, since which inputs an
// output sees follows from its place, there are two.

// partsRoom is how much more than the range of the sum a part may take, as a part of it:
// the coarse one alone may lie beyond.
const partsRoom = 1.0 / 32

// hasParts are the operators whose weights can have 16 bits: those whose outputs are rows
// of weights of their own.
var hasParts = map[graph.Kind]bool{graph.FullyConnected: true, graph.Conv2D: true, graph.DepthwiseConv2D: true}

// partsApart reports whether the parts of an operator's weights take an operator each.
func (c *converter) partsApart(op *graph.Op) bool {
	switch op.Kind {
	case graph.DepthwiseConv2D:
		return true
	case graph.Conv2D: // groups
		in, w := c.plan.Graph.Tensors[op.Inputs[0]].Shape, c.plan.Graph.Tensors[op.Inputs[1]].Shape
		return in[len(in)-1] != w[len(w)-1]
	}
	return false
}

// Matrices names the weights of a plan's graph that can have 16 bits, in its order: with
// such a name in Options.Wide they do.
func Matrices(plan *unroll.Plan) []string {
	names := map[string]int{} // that something has, tensors or roles
	for _, r := range plan.Roles() {
		names[r]++
	}
	for id, t := range plan.Graph.Tensors {
		if plan.Role[id] == "" {
			names[t.Name]++
		}
	}
	var list []string
	for _, op := range plan.Graph.Ops {
		if !hasParts[op.Kind] {
			continue
		}
		t := plan.Graph.Tensors[op.Inputs[1]]
		if t.IsConst() && t.Type == graph.Float32 && names[t.Name] == 1 && !slices.Contains(list, t.Name) {
			list = append(list, t.Name)
		}
	}
	return list
}

// inParts reports whether the weights of an operator have 16 bits.
func (c *converter) inParts(op *graph.Op) bool {
	return c.wideRoles != nil && hasParts[op.Kind] && c.isFloat(op.Inputs[1]) && c.wideRoles[c.plan.Graph.Tensors[op.Inputs[1]].Name]
}

// parts is product for weights of 16 bits.
func (c *converter) parts(op *graph.Op) error {
	x, excess, narrow := c.factor(op, op.Inputs[0], graph.Int16)
	in, out := c.out.Tensors[x].Quant, c.quant(c.role(op.Outputs[0]), graph.Int16)
	if narrow {
		c.reach(op.Inputs[1], in, out)
	}
	sums := graph.PerTensor(float32(float64(out.Scales[0])*(1+partsRoom)), 0)
	m, err := c.matrixParts(op, in, sums, excess)
	if err != nil {
		return err
	}
	y := c.plan.Graph.Tensors[op.Outputs[0]]
	var halves []graph.TensorID
	for _, name := range []string{"_coarse", "_fine"} {
		halves = append(halves, c.out.Add(&graph.Tensor{Name: y.Name + name, Type: graph.Int16, Shape: y.Shape, Quant: sums}))
	}
	linear, ok := op.WithFused(graph.ActNone)
	if !ok {
		panic(fmt.Sprintf("BUG: %v has no parts", op.Kind))
	}
	product := func(p part, out graph.TensorID) {
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: op.Kind, Attr: linear, Inputs: []graph.TensorID{x, p.weights, p.bias}, Outputs: []graph.TensorID{out}})
	}
	if len(m) > 1 {
		for i, p := range m {
			product(p, halves[i])
		}
	} else {
		last := len(y.Shape) - 1
		double := slices.Clone(y.Shape)
		double[last] *= 2
		both := c.out.Add(&graph.Tensor{Name: y.Name + "_parts", Type: graph.Int16, Shape: double, Quant: sums})
		product(m[0], both)
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: graph.Split, Attr: graph.SplitAttr{NumSplits: 2}, Inputs: []graph.TensorID{c.axis(last), both}, Outputs: halves})
	}
	return c.finishAs(graph.Add, graph.AddAttr{Activation: op.Fused()}, op, halves)
}

// axis returns the index constant of an axis to split along.
func (c *converter) axis(n int) graph.TensorID {
	if id, ok := c.axisOf[n]; ok {
		return id
	}
	id := c.out.Add(&graph.Tensor{Name: fmt.Sprintf("parts_axis_%d", n), Type: graph.Int32, Shape: []int{}, Data: binary.LittleEndian.AppendUint32(nil, uint32(n))})
	c.axisOf[n] = id
	return id
}

// partsKey identifies the two parts of weights with their bias.
type partsKey struct {
	id, bias graph.TensorID
	in, out  float32
	excess   int32
}

// part is what one product takes.
type part struct{ weights, bias graph.TensorID }

// matrixParts quantizes weights to two parts, and the bias to the scale of the coarse
// products: one set of weights, the rows of the coarse part first, or one for each.
func (c *converter) matrixParts(op *graph.Op, in, out *graph.Quant, excess int32) ([]part, error) {
	id, bias := op.Inputs[1], graph.None
	if len(op.Inputs) > 2 {
		bias = op.Inputs[2]
	}
	key := partsKey{id, bias, in.Scales[0], out.Scales[0], excess}
	if got, ok := c.partsOf[key]; ok {
		return got, nil
	}
	src := c.plan.Graph.Tensors[id]
	rows, axis, of := channels(op, src.Shape)
	w, b := floats(src), make([]float32, rows)
	if bias != graph.None {
		copy(b, floats(c.plan.Graph.Tensors[bias]))
	}
	coarse, err := c.weightScales(src.Name, w, b, in, out, of)
	if err != nil {
		return nil, err
	}
	levels := float64(c.o.WeightLevels)
	fine := make([]float32, rows)
	least := math.Ldexp(float64(out.Scales[0])/float64(in.Scales[0]), -28)
	for o, s := range coarse {
		fine[o] = float32(math.Max(float64(s)/(2*levels), least))
	}
	values := [2][]byte{make([]byte, len(w)), make([]byte, len(w))}
	for i, v := range w {
		rest := float64(v)
		for part, scales := range [][]float32{coarse, fine} {
			s := float64(scales[of(i)])
			q := min(max(math.Round(rest/s), -levels), levels)
			values[part][i] = byte(int8(q))
			rest -= float64(q * s)
		}
	}
	biasName := src.Name + "_parts_bias"
	if bias != graph.None {
		biasName = c.plan.Graph.Tensors[bias].Name + "_parts"
	}
	var made []part
	add := func(suffix string, shape []int, scales []float32, data []byte, b []float32) error {
		p := part{weights: c.out.Add(&graph.Tensor{Name: src.Name + "_parts" + suffix, Type: graph.Int8, Shape: shape, Quant: graph.PerChannel(scales, axis), Data: data})}
		p.bias, err = c.addBias(op, biasName+suffix, b, p.weights, in, excess, graph.Int16)
		made = append(made, p)
		return err
	}
	if c.partsApart(op) {
		if err = add("_coarse", src.Shape, coarse, values[0], b); err == nil {
			err = add("_fine", src.Shape, fine, values[1], make([]float32, rows))
		}
	} else {
		shape := slices.Clone(src.Shape)
		shape[axis] *= 2
		err = add("", shape, append(coarse, fine...), append(values[0], values[1]...), append(b, make([]float32, rows)...))
	}
	if err == nil {
		c.partsOf[key] = made
	}
	return made, err
}
