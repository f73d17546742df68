// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/train/nn"
)

// noise is a set of smooth random sequences, a function of the seed alone.
type noise struct {
	steps, features, n int
}

func (s noise) Len() int      { return s.n }
func (s noise) Label(int) int { return 0 }
func (s noise) Sample(i int, dst []float32) {
	r := rand.New(rand.NewPCG(uint64(i), 99))
	v := make([]float64, s.features)
	for t := range s.steps {
		for f := range v {
			v[f] = 0.7*v[f] + 0.7*r.NormFloat64()
			dst[t*s.features+f] = float32(v[f])
		}
	}
}

func randomNet(seed uint64, steps, features int, task nn.Task, layers ...nn.Layer) *nn.Network {
	r := rand.New(rand.NewPCG(seed, 1))
	fill := func(n int, s float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() * s)
		}
		return v
	}
	net := &nn.Network{Name: "random", Steps: steps, Features: features, Task: task, Outputs: 4}
	for _, l := range layers {
		l.Features = features
		cols := l.Cell.Gates() * l.Units
		bias := cols
		if l.Cell == nn.GRU && l.ResetAfter {
			bias *= 2
		}
		l.Kernel = fill(features*cols, 1/math.Sqrt(float64(features)))
		l.Recurrent = fill(l.Units*cols, 0.9/math.Sqrt(float64(l.Units)))
		l.Bias = fill(bias, 0.3)
		net.Layers = append(net.Layers, l)
		features = l.Units
	}
	net.HeadKernel, net.HeadBias = fill(features*4, 1/math.Sqrt(float64(features))), fill(4, 0.1)
	return net
}

var cells = map[string]nn.Layer{
	"gru":        {Cell: nn.GRU, Units: 24, ResetAfter: true},
	"gru_relu":   {Cell: nn.GRU, Units: 24, ResetAfter: true, Activation: nn.Relu},
	"gru_before": {Cell: nn.GRU, Units: 24},
	"lstm":       {Cell: nn.LSTM, Units: 24},
	"rnn":        {Cell: nn.SimpleRNN, Units: 24},
}

func mustLower(t *testing.T, net *nn.Network, o lower.Options) *lower.Result {
	t.Helper()
	r, err := lower.Lower(context.Background(), net, noise{net.Steps, net.Features, 60}, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Int8.Validate(); err != nil {
		t.Fatal(err)
	}
	return r
}

// One call of T steps and T calls of one step give the same bytes: the steps
// share every scale, and calibration sees the same values either way.
func TestStepsEqualCalls(t *testing.T) {
	const steps = 6
	for name, cell := range cells {
		for _, form := range []lower.Form{lower.FormNPU, lower.FormKeras} {
			for _, act := range []lower.Activations{lower.Int8, lower.Mixed, lower.Int16} {
				t.Run(fmt.Sprintf("%s/form%d/%v", name, form, act), func(t *testing.T) {
					net := randomNet(3, steps, 5, nn.Classification, cell, nn.Layer{Cell: nn.GRU, Units: 8, ResetAfter: true})
					o := lower.Options{Form: form, StateIO: true, Activations: act}
					long := mustLower(t, net, o)
					o.Steps = 1
					short := mustLower(t, net, o)
					compareRuns(t, long.Int8, short.Int8, steps)
				})
			}
		}
	}
}

// Products of a mixed graph have 8-bit values behind a CAST, whether the caller has the
// states or not: the NPU multiplies those at twice the rate.
func TestMixedProducts(t *testing.T) {
	for name, cell := range cells {
		for _, form := range []lower.Form{lower.FormNPU, lower.FormKeras} {
			for _, state := range []bool{false, true} {
				net := randomNet(3, 4, 5, nn.Classification, cell, nn.Layer{Cell: nn.GRU, Units: 8, ResetAfter: true})
				g := mustLower(t, net, lower.Options{Form: form, StateIO: state, Activations: lower.Mixed}).Int8
				cast := map[graph.TensorID]bool{}
				for i, op := range g.Ops {
					switch op.Kind {
					case graph.Cast:
						cast[op.Outputs[0]] = true
					case graph.FullyConnected: // r*h is between the states, in 16 bits
						if !cast[op.Inputs[0]] && !strings.HasSuffix(g.Tensors[op.Inputs[0]].Name, "/rh") {
							t.Errorf("%s, form %d, states %v: %s has no CAST", name, form, state, g.OpString(i))
						}
					}
				}
			}
		}
	}
}

func compareRuns(t *testing.T, long, short *graph.Graph, steps int) {
	for i := range long.Inputs {
		a, b := long.Tensors[long.Inputs[i]], short.Tensors[short.Inputs[i]]
		if a.Scale() != b.Scale() || a.ZeroPoint() != b.ZeroPoint() {
			t.Fatalf("input %s: quantization %v and %v", a.Name, a.Quant, b.Quant)
		}
	}
	whole, err := reference.New(long)
	if err != nil {
		t.Fatal(err)
	}
	step, err := reference.New(short)
	if err != nil {
		t.Fatal(err)
	}
	whole.Reset()
	step.Reset()
	r := rand.New(rand.NewPCG(5, 5))
	for call := range 3 {
		for i := range whole.Input(0) {
			whole.Input(0)[i] = byte(r.Uint32())
		}
		if err := whole.Invoke(); err != nil {
			t.Fatal(err)
		}
		part := len(whole.Input(0)) / steps
		for s := range steps {
			copy(step.Input(0), whole.Input(0)[s*part:(s+1)*part])
			if err := step.Invoke(); err != nil {
				t.Fatal(err)
			}
			if s < steps-1 {
				step.Carry()
			}
		}
		for o := range long.Outputs {
			if !bytes.Equal(whole.Output(o), step.Output(o)) {
				t.Fatalf("call %d: output %s differs", call, long.Tensors[long.Outputs[o]].Name)
			}
		}
		whole.Carry()
		step.Carry()
	}
}

// Steps differ by addresses alone: weights and biases are the same tensors, and
// the tensors of one name at every step have one quantization.
func TestStepsShareEverything(t *testing.T) {
	for name, cell := range cells {
		r := mustLower(t, randomNet(4, 5, 3, nn.Classification, cell), lower.Options{StateIO: true})
		g := r.Int8
		weights := map[graph.TensorID]bool{}
		quants := map[string]*graph.Quant{}
		for _, op := range g.Ops {
			if op.Kind == graph.FullyConnected {
				weights[op.Inputs[1]] = true
			}
			for _, id := range op.Outputs {
				parts := strings.Split(g.Tensors[id].Name, "/")
				if len(parts) != 3 {
					continue
				}
				role := parts[2]
				if q := quants[role]; q != nil && q != g.Tensors[id].Quant {
					t.Errorf("%s: %s has another quantization than the step before", name, g.Tensors[id].Name)
				}
				quants[role] = g.Tensors[id].Quant
			}
		}
		want := 3 // input, recurrent, head
		if name == "gru_before" {
			want = 4
		}
		if len(weights) != want {
			t.Errorf("%s: %d weight tensors, expected %d", name, len(weights), want)
		}
		for _, s := range g.States {
			in, out := g.Tensors[s.In], g.Tensors[s.Out]
			if in.Quant != out.Quant || in.Type != out.Type {
				t.Errorf("%s: state %s is %v %v, %s is %v %v", name, in.Name, in.Type, in.Quant, out.Name, out.Type, out.Quant)
			}
		}
	}
}

// The integer graph follows the float graph: the noise of every value stays
// well below its signal, more so with more bits.
func TestNoiseStaysSmall(t *testing.T) {
	least := map[lower.Activations]float64{lower.Int8: 15, lower.Mixed: 23, lower.Int16: 30}
	for name, cell := range cells {
		for act, want := range least {
			for _, form := range []lower.Form{lower.FormNPU, lower.FormKeras} {
				net := randomNet(6, 12, 4, nn.Regression, cell)
				r := mustLower(t, net, lower.Options{Form: form, StateIO: true, Activations: act})
				if err := r.Measure(context.Background(), noise{12, 4, 60}, 8); err != nil {
					t.Fatal(err)
				}
				for _, x := range r.Report.Tensors {
					if strings.HasSuffix(x.Role, "/h") || x.Role == "output" {
						if x.SQNR < want {
							t.Errorf("%s %v form %d: SQNR of %s is %.1f dB, expected %v", name, act, form, x.Role, x.SQNR, want)
						}
					}
				}
			}
		}
	}
}

// Folding the standardization into the first layer gives the same function of
// raw features.
func TestFoldStandardization(t *testing.T) {
	net := randomNet(7, 5, 3, nn.Regression, cells["gru"])
	net.Mean, net.Std = []float32{0.5, -1, 0}, []float32{2, 0.5, 1}
	set := noise{5, 3, 20}
	ctx := context.Background()
	plain := mustLower(t, net, lower.Options{})
	folded := mustLower(t, net, lower.Options{FoldStandardization: true})
	if plain.Mean == nil || folded.Mean != nil {
		t.Errorf("means left to the caller: %v and %v", plain.Mean, folded.Mean)
	}
	a, err := plain.EvaluateFloat(ctx, set, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := folded.EvaluateFloat(ctx, set, 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := a.RMSE(b); d > 1e-5 {
		t.Errorf("folded and standardized outputs differ by %v", d)
	}
	c, err := folded.Evaluate(ctx, set, 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := a.RMSE(c); d > 0.1 {
		t.Errorf("int8 output on raw features is %v off", d)
	}
}

func TestPixelInput(t *testing.T) {
	g := mustLower(t, randomNet(8, 4, 2, nn.Classification, cells["gru"]), lower.Options{}).Int8
	in := g.Tensors[g.Inputs[0]]
	raw := make([]byte, in.Bytes())
	if err := quantize.Values(raw, in, make([]float32, in.Elems())); err != nil {
		t.Fatal(err)
	}
	for _, b := range raw {
		if int32(int8(b)) != in.ZeroPoint() {
			t.Fatalf("zero becomes %d, the zero point is %d", int8(b), in.ZeroPoint())
		}
	}
	out := g.Tensors[g.Outputs[0]]
	if out.Scale() != 1.0/256 || out.ZeroPoint() != -128 {
		t.Errorf("softmax output has %v", out.Quant)
	}
}

func TestLowerErrors(t *testing.T) {
	ctx := context.Background()
	net := randomNet(9, 4, 2, nn.Classification, cells["gru"])
	if _, err := lower.Lower(ctx, net, noise{4, 2, 0}, lower.Options{}); err == nil || !strings.Contains(err.Error(), "the set is empty") {
		t.Errorf("empty set: %v", err)
	}
	r := mustLower(t, net, lower.Options{Steps: 3})
	if _, err := r.Evaluate(ctx, noise{4, 2, 5}, 0); err == nil || !strings.Contains(err.Error(), "3 steps a call") {
		t.Errorf("steps that do not divide: %v", err)
	}
	if r.Measurable() == nil || mustLower(t, net, lower.Options{Steps: 2, StateIO: true}).Measurable() != nil {
		t.Error("3 steps of 4 can be measured, or 2 of 4 cannot")
	}
	if _, err := r.Drift(ctx, noise{4, 2, 5}, 100); err == nil || !strings.Contains(err.Error(), "StateIO") {
		t.Errorf("drift without states: %v", err)
	}
	net.Layers[0].Recurrent[5] = float32(math.NaN())
	if _, err := lower.Lower(ctx, net, noise{4, 2, 5}, lower.Options{}); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("NaN weight: %v", err)
	}
	net.Layers[0].Recurrent[5] = 0
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := lower.Lower(canceled, net, noise{4, 2, 5}, lower.Options{}); err == nil {
		t.Error("a canceled context went unnoticed")
	}
}

// every is a set with a label for every step: the step's number, modulo 4.
type every struct{ noise }

func (every) StepLabel(_, t int) int { return t % 4 }

// A network trained to decide at every step is judged at every step, in one call
// or in many.
func TestEveryStepCounts(t *testing.T) {
	ctx := context.Background()
	net := randomNet(10, 6, 3, nn.Classification, cells["gru"])
	net.PerStep = true
	set := every{noise{6, 3, 20}}
	var scores []lower.Score
	for _, steps := range []int{6, 2, 4, 5} {
		r := mustLower(t, net, lower.Options{Steps: steps, StateIO: true})
		f, err := r.EvaluateFloat(ctx, set, 0)
		if err != nil {
			t.Fatal(err)
		}
		q, err := r.Evaluate(ctx, set, 0)
		if err != nil {
			t.Fatal(err)
		}
		if f.Count != 120 || q.Count != 120 || f.Agreement(q) < 0.8 {
			t.Errorf("%d steps a call: %d and %d decisions, agreement %v", steps, f.Count, q.Count, f.Agreement(q))
		}
		right := 0
		for i, out := range q.Outputs {
			best := 0
			for k, v := range out {
				if v > out[best] {
					best = k
				}
			}
			if best == i%6%4 {
				right++
			}
		}
		if right != q.Correct {
			t.Errorf("%d steps a call: %d decisions right, expected %d", steps, q.Correct, right)
		}
		scores = append(scores, q)
		fc, qc, err := r.EvaluateCarried(ctx, set, 0)
		if err != nil || fc.Count != 120 || qc.Count != 120 || r.Unseen() != 0 {
			t.Errorf("%d steps a call, state carried: %d and %d decisions, %d steps unseen, %v", steps, fc.Count, qc.Count, r.Unseen(), err)
		}
		scores = append(scores, qc)
	}
	for i := 2; i < len(scores); i++ {
		most := 0.0
		if i >= 4 { // calls that do not begin with sequences see other states in calibration
			most = 0.003
		}
		if got, want := scores[i], scores[i%2]; most == 0 && got.Correct != want.Correct || got.RMSE(want) > most {
			t.Errorf("score %d: %d right, expected %d, and outputs that differ by %v", i, got.Correct, want.Correct, got.RMSE(want))
		}
	}
}
