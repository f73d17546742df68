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
	Int8    DType = 9
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
	Int8:    {"int8", 1},
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
