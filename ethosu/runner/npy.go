package runner

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/sbinet/npyio/npy"

	"github.com/unroll-npu/unroll/lower/graph"
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

// ReadNPY parses an NPY file of a supported type in row-major order. float64 becomes
// float32.
func ReadNPY(name string, file []byte) (a *Array, err error) {
	defer func() {
		if r := recover(); r != nil {
			a, err = nil, fmt.Errorf("%s: damaged NPY header", name)
		}
	}()
	r, err := npy.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: not an NPY file: %w", name, err)
	}
	h := r.Header.Descr
	n := 1
	for _, d := range h.Shape {
		if d < 0 || (d > 0 && n > len(file)/d) {
			return nil, fmt.Errorf("%s: shape %v needs more data than the file of %d bytes has", name, h.Shape, len(file))
		}
		n *= d
	}
	if h.Fortran && len(h.Shape) > 1 {
		return nil, fmt.Errorf("%s: column-major (Fortran) order is not supported: save it with numpy.ascontiguousarray", name)
	}
	a = &Array{Shape: h.Shape}
	var v any
	switch strings.TrimLeft(h.Type, "<|=") {
	case "f4":
		a.Type, v = graph.Float32, new([]float32)
	case "f8":
		a.Type, v = graph.Float32, new([]float64)
	case "i1":
		a.Type, v = graph.Int8, new([]int8)
	case "i2":
		a.Type, v = graph.Int16, new([]int16)
	case "i4":
		a.Type, v = graph.Int32, new([]int32)
	case "i8":
		a.Type, v = graph.Int64, new([]int64)
	case "u1":
		a.Type, v = graph.Uint8, new([]uint8)
	case "b1":
		a.Type, v = graph.Bool, new([]bool)
	default:
		return nil, fmt.Errorf("%s: element type %q is not supported: expected int8, int16, int32, int64, uint8, bool, float32 or float64, little endian", name, h.Type)
	}
	if err := r.Read(v); err != nil {
		return nil, fmt.Errorf("%s: %d elements of shape %v: %w", name, n, h.Shape, err)
	}
	if d, ok := v.(*[]float64); ok {
		for _, x := range *d {
			a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(float32(x)))
		}
	} else {
		var buf bytes.Buffer
		if err := binary.Write(&buf, binary.LittleEndian, v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		a.Data = buf.Bytes()
	}
	if len(a.Data) != n*a.Type.Size() {
		return nil, fmt.Errorf("%s: shape %v has %d elements, the file holds %d bytes of %v", name, h.Shape, n, len(a.Data), a.Type)
	}
	return a, nil
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

// FileName is the name of a tensor as a file name: / and : become _.
func FileName(tensor string) string {
	return strings.NewReplacer("/", "_", ":", "_").Replace(tensor)
}
