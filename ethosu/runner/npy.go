// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
)

// Array is the content of an NPY file: little-endian, row-major.
type Array struct {
	Type  graph.DType
	Shape []int
	Data  []byte
}

var npyTypes = map[graph.DType]string{
	graph.Float32: "<f4", graph.Int8: "|i1", graph.Int16: "<i2", graph.Int32: "<i4", graph.Int64: "<i8", graph.Uint8: "|u1", graph.Bool: "|b1",
}

// ReadNPY parses an NPY file of a supported type in row-major order. Big-endian
// elements are turned, and float64 becomes float32.
func ReadNPY(name string, file []byte) (*Array, error) {
	x, err := npy.Read(name, bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return fromNPY(name, x)
}

func fromNPY(name string, x *npy.Array) (*Array, error) {
	if x.Type[1:] == "f8" {
		a := &Array{Type: graph.Float32, Shape: x.Shape}
		for i := range x.Elements() {
			a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(float32(x.Float(i))))
		}
		return a, nil
	}
	for t, descr := range npyTypes {
		if descr[1:] != x.Type[1:] {
			continue
		}
		a := &Array{Type: t, Shape: x.Shape, Data: x.Data}
		if x.Type[0] == '>' {
			for at := 0; at < len(a.Data); at += t.Size() {
				slices.Reverse(a.Data[at : at+t.Size()])
			}
		}
		return a, nil
	}
	return nil, fmt.Errorf("%s: element type %q is not supported: expected int8, int16, int32, int64, uint8, bool, float32 or float64", name, x.Type)
}

// AppendNPY appends the array as an NPY 1.0 file. The writer of the NPY library only
// knows flat shapes, hence our own twenty lines.
func (a *Array) AppendNPY(dst []byte) []byte {
	dims := make([]string, len(a.Shape))
	for i, d := range a.Shape {
		dims[i] = fmt.Sprint(d)
	}
	shape := strings.Join(dims, ", ")
	if len(dims) == 1 {
		shape += ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", npyTypes[a.Type], shape)
	pad := (64 - (10+len(header)+1)%64) % 64
	header += strings.Repeat(" ", pad) + "\n"
	dst = append(dst, "\x93NUMPY\x01\x00"...)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(header)))
	dst = append(dst, header...)
	return append(dst, a.Data...)
}
