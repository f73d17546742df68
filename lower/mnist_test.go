// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// trainedGRU takes the weights of the recorded GRU-256 back to float.
func trainedGRU(t *testing.T) *nn.Network {
	g, err := tflite.Read("gru256_mnist_state.tflite", testdata.ReadShared(t, "data", "models", "gru256_mnist_state.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	turned := func(id graph.TensorID) []float32 { // [O,I] int8 to [I,O]
		w := g.Tensors[id]
		rows, cols := w.Shape[0], w.Shape[1]
		out := make([]float32, rows*cols)
		for i, b := range w.Data {
			out[i%cols*rows+i/cols] = w.Scale() * float32(int8(b))
		}
		return out
	}
	bias := func(id graph.TensorID) []float32 {
		b := g.Tensors[id]
		out := make([]float32, b.Elems())
		for i := range out {
			out[i] = b.Scale() * float32(int32(binary.LittleEndian.Uint32(b.Data[4*i:])))
		}
		return out
	}
	net := &nn.Network{Name: "gru256", Steps: 28, Features: 28, Outputs: 10}
	l := nn.Layer{Cell: nn.GRU, Features: 28, Units: 256, ResetAfter: true}
	var biases [2][]float32
	for _, op := range g.Ops {
		if op.Kind != graph.FullyConnected {
			continue
		}
		switch s := g.Tensors[op.Inputs[1]].Shape; {
		case s[0] == 10:
			net.HeadKernel, net.HeadBias = turned(op.Inputs[1]), bias(op.Inputs[2])
		case s[1] == 28 && l.Kernel == nil:
			l.Kernel, biases[0] = turned(op.Inputs[1]), bias(op.Inputs[2])
		case s[1] == 256 && l.Recurrent == nil:
			l.Recurrent, biases[1] = turned(op.Inputs[1]), bias(op.Inputs[2])
		}
	}
	l.Bias = append(biases[0], biases[1]...)
	net.Layers = []nn.Layer{l}
	return net
}

// A trained network of the size people use keeps its decisions.
func TestTrainedGRUKeepsItsAccuracy(t *testing.T) {
	net := trainedGRU(t)
	train, test, err := dataset.OpenMNIST(testdata.Shared(t, "data", "mnist"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	const images = 400
	for _, o := range []lower.Options{
		{StateIO: true, CalibrationSamples: 20},
		{StateIO: true, CalibrationSamples: 20, Activations: lower.Int16},
	} {
		r, err := lower.Lower(ctx, net, train, o)
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.EvaluateFloat(ctx, test, images)
		if err != nil {
			t.Fatal(err)
		}
		q, err := r.Evaluate(ctx, test, images)
		if err != nil {
			t.Fatal(err)
		}
		most := 0.025
		if o.Activations == lower.Int16 {
			most = 0.003
		}
		if f.Accuracy() < 0.95 || q.Accuracy() < f.Accuracy()-0.01 || f.Agreement(q) < 0.985 || f.RMSE(q) > most {
			t.Errorf("%v: float %.4f, integer %.4f, agreement %.4f, error %.4f", o.Activations, f.Accuracy(), q.Accuracy(), f.Agreement(q), f.RMSE(q))
		}
		t.Logf("%v: float %.4f, integer %.4f, agreement %.4f, error %.4f", o.Activations, f.Accuracy(), q.Accuracy(), f.Agreement(q), f.RMSE(q))
	}
}
