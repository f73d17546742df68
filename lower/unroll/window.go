// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// window gives the last k rows of x [T,F] to every step's products, the latest last. The k-1
// rows before the first step are zero, or with StateIO a state of the graph, "state_xL" for
// layer l. They are rows of x: all of them have its role, and carrying them is a copy of
// bytes. Reversed, the window of a step is it and the k-1 rows after it, its own last and
// zeros beyond the end.
//
// What it returns is for fc alone: of several steps these are all rows, [T+k-1,F], which it
// convolves, so that no row is copied k times; of one step the window [1, k*F].
func (b *builder) window(name string, x graph.TensorID, k, l int, reversed bool, o Options) graph.TensorID {
	if k <= 1 {
		return x
	}
	steps, features, role := b.shape(x)[0], b.shape(x)[1], b.Role[x]
	before := graph.None
	if o.StateIO {
		before = b.value(fmt.Sprintf("state_x%d", l), role, k-1, features)
		b.Graph.Inputs = append(b.Graph.Inputs, before)
	} else {
		before = b.constant(name+"/before", make([]float32, (k-1)*features), k-1, features)
		b.Role[before] = role
	}
	joined := []graph.TensorID{before, x}
	if reversed && steps > 1 { // the window of one step has its own row last anyway
		joined = []graph.TensorID{x, before}
	}
	all := b.join(name+"/rows", 0, joined)
	after := fmt.Sprintf("state_x%d_out", l)
	if !o.StateIO {
		after = name + "/after"
	}
	if steps == 1 { // the rows lie side by side already
		rest := b.splitV(all, 0, []int{1, k - 1}, name+"/first", after)
		if o.StateIO {
			b.Graph.Outputs = append(b.Graph.Outputs, rest[1])
			b.Graph.States = append(b.Graph.States, graph.State{In: before, Out: rest[1]})
		}
		return b.reshape(name+"/window", all, 1, k*features)
	}
	sizes, names := []int{steps, k - 1}, []string{name + "/gone", after}
	last := b.splitV(all, 0, sizes, names...)[1]
	if o.StateIO {
		b.Graph.Outputs = append(b.Graph.Outputs, last)
		b.Graph.States = append(b.Graph.States, graph.State{In: before, Out: last})
	}
	b.windows[all] = window{k, reversed}
	return all
}

// window is how many rows a product sees at a step, in their order or the other way round.
type window struct {
	rows     int
	reversed bool
}

// convolve multiplies the windows of x [T+k-1,F] with w [U, k*F], the windows' rows side by side: a
// convolution over the rows as the columns of an image, where they lie beside each other for the
// NPU as the pixels of any image do.
func (b *builder) convolve(name, role string, act graph.Activation, x, w, bias graph.TensorID, k window) graph.TensorID {
	rows, features, units := b.shape(x)[0], b.shape(x)[1], b.shape(w)[0]
	filter := b.Graph.Tensors[w]
	if !slices.Equal(filter.Shape, []int{units, k.rows * features}) {
		panic(fmt.Sprintf("BUG: weights %v for windows of %d rows of %d features", filter.Shape, k.rows, features))
	}
	if filter.Shape = []int{units, 1, k.rows, features}; k.reversed { // its own row, the last of a window, comes first
		data, size := make([]byte, 0, len(filter.Data)), 4*features
		for i := 0; i < len(filter.Data); i += k.rows * size {
			for r := k.rows - 1; r >= 0; r-- {
				data = append(data, filter.Data[i+r*size:i+(r+1)*size]...)
			}
		}
		filter.Data = data
	}
	steps := rows - k.rows + 1
	image := b.images[x]
	if image == 0 {
		image = b.reshape(b.Graph.Tensors[x].Name+"/image", x, 1, 1, rows, features)
		b.images[x] = image
	}
	attr := graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: act}
	y := b.one(graph.Conv2D, attr, name+"/image", role, []int{1, 1, steps, units}, image, w, bias)
	return b.reshape(name, y, steps, units)
}

// image returns what x was reshaped from when that was the last thing done, a convolution
// of windows, and takes the reshaping back: a function of every value then follows its product,
// into which the compiler makes it.
func (b *builder) image(x graph.TensorID) (graph.TensorID, bool) {
	n := len(b.Graph.Ops) - 1
	if n < 1 || int(x) != len(b.Graph.Tensors)-1 {
		return graph.None, false
	}
	op, product := b.Graph.Ops[n], b.Graph.Ops[n-1]
	if op.Kind != graph.Reshape || op.Outputs[0] != x || product.Kind != graph.Conv2D || product.Outputs[0] != op.Inputs[0] || len(b.shape(x)) != 2 {
		return graph.None, false
	}
	b.Graph.Ops, b.Graph.Tensors, b.Role = b.Graph.Ops[:n], b.Graph.Tensors[:x], b.Role[:x]
	return op.Inputs[0], true
}

// pointwise appends a function of every value of x.
func (b *builder) pointwise(k graph.Kind, name, role string, x graph.TensorID) graph.TensorID {
	shape := b.shape(x)
	if image, ok := b.image(x); ok {
		y := b.one(k, nil, name+"/image", role, b.shape(image), image)
		return b.reshape(name, y, shape...)
	}
	return b.one(k, nil, name, role, shape, x)
}
