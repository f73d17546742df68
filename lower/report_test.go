// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/train/nn"
)

// measured lowers and measures on a set that is small enough to run all of it.
func measured(t *testing.T, net *nn.Network, set noise, o lower.Options) *lower.Result {
	t.Helper()
	r := mustLower(t, net, o)
	if err := r.Measure(context.Background(), set, set.n); err != nil {
		t.Fatal(err)
	}
	return r
}

// reported finds a tensor at a step.
func reported(t *testing.T, r *lower.Result, tensor string, step int) lower.StepReport {
	t.Helper()
	for _, role := range r.Report.Tensors {
		for _, s := range role.Steps {
			if s.Tensor == tensor && s.Last == step {
				return s
			}
		}
	}
	t.Fatalf("no figures of %s at step %d", tensor, step)
	panic("unreachable")
}

// The figures of a step do not depend on how many steps a call has: what one call of
// six steps reports of each, six calls of one step and three of two report, too.
func TestReportTellsStepsApart(t *testing.T) {
	net := randomNet(11, 6, 3, nn.Classification, cells["gru"])
	set := noise{6, 3, 12}
	whole := measured(t, net, set, lower.Options{StateIO: true})
	single := measured(t, net, set, lower.Options{StateIO: true, Steps: 1})
	pairs := measured(t, net, set, lower.Options{StateIO: true, Steps: 2})
	states := [][3]string{ // in a call of 6, 1 and 2 steps
		{"gru0/t00/h", "state_h0_out", "gru0/t00/h"},
		{"gru0/t01/h", "state_h0_out", "state_h0_out"},
		{"gru0/t02/h", "state_h0_out", "gru0/t00/h"},
		{"gru0/t03/h", "state_h0_out", "state_h0_out"},
		{"gru0/t04/h", "state_h0_out", "gru0/t00/h"},
		{"state_h0_out", "state_h0_out", "state_h0_out"},
	}
	seen := map[float64]bool{}
	for step, names := range states {
		want := reported(t, whole, names[0], step)
		seen[want.SQNR] = true
		if want.First != step || want.Min >= want.Max {
			t.Errorf("step %d: %+v", step, want)
		}
		for i, r := range []*lower.Result{single, pairs} {
			got := reported(t, r, names[i+1], step)
			got.Tensor = want.Tensor
			if got != want {
				t.Errorf("step %d: found %+v, expected %+v", step, got, want)
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("the steps have the same figures: %v", seen)
	}
	for tensor, want := range map[string][2]int{"input": {0, 5}, "gru0/xp": {0, 5}, "state_h0": {0, 0}, "gru0/t03/g": {3, 3}, "logits": {5, 5}} {
		if got := reported(t, whole, tensor, want[1]); got.First != want[0] {
			t.Errorf("%s belongs to steps %d to %d, expected %d to %d", tensor, got.First, got.Last, want[0], want[1])
		}
	}
	if got := reported(t, pairs, "logits", 3); got.First != 3 {
		t.Errorf("the second call's decision: %+v", got)
	}
}

// In the converter's form, with two layers and a decision at every step.
func TestReportStepsOfEveryTensor(t *testing.T) {
	net := randomNet(15, 4, 3, nn.Classification, cells["lstm"], cells["lstm"])
	r := measured(t, net, noise{4, 3, 6}, lower.Options{StateIO: true, PerStep: true, Form: lower.FormKeras})
	for tensor, want := range map[string][2]int{
		"input": {0, 3}, "input/t02": {2, 2}, "lstm1/t01/c": {1, 1}, "state_c1": {0, 0}, "state_c1_out": {3, 3}, "output": {0, 3},
	} {
		if got := reported(t, r, tensor, want[1]); got.First != want[0] {
			t.Errorf("%s belongs to steps %d to %d, expected %d to %d", tensor, got.First, got.Last, want[0], want[1])
		}
	}
	for _, role := range r.Report.Tensors {
		if len(role.Steps) != role.Count {
			t.Errorf("%s: %d tensors and figures of %d", role.Role, role.Count, len(role.Steps))
		}
	}
}

// The figures are the definition: the power of float's values over the power of the
// difference, and their range, here of the outputs that both evaluations give.
func TestReportIsTheRatioOfPowers(t *testing.T) {
	ctx := context.Background()
	net := randomNet(12, 5, 3, nn.Regression, cells["lstm"])
	set := noise{5, 3, 9}
	for _, o := range []lower.Options{{}, {StateIO: true, Activations: lower.Int16}} {
		r := measured(t, net, set, o)
		f, err := r.EvaluateFloat(ctx, set, 0)
		if err != nil {
			t.Fatal(err)
		}
		q, err := r.Evaluate(ctx, set, 0)
		if err != nil {
			t.Fatal(err)
		}
		var signal, noise float64
		lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
		for i := range f.Outputs {
			for j, x := range f.Outputs[i] {
				d := float64(q.Outputs[i][j]) - float64(x)
				signal, noise = signal+float64(x)*float64(x), noise+d*d
				lo, hi = min(lo, x), max(hi, x)
			}
		}
		want := 10 * math.Log10(signal/noise)
		got := reported(t, r, "output", 4)
		if math.Abs(got.SQNR-want) > 0.1 || math.Abs(float64(got.Min-lo)) > 1e-5 || math.Abs(float64(got.Max-hi)) > 1e-5 {
			t.Errorf("%v: found %+v, expected %.2f dB and values from %g to %g", o.Activations, got, want, lo, hi)
		}
		if r.Report.Sequences != 9 {
			t.Errorf("%d sequences, expected 9", r.Report.Sequences)
		}
	}
}

// The role's line names the step that is worst: the one where a value is out of the
// range that calibration saw.
func TestReportNamesTheWorstStep(t *testing.T) {
	r := measured(t, randomNet(13, 6, 3, nn.Classification, cells["gru"]), noise{6, 3, 12}, lower.Options{StateIO: true})
	for i := range r.Report.Tensors {
		role := &r.Report.Tensors[i]
		worst, ok := role.Worst()
		if !ok {
			t.Fatalf("%s: no figures", role.Role)
		}
		for j, s := range role.Steps {
			if s.SQNR < worst.SQNR {
				t.Errorf("%s: %+v is worse than the worst, %+v", role.Role, s, worst)
			}
			if s == worst { // damage another step, and that one is named
				k := (j + len(role.Steps) - 1) % len(role.Steps)
				role.Steps[k].SQNR = worst.SQNR - 50
				if now, _ := role.Worst(); now != role.Steps[k] {
					t.Errorf("%s: %+v is named, expected %+v", role.Role, now, role.Steps[k])
				}
				break
			}
		}
	}
	var text strings.Builder
	if err := (lower.Report{Tensors: []lower.TensorReport{{Role: "gru0/h", Steps: []lower.StepReport{
		{Tensor: "a", First: 0, Last: 4, SQNR: 30}, {Tensor: "b", First: 7, Last: 7, SQNR: 20}, {Tensor: "c", First: 8, Last: 8, SQNR: 20},
	}}}}).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(text.String(), " 20.0       7\n") {
		t.Errorf("the line does not end with the worst step:\n%s", text.String())
	}
}

// A value cut by its type is noise of the step where it is cut, not of its neighbours.
func TestReportFindsTheStepThatIsCut(t *testing.T) {
	net := randomNet(14, 4, 2, nn.Classification, cells["gru"])
	set := noise{4, 2, 6}
	r := mustLower(t, net, lower.Options{StateIO: true})
	it, err := reference.New(r.Int8)
	if err != nil {
		t.Fatal(err)
	}
	in := r.Int8.Tensors[r.Int8.Inputs[0]]
	_, high := in.Type.Limits()
	most := in.Scale() * float32(int32(high)-in.ZeroPoint())
	loud := outlier{set, 2, 3 * most}
	if err := r.Measure(context.Background(), loud, 6); err != nil {
		t.Fatal(err)
	}
	if got := reported(t, r, "input", 3); got.Max != 3*most {
		t.Errorf("range of the input ends at %g, expected %g", got.Max, 3*most)
	}
	quiet := reported(t, r, "gru0/t01/h", 1).SQNR
	cut := reported(t, r, "gru0/t02/h", 2).SQNR
	if cut > quiet-3 {
		t.Errorf("SQNR of the state is %.1f dB before the step that is cut and %.1f dB there", quiet, cut)
	}
	// The interpreter agrees that the value was cut.
	x := make([]float32, in.Elems())
	loud.Sample(0, x)
	if err := quantize.Values(it.Input(0), in, x); err != nil {
		t.Fatal(err)
	}
	if b := it.Input(0)[2*2]; in.Type != graph.Int8 || int8(b) != math.MaxInt8 {
		t.Errorf("the loud value became %d", int8(b))
	}
}

// outlier is a set with one loud step.
type outlier struct {
	noise
	step  int
	value float32
}

func (o outlier) Sample(i int, dst []float32) {
	o.noise.Sample(i, dst)
	for f := range o.features {
		dst[o.step*o.features+f] = o.value
	}
}
