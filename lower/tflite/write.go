// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/unroll-npu/unroll/lower/graph"
)

// constantAlign is the alignment of constant data in the file, which runtimes
// that execute from flash rely on.
const constantAlign = 16

// Write returns the graph as a .tflite file with a serving_default signature.
// The bytes depend on the graph alone.
func Write(g *graph.Graph) ([]byte, error) { return WriteModel(&Model{Graph: g}) }

// WriteModel is Write with metadata and names of the signature. The metadata
// min_runtime_version is computed unless it is given; the record of the states
// is always that of the graph.
func WriteModel(m *Model) ([]byte, error) {
	g := m.Graph
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("writing a .tflite: %w", err)
	}
	m, err := withHandles(m)
	if err != nil {
		return nil, fmt.Errorf("writing a .tflite: %w", err)
	}
	return encode(m), nil
}

// encode writes a model as it is, and subgraphs with the numbers from 1 on.
func encode(m *Model, more ...*graph.Graph) []byte {
	g := m.Graph
	w := &writer{b: flatbuffers.NewBuilder(1 << 16), g: g, index: map[string]uint32{}, codeOf: map[*graph.Op]uint32{}}
	w.buffers = [][]byte{nil} // buffer 0 stands for "no data"
	seen := map[opCode]uint32{}
	for _, s := range append([]*graph.Graph{g}, more...) {
		w.countVersions(s, seen)
	}

	meta := w.metadata(m)
	var metaOffsets []flatbuffers.UOffsetT
	for _, d := range meta {
		metaOffsets = append(metaOffsets, w.metadataTable(d))
	}
	subgraphs := []flatbuffers.UOffsetT{w.subgraph("main", g)}
	for _, s := range more {
		subgraphs = append(subgraphs, w.subgraph(s.Name, s))
	}
	signature := w.signature(m)
	buffers := w.bufferTables()
	codes := w.codeTables()
	description := w.b.CreateString(g.Name)

	codeVector, bufferVector, metaVector := w.tables(codes), w.tables(buffers), w.tables(metaOffsets)
	subgraphVector, signatureVector := w.tables(subgraphs), w.tables([]flatbuffers.UOffsetT{signature})
	w.b.StartObject(modelFields)
	w.b.PrependUint32Slot(modelVersion, schemaVersion, 0)
	w.b.PrependUOffsetTSlot(modelOperatorCodes, codeVector, 0)
	w.b.PrependUOffsetTSlot(modelSubgraphs, subgraphVector, 0)
	w.b.PrependUOffsetTSlot(modelDescription, description, 0)
	w.b.PrependUOffsetTSlot(modelBuffers, bufferVector, 0)
	w.b.PrependUOffsetTSlot(modelMetadata, metaVector, 0)
	w.b.PrependUOffsetTSlot(modelSignatures, signatureVector, 0)
	w.b.FinishWithFileIdentifier(w.b.EndObject(), []byte(fileIdentifier))
	return w.b.FinishedBytes()
}

type writer struct {
	b *flatbuffers.Builder
	g *graph.Graph

	codes   []opCode
	codeOf  map[*graph.Op]uint32
	buffers [][]byte          // in file order
	index   map[string]uint32 // of equal buffers, which are written once
}

// countVersions lists the operator codes in order of first use.
func (w *writer) countVersions(g *graph.Graph, seen map[opCode]uint32) {
	for _, op := range g.Ops {
		c := opCode{kind: op.Kind, version: op.Version}
		if a, ok := op.Attr.(graph.CustomAttr); ok {
			c.custom = a.Code
		}
		if c.version == 0 {
			c.version = operatorVersion(g, op)
		}
		i, ok := seen[c]
		if !ok {
			i = uint32(len(w.codes))
			seen[c] = i
			w.codes = append(w.codes, c)
		}
		w.codeOf[op] = i
	}
}

// metadata returns the blobs to write, in order.
func (w *writer) metadata(m *Model) []Metadata {
	var all []Metadata
	hasVersion := false
	for _, d := range m.Metadata {
		if d.Name != statesMetadata {
			all = append(all, d)
			hasVersion = hasVersion || d.Name == runtimeMetadata
		}
	}
	if !hasVersion {
		all = append(all, Metadata{runtimeMetadata, minRuntimeVersion(w.codes)})
	}
	if len(w.g.States) > 0 {
		all = append(all, Metadata{statesMetadata, stateRecord(w.g)})
	}
	return all
}

// stateRecord is the content of the metadata that the reader looks for.
func stateRecord(g *graph.Graph) []byte {
	var s strings.Builder
	for _, st := range g.States {
		fmt.Fprintf(&s, "%d %d\n", position(g.Inputs, st.In), position(g.Outputs, st.Out))
	}
	return []byte(s.String())
}

func position(ids []graph.TensorID, id graph.TensorID) int {
	for i, x := range ids {
		if x == id {
			return i
		}
	}
	panic("BUG: a validated state is not among the graph's inputs and outputs")
}

// buffer returns the index of a buffer with the data.
func (w *writer) buffer(data []byte) uint32 {
	if len(data) == 0 {
		return 0
	}
	if i, ok := w.index[string(data)]; ok {
		return i
	}
	i := uint32(len(w.buffers))
	w.buffers = append(w.buffers, data)
	w.index[string(data)] = i
	return i
}

func (w *writer) metadataTable(d Metadata) flatbuffers.UOffsetT {
	name, buffer := w.b.CreateString(d.Name), w.buffer(d.Data)
	w.b.StartObject(metadataFields)
	w.b.PrependUOffsetTSlot(metadataName, name, 0)
	w.b.PrependUint32Slot(metadataBuffer, buffer, 0)
	return w.b.EndObject()
}

func (w *writer) bufferTables() []flatbuffers.UOffsetT {
	out := make([]flatbuffers.UOffsetT, len(w.buffers))
	for i, data := range w.buffers {
		var v flatbuffers.UOffsetT
		if len(data) > 0 {
			w.b.Prep(constantAlign, len(data))
			v = w.b.CreateByteVector(data)
		}
		w.b.StartObject(bufferFields)
		w.b.PrependUOffsetTSlot(bufferData, v, 0)
		out[i] = w.b.EndObject()
	}
	return out
}

func (w *writer) codeTables() []flatbuffers.UOffsetT {
	out := make([]flatbuffers.UOffsetT, len(w.codes))
	for i, c := range w.codes {
		var custom flatbuffers.UOffsetT
		if c.custom != "" {
			custom = w.b.CreateString(c.custom)
		}
		w.b.StartObject(codeFields)
		// Runtimes older than the wide field read the byte; 127 tells them that it does not fit.
		w.b.PrependInt8Slot(codeDeprecated, int8(min(c.kind, 127)), 0)
		w.b.PrependUOffsetTSlot(codeCustom, custom, 0)
		w.b.PrependInt32Slot(codeVersion, int32(c.version), 1)
		w.b.PrependInt32Slot(codeBuiltin, int32(c.kind), 0)
		out[i] = w.b.EndObject()
	}
	return out
}

func (w *writer) subgraph(called string, g *graph.Graph) flatbuffers.UOffsetT {
	tensors := make([]flatbuffers.UOffsetT, len(g.Tensors))
	for i, t := range g.Tensors {
		tensors[i] = w.tensor(t)
	}
	operators := make([]flatbuffers.UOffsetT, len(g.Ops))
	for i, op := range g.Ops {
		operators[i] = w.operator(op)
	}
	tensorVector, operatorVector := w.tables(tensors), w.tables(operators)
	inputs, outputs := w.ids(g.Inputs), w.ids(g.Outputs)
	name := w.b.CreateString(called)
	w.b.StartObject(subgraphFields)
	w.b.PrependUOffsetTSlot(subgraphTensors, tensorVector, 0)
	w.b.PrependUOffsetTSlot(subgraphInputs, inputs, 0)
	w.b.PrependUOffsetTSlot(subgraphOutputs, outputs, 0)
	w.b.PrependUOffsetTSlot(subgraphOperators, operatorVector, 0)
	w.b.PrependUOffsetTSlot(subgraphName, name, 0)
	return w.b.EndObject()
}

func (w *writer) tensor(t *graph.Tensor) flatbuffers.UOffsetT {
	name, shape := w.b.CreateString(t.Name), w.ints(t.Shape)
	quant := w.quant(t.Quant)
	buffer := w.buffer(t.Data)
	w.b.StartObject(tensorFields)
	w.b.PrependUOffsetTSlot(tensorShape, shape, 0)
	w.b.PrependByteSlot(tensorType, byte(t.Type), 0)
	w.b.PrependUint32Slot(tensorBuffer, buffer, 0)
	w.b.PrependUOffsetTSlot(tensorName, name, 0)
	w.b.PrependUOffsetTSlot(tensorQuant, quant, 0)
	w.b.PrependBoolSlot(tensorVariable, t.Variable, false)
	return w.b.EndObject()
}

func (w *writer) quant(q *graph.Quant) flatbuffers.UOffsetT {
	if q == nil || len(q.Scales) == 0 {
		return 0
	}
	w.b.StartVector(4, len(q.Scales), 4)
	for i := len(q.Scales) - 1; i >= 0; i-- {
		w.b.PrependFloat32(q.Scales[i])
	}
	scales := w.b.EndVector(len(q.Scales))
	w.b.StartVector(8, len(q.ZeroPoints), 8)
	for i := len(q.ZeroPoints) - 1; i >= 0; i-- {
		w.b.PrependInt64(int64(q.ZeroPoints[i]))
	}
	zeros := w.b.EndVector(len(q.ZeroPoints))
	w.b.StartObject(quantFields)
	w.b.PrependUOffsetTSlot(quantScale, scales, 0)
	w.b.PrependUOffsetTSlot(quantZero, zeros, 0)
	w.b.PrependInt32Slot(quantAxis, int32(q.Axis), 0)
	return w.b.EndObject()
}

func (w *writer) operator(op *graph.Op) flatbuffers.UOffsetT {
	inputs, outputs := w.ids(op.Inputs), w.ids(op.Outputs)
	var intermediates, opts, custom flatbuffers.UOffsetT
	if len(op.Intermediates) > 0 {
		intermediates = w.ids(op.Intermediates)
	}
	file := graph.Describe(op.Kind).File
	if file.Union != 0 {
		o := &optionWriter{b: w.b}
		file.Fields(o, op.Attr)
		opts = o.finish()
	}
	if a, ok := op.Attr.(graph.CustomAttr); ok && len(a.Options) > 0 {
		w.b.Prep(constantAlign, len(a.Options))
		custom = w.b.CreateByteVector(a.Options)
	}
	w.b.StartObject(operatorFields)
	w.b.PrependUint32Slot(operatorCode, w.codeOf[op], 0)
	w.b.PrependUOffsetTSlot(operatorInputs, inputs, 0)
	w.b.PrependUOffsetTSlot(operatorOutputs, outputs, 0)
	w.b.PrependByteSlot(operatorOptionsType, file.Union, 0)
	w.b.PrependUOffsetTSlot(operatorOptions, opts, 0)
	w.b.PrependUOffsetTSlot(operatorCustomOptions, custom, 0)
	w.b.PrependUOffsetTSlot(operatorIntermediates, intermediates, 0)
	return w.b.EndObject()
}

// tables writes a vector of tables.
func (w *writer) tables(v []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	w.b.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		w.b.PrependUOffsetT(v[i])
	}
	return w.b.EndVector(len(v))
}

func (w *writer) ids(v []graph.TensorID) flatbuffers.UOffsetT { return vector32(w.b, v) }
func (w *writer) ints(v []int) flatbuffers.UOffsetT           { return vector32(w.b, v) }

func vector32[T ~int](b *flatbuffers.Builder, v []T) flatbuffers.UOffsetT {
	b.StartVector(4, len(v), 4)
	for i := len(v) - 1; i >= 0; i-- {
		b.PrependInt32(int32(v[i]))
	}
	return b.EndVector(len(v))
}
