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
