// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// make returns the new graph's tensor of an output.
func (b *block) make(id graph.TensorID) graph.TensorID {
	if b.ids == nil {
		return id
	}
	t := *b.src.Tensors[id]
	t.Name = b.pre + t.Name
	t.Data = nil
	t.Shape = append([]int{}, t.Shape...)
	for i, d := range t.Shape { // open
		t.Shape[i] = max(d, 0)
	}
	b.ids[id] = b.add(&t)
	b.roles[b.ids[id]] = b.role + strings.TrimPrefix(t.Name, b.pre)
	return b.ids[id]
}

func (b *block) add(t *graph.Tensor) graph.TensorID {
	n := 4
	for _, d := range t.Shape {
		if d < 0 || d > 0 && n > graph.MaxTensorBytes/d {
			b.refuse("shape %v of %q is no shape, or too large", t.Shape, t.Name)
		}
		n *= d
	}
	if b.bytes += n; b.bytes > graph.MaxGraphBytes {
		b.refuse("the tensors up to here take more than %d bytes, which is the limit", graph.MaxGraphBytes)
	}
	return b.out.Add(t)
}

// at is the new graph's tensor of a source tensor.
func (b *block) at(id graph.TensorID) graph.TensorID {
	if id == graph.None || b.ids == nil {
		return id
	}
	if to, ok := b.ids[id]; ok {
		return to
	}
	t := b.src.Tensors[id]
	if !t.IsConst() {
		b.refuse("%q is read before anything computes it", t.Name)
	}
	to, ok := b.consts[t]
	if !ok {
		c := *t
		to = b.add(&c)
		b.consts[t] = to
	}
	b.ids[id] = to
	return to
}

func (b *block) in(pos int) graph.TensorID {
	if pos >= len(b.op.Inputs) || b.op.Inputs[pos] == graph.None {
		b.refuse("input %d is absent, expected a tensor", pos)
	}
	return b.at(b.op.Inputs[pos])
}

func (b *block) tensor(pos int) *graph.Tensor { return b.out.Tensors[b.in(pos)] }

func (b *block) shape(id graph.TensorID) []int { return b.out.Tensors[id].Shape }

// name is that of the operator's output.
func (b *block) name() string { return b.out.Tensors[b.made[0]].Name }

// real returns an input as real numbers.
func (b *block) real(pos int) graph.TensorID { return b.realOf(b.in(pos)) }

func (b *block) realOf(id graph.TensorID) graph.TensorID {
	t := b.out.Tensors[id]
	switch {
	case t.Type == graph.Float32:
		return id
	case !t.IsConst() && t.Type == graph.Bool:
		t.Type = graph.Float32
		return id
	case !t.IsConst() || t.Quant != nil:
		b.refuse("input %q is %v, and there are no whole numbers at run time: feed float32", t.Name, t.Type)
	}
	if to, ok := b.reals[id]; ok {
		return to
	}
	v, err := values(t)
	if err != nil {
		b.refuse("%v", err)
	}
	b.reals[id] = b.floats(t.Name+"/real", v, t.Shape...)
	return b.reals[id]
}

// truth returns an input of truth values as zeros and ones.
func (b *block) truth(pos int) graph.TensorID {
	if t := b.src.Tensors[b.op.Inputs[pos]]; t.Type != graph.Bool {
		b.refuse("input %q is %v, expected truth values", t.Name, t.Type)
	}
	return b.real(pos)
}

// constant returns the values of an input that is known, nil where it is not.
func (b *block) constant(id graph.TensorID) []float64 {
	t := b.out.Tensors[id]
	if !t.IsConst() {
		return nil
	}
	v, err := values(t)
	if err != nil {
		b.refuse("%v", err)
	}
	return v
}

// ints returns the whole numbers of a parameter.
func (b *block) ints(pos int) []int {
	t := b.tensor(pos)
	v, err := t.Ints()
	if err != nil {
		b.refuse("%v", err)
	}
	return v
}

// floats adds a constant.
func (b *block) floats(name string, v []float64, shape ...int) graph.TensorID {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
	}
	return b.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: append([]int{}, shape...), Data: raw})
}

func (b *block) scalar(name string, v float64) graph.TensorID {
	return b.floats(name, []float64{v})
}

// numbers adds a constant of whole numbers, once for each content.
func (b *block) numbers(shape []int, v ...int) graph.TensorID {
	key := fmt.Sprint(shape, v)
	if id, ok := b.lists[key]; ok {
		return id
	}
	t := &graph.Tensor{Name: "numbers", Type: graph.Int32, Shape: shape}
	t.SetInts(v)
	b.lists[key] = b.add(t)
	return b.lists[key]
}

func (b *block) list(v ...int) graph.TensorID { return b.numbers([]int{len(v)}, v...) }

// values returns what a constant of any type without a scale holds.
func values(t *graph.Tensor) ([]float64, error) {
	if t.Data == nil || t.Quant != nil {
		return nil, fmt.Errorf("%q is %v and has a scale, or no value", t.Name, t.Type)
	}
	v := make([]float64, t.Elems())
	size := t.Type.Size()
	if len(t.Data) != size*len(v) {
		return nil, fmt.Errorf("%q has %d bytes of data for %v %v", t.Name, len(t.Data), t.Type, t.Shape)
	}
	for i := range v {
		switch t.Type {
		case graph.Float32:
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:])))
		case graph.Int8, graph.Uint8, graph.Bool, graph.Int16, graph.Int32, graph.Int64:
			v[i] = float64(t.Type.Int(t.Data[size*i:]))
		default:
			return nil, fmt.Errorf("%q is %v", t.Name, t.Type)
		}
	}
	return v, nil
}
