// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Model is everything that a .tflite file says: the graph, and the metadata
// that tools attach to it, in file order.
type Model struct {
	Graph    *graph.Graph
	Metadata []Metadata

	// Signature has the names of graph inputs and outputs that programs use,
	// in signature order; empty where the file has no signature.
	SignatureInputs, SignatureOutputs []string

	// Of recurrent operators of float32 that were written out: what the values of all
	// steps share a quantization with, by tensor; see onnx.Result for the others. Fused
	// are their states.
	Roles         map[graph.TensorID]string
	Sums, Carried map[string]bool
	Bounds        map[string][2]float32
	Fused         []graph.State

	// Numbers has the number of each of the graph's tensors in the file's first subgraph, -1 of
	// those that reading made; Tensors is how many the file's subgraphs have, each.
	Numbers []int
	Tensors []int

	// Subgraphs are the graphs that IF and WHILE name, by number, the others nil: see ReadReal.
	Subgraphs []*graph.Graph

	// Hybrid is how many constants of a dynamic-range model became real: see ReadReal.
	Hybrid int
}

// Metadata is a named blob, such as min_runtime_version or Vela's
// OfflineMemoryAllocation.
type Metadata struct {
	Name string
	Data []byte
}

// Find returns the metadata of the given name, or nil.
func (m *Model) Find(name string) []byte {
	for _, d := range m.Metadata {
		if d.Name == name {
			return d.Data
		}
	}
	return nil
}

// Read reads and validates a model. name says in errors where data came from.
// The graph's constants refer to data, which must not change afterwards.
func Read(name string, data []byte) (*graph.Graph, error) {
	m, err := ReadModel(name, data)
	if err != nil {
		return nil, err
	}
	return m.Graph, nil
}

// ReadModel is Read with the file's metadata. Recurrent states are paired as
// far as that is unambiguous; see PairStates. Operators that are not supported
// are reported all at once.
func ReadModel(name string, data []byte) (*Model, error) {
	r, err := read(name, data, false)
	if err != nil {
		return nil, err
	}
	if err := r.m.Graph.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r.named()
}

// ReadReal reads a file of float32 values with operators that only such files have, of
// class graph.Written among them, and the subgraphs of control flow. The integer weights
// of a dynamic-range (hybrid) model become the real numbers that they stand for. Its
// operators are not checked.
func ReadReal(name string, data []byte) (*Model, error) {
	r, err := read(name, data, true)
	if err != nil {
		return nil, err
	}
	return r.named()
}

// IsReal reports whether nothing in a file that inputs decide has a scale, and nothing
// is compiled.
func IsReal(name string, data []byte) bool {
	r, err := read(name, data, true)
	if err != nil {
		return false
	}
	for _, t := range r.m.Graph.Tensors {
		if !t.IsConst() && (t.Quant != nil || t.Type == graph.Int8 || t.Type == graph.Uint8 || t.Type == graph.Int16) {
			return false
		}
	}
	for _, op := range r.m.Graph.Ops {
		if op.Kind == graph.Custom {
			return false
		}
	}
	return true
}

// read reads a file and normalizes its graph.
func read(name string, data []byte, real bool) (*reader, error) {
	f := newFile(name, data)
	if len(data) < 8 || !bytes.Equal(data[4:8], []byte(fileIdentifier)) {
		return nil, fmt.Errorf("%s: not a TensorFlow Lite model: expected the identifier %q at byte 4 of %d", name, fileIdentifier, len(data))
	}
	r := &reader{file: f, real: real, m: &Model{Graph: &graph.Graph{}}, foreign: map[graph.DType]bool{}}
	r.model(f.table(f.follow(0, "model"), "model"))
	if f.err != nil {
		return nil, f.err
	}
	if all := append(r.unsupported, r.foreignTypes...); len(all) > 0 {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(all...))
	}
	if err := r.normalize(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// named names inputs and outputs and pairs the states.
func (r *reader) named() (*Model, error) {
	nameInterface(r.m.Graph)
	if err := r.states(); err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	for _, t := range r.m.Graph.Tensors {
		n, ok := r.numbers[t]
		if !ok {
			n = -1
		}
		r.m.Numbers = append(r.m.Numbers, n)
	}
	return r.m, nil
}

// nameInterface gives inputs and outputs that have no name one that they can be called by.
func nameInterface(g *graph.Graph) {
	taken := map[string]bool{}
	for _, t := range g.Tensors {
		taken[t.Name] = true
	}
	for _, side := range []struct {
		what string
		ids  []graph.TensorID
	}{{"input", g.Inputs}, {"output", g.Outputs}} {
		for i, id := range side.ids {
			if g.Tensors[id].Name != "" {
				continue
			}
			name := side.what
			if len(side.ids) > 1 {
				name = fmt.Sprintf("%s_%d", side.what, i)
			}
			for taken[name] {
				name += "_"
			}
			g.Tensors[id].Name, taken[name] = name, true
		}
	}
}

// opCode is one entry of the model's operator code list.
type opCode struct {
	kind    graph.Kind
	custom  string
	version int
}

type reader struct {
	*file
	real        bool // operators of class graph.Written are taken, and subgraphs of control flow
	m           *Model
	buffers     [][]byte
	codes       []opCode
	unsupported []error

	// Tensors of types that are not supported, the first of each type. Often they
	// belong to operators that are not either, which say more.
	foreignTypes []error
	foreign      map[graph.DType]bool

	numbers  map[*graph.Tensor]int    // of the file's first subgraph
	first    map[string]*graph.Tensor // what CALL_ONCE assigns to variables, by name
	assigned []*graph.Op              // ASSIGN_VARIABLE of variables that became tensors
}

func (r *reader) model(t table) {
	if v := t.i32(modelVersion, 0); r.err == nil && v != schemaVersion {
		r.fail("schema version %d, expected %d", v, schemaVersion)
	}
	r.m.Graph.Name = t.text(modelDescription, "description")
	for i, b := range t.tables(modelBuffers, "buffer") {
		r.buffers = append(r.buffers, r.buffer(i, b))
	}
	for _, c := range t.tables(modelOperatorCodes, "operator code") {
		kind := graph.Kind(int8(c.u8(codeDeprecated, 0)))
		if k := graph.Kind(c.i32(codeBuiltin, 0)); k > kind {
			kind = k // codes above 127 do not fit the old field
		}
		r.codes = append(r.codes, opCode{kind, c.text(codeCustom, "custom code"), int(c.i32(codeVersion, 1))})
	}
	subgraphs := t.tables(modelSubgraphs, "subgraph")
	if len(subgraphs) == 0 {
		r.fail("has no subgraph, expected one")
		return
	}
	r.subgraph(subgraphs[0], r.m.Graph)
	r.number(subgraphs)
	r.initial(subgraphs)
	for i, d := range t.tables(modelMetadata, "metadata") {
		name, index := d.text(metadataName, "metadata name"), int(d.i32(metadataBuffer, 0))
		if index < 0 || index >= len(r.buffers) {
			r.fail("metadata %d %q names buffer %d of %d", i, name, index, len(r.buffers))
			return
		}
		r.m.Metadata = append(r.m.Metadata, Metadata{name, r.buffers[index]})
	}
	r.signature(t.tables(modelSignatures, "signature"))
}

// number counts the tensors before any is replaced.
func (r *reader) number(subgraphs []table) {
	r.numbers = map[*graph.Tensor]int{}
	for i, t := range r.m.Graph.Tensors {
		r.numbers[t] = i
	}
	for _, t := range subgraphs {
		r.m.Tensors = append(r.m.Tensors, len(t.tables(subgraphTensors, "tensor")))
	}
}

func (r *reader) buffer(i int, t table) []byte {
	if b := t.bytes(bufferData, t.what); b != nil {
		return b
	}
	off, size := t.u64(bufferOffset), t.u64(bufferSize)
	if off <= 1 || size == 0 { // 0 and 1 mean that there is no data behind the tables
		return nil
	}
	if off > math.MaxInt32 || size > math.MaxInt32 {
		r.fail("buffer %d lies at %d with %d bytes, outside the file of %d bytes", i, off, size, len(r.data))
		return nil
	}
	return r.span(int(off), int(size), t.what)
}

func (r *reader) subgraph(t table, g *graph.Graph) {
	for i, tt := range t.tables(subgraphTensors, "tensor") {
		g.Add(r.tensor(i, tt))
		if r.err != nil {
			return
		}
	}
	g.Inputs = tensorIDs(t.ints(subgraphInputs, "graph inputs"))
	g.Outputs = tensorIDs(t.ints(subgraphOutputs, "graph outputs"))
	for i, o := range t.tables(subgraphOperators, "operator") {
		g.Ops = append(g.Ops, r.operator(i, o))
		if r.err != nil {
			return
		}
	}
}

func tensorIDs(v []int32) []graph.TensorID {
	if v == nil {
		return nil
	}
	ids := make([]graph.TensorID, len(v))
	for i, x := range v {
		ids[i] = graph.TensorID(x)
	}
	return ids
}

func (r *reader) tensor(i int, t table) *graph.Tensor {
	name := t.text(tensorName, t.what+" name")
	what := fmt.Sprintf("tensor %d %q", i, name)
	x := &graph.Tensor{Name: name, Type: graph.DType(t.u8(tensorType, 0)), Variable: t.u8(tensorVariable, 0) != 0}
	for _, d := range t.ints(tensorShape, what+" shape") {
		x.Shape = append(x.Shape, int(d))
	}
	if t.present(tensorSparsity) {
		r.fail("%s: is sparse, expected dense; convert the model without sparsity", what)
	}
	buffer := int(t.i32(tensorBuffer, 0))
	if r.err == nil && (buffer < 0 || buffer >= len(r.buffers)) && buffer != 0 {
		r.fail("%s: names buffer %d of %d", what, buffer, len(r.buffers))
	}
	if r.err == nil && buffer < len(r.buffers) {
		x.Data = r.buffers[buffer]
	}
	if !x.Type.Known() && x.Type != resource && (x.Type != float16 || x.Data == nil) && !r.foreign[x.Type] {
		r.foreign[x.Type] = true
		r.foreignTypes = append(r.foreignTypes, foreignType(what, x.Type))
	}
	if x.Type == float16 && x.Data != nil { // weights, which a DEQUANTIZE makes float32
		r.halves(x, what)
	}
	x.Quant = r.quant(t.sub(tensorQuant, what+" quantization"), what)
	return x
}

func (r *reader) quant(t table, what string) *graph.Quant {
	if t.u8(quantDetail, 0) != 0 {
		r.fail("%s: has custom quantization, expected scale and zero point", what)
	}
	scales, zeros := t.floats(quantScale, what+" scales"), t.longs(quantZero, what+" zero points")
	if r.err != nil || len(scales) == 0 && len(zeros) == 0 {
		return nil // only min and max, or nothing
	}
	if len(zeros) == 0 {
		zeros = make([]int64, len(scales))
	}
	if len(zeros) == 1 && len(scales) > 1 {
		zeros = append(zeros, make([]int64, len(scales)-1)...)
		for i := range zeros {
			zeros[i] = zeros[0]
		}
	}
	if len(zeros) != len(scales) {
		r.fail("%s: has %d scales but %d zero points, expected as many", what, len(scales), len(zeros))
		return nil
	}
	q := &graph.Quant{Scales: scales, ZeroPoints: make([]int32, len(zeros))}
	if len(scales) > 1 {
		q.Axis = int(t.i32(quantAxis, 0))
	}
	for i, z := range zeros {
		if z != int64(int32(z)) {
			r.fail("%s: zero point %d is %d, expected a number within the tensor's type", what, i, z)
			return nil
		}
		q.ZeroPoints[i] = int32(z)
	}
	for i, s := range scales {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			r.fail("%s: scale %d is %g, expected a finite number above 0; convert the model again", what, i, s)
			return nil
		}
	}
	return q
}

func (r *reader) operator(i int, t table) *graph.Op {
	index := int(t.i32(operatorCode, 0))
	if r.err == nil && (index < 0 || index >= len(r.codes)) {
		r.fail("operator %d: names operator code %d of %d", i, index, len(r.codes))
	}
	if r.err != nil {
		return nil
	}
	code := r.codes[index]
	op := &graph.Op{
		Kind:          code.kind,
		Version:       code.version,
		Inputs:        tensorIDs(t.ints(operatorInputs, t.what+" inputs")),
		Outputs:       tensorIDs(t.ints(operatorOutputs, t.what+" outputs")),
		Intermediates: tensorIDs(t.ints(operatorIntermediates, t.what+" intermediates")),
	}
	if op.Kind == graph.Custom && code.custom == ethosU {
		op.Attr = graph.CustomAttr{Code: code.custom, Options: t.bytes(operatorCustomOptions, t.what+" options")}
		return op
	}
	d := graph.Describe(op.Kind)
	if d == nil || d.File.Fields == nil || d.Class == graph.Written && !r.real {
		r.refuse(i, code)
		return op
	}
	union := t.u8(operatorOptionsType, 0)
	var opts table
	// No kernel looks at options of QUANTIZE, which have no fields; files are about that
	// name another table there.
	if union != 0 && d.File.Union != 0 && (union == d.File.Union || op.Kind != graph.Quantize) {
		if union != d.File.Union {
			r.fail("operator %d (%v): has options of type %d, expected %d; the file is damaged", i, op.Kind, union, d.File.Union)
			return op
		}
		opts = t.sub(operatorOptions, t.what+" options")
	}
	op.Attr = d.File.Fields(&optionReader{opts}, nil)
	return op
}

// refuse notes an operator that is not supported.
func (r *reader) refuse(i int, code opCode) {
	const most = 200
	switch n := len(r.unsupported); {
	case n < most:
		r.unsupported = append(r.unsupported, unsupported(i, code))
	case n == most:
		r.unsupported = append(r.unsupported, errors.New("more operators that are not supported follow"))
	}
}

// signature takes the names from the signature whose tensors are the graph's.
func (r *reader) signature(all []table) {
	if r.err != nil || len(all) == 0 {
		return
	}
	s := all[0]
	r.m.SignatureInputs = r.signatureNames(s.tables(signatureInputs, "signature input"), r.m.Graph.Inputs)
	r.m.SignatureOutputs = r.signatureNames(s.tables(signatureOutputs, "signature output"), r.m.Graph.Outputs)
}

func (r *reader) signatureNames(maps []table, ids []graph.TensorID) []string {
	byTensor := map[graph.TensorID]string{}
	for _, t := range maps {
		byTensor[graph.TensorID(t.i32(tensorMapTensor, 0))] = t.text(tensorMapName, t.what)
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = byTensor[id]
	}
	return names
}

// optionReader is graph.Fields for reading: absent fields (and an absent table) are defaults.
type optionReader struct{ t table }

func (o *optionReader) Byte(slot int, v *uint8, def uint8) { *v = o.t.u8(slot, def) }
func (o *optionReader) Int(slot int, v *int, def int)      { *v = int(o.t.i32(slot, int32(def))) }
func (o *optionReader) Float(slot int, v *float32)         { *v = o.t.f32(slot) }

func (o *optionReader) Text(slot int, v *string) { *v = o.t.text(slot, o.t.what) }

func (o *optionReader) Bool(slot int, v *bool, def bool) {
	var d uint8
	if def {
		d = 1
	}
	*v = o.t.u8(slot, d) != 0
}

func (o *optionReader) Ints(slot int, v *[]int) {
	*v = nil
	for _, x := range o.t.ints(slot, o.t.what) {
		*v = append(*v, int(x))
	}
}
