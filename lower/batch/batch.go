// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/graph"
)

// MaxWindows bounds the windows of a call. No NPU of these shares a decoded weight between
// more columns.
const MaxWindows = 64

// Windows returns a graph that computes n windows a call: every input, output and state is n of
// those of g, one after the other, in the first dimension. Window i of every output is, bit for
// bit, what g gives for window i of the inputs and states. Tensors keep their
// names. The error names the operator that cannot be computed for several windows.
func Windows(g *graph.Graph, n int) (*graph.Graph, error) {
	if n < 1 || n > MaxWindows {
		return nil, fmt.Errorf("%d windows a call: expected 1 to %d", n, MaxWindows)
	}
	if n == 1 {
		return g, nil
	}
	var bytes int64
	for _, t := range g.Tensors {
		bytes += int64(t.Bytes())
	}
	if err := budget.Ask(fmt.Sprintf("a graph of %d windows a call", n), budget.Times(bytes, int64(n))); err != nil {
		return nil, err
	}
	m := &maker{from: g, n: n, g: &graph.Graph{Name: g.Name}, at: map[graph.TensorID]value{}, laid: map[laid]graph.TensorID{},
		constants: map[graph.TensorID]graph.TensorID{}, names: map[string]bool{}}
	for _, t := range g.Tensors {
		m.names[t.Name] = true
		if t.Variable {
			return nil, fmt.Errorf("%q keeps its value inside the network from call to call: several windows a call need states that are inputs and outputs (the other forms of the layer have them)", t.Name)
		}
	}
	for _, id := range g.Inputs {
		t := g.Tensors[id]
		if len(t.Shape) == 0 {
			return nil, fmt.Errorf("input %q is a scalar: several windows a call need a dimension to lie along", t.Name)
		}
		m.g.Inputs = append(m.g.Inputs, m.add(id, 1, merged(t.Shape, 0, n)))
	}
	for i, op := range g.Ops {
		rule := rules[op.Kind]
		if rule == nil {
			return nil, fmt.Errorf("%s: there is no rule for several windows a call; take the operator out, or call the network once for each window", g.OpString(i))
		}
		if err := rule(m, op); err != nil {
			return nil, fmt.Errorf("%s: several windows a call: %w", g.OpString(i), err)
		}
	}
	if err := m.finish(); err != nil {
		return nil, err
	}
	if err := m.g.Validate(); err != nil {
		panic(fmt.Sprintf("BUG: %d windows a call of a valid graph: %v", n, err))
	}
	return m.g, nil
}

// maker writes the graph of n windows.
type maker struct {
	from, g   *graph.Graph
	n         int
	at        map[graph.TensorID]value
	laid      map[laid]graph.TensorID // values again, in other layouts
	constants map[graph.TensorID]graph.TensorID
	names     map[string]bool
}

// value is where the n windows of a tensor are. The tensor has any shape: only its elements
// in order count.
type value struct {
	id    graph.TensorID
	outer int
}

type laid struct {
	id    graph.TensorID
	outer int
}

// position returns the dimension of a shape before which outer elements end.
func position(shape []int, outer int) (int, bool) {
	product := 1
	for p := range len(shape) + 1 {
		if product == outer {
			return p, true
		}
		if p < len(shape) {
			product *= shape[p]
		}
	}
	return 0, false
}

// merged is a shape whose windows begin before dimension p, in as many dimensions.
func merged(shape []int, p, n int) []int {
	s := slices.Clone(shape)
	s[max(p-1, 0)] *= n
	return s
}

// opened is a shape with a dimension of its own for windows, before dimension p.
func opened(shape []int, p, n int) []int { return slices.Insert(slices.Clone(shape), p, n) }

func (m *maker) shape(id graph.TensorID) []int { return m.from.Tensors[id].Shape }

// of returns the value of a tensor. Operators come after what they read, so it is there.
func (m *maker) of(id graph.TensorID) value {
	v, ok := m.at[id]
	if !ok {
		panic(fmt.Sprintf("BUG: %q is read before it is made", m.from.Tensors[id].Name))
	}
	return v
}

// add makes the tensor for all windows of a tensor.
func (m *maker) add(id graph.TensorID, outer int, shape []int) graph.TensorID {
	t := m.from.Tensors[id]
	m.at[id] = value{m.g.Add(&graph.Tensor{Name: t.Name, Type: t.Type, Quant: t.Quant, Shape: shape}), outer}
	return m.at[id].id
}

// name returns a name that no tensor has.
func (m *maker) name(name string) string {
	for try, n := name, 1; ; n++ {
		if !m.names[try] {
			m.names[try] = true
			return try
		}
		try = fmt.Sprintf("%s_%d", name, n)
	}
}

// constant returns a parameter of an operator as it is.
func (m *maker) constant(id graph.TensorID) graph.TensorID {
	if id == graph.None {
		return id
	}
	to, ok := m.constants[id]
	if !ok {
		t := *m.from.Tensors[id]
		to = m.g.Add(&t)
		m.constants[id] = to
	}
	return to
}

// ints adds an int32 constant.
func (m *maker) ints(what string, v []int, shape ...int) graph.TensorID {
	t := &graph.Tensor{Name: m.name("windows/" + what), Type: graph.Int32, Shape: shape}
	t.SetInts(v)
	return m.g.Add(t)
}

// op appends an operator.
func (m *maker) op(k graph.Kind, attr any, outputs []graph.TensorID, inputs ...graph.TensorID) {
	m.g.Ops = append(m.g.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: inputs, Outputs: outputs})
}

// copied appends a movement of a value into a new tensor of its quantization.
func (m *maker) copied(k graph.Kind, attr any, name string, shape []int, x graph.TensorID, more ...graph.TensorID) graph.TensorID {
	t := m.g.Tensors[x]
	out := m.g.Add(&graph.Tensor{Name: m.name(name), Type: t.Type, Quant: t.Quant, Shape: shape})
	m.op(k, attr, []graph.TensorID{out}, append([]graph.TensorID{x}, more...)...)
	return out
}

// reshaped returns a tensor in another shape.
func (m *maker) reshaped(x graph.TensorID, shape []int) graph.TensorID {
	if slices.Equal(m.g.Tensors[x].Shape, shape) {
		return x
	}
	return m.copied(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, m.g.Tensors[x].Name+"/shaped", shape, x)
}

// get returns a value with the windows behind outer elements, in any shape.
func (m *maker) get(id graph.TensorID, outer int) graph.TensorID {
	v := m.of(id)
	if v.outer == outer {
		return v.id
	}
	key := laid{id, outer}
	if x, ok := m.laid[key]; ok {
		return x
	}
	t := m.from.Tensors[id]
	if v.outer != 1 && outer != 1 { // by way of the windows one after the other
		v = value{m.get(id, 1), 1}
	}
	elems := t.Elems()
	var x graph.TensorID
	if outer == 1 {
		x = m.reshaped(v.id, []int{v.outer, m.n, elems / v.outer})
		x = m.copied(graph.Transpose, nil, t.Name+"/windows", []int{m.n, v.outer, elems / v.outer}, x, m.ints("order", []int{1, 0, 2}, 3))
	} else {
		x = m.reshaped(v.id, []int{m.n, outer, elems / outer})
		x = m.copied(graph.Transpose, nil, t.Name+"/steps", []int{outer, m.n, elems / outer}, x, m.ints("order", []int{1, 0, 2}, 3))
	}
	m.laid[key] = x
	return x
}

// finish gives the outputs their layout and pairs the states.
func (m *maker) finish() error {
	g := m.from
	for _, id := range g.Outputs {
		t := g.Tensors[id]
		if t.IsConst() {
			return fmt.Errorf("output %q is constant: it has no windows", t.Name)
		}
		if len(t.Shape) == 0 {
			return fmt.Errorf("output %q is a scalar: several windows a call need a dimension to lie along", t.Name)
		}
		v, want := m.of(id), merged(t.Shape, 0, m.n)
		if v.outer != 1 || !slices.Equal(m.g.Tensors[v.id].Shape, want) {
			inner := m.g.Tensors[v.id]
			x := m.reshaped(m.get(id, 1), want)
			inner.Name, m.g.Tensors[x].Name = m.name(t.Name+"/inner"), t.Name
			v = value{x, 1}
			m.at[id] = v
		}
		m.g.Outputs = append(m.g.Outputs, v.id)
	}
	for _, s := range g.States {
		m.g.States = append(m.g.States, graph.State{In: m.of(s.In).id, Out: m.of(s.Out).id})
	}
	return nil
}
