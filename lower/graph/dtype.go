// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// DType is an element type. The values are TFLite's TensorType numbers.
type DType uint8

// Element types, numbered as in the TFLite schema.
const (
	Float32 DType = 0
	Int32   DType = 2
	Uint8   DType = 3
	Int64   DType = 4
	Bool    DType = 6
	Int16   DType = 7

	// Complex64 is two float32, the real part first. It passes between operators and is
	// no input and no output of a graph.
	Complex64 DType = 8

	Int8 DType = 9
)

var dtypes = map[DType]struct {
	name string
	size int
}{
	Float32: {"float32", 4},
	Int32:   {"int32", 4},
	Uint8:   {"uint8", 1},
	Int64:   {"int64", 8},
	Bool:    {"bool", 1},
	Int16:   {"int16", 2},

	Complex64: {"complex64", 8},

	Int8: {"int8", 1},
}

// Size returns the bytes of one element, or 0 for a type that is not supported.
func (d DType) Size() int { return dtypes[d].size }

// Known reports whether the type is supported.
func (d DType) Known() bool { return dtypes[d].size != 0 }

func (d DType) String() string {
	if e, ok := dtypes[d]; ok {
		return e.name
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Limits returns the smallest and largest value of an integer type; 0, 0 for others.
func (d DType) Limits() (lo, hi int64) {
	switch d {
	case Int8, Int16, Int32, Int64:
		n := uint(8*d.Size() - 1)
		return -1 << n, 1<<n - 1
	case Uint8:
		return 0, 255
	}
	return 0, 0
}

// Int reads the first element of little-endian data of an integer type.
func (d DType) Int(data []byte) int64 {
	var v uint64
	size := d.Size()
	for i := 0; i < size; i++ {
		v |= uint64(data[i]) << (8 * i)
	}
	if d == Uint8 || d == Bool {
		return int64(v)
	}
	shift := uint(64 - 8*size)
	return int64(v<<shift) >> shift
}
