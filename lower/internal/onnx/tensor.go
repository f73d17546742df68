// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// DataType is an element type, numbered as TensorProto.DataType.
type DataType int32

// Element types that are read.
const (
	Float    DataType = 1
	Uint8    DataType = 2
	Int8     DataType = 3
	Uint16   DataType = 4
	Int16    DataType = 5
	Int32    DataType = 6
	Int64    DataType = 7
	String   DataType = 8
	Bool     DataType = 9
	Float16  DataType = 10
	Double   DataType = 11
	Uint32   DataType = 12
	Uint64   DataType = 13
	BFloat16 DataType = 16
	Uint4    DataType = 21
	Int4     DataType = 22
	Uint2    DataType = 25
	Int2     DataType = 26
)

var typeNames = map[DataType]string{
	Float: "float", Uint8: "uint8", Int8: "int8", Uint16: "uint16", Int16: "int16", Int32: "int32", Int64: "int64", String: "string",
	Bool: "bool", Float16: "float16", Double: "double", Uint32: "uint32", Uint64: "uint64", BFloat16: "bfloat16",
	Uint4: "uint4", Int4: "int4", Uint2: "uint2", Int2: "int2",
}

func (t DataType) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type %d", int32(t))
}

// bits is the size of an element in a file.
func (t DataType) bits() int {
	switch t {
	case Uint4, Int4:
		return 4
	case Uint2, Int2:
		return 2
	}
	return 8 * t.Size()
}

// unpacked gives n elements of less than a byte, of which the first of a byte has its lowest
// bits, a byte each.
func unpacked(t DataType, packed []byte, n int) []byte {
	bits := t.bits()
	out := make([]byte, n)
	for i := range out {
		v := packed[i*bits/8] >> (i * bits % 8) << (8 - bits)
		if out[i] = v >> (8 - bits); t == Int4 || t == Int2 {
			out[i] = byte(int8(v) >> (8 - bits))
		}
	}
	return out
}

// Size returns the bytes of an element as it is kept here, 0 for types that are not read.
func (t DataType) Size() int {
	switch t {
	case Uint8, Int8, Bool, Uint4, Int4, Uint2, Int2:
		return 1
	case Uint16, Int16, Float16, BFloat16:
		return 2
	case Float, Int32, Uint32:
		return 4
	case Int64, Double, Uint64:
		return 8
	}
	return 0
}

// IsFloat reports whether the type has fractions.
func (t DataType) IsFloat() bool {
	return t == Float || t == Double || t == Float16 || t == BFloat16
}

// Holds reports whether a number is one of the type: of an integer type whole and in its
// range, of bool any but NaN, which is 0 or not.
func (t DataType) Holds(v float64) bool {
	bits := t.bits()
	switch t {
	case Float, Double, Float16, BFloat16:
		return true
	case Bool:
		return v == v
	case Uint8, Uint16, Uint32, Uint64, Uint4, Uint2:
		return v == math.Trunc(v) && v >= 0 && v < math.Ldexp(1, bits)
	case Int8, Int16, Int32, Int64, Int4, Int2:
		return v == math.Trunc(v) && v >= -math.Ldexp(1, bits-1) && v < math.Ldexp(1, bits-1)
	}
	return false
}

// Tensor is a constant: row-major elements, little endian.
type Tensor struct {
	Name  string
	Type  DataType
	Shape []int
	Data  []byte
}

// MaxElements bounds one tensor, far above any of a network for a
// microcontroller.
const MaxElements = 1 << 26

// Elems returns the number of elements of a shape, or an error where a dimension
// is negative or there are more than MaxElements.
func Elems(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > 0 && n > MaxElements/d {
			return 0, fmt.Errorf("shape %v has more than %d elements, which is the limit", shape, MaxElements)
		}
		n *= d
	}
	return n, nil
}

// check reports whether the data has the size that type and shape take.
func (t *Tensor) check() error {
	if t.Type.Size() == 0 {
		return fmt.Errorf("tensor %q has elements of %v, which are not read", t.Name, t.Type)
	}
	n, err := Elems(t.Shape)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if len(t.Data) != n*t.Type.Size() {
		return fmt.Errorf("tensor %q has %d bytes of data, but %v %v takes %d", t.Name, len(t.Data), t.Type, t.Shape, n*t.Type.Size())
	}
	return nil
}

// Floats returns the elements as float64, exact but for integers beyond 2^53.
func (t *Tensor) Floats() []float64 {
	size := t.Type.Size()
	out := make([]float64, len(t.Data)/size)
	for i := range out {
		b := t.Data[i*size:]
		switch t.Type {
		case Float:
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case Double:
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		case Float16:
			out[i] = half(binary.LittleEndian.Uint16(b))
		case BFloat16:
			out[i] = float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
		case Uint64:
			out[i] = float64(binary.LittleEndian.Uint64(b))
		default:
			out[i] = float64(t.int(b))
		}
	}
	return out
}

// Integers returns the elements of an integer or bool tensor.
func (t *Tensor) Integers() []int64 {
	size := t.Type.Size()
	out := make([]int64, len(t.Data)/size)
	for i := range out {
		out[i] = t.int(t.Data[i*size:])
	}
	return out
}

func (t *Tensor) int(b []byte) int64 {
	switch t.Type {
	case Uint8, Uint4, Uint2:
		return int64(b[0])
	case Bool:
		if b[0] != 0 {
			return 1
		}
		return 0
	case Int8, Int4, Int2:
		return int64(int8(b[0]))
	case Uint16:
		return int64(binary.LittleEndian.Uint16(b))
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case Uint32:
		return int64(binary.LittleEndian.Uint32(b))
	}
	return int64(binary.LittleEndian.Uint64(b)) // Int64, and Uint64 below 2^63
}

// half returns the value of an IEEE 754 binary16.
func half(h uint16) float64 {
	sign, exp, frac := 1.0, int(h>>10&0x1f), float64(h&0x3ff)
	if h>>15 != 0 {
		sign = -1
	}
	switch {
	case exp == 0:
		return sign * math.Ldexp(frac, -24)
	case exp == 31 && frac == 0:
		return math.Inf(int(sign))
	case exp == 31:
		return math.NaN()
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

// halved returns what a type of half precision keeps of a number, ties to even.
func halved(t DataType, x float32) float32 {
	u := math.Float32bits(x)
	bits, least := 16, float64(0) // cut off the fraction; the smallest steps of small numbers
	switch {
	case x != x || math.IsInf(float64(x), 0):
		return x
	case t == Float16:
		bits, least = 13, 0x1p-24
	}
	if least > 0 && math.Abs(float64(x)) < 0x1p-14 { // without a leading one
		return float32(math.RoundToEven(float64(x)/least) * least)
	}
	u += 1<<(bits-1) - 1 + u>>bits&1
	y := math.Float32frombits(u &^ (1<<bits - 1))
	if t == Float16 && math.Abs(float64(y)) > 65504 {
		return float32(math.Inf(int(math.Copysign(1, float64(x)))))
	}
	return y
}
