// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestTruncatedFiles reads every prefix of a model.
func TestTruncatedFiles(t *testing.T) {
	whole := mustWrite(t, window(graph.MaxPool2D, graph.Pool2DAttr{StrideH: 2, StrideW: 3, FilterH: 2, FilterW: 3}, nil))
	for n := range whole {
		if m, err := ReadModel("cut", whole[:n:n]); err == nil && len(m.Graph.Ops) == 0 {
			t.Errorf("%d of %d bytes gave an empty graph and no error", n, len(whole))
		}
	}
}

// TestBitFlips flips every bit of a model. Reading must give an error or a
// valid graph.
func TestBitFlips(t *testing.T) {
	whole := mustWrite(t, stateful())
	for i := range whole {
		for bit := range 8 {
			b := append([]byte(nil), whole...)
			b[i] ^= 1 << bit
			g, err := Read("flipped", b)
			if err == nil {
				if err := g.Validate(); err != nil {
					t.Fatalf("bit %d of byte %d: read without error, but %v", bit, i, err)
				}
			}
		}
	}
}

// TestEveryWordReplaced puts numbers that break offsets and counts at every
// aligned word: huge, negative, zero, and offsets to itself.
func TestEveryWordReplaced(t *testing.T) {
	whole := mustWrite(t, stateful())
	for i := 0; i+4 <= len(whole); i += 4 {
		for _, v := range []uint32{0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, uint32(len(whole)), uint32(len(whole) - i), uint32(-i)} {
			b := append([]byte(nil), whole...)
			binary.LittleEndian.PutUint32(b[i:], v)
			_, _ = Read("word", b)
		}
	}
}

// TestRepeatedReferences lets a vector refer to one table many times, which
// itself refers to a long vector: small on disk, terabytes in memory.
func TestRepeatedReferences(t *testing.T) {
	b := flatbuffers.NewBuilder(0)
	const many = 1 << 14
	b.StartVector(4, many, 4)
	for range many {
		b.PrependInt32(0)
	}
	ids := b.EndVector(many)
	b.StartObject(operatorFields)
	b.PrependUOffsetTSlot(operatorInputs, ids, 0)
	op := b.EndObject()
	list := func(of flatbuffers.UOffsetT, n int) flatbuffers.UOffsetT {
		b.StartVector(4, n, 4)
		for range n {
			b.PrependUOffsetT(of)
		}
		return b.EndVector(n)
	}
	ops := list(op, many)
	b.StartObject(subgraphFields)
	b.PrependUOffsetTSlot(subgraphOperators, ops, 0)
	subgraphs := list(b.EndObject(), 1)
	b.StartObject(codeFields)
	codes := list(b.EndObject(), 1)
	b.StartObject(modelFields)
	b.PrependUint32Slot(modelVersion, schemaVersion, 0)
	b.PrependUOffsetTSlot(modelOperatorCodes, codes, 0)
	b.PrependUOffsetTSlot(modelSubgraphs, subgraphs, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(fileIdentifier))
	_, err := Read("bomb.tflite", b.FinishedBytes())
	if err == nil || !strings.Contains(err.Error(), "repeats its content") {
		t.Errorf("error %v", err)
	}
}

// TestBadQuantizationIsNamed makes models whose file is sound but whose
// quantization is not; the error names file and tensor.
func TestBadQuantizationIsNamed(t *testing.T) {
	scale := float32(0.123456)
	g := stateful()
	for _, x := range g.Tensors {
		x.Quant = graph.PerTensor(scale, 1)
	}
	whole := mustWrite(t, g)
	pattern := binary.LittleEndian.AppendUint32(nil, math.Float32bits(scale))
	at := strings.Index(string(whole), string(pattern))
	if at < 0 {
		t.Fatal("the scale is not in the file")
	}
	for name, v := range map[string]float32{"zero": 0, "negative": -scale, "nan": float32(math.NaN()), "inf": float32(math.Inf(1))} {
		b := append([]byte(nil), whole...)
		binary.LittleEndian.PutUint32(b[at:], math.Float32bits(v))
		_, err := Read("bad.tflite", b)
		if err == nil || !strings.HasPrefix(err.Error(), "bad.tflite: tensor ") || !strings.Contains(err.Error(), "scale 0 is ") {
			t.Errorf("scale %s: error %v", name, err)
		}
	}
}

// TestHugeDimensions claims tensors of many gigabytes.
func TestHugeDimensions(t *testing.T) {
	g := stateful()
	for _, x := range g.Tensors {
		x.Shape = []int{1, 77777}
	}
	whole := mustWrite(t, g)
	for i := 0; i+4 <= len(whole); i += 4 {
		if binary.LittleEndian.Uint32(whole[i:]) == 77777 {
			for _, v := range []uint32{0x7FFFFFFF, 0xFFFFFFFF, 1 << 28} {
				b := append([]byte(nil), whole...)
				binary.LittleEndian.PutUint32(b[i:], v)
				if _, err := Read("huge.tflite", b); err == nil {
					t.Errorf("dimension %#x gave no error", v)
				}
			}
		}
	}
}

// TestUnsupportedOperatorsAreListed reports all of them, with what to do.
func TestUnsupportedOperatorsAreListed(t *testing.T) {
	whole := mustWrite(t, stateful())
	f := newFile("ok", whole)
	model := f.table(f.follow(0, "model"), "model")
	code := model.tables(modelOperatorCodes, "operator code")[0]
	if code.field(codeBuiltin, 4) != 0 || code.field(codeDeprecated, 1) != 0 {
		t.Fatal("ADD is code 0, which is not stored")
	}
	g := stateful()
	g.Ops[0].Kind, g.Ops[0].Attr = graph.Mul, graph.MulAttr{}
	second := *g.Ops[0]
	second.Outputs = []graph.TensorID{g.Add(&graph.Tensor{Name: "more", Type: graph.Int8, Shape: []int{1, 4}, Quant: graph.PerTensor(0.5, 1)})}
	g.Ops = append(g.Ops, &second)
	whole = mustWrite(t, g)
	f = newFile("ok", whole)
	code = f.table(f.follow(0, "model"), "model").tables(modelOperatorCodes, "operator code")[0]
	const while = 119
	whole[code.field(codeDeprecated, 1)] = while
	binary.LittleEndian.PutUint32(whole[code.field(codeBuiltin, 4):], while)
	_, err := Read("while.tflite", whole)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"while.tflite", "operator 0: WHILE", "operator 1: WHILE", "unroll=True"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
}

// TestUnsupportedTypesComeAfterOperators: a tensor's type must not hide that it is the
// operator that has to go, and one of a type stands for all.
func TestUnsupportedTypesComeAfterOperators(t *testing.T) {
	const text, float16, reverseSequence = 5, 1, 112
	retyped := func(whole []byte, types map[int]byte) {
		f := newFile("ok", whole)
		model := f.table(f.follow(0, "model"), "model")
		tensors := model.tables(modelSubgraphs, "subgraph")[0].tables(subgraphTensors, "tensor")
		for i, to := range types {
			whole[tensors[i].field(tensorType, 1)] = to
		}
	}
	g := stateful()
	g.Ops[0].Kind, g.Ops[0].Attr = graph.Mul, graph.MulAttr{}
	whole := mustWrite(t, g)
	retyped(whole, map[int]byte{0: float16, 1: text, 2: text})
	_, err := Read("x.tflite", whole)
	if err == nil {
		t.Fatal("no error")
	}
	want := "x.tflite: tensor 0 \"" + g.Tensors[0].Name + "\": type FLOAT16 is not supported; quantize the model to int8 or int16\n" +
		"tensor 1 \"" + g.Tensors[1].Name + "\": type STRING is not supported; compute it outside of the network"
	if err.Error() != want {
		t.Errorf("found %q, expected %q", err, want)
	}
	code := newFile("ok", whole)
	at := code.table(code.follow(0, "model"), "model").tables(modelOperatorCodes, "operator code")[0]
	whole[at.field(codeDeprecated, 1)] = reverseSequence
	binary.LittleEndian.PutUint32(whole[at.field(codeBuiltin, 4):], reverseSequence)
	_, err = Read("x.tflite", whole)
	if err == nil || !strings.HasPrefix(err.Error(), "x.tflite: operator 0: REVERSE_SEQUENCE is not supported; compute it outside of the network, or change the network to do without it; unroll lower has it in files of float32\ntensor 0 ") {
		t.Errorf("found %q, expected the operator first", err)
	}
}

// TestOperatorNames checks the list of names against the descriptions of the kinds.
func TestOperatorNames(t *testing.T) {
	for _, kind := range graph.Kinds() {
		if got := foreignNames[kind]; got != kind.String() {
			t.Errorf("name of operator %d is %q, expected %q", kind, got, kind)
		}
	}
}

// TestPairStates names states by hand.
func TestPairStates(t *testing.T) {
	g := stateful()
	g.States = nil
	for _, bad := range []map[string]string{{"h": "nothing"}, {"nothing": "h_out"}, {"h_out": "h"}} {
		if err := PairStates(g, bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	if err := PairStates(g, map[string]string{"h": "h_out"}); err != nil {
		t.Fatal(err)
	}
	if err := PairStates(g, map[string]string{"serving_default_x:0": "h_out"}); err != nil {
		t.Fatal(err)
	}
	if len(g.States) != 1 || g.States[0] != (graph.State{In: 0, Out: 2}) {
		t.Errorf("states are %v, expected the later pair alone", g.States)
	}
}

// TestPairStatesKeepsTheOrderOfInputs, which decides bytes of what is made of the graph,
// whatever order the names have.
func TestPairStatesKeepsTheOrderOfInputs(t *testing.T) {
	g := &graph.Graph{Name: "two states"}
	add := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, 4}, Quant: graph.PerTensor(0.5, 1)})
	}
	z, a, zOut, aOut := add("z"), add("a"), add("z_out"), add("a_out")
	g.Inputs, g.Outputs = []graph.TensorID{z, a}, []graph.TensorID{zOut, aOut}
	if err := PairStates(g, map[string]string{"a": "a_out", "z": "z_out"}); err != nil {
		t.Fatal(err)
	}
	if want := []graph.State{{In: z, Out: zOut}, {In: a, Out: aOut}}; !slices.Equal(g.States, want) {
		t.Errorf("states %v, expected %v", g.States, want)
	}
}

// TestAmbiguousStatesAreLeft has two inputs that fit one output.
func TestAmbiguousStatesAreLeft(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  int
	}{{[]string{"a", "b", "y"}, 0}, {[]string{"x", "h", "new_h"}, 1}, {[]string{"x", "state_h0", "state_h0_out"}, 1}, {[]string{"x", "vad_prev_state", "Identity_3"}, 1}, {[]string{"noisy", "other", "clean"}, 0}} {
		g := stateful()
		g.States = nil
		for i, n := range c.names {
			g.Tensors[i].Name = n
		}
		again, err := Read("x", mustWrite(t, g))
		if err != nil {
			t.Fatal(err)
		}
		if len(again.States) != c.want {
			t.Errorf("%v: states %v, expected %d", c.names, again.States, c.want)
		}
	}
}

func mustWrite(t testing.TB, g *graph.Graph) []byte {
	t.Helper()
	b, err := Write(g)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzRead feeds anything. What can be read has to be writable, and to come
// back the same.
func FuzzRead(f *testing.F) {
	f.Add(mustWrite(f, stateful()))
	f.Add(mustWrite(f, window(graph.Conv2D, graph.Conv2DAttr{StrideH: 1, StrideW: 2, DilationH: 2, DilationW: 1}, []int{3, 2, 3, 4})))
	f.Add(mustWrite(f, window(graph.MaxPool2D, graph.Pool2DAttr{StrideH: 2, StrideW: 3, FilterH: 2, FilterW: 3}, nil)))
	f.Add(encode(&Model{Graph: counter()}))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadModel("fuzz", data)
		if err != nil {
			return
		}
		out, err := WriteModel(m)
		if err != nil {
			t.Fatalf("read but not writable: %v", err)
		}
		if _, err := ReadModel("again", out); err != nil {
			t.Fatalf("written but not readable: %v", err)
		}
	})
}
