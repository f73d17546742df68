// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/unroll-npu/unroll/lower/budget"
)

// Bounds of a file, far above any network for a microcontroller.
const (
	maxDepth = 16      // of graphs within graphs
	maxNodes = 1 << 18 // in the whole file
	maxRank  = 8
)

// Looks reports whether a file that begins so may be an ONNX model: field 1, its
// IR version, a small number. Files with other fields first are taken for ONNX by
// their extension alone.
func Looks(head []byte) bool {
	return len(head) >= 3 && head[0] == 0x08 && head[1] > 0 && head[1] < 0x40
}

// ReadFile reads a model and the data that it keeps in other files of its folder.
func ReadFile(file string) (*Model, error) {
	raw, err := budget.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Read(file, raw)
}

// Read reads a model. file is its name for messages, and the place from which
// external data is found.
func Read(file string, raw []byte) (*Model, error) {
	r := &reader{folder: filepath.Dir(file), externals: map[string][]byte{}}
	m := &Model{File: file, Domains: map[string]int64{}}
	var functions []*function
	err := fields(raw, func(n protowire.Number, v []byte, x uint64) (err error) {
		switch n {
		case 1:
			m.IR = int64(x)
		case 2:
			m.Producer = string(v)
		case 7:
			m.Graph, err = r.graph(v, 0)
		case 8:
			var domain string
			var version int64
			domain, version, err = opsetImport(v)
			m.Domains[domain] = version
		case 25:
			var f *function
			f, err = r.function(v)
			functions = append(functions, f)
		}
		return err
	})
	if err == nil && m.Graph == nil {
		err = errors.New("there is no graph in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: not an ONNX model that can be read: %w", file, err)
	}
	m.Opset = m.Domains[""]
	if v := m.Domains["ai.onnx"]; v > m.Opset {
		m.Opset = v
	}
	if m.Opset < 1 {
		return nil, fmt.Errorf("%s: the model imports no opset of the default domain, so what its operators mean is not said", file)
	}
	if err := m.inline(functions); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := m.Graph.once(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := m.Graph.order(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

type reader struct {
	folder    string
	nodes     int
	externals map[string][]byte
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

// varints appends a repeated integer field, packed or not.
func varints(to []int64, v []byte, x uint64) ([]int64, error) {
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

func (r *reader) graph(b []byte, depth int) (*Graph, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("graphs are nested more than %d deep", maxDepth)
	}
	g := &Graph{Weights: map[string]*Tensor{}}
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			if r.nodes++; r.nodes > maxNodes {
				return fmt.Errorf("more than %d nodes", maxNodes)
			}
			node, err := r.node(v, depth)
			g.Nodes = append(g.Nodes, node)
			return err
		case 2:
			g.Name = string(v)
		case 5:
			t, err := r.tensor(v)
			if err != nil {
				return err
			}
			if g.Weights[t.Name] != nil {
				return fmt.Errorf("there are two weights %q", t.Name)
			}
			g.Weights[t.Name] = t
		case 11, 12:
			val, err := declaration(v)
			if n == 11 {
				g.Inputs = append(g.Inputs, val)
			} else {
				g.Outputs = append(g.Outputs, val)
			}
			return err
		case 15:
			return errors.New("it has sparse initializers; store the weights densely")
		}
		return nil
	})
	return g, err
}

func (r *reader) node(b []byte, depth int) (*Node, error) {
	node := &Node{Attrs: map[string]*Attr{}}
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			node.Inputs = append(node.Inputs, string(v))
		case 2:
			node.Outputs = append(node.Outputs, string(v))
		case 3:
			node.Name = string(v)
		case 4:
			node.Op = string(v)
		case 5:
			name, a, err := r.attr(v, depth)
			if err != nil {
				return fmt.Errorf("attribute %q of %s: %w", name, node.Title(), err)
			}
			node.Attrs[name] = a
		case 7:
			node.Domain = domainOf(string(v))
		case 8:
			node.Overload = string(v)
		}
		return nil
	})
	return node, err
}

func (r *reader) attr(b []byte, depth int) (name string, a *Attr, err error) {
	a = &Attr{}
	err = fields(b, func(n protowire.Number, v []byte, x uint64) (err error) {
		switch n {
		case 1:
			name = string(v)
		case 2:
			a.Float = math.Float32frombits(uint32(x))
		case 3:
			a.Int = int64(x)
		case 4:
			a.String = string(v)
		case 5:
			a.Tensor, err = r.tensor(v)
		case 6:
			a.Graph, err = r.graph(v, depth+1)
		case 7:
			a.Floats = floats32(a.Floats, v, x)
		case 8:
			a.Ints, err = varints(a.Ints, v, x)
		case 9:
			a.Strings = append(a.Strings, string(v))
		case 21:
			a.Ref = string(v)
		}
		return err
	})
	return name, a, err
}

func floats32(to []float32, v []byte, x uint64) []float32 {
	if v == nil {
		return append(to, math.Float32frombits(uint32(x)))
	}
	for ; len(v) >= 4; v = v[4:] {
		to = append(to, math.Float32frombits(binary.LittleEndian.Uint32(v)))
	}
	return to
}

// tensor reads a TensorProto into its raw form.
func (r *reader) tensor(b []byte) (*Tensor, error) {
	t := &Tensor{Shape: []int{}}
	var dims, ints []int64
	var fixed []byte // float_data and double_data stand as they are
	var raw []byte
	external, place := false, map[string]string{}
	err := fields(b, func(n protowire.Number, v []byte, x uint64) (err error) {
		switch n {
		case 1:
			dims, err = varints(dims, v, x)
		case 2:
			t.Type = DataType(x)
		case 4:
			if v == nil {
				v = binary.LittleEndian.AppendUint32(nil, uint32(x))
			}
			fixed = append(fixed, v...)
		case 5, 7, 11:
			ints, err = varints(ints, v, x)
		case 8:
			t.Name = string(v)
		case 9:
			raw = v
		case 10:
			if v == nil {
				v = binary.LittleEndian.AppendUint64(nil, x)
			}
			fixed = append(fixed, v...)
		case 13:
			var key, text string
			err = fields(v, func(n protowire.Number, v []byte, _ uint64) error {
				switch n {
				case 1:
					key = string(v)
				case 2:
					text = string(v)
				}
				return nil
			})
			place[key] = text
		case 14:
			external = x == 1
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(dims) > maxRank {
		return nil, fmt.Errorf("tensor %q has %d dimensions, expected at most %d", t.Name, len(dims), maxRank)
	}
	for _, d := range dims {
		if d < 0 || d > MaxElements {
			return nil, fmt.Errorf("tensor %q: dimensions %v are out of range", t.Name, dims)
		}
		t.Shape = append(t.Shape, int(d))
	}
	if t.Type == String {
		return t, nil // whoever reads it refuses it
	}
	switch {
	case external:
		if raw, err = r.external(t, place); err != nil {
			return nil, err
		}
		t.Data = raw
	case raw != nil:
		t.Data = raw
	case t.Type == Float || t.Type == Double:
		t.Data = fixed
	default:
		for _, x := range ints {
			if t.Type.bits() < 8 { // several in one
				t.Data = append(t.Data, byte(x))
				continue
			}
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(x))[:len(t.Data)+t.Type.Size()]
		}
	}
	if bits := t.Type.bits(); bits == 4 || bits == 2 {
		n, err := Elems(t.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if size := (n*bits + 7) / 8; len(t.Data) != size {
			return nil, fmt.Errorf("tensor %q has %d bytes of data, but %v %v takes %d", t.Name, len(t.Data), t.Type, t.Shape, size)
		}
		t.Data = unpacked(t.Type, t.Data, n)
	}
	return t, t.check()
}

// external reads the bytes of a tensor that lie in another file of the folder.
func (r *reader) external(t *Tensor, place map[string]string) ([]byte, error) {
	name := place["location"]
	if !filepath.IsLocal(name) || strings.ContainsRune(name, '\\') {
		return nil, fmt.Errorf("tensor %q lies in %q, expected a file in the folder of the model", t.Name, name)
	}
	file := r.externals[name]
	if file == nil {
		var err error
		if file, err = budget.ReadFile(filepath.Join(r.folder, name)); err != nil {
			return nil, fmt.Errorf("tensor %q lies in another file: %w", t.Name, err)
		}
		r.externals[name] = file
	}
	n, err := Elems(t.Shape)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	offset, length := 0, (n*t.Type.bits()+7)/8
	for key, to := range map[string]*int{"offset": &offset, "length": &length} {
		if s := place[key]; s != "" {
			if *to, err = strconv.Atoi(s); err != nil {
				return nil, fmt.Errorf("tensor %q: %s %q of its external data is no number", t.Name, key, s)
			}
		}
	}
	if offset < 0 || length < 0 || offset > len(file) || length > len(file)-offset {
		return nil, fmt.Errorf("tensor %q lies at %d, %d bytes, beyond the %d bytes of %s", t.Name, offset, length, len(file), name)
	}
	return file[offset : offset+length], nil
}

// declaration reads a ValueInfoProto.
func declaration(b []byte) (*Declared, error) {
	val := &Declared{Kind: "tensor"}
	dim := func(v []byte) (Dim, error) {
		d := Dim{Size: -1}
		err := fields(v, func(n protowire.Number, v []byte, x uint64) error {
			switch n {
			case 1:
				d.Size = int64(x)
			case 2:
				d.Name = string(v)
			}
			return nil
		})
		return d, err
	}
	shape := func(n protowire.Number, v []byte, _ uint64) error {
		if n != 1 {
			return nil
		}
		d, err := dim(v)
		if val.Dims = append(val.Dims, d); len(val.Dims) > maxRank {
			return fmt.Errorf("input %q has more than %d dimensions", val.Name, maxRank)
		}
		return err
	}
	tensor := func(n protowire.Number, v []byte, x uint64) error {
		switch n {
		case 1:
			val.Type = DataType(x)
		case 2:
			val.Ranked = true
			return fields(v, shape)
		}
		return nil
	}
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			val.Name = string(v)
		case 2:
			return fields(v, func(n protowire.Number, v []byte, _ uint64) error {
				switch n {
				case 1:
					return fields(v, tensor)
				case 4:
					val.Kind = "sequence"
				case 5:
					val.Kind = "map"
				case 8, 10:
					val.Kind = "sparse tensor"
				case 9:
					val.Kind = "optional"
				}
				return nil
			})
		}
		return nil
	})
	return val, err
}
