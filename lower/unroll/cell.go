// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// operators is the builder as the cells see it.
type operators struct{ b *builder }

var _ cell.Builder = operators{}

func ids(vs []cell.Value) []graph.TensorID {
	out := make([]graph.TensorID, len(vs))
	for i, v := range vs {
		out[i] = graph.TensorID(v)
	}
	return out
}

func values(ids []graph.TensorID) []cell.Value {
	out := make([]cell.Value, len(ids))
	for i, id := range ids {
		out[i] = cell.Value(id)
	}
	return out
}

func (o operators) Constant(name string, data []float32, shape ...int) cell.Value {
	return cell.Value(o.b.constant(name, data, shape...))
}

func (o operators) FC(name, role string, x, w, bias cell.Value) cell.Value {
	return cell.Value(o.b.fc(name, role, graph.TensorID(x), graph.TensorID(w), graph.TensorID(bias)))
}

func (o operators) Sum(name, role string, relu bool, x, y cell.Value) cell.Value {
	act := graph.ActNone
	if relu {
		act = graph.ActRelu
	}
	return cell.Value(o.b.sum(name, role, act, graph.TensorID(x), graph.TensorID(y)))
}

func (o operators) Sub(name, role string, x, y cell.Value) cell.Value {
	return cell.Value(o.b.sub(name, role, graph.TensorID(x), graph.TensorID(y)))
}

func (o operators) Mul(name, role string, x, y cell.Value) cell.Value {
	return cell.Value(o.b.mul(name, role, graph.TensorID(x), graph.TensorID(y)))
}

func (o operators) Logistic(name, role string, x cell.Value) cell.Value {
	return cell.Value(o.b.logistic(name, role, graph.TensorID(x)))
}

func (o operators) Tanh(name, role string, x cell.Value) cell.Value {
	return cell.Value(o.b.tanh(name, role, graph.TensorID(x)))
}

func (o operators) Relu(name string, x cell.Value) cell.Value {
	return cell.Value(o.b.relu(name, graph.TensorID(x)))
}

func (o operators) Split(x cell.Value, axis int, names ...string) []cell.Value {
	return values(o.b.split(graph.TensorID(x), axis, names...))
}

func (o operators) SplitV(x cell.Value, axis int, sizes []int, names ...string) []cell.Value {
	return values(o.b.splitV(graph.TensorID(x), axis, sizes, names...))
}

func (o operators) Join(name string, axis int, xs ...cell.Value) cell.Value {
	return cell.Value(o.b.join(name, axis, ids(xs)))
}

func (o operators) Find(name string) cell.Value { return cell.Value(o.b.Graph.Find(name)) }

func (o operators) Symmetric(role string, ask bool) { o.b.Plan.Symmetric[role] = ask }

// reversed is the builder as a cell sees it that runs from the last step to the first: where
// all steps are cut apart or put together, they are in the order that they run in, while
// the tensors keep the order of time. It costs no operation.
type reversed struct {
	operators
	steps int
}

func (o reversed) Split(x cell.Value, axis int, names ...string) []cell.Value {
	if axis != 0 || len(names) != o.steps {
		return o.operators.Split(x, axis, names...)
	}
	return backward(o.operators.Split(x, axis, backward(names)...))
}

func (o reversed) Join(name string, axis int, xs ...cell.Value) cell.Value {
	if axis == 0 && len(xs) == o.steps {
		xs = backward(xs)
	}
	return o.operators.Join(name, axis, xs...)
}

// backward returns a copy in the opposite order.
func backward[T any](v []T) []T {
	v = slices.Clone(v)
	slices.Reverse(v)
	return v
}

// lowering prepares a recurrent layer whose tensors are named after name and whose
// states begin as given, and notes what is known of the states.
func (b *builder) lowering(l *nn.Layer, name string, o Options, states []graph.TensorID) *cell.Lowering {
	c := &cell.Lowering{Builder: operators{b}, Layer: *l, Steps: o.Steps, Tied: o.Tied && o.Form == NPU, Blend: o.Blend,
		Zero: !o.StateIO, Finals: map[string]string{}, S: values(states)}
	c.Name = name
	if l.Reversed {
		c.Builder = reversed{operators{b}, o.Steps}
	}
	for _, s := range cell.Of(l).States(l) {
		role := c.Role(s.Name)
		if s.Sums {
			b.Sums[role] = true
		} else {
			b.Carried[role] = true
		}
		if s.Bounded {
			// tanh, o*tanh(c) and a mean of tanh values stay within it.
			b.Bounds[role] = [2]float32{-1, 1}
		}
		if s.Within != "" {
			b.Within[c.Role(s.Within)] = role
		}
	}
	return c
}

// recurrent appends layer number l of the network with its states. rows are the inputs
// of the layer: all steps as [T,F] in the npu form, T times [1,F] in the keras form.
func (b *builder) recurrent(net *nn.Network, l int, o Options, rows func() graph.TensorID, steps func() []graph.TensorID) ([]graph.TensorID, error) {
	layer := &net.Layers[l]
	kind := cell.Of(layer)
	states := kind.States(layer)
	begin := make([]graph.TensorID, len(states))
	for i := range begin {
		begin[i] = graph.None
	}
	c := b.lowering(layer, net.LayerName(l), o, begin)
	x := graph.None
	if layer.Window > 1 {
		if o.Form == Keras {
			return nil, fmt.Errorf("network %q: layer %d: Keras has no window of %d rows before a cell: choose the npu form", net.Name, l, layer.Window)
		}
		x = b.window(net.LayerName(l), rows(), layer.Window, l, layer.Reversed, o)
	}
	if o.StateIO {
		for i, s := range states {
			begin[i] = b.stateIn(fmt.Sprintf("state_%s%d", s.Name, l), c.Role(s.Name), layer.Units)
			c.S[i] = cell.Value(begin[i])
			c.Finals[s.Name] = fmt.Sprintf("state_%s%d_out", s.Name, l)
		}
	}
	var hs []cell.Value
	if o.Form == Keras && layer.Rank > 0 {
		return nil, fmt.Errorf("network %q: layer %d: Keras has no %v cell whose recurrent matrix has rank %d: choose the npu form", net.Name, l, layer.Cell, layer.Rank)
	}
	if o.Form == Keras {
		xs := values(steps())
		if layer.Reversed {
			xs = backward(xs)
		}
		if hs = kind.Keras(c, xs); hs == nil {
			return nil, fmt.Errorf("network %q: layer %d: Keras has no %v cell: choose the npu form", net.Name, l, layer.Cell)
		}
	} else {
		if x == graph.None {
			x = rows()
		}
		hs = kind.NPU(c, cell.Value(x))
	}
	if o.StateIO {
		for i := range states {
			out := graph.TensorID(c.S[i])
			b.Graph.Outputs = append(b.Graph.Outputs, out)
			b.Graph.States = append(b.Graph.States, graph.State{In: begin[i], Out: out})
		}
	}
	if layer.Reversed {
		hs = backward(hs)
	}
	return ids(hs), nil
}

func (b *builder) stateIn(name, role string, units int) graph.TensorID {
	id := b.value(name, role, 1, units)
	b.Graph.Inputs = append(b.Graph.Inputs, id)
	return id
}
