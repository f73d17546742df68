package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The part of ONNX's protobuf messages that a recurrent network needs; field
// numbers are those of onnx.proto.

type onnxNode struct {
	name, op        string
	inputs, outputs []string
	attributes      map[string]onnxAttribute
}

type onnxAttribute struct {
	f       float32
	i       int64
	s       string
	tensor  *onnxTensor
	strings []string
}

type onnxTensor struct {
	name     string
	dims     []int
	dataType int
	raw      []byte
	floats   []float32
	doubles  []float64
	external bool
}

type onnxGraph struct {
	nodes   []*onnxNode
	tensors map[string]*onnxTensor
	inputs  map[string][]int // dimensions, 0 where not fixed
	outputs []string
}

var errWire = errors.New("broken protobuf data")

// fields calls f for every field of a message with its value: the bytes of a
// length-delimited field, or the number of any other.
func fields(b []byte, f func(n protowire.Number, v []byte, x uint64) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		var v []byte
		var x uint64
		switch typ {
		case protowire.VarintType:
			x, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(b)
			x = uint64(w)
		case protowire.Fixed64Type:
			x, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
			if v == nil {
				v = []byte{}
			}
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := f(num, v, x); err != nil {
			return err
		}
	}
	return nil
}

// numbers appends a repeated integer field, packed or not.
func numbers(to []int64, v []byte, x uint64) ([]int64, error) {
	if v == nil {
		return append(to, int64(x)), nil
	}
	for len(v) > 0 {
		x, n := protowire.ConsumeVarint(v)
		if n < 0 {
			return nil, errWire
		}
		to, v = append(to, int64(x)), v[n:]
	}
	return to, nil
}

func parseModel(b []byte) (*onnxGraph, error) {
	var g *onnxGraph
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) (err error) {
		if n == 7 && v != nil { // graph
			g, err = parseGraph(v)
		}
		return err
	})
	if err == nil && g == nil {
		err = errors.New("there is no graph in it")
	}
	return g, err
}

func parseGraph(b []byte) (*onnxGraph, error) {
	g := &onnxGraph{tensors: map[string]*onnxTensor{}, inputs: map[string][]int{}}
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		if v == nil {
			return nil
		}
		switch n {
		case 1: // node
			node, err := parseNode(v)
			if err != nil {
				return err
			}
			g.nodes = append(g.nodes, node)
			if t := node.attributes["value"].tensor; node.op == "Constant" && t != nil && len(node.outputs) == 1 {
				t.name = node.outputs[0]
				g.tensors[t.name] = t
			}
		case 5: // initializer
			t, err := parseTensor(v)
			if err != nil {
				return err
			}
			g.tensors[t.name] = t
		case 11, 12: // input, output
			name, dims, err := parseValueInfo(v)
			if err != nil {
				return err
			}
			if n == 11 {
				g.inputs[name] = dims
			} else {
				g.outputs = append(g.outputs, name)
			}
		}
		return nil
	})
	return g, err
}

func parseNode(b []byte) (*onnxNode, error) {
	node := &onnxNode{attributes: map[string]onnxAttribute{}}
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			node.inputs = append(node.inputs, string(v))
		case 2:
			node.outputs = append(node.outputs, string(v))
		case 3:
			node.name = string(v)
		case 4:
			node.op = string(v)
		case 5:
			var name string
			var a onnxAttribute
			err := fields(v, func(n protowire.Number, v []byte, x uint64) (err error) {
				switch n {
				case 1:
					name = string(v)
				case 2:
					a.f = math.Float32frombits(uint32(x))
				case 3:
					a.i = int64(x)
				case 4:
					a.s = string(v)
				case 5:
					a.tensor, err = parseTensor(v)
				case 9:
					a.strings = append(a.strings, string(v))
				}
				return err
			})
			node.attributes[name] = a
			return err
		}
		return nil
	})
	return node, err
}

func parseTensor(b []byte) (*onnxTensor, error) {
	t := &onnxTensor{}
	var dims []int64
	err := fields(b, func(n protowire.Number, v []byte, x uint64) (err error) {
		switch n {
		case 1:
			dims, err = numbers(dims, v, x)
		case 2:
			t.dataType = int(x)
		case 4:
			if v == nil {
				t.floats = append(t.floats, math.Float32frombits(uint32(x)))
			}
			for ; len(v) >= 4; v = v[4:] {
				t.floats = append(t.floats, math.Float32frombits(binary.LittleEndian.Uint32(v)))
			}
		case 8:
			t.name = string(v)
		case 9:
			t.raw = v
		case 10:
			if v == nil {
				t.doubles = append(t.doubles, math.Float64frombits(x))
			}
			for ; len(v) >= 8; v = v[8:] {
				t.doubles = append(t.doubles, math.Float64frombits(binary.LittleEndian.Uint64(v)))
			}
		case 14:
			t.external = x == 1
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range dims {
		if d < 0 || d > maxElements {
			return nil, fmt.Errorf("tensor %q: dimensions %v are out of range", t.name, dims)
		}
		t.dims = append(t.dims, int(d))
	}
	return t, nil
}

// parseValueInfo returns the name and the dimensions of a graph input.
func parseValueInfo(b []byte) (name string, dims []int, err error) {
	err = fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			name = string(v)
		case 2: // type
			return fields(v, func(n protowire.Number, v []byte, _ uint64) error {
				if n != 1 { // tensor_type
					return nil
				}
				return fields(v, func(n protowire.Number, v []byte, _ uint64) error {
					if n != 2 || v == nil { // shape
						return nil
					}
					return fields(v, func(n protowire.Number, v []byte, _ uint64) error {
						value := 0
						err := fields(v, func(n protowire.Number, _ []byte, x uint64) error {
							if n == 1 && x <= maxElements {
								value = int(x)
							}
							return nil
						})
						dims = append(dims, value)
						return err
					})
				})
			})
		}
		return nil
	})
	return name, dims, err
}

// values returns the elements of a float tensor.
func (t *onnxTensor) values() ([]float32, error) {
	size := int64(1)
	for _, d := range t.dims {
		if size *= int64(d); size > maxElements {
			return nil, fmt.Errorf("tensor %q: dimensions %v are out of range", t.name, t.dims)
		}
	}
	var v []float32
	switch {
	case t.external:
		return nil, fmt.Errorf("tensor %q is kept in another file: save the model with its weights inside", t.name)
	case t.dataType == 1 && t.raw != nil:
		for b := t.raw; len(b) >= 4; b = b[4:] {
			v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case t.dataType == 1:
		v = t.floats
	case t.dataType == 11 && t.raw != nil:
		for b := t.raw; len(b) >= 8; b = b[8:] {
			v = append(v, float32(math.Float64frombits(binary.LittleEndian.Uint64(b))))
		}
	case t.dataType == 11:
		for _, x := range t.doubles {
			v = append(v, float32(x))
		}
	default:
		return nil, fmt.Errorf("tensor %q has data type %d, expected float (1) or double (11)", t.name, t.dataType)
	}
	if int64(len(v)) != size {
		return nil, fmt.Errorf("tensor %q has %d values, but dimensions %v take %d", t.name, len(v), t.dims, size)
	}
	return v, nil
}
