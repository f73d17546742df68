// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/binary"
	"fmt"
)

// TensorID is an index into Graph.Tensors.
type TensorID int

// None marks an optional operator input that is absent.
const None TensorID = -1

// Graph is a network as a flat, topologically ordered operator list.
type Graph struct {
	// Name describes the network; it travels as the .tflite description.
	Name string

	// Tensors holds every value of the network: inputs, constants,
	// intermediates and outputs. TensorID indexes it.
	Tensors []*Tensor

	// Ops is in execution order: an operator only reads graph inputs,
	// constants, variable tensors and outputs of operators before it.
	Ops []*Op

	// Inputs and Outputs are in signature order.
	Inputs, Outputs []TensorID

	// States pairs outputs with the inputs they are fed back to on the next
	// call. Both tensors have the same type, shape (but for dimensions of 1) and
	// quantization (but for the scale's last bits), so that carrying a state is
	// a byte copy.
	States []State
}

// Tensor is a value of the graph.
type Tensor struct {
	Name  string
	Type  DType
	Shape []int // nil or empty is a scalar
	Quant *Quant

	// Data is the constant value, little endian, row-major, or nil when the
	// tensor is computed or fed.
	Data []byte

	// Variable marks a resource that keeps its value between calls and is
	// reset to its zero point (the states of UNIDIRECTIONAL_SEQUENCE_LSTM).
	Variable bool
}

// Quant holds affine quantization parameters: real = scale * (q - zero point).
type Quant struct {
	Scales     []float32 // one entry, or one per index of Axis
	ZeroPoints []int32   // same length as Scales
	Axis       int       // the quantized dimension when len(Scales) > 1
}

// State is a recurrent state: the value of Out after one call is the value of
// In at the next. Both are TensorIDs from Graph.Outputs and Graph.Inputs.
type State struct {
	In, Out TensorID
}

// Op is one operator.
type Op struct {
	Kind    Kind
	Inputs  []TensorID // None for an absent optional input
	Outputs []TensorID

	// Intermediates are the extra tensors that fused LSTM operators list for
	// the quantization of their inner values.
	Intermediates []TensorID

	// Attr holds the attributes of Kind, a value (not pointer) of the type
	// that the Kind's documentation names, or nil when it has none.
	Attr any

	// Version is the operator version as read from or written to a .tflite;
	// 0 lets the writer choose.
	Version int
}

// PerTensor returns quantization with one scale and zero point.
func PerTensor(scale float32, zeroPoint int32) *Quant {
	return &Quant{Scales: []float32{scale}, ZeroPoints: []int32{zeroPoint}}
}

// PerChannel returns symmetric quantization with one scale for each index of axis.
func PerChannel(scales []float32, axis int) *Quant {
	return &Quant{Scales: scales, ZeroPoints: make([]int32, len(scales)), Axis: axis}
}

// Scale returns the first scale, or 0 when the tensor is not quantized.
func (t *Tensor) Scale() float32 {
	if t.Quant == nil || len(t.Quant.Scales) == 0 {
		return 0
	}
	return t.Quant.Scales[0]
}

// ZeroPoint returns the first zero point, or 0 when the tensor is not quantized.
func (t *Tensor) ZeroPoint() int32 {
	if t.Quant == nil || len(t.Quant.ZeroPoints) == 0 {
		return 0
	}
	return t.Quant.ZeroPoints[0]
}

// IsConst reports whether the tensor has a constant value.
func (t *Tensor) IsConst() bool { return t.Data != nil }

// Elems returns the number of elements; 1 for a scalar.
func (t *Tensor) Elems() int { return Elems(t.Shape) }

// Rows returns how many vectors along the last dimension a tensor has, and how long they
// are; a scalar is one of length 1, and a last dimension of 0 leaves none.
func (t *Tensor) Rows() (rows, width int) {
	width = 1
	if n := len(t.Shape); n > 0 {
		width = t.Shape[n-1]
	}
	if width == 0 {
		return 0, 0
	}
	return t.Elems() / width, width
}

// Bytes returns the size of the value in bytes.
func (t *Tensor) Bytes() int { return t.Elems() * t.Type.Size() }

// ZeroBytes returns the value of a tensor of which every element is real 0.
func (t *Tensor) ZeroBytes() []byte {
	size, z := t.Type.Size(), uint64(int64(t.ZeroPoint()))
	b := make([]byte, t.Bytes())
	for i := range b {
		b[i] = byte(z >> (8 * (i % size)))
	}
	return b
}

// SetInts gives an int32 or int64 tensor its constant value.
func (t *Tensor) SetInts(v []int) {
	t.Data = make([]byte, 0, len(v)*t.Type.Size())
	for _, x := range v {
		if t.Type == Int64 {
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(x))
		} else {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(x))
		}
	}
}

// Elems returns the product of the dimensions; 1 for a scalar.
func Elems(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Add appends a tensor and returns its id.
func (g *Graph) Add(t *Tensor) TensorID {
	g.Tensors = append(g.Tensors, t)
	return TensorID(len(g.Tensors) - 1)
}

// Tensor returns the tensor with the given id, or nil for None.
func (g *Graph) Tensor(id TensorID) *Tensor {
	if id == None {
		return nil
	}
	return g.Tensors[id]
}

// Made returns the tensors that have a value of each call: inputs, and what operators write.
func (g *Graph) Made() map[TensorID]bool {
	made := map[TensorID]bool{}
	for _, id := range g.Inputs {
		made[id] = true
	}
	for _, op := range g.Ops {
		for _, id := range op.Outputs {
			made[id] = true
		}
	}
	return made
}

// Find returns the id of the tensor with the given name, or None.
func (g *Graph) Find(name string) TensorID {
	for i, t := range g.Tensors {
		if t.Name == name {
			return TensorID(i)
		}
	}
	return None
}

// OpString names an operator by kind, index and first output for messages.
func (g *Graph) OpString(i int) string {
	op := g.Ops[i]
	if len(op.Outputs) > 0 && op.Outputs[0] != None {
		return fmt.Sprintf("operator %d (%v, output %q)", i, op.Kind, g.Tensors[op.Outputs[0]].Name)
	}
	return fmt.Sprintf("operator %d (%v)", i, op.Kind)
}
