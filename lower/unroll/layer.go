// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// sequence is what a layer gives: a row for every step, as T tensors [1,H], as one
// [T,H], or as both once both have been asked for.
type sequence struct {
	b    *builder
	name string
	each []graph.TensorID
	all  graph.TensorID // None while there is none
}

// rows returns the sequence as one tensor, made under the given name if need be.
func (s *sequence) rows(name string) graph.TensorID {
	if s.all == graph.None {
		s.all = s.b.concat(name, s.each)
	}
	return s.all
}

// steps returns the sequence step by step.
func (s *sequence) steps() []graph.TensorID {
	if s.each == nil {
		names := make([]string, s.b.shape(s.all)[0])
		for t := range names {
			names[t] = fmt.Sprintf("%s/t%02d/y", s.name, t)
		}
		s.each = s.b.split(s.all, 0, names...)
	}
	return s.each
}

// layer appends layer l of the network; in is the network's input, outputs are those of
// the layers before it.
func (b *builder) layer(net *nn.Network, l int, o Options, in graph.TensorID, outputs []*sequence) (*sequence, error) {
	layer, name := &net.Layers[l], net.LayerName(l)
	sources, err := net.Sources(l)
	if err != nil {
		return nil, err
	}
	input := func(i int) *sequence {
		if i >= 0 {
			return outputs[i]
		}
		if b.input == nil {
			b.input = &sequence{b: b, name: "input", all: graph.None}
			if o.Form == Keras {
				b.input.each = b.kerasInput(in, o.Steps, net.Features)
			} else {
				b.input.all = b.reshape("input_rows", in, o.Steps, net.Features)
			}
		}
		return b.input
	}
	if layer.Kind == nn.Recurrent {
		hs, err := b.recurrent(net, l, o, func() graph.TensorID { return input(sources[0]).rows(name + "/x") },
			func() []graph.TensorID { return input(sources[0]).steps() })
		return &sequence{b: b, name: name, each: hs, all: graph.None}, err
	}
	xs := make([]graph.TensorID, len(sources))
	for i, s := range sources {
		if layer.Kind == nn.Pooling {
			break // it may want single steps
		}
		xs[i] = input(s).rows(name + "/x")
	}
	out := &sequence{b: b, name: name}
	switch layer.Kind {
	case nn.Pooling:
		out.all = b.pool(name+"/y", layer.Pool, input(sources[0]))
	case nn.Dense:
		out.all = b.dense(name, layer, xs[0])
	case nn.Convolution:
		out.all = b.dense(name, layer, b.window(name, xs[0], layer.Window, l, false, o))
	case nn.Concatenation:
		out.all = b.beside(name, xs)
	case nn.Activate:
		out.all = b.activation(name+"/y", name+"/y", layer.Activation, xs[0])
	}
	return out, nil
}

// dense multiplies every row of x and applies the activation.
func (b *builder) dense(name string, l *nn.Layer, x graph.TensorID) graph.TensorID {
	inputs := len(l.Kernel) / l.Units
	w := cell.Turn(l.Kernel, inputs, l.Units, 0, l.Units)
	weights := b.constant(name+"/kernel", w.Data, l.Units, inputs)
	bias := b.constant(name+"/bias", l.Bias, l.Units)
	switch l.Activation {
	case nn.Linear:
		return b.fc(name+"/y", name+"/y", x, weights, bias)
	case nn.Relu:
		return b.product(name+"/y", name+"/y", graph.ActRelu, x, weights, bias)
	}
	return b.activation(name+"/y", name+"/y", l.Activation, b.fc(name+"/pre", name+"/pre", x, weights, bias))
}

// activation applies one to x.
func (b *builder) activation(name, role string, a nn.Activation, x graph.TensorID) graph.TensorID {
	switch a {
	case nn.Relu:
		return b.relu(name, x)
	case nn.Sigmoid:
		return b.logistic(name, role, x)
	case nn.Linear:
		return x
	}
	return b.tanh(name, role, x)
}

// beside puts rows [T,F1], [T,F2], … side by side. Where they have scales of their own, the
// result has another, and quantization brings each to it.
func (b *builder) beside(name string, xs []graph.TensorID) graph.TensorID {
	out := b.join(name+"/y", 1, xs)
	for _, x := range xs {
		if b.Role[x] != b.Role[xs[0]] {
			b.Role[out] = name + "/y"
		}
	}
	return out
}

// maxPoolRows is the largest window that MAX_POOL_2D is used for; the hardware looks at no
// more at once, and REDUCE_MAX cuts by itself.
const maxPoolRows = 256

// pool makes one row [1,H] of a sequence.
func (b *builder) pool(name string, p nn.Pool, x *sequence) graph.TensorID {
	switch p {
	case nn.PoolLast, nn.PoolFirst:
		steps := x.steps()
		if p == nn.PoolFirst {
			return steps[0]
		}
		return steps[len(steps)-1]
	}
	rows := x.rows(name + "/x")
	steps, units := b.shape(rows)[0], b.shape(rows)[1]
	switch {
	case steps == 1:
		return rows
	case p == nn.PoolMean:
		return b.one(graph.Mean, graph.ReducerAttr{KeepDims: true}, name, name, []int{1, units}, rows, b.index("axis", true, 0))
	case steps > maxPoolRows:
		return b.one(graph.ReduceMax, graph.ReducerAttr{KeepDims: true}, name, b.Role[rows], []int{1, units}, rows, b.index("axis", true, 0))
	}
	image := b.reshape(name+"/image", rows, 1, steps, 1, units)
	top := b.one(graph.MaxPool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, FilterH: steps, FilterW: 1}, name+"/top", b.Role[rows], []int{1, 1, 1, units}, image)
	return b.reshape(name, top, 1, units)
}
