// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// divided is a command of the scripts: divided FILE.tflite writes a network whose DIV, between
// two operators of the NPU, is for the CPU.
func divided(args []string) error {
	g, q := &graph.Graph{Name: "divided"}, graph.PerTensor(1.0/128, 0)
	add := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, 16}, Quant: q})
	}
	x, a, b, y := add("x"), add("a"), add("b"), add("y")
	g.Ops = []*graph.Op{
		{Kind: graph.Tanh, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{a}},
		{Kind: graph.Div, Attr: graph.DivAttr{}, Inputs: []graph.TensorID{x, a}, Outputs: []graph.TensorID{b}},
		{Kind: graph.Tanh, Inputs: []graph.TensorID{b}, Outputs: []graph.TensorID{y}},
	}
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	file, err := tflite.Write(g)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], file, 0o666)
}
