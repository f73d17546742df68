// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// builder appends operators and tensors to a plan.
type builder struct {
	*Plan
	ints  map[string]graph.TensorID // index constants, shared by content
	input *sequence                 // the network's input, once a layer has read it

	windows map[graph.TensorID]window         // of what fc takes
	images  map[graph.TensorID]graph.TensorID // such rows as an image
}

func newBuilder(name string) *builder {
	return &builder{
		Plan: &Plan{
			Graph: &graph.Graph{Name: name},
			Fixed: map[string]graph.Kind{}, Feeds: map[string]graph.Kind{}, Bounds: map[string][2]float32{}, Given: map[string][2]float32{},
			Head: map[string]bool{}, Sums: map[string]bool{}, Carried: map[string]bool{}, Symmetric: map[string]bool{}, Within: map[string]string{},
		},
		ints: map[string]graph.TensorID{}, windows: map[graph.TensorID]window{}, images: map[graph.TensorID]graph.TensorID{},
	}
}

func (b *builder) add(t *graph.Tensor, role string) graph.TensorID {
	b.Role = append(b.Role, role)
	return b.Graph.Add(t)
}

// value adds a computed or fed tensor.
func (b *builder) value(name, role string, shape ...int) graph.TensorID {
	return b.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape}, role)
}

// constant adds a float constant. Constants have no role: each is quantized by
// its own values and its place in an operator.
func (b *builder) constant(name string, data []float32, shape ...int) graph.TensorID {
	raw := make([]byte, 4*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	return b.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape, Data: raw}, "")
}

// index adds an int32 constant such as an axis, once for each content.
func (b *builder) index(name string, scalar bool, values ...int) graph.TensorID {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(v)))
	}
	shape := []int{len(values)}
	if scalar {
		shape = []int{}
	}
	key := name + string(raw)
	if id, ok := b.ints[key]; ok {
		return id
	}
	id := b.add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: shape, Data: raw}, "")
	b.ints[key] = id
	return id
}

func (b *builder) op(k graph.Kind, attr any, outputs []graph.TensorID, inputs ...graph.TensorID) {
	b.Graph.Ops = append(b.Graph.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: inputs, Outputs: outputs})
}

// one appends an operator of one output, a new tensor.
func (b *builder) one(k graph.Kind, attr any, name, role string, shape []int, inputs ...graph.TensorID) graph.TensorID {
	out := b.value(name, role, shape...)
	b.op(k, attr, []graph.TensorID{out}, inputs...)
	return out
}

func (b *builder) shape(id graph.TensorID) []int { return b.Graph.Tensors[id].Shape }

func (b *builder) fc(name, role string, x, w, bias graph.TensorID) graph.TensorID {
	return b.product(name, role, graph.ActNone, x, w, bias)
}

// product multiplies the rows of x, or their windows, with w and adds bias.
func (b *builder) product(name, role string, act graph.Activation, x, w, bias graph.TensorID) graph.TensorID {
	if k, ok := b.windows[x]; ok {
		return b.convolve(name, role, act, x, w, bias, k)
	}
	in, ws := b.Graph.Tensors[x], b.shape(w)
	return b.one(graph.FullyConnected, graph.FullyConnectedAttr{Activation: act}, name, role, []int{in.Elems() / ws[1], ws[0]}, x, w, bias)
}

func (b *builder) sum(name, role string, act graph.Activation, x, y graph.TensorID) graph.TensorID {
	return b.one(graph.Add, graph.AddAttr{Activation: act}, name, role, b.shape(x), x, y)
}

func (b *builder) sub(name, role string, x, y graph.TensorID) graph.TensorID {
	shape := b.shape(x)
	if len(shape) == 0 {
		shape = b.shape(y)
	}
	return b.one(graph.Sub, graph.SubAttr{}, name, role, shape, x, y)
}

func (b *builder) mul(name, role string, x, y graph.TensorID) graph.TensorID {
	return b.one(graph.Mul, graph.MulAttr{}, name, role, b.shape(x), x, y)
}

func (b *builder) logistic(name, role string, x graph.TensorID) graph.TensorID {
	b.Fixed[role] = graph.Logistic
	return b.pointwise(graph.Logistic, name, role, x)
}

func (b *builder) tanh(name, role string, x graph.TensorID) graph.TensorID {
	b.Fixed[role] = graph.Tanh
	return b.pointwise(graph.Tanh, name, role, x)
}

// relu keeps the role: the operator is exact only without a change of scale.
func (b *builder) relu(name string, x graph.TensorID) graph.TensorID {
	return b.pointwise(graph.Relu, name, b.Role[x], x)
}

func (b *builder) reshape(name string, x graph.TensorID, shape ...int) graph.TensorID {
	dims := b.index("shape", false, shape...)
	return b.one(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, name, b.Role[x], shape, x, dims)
}

// split cuts x along axis into equal parts, one for each name.
func (b *builder) split(x graph.TensorID, axis int, names ...string) []graph.TensorID {
	if len(names) == 1 {
		return []graph.TensorID{x}
	}
	shape := append([]int(nil), b.shape(x)...)
	shape[axis] /= len(names)
	out := make([]graph.TensorID, len(names))
	for i, n := range names {
		out[i] = b.value(n, b.Role[x], shape...)
	}
	b.op(graph.Split, graph.SplitAttr{NumSplits: len(names)}, out, b.index("axis", true, axis), x)
	return out
}

// splitV cuts x along axis into parts of the given sizes.
func (b *builder) splitV(x graph.TensorID, axis int, sizes []int, names ...string) []graph.TensorID {
	out := make([]graph.TensorID, len(names))
	for i, n := range names {
		shape := append([]int(nil), b.shape(x)...)
		shape[axis] = sizes[i]
		out[i] = b.value(n, b.Role[x], shape...)
	}
	b.op(graph.SplitV, graph.SplitVAttr{NumSplits: len(names)}, out, x, b.index("sizes", false, sizes...), b.index("axis", true, axis))
	return out
}

// concat joins the rows xs, all of one role, along axis 0.
func (b *builder) concat(name string, xs []graph.TensorID) graph.TensorID { return b.join(name, 0, xs) }

// join puts xs, all of one role, side by side along an axis.
func (b *builder) join(name string, axis int, xs []graph.TensorID) graph.TensorID {
	if len(xs) == 1 {
		return xs[0]
	}
	shape := append([]int(nil), b.shape(xs[0])...)
	for _, x := range xs[1:] {
		shape[axis] += b.shape(x)[axis]
	}
	return b.one(graph.Concatenation, graph.ConcatenationAttr{Axis: axis}, name, b.Role[xs[0]], shape, xs...)
}
