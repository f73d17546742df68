// SPDX-License-Identifier: Apache-2.0

package batch_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/batch"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/nn"
)

// noise is a set of random sequences.
type noise struct{ steps, features, n int }

func (s noise) Len() int      { return s.n }
func (s noise) Label(int) int { return 0 }
func (s noise) Sample(i int, dst []float32) {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	for j := range dst {
		dst[j] = float32(r.NormFloat64())
	}
}

// network is a stack of layers with random weights.
func network(t testing.TB, text string, steps int, perStep bool, task nn.Task) *nn.Network {
	t.Helper()
	layers, err := nn.ParseStack(text, 6, perStep)
	if err != nil {
		t.Fatal(err)
	}
	net := &nn.Network{Name: "stack", Steps: steps, Features: 3, Outputs: 4, Task: task, PerStep: perStep, Layers: layers}
	if err := net.Complete(); err != nil {
		t.Fatal(err)
	}
	train.Initialize(net, 5)
	return net
}

// same runs the graph of n windows, calls in a row with the state carried, beside n runs of the
// graph of one window each, and compares every output and state.
func same(t testing.TB, one, many *graph.Graph, n, calls int, seed uint64) {
	t.Helper()
	all, err := reference.New(many)
	if err != nil {
		t.Fatal(err)
	}
	var single []*reference.Interpreter
	for range n {
		it, err := reference.New(one)
		if err != nil {
			t.Fatal(err)
		}
		single = append(single, it)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	fed := make([][]byte, len(one.Inputs))
	for i, id := range many.Inputs {
		fed[i] = many.Tensors[id].ZeroBytes()
	}
	carried := map[graph.TensorID]bool{}
	for _, s := range one.States {
		carried[s.In] = true
	}
	for call := range calls {
		for i, id := range one.Inputs {
			if !carried[id] {
				for k := range fed[i] {
					fed[i][k] = byte(r.Uint32())
				}
			}
			size := one.Tensors[id].Bytes()
			if got := many.Tensors[many.Inputs[i]]; got.Bytes() != n*size || got.Name != one.Tensors[id].Name {
				t.Fatalf("input %d is %q of %d bytes, expected %q of %d", i, got.Name, got.Bytes(), one.Tensors[id].Name, n*size)
			}
			for w, it := range single {
				if err := it.Feed(i, fed[i][w*size:(w+1)*size]); err != nil {
					t.Fatal(err)
				}
			}
			if err := all.Feed(i, fed[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.Invoke(); err != nil {
			t.Fatal(err)
		}
		for w, it := range single {
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			for i, id := range one.Outputs {
				size := one.Tensors[id].Bytes()
				if got, want := all.Output(i)[w*size:(w+1)*size], it.Output(i); !bytes.Equal(got, want) {
					t.Fatalf("call %d, window %d, output %q: %v, alone %v", call, w, one.Tensors[id].Name, got, want)
				}
			}
		}
		for k, s := range many.States {
			in, out := -1, -1
			for i := range many.Inputs {
				if many.Inputs[i] == s.In {
					in = i
				}
			}
			for i := range many.Outputs {
				if many.Outputs[i] == s.Out {
					out = i
				}
			}
			if in < 0 || out < 0 {
				t.Fatalf("state %d is not among inputs and outputs", k)
			}
			copy(fed[in], all.Output(out))
		}
	}
}

var stacks = []string{
	"gru", "gru:5:classic", "lstm:5,gru:4", "rnn:4:relu", "mingru:5x3:gate", "mingru:6x4,mingru:5x2", "gru:6:r2",
	"dense:5:tanh,conv:4x3,gru:4", "conv:6x2,max", "gru:5,mean,dense:4", "bi-lstm:4,max", "bi-gru:4", "bi-mingru:4x3:gate,rnn:3",
}

// Networks of all layers and widths, in windows, steps and single steps: every window gives what
// the network gives for it alone.
func TestWindows(t *testing.T) {
	for _, text := range stacks {
		for _, perStep := range []bool{false, true} {
			layers, err := nn.ParseStack(text, 6, perStep)
			if err != nil || perStep && (&nn.Network{Layers: layers}).Pooled(len(layers)-1) {
				continue
			}
			whole := strings.Contains(text, "bi-") || strings.Contains(text, "max") || strings.Contains(text, "mean")
			for i, a := range []lower.Activations{lower.Int8, lower.Mixed, lower.Int16} {
				for _, steps := range []int{0, 1, 2} {
					if whole && steps > 0 {
						continue
					}
					t.Run(fmt.Sprintf("%s/%v/%v/%d", text, perStep, a, steps), func(t *testing.T) {
						net := network(t, text, 5, perStep, nn.Task((i+steps)%2))
						o := lower.Options{Activations: a, Steps: steps, StateIO: !whole && steps != 0, PerChannelWeights: i == 1, PerStep: perStep}
						r, err := lower.Lower(context.Background(), net, noise{5, 3, 12}, o)
						if err != nil {
							t.Fatal(err)
						}
						for _, n := range []int{1, 2, 5} {
							many, err := batch.Windows(r.Int8, n)
							if err != nil {
								t.Fatal(err)
							}
							same(t, r.Int8, many, n, 3, uint64(n))
						}
					})
				}
			}
		}
	}
}

// Networks of other makers: those that keep no value inside themselves run in several windows
// like any, and the others are refused by the name of what they keep.
func TestOthers(t *testing.T) {
	for _, name := range []string{"gru16_t4", "gru32x40_stream", "rnn64_mnist", "lstm64_mnist_state", "rnnoise_int8", "tflm_mnist_lstm20_int8"} {
		t.Run(name, func(t *testing.T) {
			g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
			if err != nil {
				t.Fatal(err)
			}
			many, err := batch.Windows(g, 3)
			if slices.ContainsFunc(g.Tensors, func(t *graph.Tensor) bool { return t.Variable }) {
				if err == nil || !strings.Contains(err.Error(), "keeps its value inside the network") {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			same(t, g, many, 3, 2, 9)
		})
	}
}

// What cannot be is refused by the operator's name, and nothing is taken for granted of counts.
func TestRefusals(t *testing.T) {
	g := &graph.Graph{Name: "odd"}
	q := graph.PerTensor(0.5, 0)
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 4}, Quant: q})
	w := g.Add(&graph.Tensor{Name: "w", Type: graph.Int8, Shape: []int{4, 4}, Quant: q})
	y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int8, Shape: []int{1, 4}, Quant: q})
	g.Inputs, g.Outputs = []graph.TensorID{x, w}, []graph.TensorID{y}
	g.Ops = []*graph.Op{{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{x, w, graph.None}, Outputs: []graph.TensorID{y}}}
	for n, want := range map[int]string{0: "expected 1 to 64", 65: "expected 1 to 64", 2: `operator 0 (FULLY_CONNECTED, output "y"): several windows a call: "w" is computed`} {
		if _, err := batch.Windows(g, n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d windows: error is %v, expected %q", n, err, want)
		}
	}
}
