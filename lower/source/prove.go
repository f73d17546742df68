// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/internal/onnx/eval"
)

const (
	proofInputs = 8
	fewInputs   = 2 // of a network that takes long
	longWork    = 1 << 28
	tolerance   = 1e-4
	// smallest is what differences are relative to at least: the float kernels'
	// functions have an absolute error of some 4e-7.
	smallest = 1e-2
)

// prove compares the graph with the evaluation of its source on seeded inputs. An
// output that differs is an error that names the first value that does.
func (n *Network) prove(m *onnx.Model, r *onnx.Result) error {
	exec, err := floatexec.New(r.Graph)
	if err != nil {
		return fmt.Errorf("the converted graph: %w", err)
	}
	runner := exec.Runner()
	random := rand.New(rand.NewPCG(1, 2))
	count := proofInputs
	if work(r.Graph) > longWork {
		count = fewInputs
	}
	outputs := map[graph.TensorID]bool{}
	for _, id := range r.Graph.Outputs {
		outputs[id] = true
	}
	still := map[string]bool{}
	for name := range r.Fixed {
		still[name] = true
	}
	borders := 0 // inputs on which the network jumps
	for i := 0; i < count+borders; i++ {
		sourceIn := map[string]*eval.Array{}
		var graphIn [][]float32
		for _, id := range r.Graph.Inputs {
			t := r.Graph.Tensors[id]
			x, y := make([]float64, t.Elems()), make([]float32, t.Elems())
			for i := range x {
				y[i] = float32(random.NormFloat64())
				x[i] = float64(y[i])
			}
			typ := sown(m, t.Name, x, y)
			sourceIn[t.Name] = &eval.Array{Type: typ, Shape: t.Shape, Data: x}
			graphIn = append(graphIn, y)
		}
		for name, t := range r.Fixed {
			a, err := eval.FromTensor(t)
			if err != nil {
				return err
			}
			sourceIn[name] = a
		}
		want := map[string]*eval.Array{}
		e := eval.New(m)
		e.Real, e.Still = true, still
		e.Visit = func(name string, a *eval.Array) { want[name] = a }
		made, err := e.Run(sourceIn)
		if err != nil {
			return fmt.Errorf("the import cannot be proven: %w", err)
		}
		for i, o := range m.Graph.Outputs { // Visit does not see weights
			want[o.Name] = made[i]
		}
		got := map[graph.TensorID][]float32{} // none is nil, those without elements neither
		runner.Visit = func(id graph.TensorID, v floatexec.View) { got[id] = append([]float32{}, v.Row(0)...) }
		views, err := runner.Run(1, graphIn)
		if err != nil {
			return err
		}
		for i, id := range r.Graph.Outputs {
			got[id] = append([]float32{}, views[i].Row(0)...)
		}
		first, firstName, worst := "", "", 0.0
		compared := map[graph.TensorID]bool{}
		for _, v := range r.Values {
			if got[v.Tensor] == nil || want[v.Name] == nil {
				continue
			}
			compared[v.Tensor] = true
			d := difference(got[v.Tensor], r.Graph.Tensors[v.Tensor].Shape, v.Order, want[v.Name])
			if d > tolerance && first == "" {
				first, firstName = fmt.Sprintf("%q, by %.2g", v.Name, d), v.Name
			}
			if outputs[v.Tensor] {
				worst = math.Max(worst, d)
			}
		}
		for _, id := range r.Graph.Outputs {
			if !compared[id] {
				return fmt.Errorf("BUG: output %q was compared with nothing; please report it with the file", r.Graph.Tensors[id].Name)
			}
		}
		if worst > tolerance {
			if slices.Contains(r.Choices, firstName) && math.IsInf(worst, 1) {
				return fmt.Errorf("output %q of Where: a value that it does not choose is no number, or infinite, and here the choice is a sum of both sides, each times 0 or 1; keep that side finite, as by Clip in front of a Log, a Sqrt or a Div", firstName)
			}
			if borders < count && jumps(r.Graph) && n.moves(m, sourceIn, want, still, worst) != "" {
				borders++ // another input will tell
				continue
			}
			if why := n.fragile(m, sourceIn, want, still, worst); why != "" {
				return fmt.Errorf("float32 is not enough for this network: %s; %s differs", why, first)
			}
			return fmt.Errorf("BUG: the converted graph is not the network of the file: the first value that differs is %s; please report it with the file", first)
		}
		n.Difference = math.Max(n.Difference, worst)
	}
	n.Inputs = count
	return nil
}

// fragile says why a difference comes from the precision of float32 and not from the
// conversion: weights or values near its limits, or outputs that move as much when
// the inputs move by float32's own rounding. "" is no such reason.
func (n *Network) fragile(m *onnx.Model, in, want map[string]*eval.Array, still map[string]bool, worst float64) string {
	const limit = 1e18 // whose square float32 still holds
	for _, t := range n.Graph.Tensors {
		if t.Type != graph.Float32 || t.Data == nil {
			continue
		}
		for i := 0; i < len(t.Data); i += 4 {
			if v := math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[i:])))); v != v || v > limit {
				return fmt.Sprintf("constant %q has the value %g", t.Name, v)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		for _, v := range want[name].Data {
			if math.Abs(v) > limit || v != v {
				return fmt.Sprintf("value %q reaches %g", name, v)
			}
		}
	}
	return n.moves(m, in, want, still, worst)
}

// jumps reports whether some operator has jumps: just beside such a place float32 may be on
// the other side of it.
func jumps(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Ops, func(op *graph.Op) bool {
		switch op.Kind {
		case graph.Sign, graph.Floor, graph.Ceil, graph.Round:
			return true
		}
		return false
	})
}

// moves says which output moves as much when the inputs move by float32's own rounding.
func (n *Network) moves(m *onnx.Model, in, want map[string]*eval.Array, still map[string]bool, worst float64) string {
	moved := map[string]*eval.Array{}
	for name, a := range in {
		b := *a
		if b.Type == onnx.Float && !still[name] {
			b.Data = append([]float64(nil), a.Data...)
			for i := range b.Data {
				b.Data[i] *= 1 + float64(float64(1-2*(i%2))*1e-6)
			}
		}
		moved[name] = &b
	}
	e := eval.New(m)
	e.Real, e.Still = true, still
	outs, err := e.Run(moved)
	if err != nil {
		return ""
	}
	for i, o := range m.Graph.Outputs {
		a := want[o.Name]
		if a == nil || len(a.Data) != len(outs[i].Data) {
			continue
		}
		top, most := smallest, 0.0
		for k, v := range a.Data {
			top, most = math.Max(top, math.Abs(v)), math.Max(most, math.Abs(v-outs[i].Data[k]))
		}
		if most/top > worst/100 {
			return fmt.Sprintf("output %q moves by %.2g when the inputs move by 1e-6", o.Name, most/top)
		}
	}
	return ""
}

// difference is the largest one of two values, relative to the largest element.
// Dimension i of the tensor is dimension order[i] of the source.
func difference(got []float32, shape, order []int, want *eval.Array) float64 {
	if len(got) != len(want.Data) {
		return math.Inf(1)
	}
	step := make([]int, len(shape)) // in the source, along each dimension of the tensor
	for i := range shape {
		d := i
		if order != nil {
			d = order[i]
		}
		if d >= len(want.Shape) || want.Shape[d] != shape[i] {
			return math.Inf(1)
		}
		step[i] = graph.Elems(want.Shape[d+1:])
	}
	top := smallest
	for _, v := range want.Data {
		if !math.IsInf(v, 0) && v == v {
			top = math.Max(top, math.Abs(v))
		}
	}
	worst, index := 0.0, make([]int, len(shape))
	for _, a := range got {
		at := 0
		for i, x := range index {
			at += x * step[i]
		}
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
		x, y := float64(a), want.Data[at]
		switch {
		case x == y || x != x && y != y:
		case x != x || y != y || math.IsInf(x, 0) || math.IsInf(y, 0):
			return math.Inf(1)
		default:
			worst = math.Max(worst, math.Abs(x-y)/top)
		}
	}
	return worst
}

// sown makes the seeded values of an input that the source does not declare real what they are
// there, truth values or whole numbers, and returns its type.
func sown(m *onnx.Model, name string, x []float64, y []float32) onnx.DataType {
	typ := onnx.Float
	for _, in := range m.Graph.Inputs {
		if in.Name == name && !in.Type.IsFloat() {
			typ = in.Type
		}
	}
	for i, v := range x {
		switch typ {
		case onnx.Float:
			continue
		case onnx.Bool:
			x[i] = 0
			if v > 0 {
				x[i] = 1
			}
		default: // of any width and sign
			x[i] = math.Round(math.Abs(v) * 8)
		}
		y[i] = float32(x[i])
	}
	return typ
}

// work estimates the multiplications of one call.
func work(g *graph.Graph) int {
	const poolings = 8 // an element of a window takes as long as so many products
	n := 0
	for _, op := range g.Ops {
		switch op.Kind {
		case graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D, graph.TransposeConv:
			w := g.Tensors[op.Inputs[1]]
			n += w.Elems() * max(1, g.Tensors[op.Outputs[0]].Elems()/max(1, w.Shape[0]))
		case graph.AveragePool2D, graph.MaxPool2D:
			a := op.Attr.(graph.Pool2DAttr)
			n += poolings * a.FilterH * a.FilterW * g.Tensors[op.Outputs[0]].Elems()
		}
	}
	return n
}
