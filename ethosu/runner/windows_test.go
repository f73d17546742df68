// SPDX-License-Identifier: Apache-2.0

package runner_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/batch"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/train/nn"
)

// Several windows a call: both witnesses give the same bytes, for all cells and widths on several
// accelerators, and a window costs less than alone.
func TestWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 16))
	for i, layer := range []nn.Layer{
		{Cell: nn.GRU, Units: 40, ResetAfter: true}, {Cell: nn.GRU, Units: 7}, {Cell: nn.LSTM, Units: 19}, {Cell: nn.SimpleRNN, Units: 16, Activation: nn.Relu},
		{Cell: nn.GRU, Units: 24, ResetAfter: true, Rank: 5}, {Cell: nn.MinGRU, Units: 12, Window: 2},
	} {
		plan, samples := randomPlan(t, r, layer)
		seen, _, err := calibrate.Collect(plan, samples, calibrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ranges := map[string]quantize.Range{}
		for role, ob := range seen {
			ranges[role] = quantize.Range(calibrate.Options{}.Estimate(ob))
		}
		for k, wide := range []quantize.Activations{quantize.Int8, quantize.Mixed, quantize.Int16} {
			g, err := quantize.Graph(plan, ranges, quantize.Options{Activations: wide, PerTensor: k == 0})
			if err != nil {
				t.Fatal(err)
			}
			alone := int64(0)
			for _, n := range []int{1, 3, 16} {
				many, err := batch.Windows(g, n)
				if err != nil {
					t.Fatal(err)
				}
				name := []string{"ethos-u55-128", "ethos-u55-32", "ethos-u65-256"}[(i+k)%3]
				accel, err := ethosu.ParseAccelerator(name)
				if err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("layer %d, %v, %d windows, %s", i, wide, n, name)
				p, err := compile.Compile(many, compile.Options{Accel: accel})
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				proof, err := runner.Prove(many, p, runner.RandomFeed(many, uint64(n)), runner.ProofOptions{Single: 2, Chain: 3})
				if err != nil || proof.Mismatches > 0 {
					t.Fatalf("%s: %v, %+v", what, err, proof)
				}
				e, err := compile.Cycles(compile.Options{Accel: accel})(many)
				if err != nil {
					t.Fatal(err)
				}
				if n == 1 {
					alone = int64(e)
				} else if int64(e) >= int64(n)*alone {
					t.Errorf("%s: %v cycles, one window takes %d", what, e, alone)
				}
			}
		}
	}
}
