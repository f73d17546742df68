// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train/nn"
)

// network is one that figures are measured on: recorded, or made from a seed. Those of a
// seed have noise for weights, which compresses less than what training leaves.
type network struct {
	name     string
	recorded bool // it is a file of the shared models

	cell                                   nn.Cell
	layers, units, features, steps, output int
	form                                   lower.Form
	apart                                  bool // no state in and out
	activations                            lower.Activations
	heavy                                  bool // too big for quick runs
}

// networks are small and large, of one step and of many, of all cells and of both forms.
var networks = []network{
	{name: "gru256_mnist", recorded: true},
	{name: "gru256_mnist_state", recorded: true},
	{name: "lstm64_mnist_state", recorded: true},
	{name: "rnn64_mnist", recorded: true},
	{name: "gru32x40_stream", recorded: true},
	{name: "gru16_t4", recorded: true},
	{name: "rnnoise_int8", recorded: true},
	{name: "tflm_mnist_lstm20_int8", recorded: true},
	{name: "gru24_t1", cell: nn.GRU, layers: 1, units: 24, features: 13, steps: 1, output: 4},
	{name: "gru13_t20", cell: nn.GRU, layers: 1, units: 13, features: 6, steps: 20, output: 3},
	{name: "lstm32x2_t1", cell: nn.LSTM, layers: 2, units: 32, features: 20, steps: 1, output: 6},
	{name: "gru100_t50", cell: nn.GRU, layers: 1, units: 100, features: 40, steps: 50, output: 12},
	{name: "lstm128_t16", cell: nn.LSTM, layers: 1, units: 128, features: 40, steps: 16, output: 12},
	{name: "lstm48_t12_keras", cell: nn.LSTM, layers: 1, units: 48, features: 16, steps: 12, output: 5, form: lower.FormKeras},
	{name: "rnn128_t28", cell: nn.SimpleRNN, layers: 1, units: 128, features: 28, steps: 28, output: 10},
	{name: "gru64x2_t10_keras", cell: nn.GRU, layers: 2, units: 64, features: 20, steps: 10, output: 8, form: lower.FormKeras, apart: true},
	{name: "lstm20_t30", cell: nn.LSTM, layers: 1, units: 20, features: 9, steps: 30, output: 4},
	{name: "gru512_t4", cell: nn.GRU, layers: 1, units: 512, features: 64, steps: 4, output: 10, heavy: true},
	{name: "gru1000_t5", cell: nn.GRU, layers: 1, units: 1000, features: 40, steps: 5, output: 12, heavy: true},
}

// graph returns the integer graph of a network.
func (n *network) graph(t testing.TB) *graph.Graph {
	t.Helper()
	if n.recorded {
		g, err := tflite.Read(n.name, testdata.ReadShared(t, "data", "models", n.name+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	net := randomNet(n.cell, n.layers, n.units, n.features, n.steps, n.output, 11)
	net.Name = n.name
	r, err := lower.Lower(context.Background(), net, few{noise{n.steps, n.features}, 4},
		lower.Options{Steps: n.steps, StateIO: !n.apart, Form: n.form, Activations: n.activations})
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return r.Int8
}
