// SPDX-License-Identifier: Apache-2.0

package vela_test

import (
	"bytes"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

// mixedFile is a compiled network of two streams with a CUMSUM between them.
func mixedFile(t *testing.T) []byte {
	t.Helper()
	q, row := graph.PerTensor(1.0/128, 0), []int{1, 16}
	g := &graph.Graph{Name: "mixed"}
	add := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: row, Quant: q})
	}
	x, a, b, y := add("x"), add("a"), add("b"), add("y")
	axis := g.Add(&graph.Tensor{Name: "axis", Type: graph.Int32})
	g.Tensors[axis].SetInts([]int{1})
	g.Ops = []*graph.Op{
		{Kind: graph.Tanh, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{a}},
		{Kind: graph.Cumsum, Attr: graph.CumsumAttr{}, Inputs: []graph.TensorID{a, axis}, Outputs: []graph.TensorID{b}},
		{Kind: graph.Tanh, Inputs: []graph.TensorID{b}, Outputs: []graph.TensorID{y}},
	}
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(g, compile.Options{Accel: accel})
	if err != nil {
		t.Fatal(err)
	}
	file, err := vela.Write(p)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestReadRefusesParts damages a file of several operators everywhere and expects errors,
// not panics, from whoever takes the program.
func TestReadRefusesParts(t *testing.T) {
	data := mixedFile(t)
	for i := range data {
		for _, bits := range []byte{0xff, 0x01} {
			b := bytes.Clone(data)
			b[i] ^= bits
			p, err := vela.Read("damaged", b)
			if err != nil {
				continue
			}
			verify.Program(p)
			vela.ArenaOf(p)
			if m, err := runner.NewSimulator(p); err == nil {
				_ = m.Invoke(runner.Buffers(m.Inputs()), runner.Buffers(m.Outputs()))
			}
		}
	}
}
