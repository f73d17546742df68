// SPDX-License-Identifier: Apache-2.0

package source

import (
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/train/checkpoint"
)

// TestTorchBothWays compares bidirectional modules, of two layers and one, with what
// NumPy computes by PyTorch's equations, for everything that may be read of their outputs.
func TestTorchBothWays(t *testing.T) {
	for _, kind := range []string{"gru", "lstm", "rnn"} {
		file := "testdata/torch_" + kind + ".safetensors"
		arrays := archive(t, "testdata/torch_"+kind+".npz")
		for _, join := range []string{checkpoint.JoinEnds, checkpoint.JoinLast, checkpoint.JoinMean, checkpoint.JoinMax, checkpoint.JoinSteps} {
			n, err := Open(file, Options{Arrays: map[string][]int{"input": arrays["x"].Shape}, Layers: checkpoint.Stated{Join: join, Head: "none"}})
			if err != nil {
				t.Errorf("%s %s: %v", kind, join, err)
				continue
			}
			e, err := floatexec.New(n.Graph)
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Runner().Run(1, [][]float32{arrays["x"].Floats()})
			if err != nil {
				t.Fatal(err)
			}
			got, want := out[0].Row(0), arrays[join].Floats()
			if len(got) != len(want) || len(out) != 1 {
				t.Errorf("%s %s: %d values of %d outputs, expected %d of 1", kind, join, len(got), len(out), len(want))
				continue
			}
			for i := range want {
				if math.Abs(float64(got[i]-want[i])) > 2e-6 {
					t.Errorf("%s %s: value %d is %v, expected %v", kind, join, i, got[i], want[i])
				}
			}
		}
		for _, c := range []struct {
			o    Options
			want string
		}{
			{Options{}, "say --join ends (torch.cat((h_n[-2], h_n[-1]), 1)), last (out[:, -1])"},
			{Options{Layers: checkpoint.Stated{Join: "sum"}}, "--join sum: expected ends, last, mean, max or steps"},
			{Options{Steps: 1, Layers: checkpoint.Stated{Join: "ends"}}, "not causal over time"},
		} {
			if _, err := Open(file, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, expected one with %q", kind, err, c.want)
			}
		}
	}
}

// TestTorchOneWay compares a module of one direction with PyTorch's own outputs, for everything
// that may be read of its steps. Without --join the last step is taken, and that is said; with
// --state none a call starts at zero and has no states.
func TestTorchOneWay(t *testing.T) {
	const file = "testdata/torch_one.pt"
	arrays := archive(t, "testdata/torch_one.npz")
	open := func(join string) (*Network, error) {
		return Open(file, Options{Arrays: map[string][]int{"input": arrays["x"].Shape}, States: []string{"none"}, Layers: checkpoint.Stated{Join: join, Head: "none"}})
	}
	for _, join := range []string{"", checkpoint.JoinLast, checkpoint.JoinMean, checkpoint.JoinMax, checkpoint.JoinSteps} {
		n, err := open(join)
		if err != nil {
			t.Fatalf("%q: %v", join, err)
		}
		if said := strings.Contains(strings.Join(n.Assumed, "\n"), "reads the last step of the recurrent one"); said != (join == "") {
			t.Errorf("%q: assumed %q", join, n.Assumed)
		}
		if len(n.Graph.Inputs) != 1 || len(n.Graph.Outputs) != 1 || len(n.Graph.States) != 0 {
			t.Fatalf("%q: %d inputs, %d outputs, %d states with --state none", join, len(n.Graph.Inputs), len(n.Graph.Outputs), len(n.Graph.States))
		}
		e, err := floatexec.New(n.Graph)
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Runner().Run(1, [][]float32{arrays["x"].Floats()})
		if err != nil {
			t.Fatal(err)
		}
		name := join
		if name == "" {
			name = checkpoint.JoinLast
		}
		got, want := out[0].Row(0), arrays[name].Floats()
		if len(got) != len(want) {
			t.Fatalf("%q: %d values, expected %d", join, len(got), len(want))
		}
		for i := range want {
			if math.Abs(float64(got[i]-want[i])) > 1e-6 {
				t.Errorf("%q: value %d is %v, expected %v", join, i, got[i], want[i])
			}
		}
	}
	if _, err := open(checkpoint.JoinEnds); err == nil || !strings.Contains(err.Error(), "has one direction, which ends with the last step: say --join last") {
		t.Errorf("ends of one direction: %v", err)
	}
	if _, err := Open(file, Options{Steps: 1, Layers: checkpoint.Stated{Join: checkpoint.JoinMean}}); err == nil || !strings.Contains(err.Error(), "makes one row of all steps (mean), so that a call needs the whole sequence") {
		t.Errorf("a mean over the steps, step by step: %v", err)
	}
}

// TestTorchCheckpoint reads the weights of a checkpoint with what trainers leave beside them
// (classes, sets, counters, large numbers), in transposed and strided views of one storage.
// PyTorch computed the outputs.
func TestTorchCheckpoint(t *testing.T) {
	arrays := archive(t, "testdata/torch_checkpoint.npz")
	n, err := Open("testdata/torch_checkpoint.pt", Options{Arrays: map[string][]int{"input": arrays["x"].Shape}, Layers: checkpoint.Stated{Head: "none"}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := floatexec.New(n.Graph)
	if err != nil {
		t.Fatal(err)
	}
	inputs := [][]float32{arrays["x"].Floats()}
	for _, id := range n.Graph.Inputs[1:] { // states
		inputs = append(inputs, make([]float32, n.Graph.Tensors[id].Elems()))
	}
	out, err := e.Runner().Run(1, inputs)
	if err != nil {
		t.Fatal(err)
	}
	want := arrays["last"].Floats()
	for i, got := range out[0].Row(0) {
		if math.Abs(float64(got-want[i])) > 1e-6 {
			t.Errorf("value %d is %v, expected %v", i, got, want[i])
		}
	}
}

// TestTorchWords refuses a table of embeddings in front of a GRU as its output layer, which it
// would fit: a linear layer of the same size without a bias looks the same.
func TestTorchWords(t *testing.T) {
	if _, err := Open("testdata/torch_words.pt", Options{Sequence: [2]int{4, 3}}); err == nil || !strings.Contains(err.Error(), `"words.weight", of shape [5 3] and without a bias, may be a table of embeddings`) {
		t.Errorf("error %v", err)
	}
}
