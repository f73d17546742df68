// SPDX-License-Identifier: Apache-2.0

package tflite_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "write the golden files")

func save(t *testing.T, g *graph.Graph, more ...*graph.Graph) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "net.tflite")
	if err := os.WriteFile(file, tflite.Encode(g, more...), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRealOperators opens a file for every operator that float files may have: it is read
// and the same as the definition, or refused by name. The golden file says what quantization
// makes of those that are read.
func TestRealOperators(t *testing.T) {
	var text strings.Builder
	for _, c := range realCases {
		n := newNet(c.name)
		n.Outputs = []graph.TensorID{c.build(n)}
		file := save(t, n.Graph)
		if float, err := source.IsFloat(file); err != nil || !float {
			t.Errorf("%s: is a float network: %v, %v", c.name, float, err)
		}
		got, err := source.Open(file, source.Options{})
		switch {
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: error %v, expected %q", c.name, err, c.refused)
		case c.refused == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		fmt.Fprintf(&text, "%-40s %s\n", c.name, quantized(t, got))
	}
	testdata.Recorded(t, "real-operators.txt", text.String(), *update)
}

// builtin gives the only operator code of a file another number.
func builtin(t *testing.T, raw []byte, to graph.Kind) []byte {
	t.Helper()
	at := func(pos int) int { return pos + int(binary.LittleEndian.Uint32(raw[pos:])) }
	field := func(table, slot int) int {
		vtable := table - int(int32(binary.LittleEndian.Uint32(raw[table:])))
		return table + int(binary.LittleEndian.Uint16(raw[vtable+4+2*slot:]))
	}
	code := at(at(field(at(0), 1)) + 4)
	raw = append([]byte(nil), raw...)
	binary.LittleEndian.PutUint32(raw[field(code, 3):], uint32(to))
	raw[field(code, 0)] = byte(min(to, 127))
	return raw
}

// TestEveryOperator asks for every operator of the schema: each is in a file that is read
// above, or refused by its name with what to do.
func TestEveryOperator(t *testing.T) {
	read := map[graph.Kind]bool{ // that other tests have files of
		graph.Quantize: true, graph.CallOnce: true, graph.VarHandle: true, graph.ReadVariable: true, graph.AssignVariable: true,
		graph.UnidirectionalSequenceLSTM: true, graph.UnidirectionalSequenceRNN: true, graph.If: true, graph.While: true,
	}
	for _, c := range realCases {
		n := newNet(c.name)
		c.build(n)
		for _, op := range n.Ops {
			read[op.Kind] = true
		}
	}
	n := newNet("any")
	n.Outputs = []graph.TensorID{n.op(graph.Sign, nil, s(1, 3), n.input(1, 3))}
	raw := tflite.Encode(n.Graph)
	for number, name := range tflite.Names {
		k := graph.Kind(number)
		if read[k] {
			continue
		}
		file := filepath.Join(t.TempDir(), "net.tflite")
		if err := os.WriteFile(file, builtin(t, raw, k), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := source.Open(file, source.Options{})
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "change the network to do without it") {
			t.Errorf("%d %s: error %v", number, name, err)
		}
	}
}

// TestLoop reads the file of a recurrent layer that the converter wrote as a WHILE: places
// in sequences that the rounds count, joined lists, and a condition of two parts.
func TestLoop(t *testing.T) {
	const steps, features, units = 5, 3, 4
	cond, body := newNet("cond"), newNet("body")
	carried := func(n *net) []graph.TensorID { // time, x, h, all, open as converters leave them
		n.Inputs = []graph.TensorID{
			n.Add(&graph.Tensor{Name: "time", Type: graph.Int32, Shape: s()}),
			n.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: s(steps, 1, features)}),
			n.Add(&graph.Tensor{Name: "h", Type: graph.Float32, Shape: s(1, units)}),
			n.Add(&graph.Tensor{Name: "all", Type: graph.Float32, Shape: s(steps, 1, units)}),
		}
		return n.Inputs
	}
	v := carried(cond)
	cond.Outputs = []graph.TensorID{cond.truth(graph.LogicalAnd, s(), cond.truth(graph.Less, s(), v[0], cond.ints(s(), steps)), cond.truth(graph.LessEqual, s(), v[0], cond.ints(s(), 99)))}

	v = carried(body)
	b := body
	x := b.op(graph.Gather, graph.GatherAttr{}, s(1, features), v[1], v[0])
	pre := b.op(graph.Add, graph.AddAttr{}, s(1, units), b.op(graph.FullyConnected, graph.FullyConnectedAttr{}, s(1, units), x, b.floats(s(units, features)), b.floats(s(units))),
		b.op(graph.FullyConnected, graph.FullyConnectedAttr{}, s(1, units), v[2], b.floats(s(units, units)), graph.None))
	h := b.op(graph.Tanh, nil, s(1, units), pre)
	// all[:time] + [h] + all[time+1:]
	next := b.typed(graph.Add, graph.AddAttr{}, graph.Int32, s(), v[0], b.ints(s(), 1))
	zeros := b.list(0, 0)
	front := b.op(graph.Slice, nil, s(1, 1, units), v[3], b.list(0, 0, 0), b.typed(graph.Concatenation, graph.ConcatenationAttr{}, graph.Int32, s(3), b.typed(graph.Reshape, graph.ReshapeAttr{NewShape: s(1)}, graph.Int32, s(1), v[0], b.list(1)), b.list(-1, -1)))
	back := b.op(graph.Slice, nil, s(1, 1, units), v[3], b.typed(graph.Concatenation, graph.ConcatenationAttr{}, graph.Int32, s(3), b.typed(graph.Reshape, graph.ReshapeAttr{NewShape: s(1)}, graph.Int32, s(1), next, b.list(1)), zeros), b.list(-1, -1, -1))
	all := b.op(graph.Concatenation, graph.ConcatenationAttr{}, s(1, 1, units), front, b.op(graph.Reshape, graph.ReshapeAttr{NewShape: s(1, 1, units)}, s(1, 1, units), h, b.list(1, 1, -1)), back)
	b.Outputs = []graph.TensorID{next, v[1], h, all}

	main := newNet("main")
	first := []graph.TensorID{main.ints(s(), 0), main.op(graph.Transpose, nil, s(steps, 1, features), main.input(1, steps, features), main.list(1, 0, 2)),
		main.op(graph.Fill, nil, s(1, units), main.list(1, units), main.floats(s(), 0)), main.op(graph.Fill, nil, s(steps, 1, units), main.list(steps, 1, units), main.floats(s(), 0))}
	loop := &graph.Op{Kind: graph.While, Attr: graph.WhileAttr{Cond: 1, Body: 2}, Inputs: first}
	for i, shape := range [][]int{s(), s(steps, 1, features), s(1, units), s(steps, 1, units)} {
		kind := graph.Float32
		if i == 0 {
			kind = graph.Int32
		}
		loop.Outputs = append(loop.Outputs, main.Add(&graph.Tensor{Name: fmt.Sprintf("loop%d", i), Type: kind, Shape: shape}))
	}
	main.Ops = append(main.Ops, loop)
	main.Outputs = []graph.TensorID{loop.Outputs[2], main.op(graph.Transpose, nil, s(1, steps, units), loop.Outputs[3], main.list(1, 0, 2))}
	file := save(t, main.Graph, cond.Graph, body.Graph)
	if float, err := source.IsFloat(file); err != nil || !float {
		t.Fatalf("is a float network: %v, %v", float, err)
	}
	n, err := source.Open(file, source.Options{}) // computes it twice
	if err != nil {
		t.Fatal(err)
	}
	products := 0
	for _, op := range n.Graph.Ops {
		if op.Kind == graph.FullyConnected {
			products++
		}
	}
	if products != 2*steps-1 { // that of the first state is known
		t.Errorf("%d products, expected those of %d steps", products, steps)
	}
	if got := quantized(t, n); !strings.Contains(got, "int16, error") {
		t.Error(got)
	}

	// Without a number of rounds that is known, and without an end.
	open := newNet("open")
	w := carried(open)
	open.Outputs = []graph.TensorID{open.truth(graph.Less, s(), open.op(graph.Sum, graph.ReducerAttr{}, s(), w[2], open.list(0, 1)), open.floats(s(), 3))}
	endless, still := newNet("endless"), newNet("still")
	carried(endless)
	still.Outputs = carried(still)
	endless.Outputs = []graph.TensorID{endless.truth(graph.Less, s(), endless.ints(s(), 0), endless.ints(s(), 1))}
	for words, c := range map[string][2]*net{"how often it is repeated depends on the inputs": {open, body}, "it is repeated more than": {endless, still}} {
		if _, err := source.Open(save(t, main.Graph, c[0].Graph, c[1].Graph), source.Options{}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, expected %q", err, words)
		}
	}
}

// TestBranch reads one with a condition that is known.
func TestBranch(t *testing.T) {
	sides := make([]*graph.Graph, 2)
	for i, k := range []graph.Kind{graph.Tanh, graph.Exp} {
		n := newNet(k.String())
		x := n.input(1, 4)
		n.Outputs = []graph.TensorID{n.op(k, nil, s(1, 4), x)}
		sides[i] = n.Graph
	}
	for _, known := range []bool{true, false} {
		main := newNet("main")
		x := main.input(1, 4)
		cond := main.bools(s(), 0)
		if !known {
			cond = main.truth(graph.Less, s(), main.op(graph.Sum, graph.ReducerAttr{}, s(), x, main.list(0, 1)), main.floats(s(), 0))
		}
		op := &graph.Op{Kind: graph.If, Attr: graph.IfAttr{Then: 1, Else: 2}, Inputs: []graph.TensorID{cond, x}, Outputs: []graph.TensorID{main.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: s(1, 4)})}}
		main.Ops, main.Outputs = append(main.Ops, op), op.Outputs
		n, err := source.Open(save(t, main.Graph, sides...), source.Options{})
		if !known {
			if err == nil || !strings.Contains(err.Error(), "choose by tf.where") {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil || n.Graph.Ops[0].Kind != graph.Exp {
			t.Errorf("error %v, expected EXP", err)
		}
	}
}

// quantized says what becomes of a network in integers: the largest error, or the refusal.
func quantized(t *testing.T, n *source.Network) string {
	g := n.Graph
	r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{Role: n.Role, Ranges: n.Ranges}, noise{}, lower.Options{Activations: lower.Int16})
	if err != nil {
		return err.Error()
	}
	if _, err := reference.New(r.Int8); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("int16, error %.0e", r.Loss)
}

// noise is 30 sequences of one call.
type noise struct{}

func (noise) Len() int      { return 30 }
func (noise) Calls(int) int { return 1 }
func (noise) Feed(i, _, input int, dst []float32) error {
	r := rand.New(rand.NewPCG(uint64(i), uint64(input)))
	for j := range dst {
		dst[j] = float32(r.NormFloat64())
	}
	return nil
}
