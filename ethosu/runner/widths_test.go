// SPDX-License-Identifier: Apache-2.0

package runner_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// Any choice of widths for the roles, the readings and the weights of a network is a valid graph that stays close to
// the float network where it is wide, and both witnesses give the same bytes.
func TestWidths(t *testing.T) {
	var accels []*ethosu.Accelerator
	for _, name := range []string{"ethos-u55-128", "ethos-u65-256", "ethos-u85-256"} {
		accel, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		accels = append(accels, accel)
	}
	r := rand.New(rand.NewPCG(16, 8))
	for i, layer := range []nn.Layer{
		{Cell: nn.GRU, Units: 7, ResetAfter: true}, {Cell: nn.GRU, Units: 7, ResetAfter: true, Activation: nn.Relu},
		{Cell: nn.GRU, Units: 7}, {Cell: nn.LSTM, Units: 7}, {Cell: nn.SimpleRNN, Units: 7},
		{Cell: nn.GRU, Units: 7, ResetAfter: true, Rank: 3}, {Cell: nn.LSTM, Units: 7, Rank: 2}, {Cell: nn.SimpleRNN, Units: 7, Rank: 5},
		{Cell: nn.GRU, Units: 7, Window: 3},
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
		for try := range 12 {
			wide := map[string]bool{}
			for _, role := range plan.Roles() {
				if try == 0 || r.IntN(12) < try {
					wide[role] = true
				}
			}
			for _, reading := range plan.Readings() { // which has 8 bits where it is not named
				if try == 0 || r.IntN(12) < try {
					wide[reading.Name] = true
				}
			}
			matrices, exact := quantize.Matrices(plan), 0
			for _, name := range matrices {
				if try == 0 || try > 4 && r.IntN(2) == 0 {
					wide[name], exact = true, exact+1
				}
			}
			g, err := quantize.Graph(plan, ranges, quantize.Options{Wide: wide, PerTensor: try%2 == 0})
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("layer %d, choice %d (%v)", i, try, wide)
			if err := g.Validate(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for id, tensor := range g.Tensors {
				role := plan.Role[max(plan.Graph.Find(tensor.Name), 0)]
				if plan.Graph.Find(tensor.Name) != graph.None && wide[role] && tensor.Type != graph.Int16 {
					t.Errorf("%s: tensor %d %q is %v", name, id, tensor.Name, tensor.Type)
				}
			}
			if parts := products(g, "_parts"); parts < exact {
				t.Errorf("%s: %d products of weights of 16 bits, expected %d at least", name, parts, exact)
			}
			if try == 0 {
				closeToFloat(t, name, plan, g, samples)
			}
			p, err := compile.Compile(g, compile.Options{Accel: accels[try%len(accels)]})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			proof, err := runner.Prove(g, p, runner.RandomFeed(g, uint64(try)), runner.ProofOptions{Single: 2, Chain: 3})
			if err != nil || proof.Mismatches > 0 {
				t.Fatalf("%s: %v, %+v", name, err, proof)
			}
		}
	}
}

// products counts the operators with weights of a name that ends so.
func products(g *graph.Graph, suffix string) (n int) {
	for _, op := range g.Ops {
		if len(op.Inputs) > 1 && op.Inputs[1] != graph.None && g.Tensors[op.Inputs[1]].Type == graph.Int8 && strings.HasSuffix(g.Tensors[op.Inputs[1]].Name, suffix) {
			n++
		}
	}
	return n
}

// randomPlan returns an unrolled network with a state, and sequences for it.
func randomPlan(t *testing.T, r *rand.Rand, layer nn.Layer) (*unroll.Plan, [][]float32) {
	t.Helper()
	const steps, features, outputs = 3, 5, 4
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() * 0.4)
		}
		return v
	}
	layer.Features = features
	for _, p := range layer.Parameters() {
		*p.Data = fill(p.Elements())
	}
	net := &nn.Network{Name: "random", Steps: steps, Features: features, Outputs: outputs, Layers: []nn.Layer{layer},
		HeadKernel: fill(layer.Units * outputs), HeadBias: fill(outputs)}
	plan, err := unroll.Build(net, unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	samples := make([][]float32, 20)
	for i := range samples {
		samples[i] = fill(steps * features)
	}
	return plan, samples
}

// closeToFloat compares the emulation of a graph of 16 bits with the float graph.
func closeToFloat(t *testing.T, name string, plan *unroll.Plan, g *graph.Graph, samples [][]float32) {
	t.Helper()
	want, err := calibrate.Trace(plan.Graph, plan.Graph.Find("output"), samples, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := calibrate.Trace(g, g.Find("output"), samples, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if math.Abs(float64(want[i]-got[i])) > 0.0005 {
			t.Fatalf("%s: output %d is %v, expected %v", name, i, got[i], want[i])
		}
	}
}
