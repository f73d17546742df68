// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// What layers are written with: nodes, constants and changes of shape.

// raw appends a node with a named output.
func (w *writer) raw(op string, attrs map[string]any, in []string, out string) {
	n := &onnx.Node{Name: "", Op: op, Inputs: in, Outputs: []string{out}, Attrs: map[string]*onnx.Attr{}}
	for key, v := range attrs {
		a := &onnx.Attr{}
		switch v := v.(type) {
		case int:
			a.Int = int64(v)
		case float64:
			a.Float = float32(v)
		case string:
			a.String = v
		case []string:
			a.Strings = v
		case []float32:
			a.Floats = v
		case []int:
			a.Ints = []int64{}
			for _, x := range v {
				a.Ints = append(a.Ints, int64(x))
			}
		default:
			panic(fmt.Sprintf("BUG: attribute %s of type %T", key, v))
		}
		n.Attrs[key] = a
	}
	w.g.Nodes = append(w.g.Nodes, n)
}

// next is a name of an inner value of the layer.
func (w *writer) next(what string) string {
	w.count++
	return fmt.Sprintf("%s/%s%d", w.base, strings.ToLower(what), w.count)
}

// node appends a node; its output has the given shape.
func (w *writer) node(op string, attrs map[string]any, shape []int, in ...string) value {
	elems(shape)
	out := w.next(op)
	w.raw(op, attrs, in, out)
	return value{out, shape}
}

// floats adds a constant.
func (w *writer) floats(v []float32, shape ...int) string {
	t := &onnx.Tensor{Name: w.next("const"), Type: onnx.Float, Shape: shape, Data: make([]byte, 0, 4*len(v))}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(x))
	}
	if t.Shape == nil {
		t.Shape = []int{}
	}
	w.g.Weights[t.Name] = t
	return t.Name
}

func (w *writer) ints(v ...int) string {
	t := &onnx.Tensor{Name: w.next("const"), Type: onnx.Int64, Shape: []int{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(int64(x)))
	}
	w.g.Weights[t.Name] = t
	return t.Name
}

// reshape gives a value another shape of as many elements.
func (w *writer) reshape(v value, shape ...int) value {
	if slices.Equal(v.shape, shape) {
		return v
	}
	return w.node("Reshape", nil, shape, v.name, w.ints(shape...))
}

func (w *writer) transpose(v value, perm ...int) value {
	shape := make([]int, len(perm))
	for i, p := range perm {
		shape[i] = v.shape[p]
	}
	return w.node("Transpose", map[string]any{"perm": perm}, shape, v.name)
}

// channelsFirst moves the last dimension to the second place; channelsLast back.
func (w *writer) channelsFirst(v value) value {
	perm := []int{0, v.rank() - 1}
	for i := 1; i < v.rank()-1; i++ {
		perm = append(perm, i)
	}
	return w.transpose(v, perm...)
}

func (w *writer) channelsLast(v value) value {
	perm := []int{0}
	for i := 2; i < v.rank(); i++ {
		perm = append(perm, i)
	}
	return w.transpose(v, append(perm, 1)...)
}

// want refuses a value of another number of dimensions, batch included.
func want(v value, rank int) value {
	if v.rank() != rank {
		refuse("it reads a value of shape %v, expected %d dimensions", v.shape, rank)
	}
	return v
}
