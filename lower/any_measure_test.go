// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/unroll"
)

func decibel(want, got []float32) float64 {
	var signal, noise float64
	for i, v := range want {
		signal += float64(v) * float64(v)
		noise += (float64(got[i]) - float64(v)) * (float64(got[i]) - float64(v))
	}
	return 10 * math.Log10(signal/noise)
}

// uncalled are sequences that have no calls.
type uncalled struct {
	calls5
	n int
}

func (u uncalled) Len() int    { return u.n }
func (uncalled) Calls(int) int { return 0 }

// TestMeasureGraph holds the SQNR of an output to what runs of the two graphs give, and the
// report to the graph that it is of.
func TestMeasureGraph(t *testing.T) {
	ctx := t.Context()
	ratio := map[lower.Activations]float64{}
	for _, a := range []lower.Activations{lower.Int8, lower.Int16} {
		r, err := lower.LowerGraph(ctx, anyGraph(), unroll.Roles{}, calls5{}, lower.Options{Activations: a})
		if err != nil {
			t.Fatal(err)
		}
		report, err := r.Measure(ctx, calls5{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := r.RunFloat(ctx, calls5{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Run(ctx, calls5{})
		if err != nil {
			t.Fatal(err)
		}
		if report.Sequences != 5 || report.Samples != 5 {
			t.Errorf("%v: %d sequences of %d", a, report.Sequences, report.Samples)
		}
		found := map[string]lower.TensorReport{}
		for _, role := range report.Tensors {
			if role.Count < 1 || len(role.Steps) != 25*role.Count {
				t.Errorf("%v: %s has %d tensors and %d steps, expected 25 of each", a, role.Role, role.Count, len(role.Steps))
			}
			for _, s := range role.Steps {
				found[s.Tensor] = role
			}
		}
		for _, name := range []string{"x", "conv", "gate", "mix", "s_out", "y"} {
			role, ok := found[name]
			if !ok {
				t.Errorf("%v: nothing is said of %q", a, name)
				continue
			}
			tensor := r.Int8.Tensors[r.Int8.Find(name)]
			if role.Scale != tensor.Scale() || role.ZeroPoint != tensor.ZeroPoint() || role.Type != tensor.Type.String() {
				t.Errorf("%v: %q is said to be %s of scale %v and zero point %d; it is %v of %v", a, name, role.Type, role.Scale, role.ZeroPoint, tensor.Type, tensor.Quant)
			}
		}
		if sqnr := decibel(want[0], got[0]); math.Abs(found["y"].SQNR-sqnr) > 0.06 {
			t.Errorf("%v: the output is said to have %v dB; runs give %v", a, found["y"].SQNR, sqnr)
		}
		ratio[a] = found["y"].SQNR
		again, err := r.Measure(ctx, calls5{})
		if err != nil || !reflect.DeepEqual(report, again) {
			t.Errorf("%v: measured again: %v, equal %v", a, err, reflect.DeepEqual(report, again))
		}
	}
	if ratio[lower.Int16] < ratio[lower.Int8]+3 {
		t.Errorf("16 bits have %v dB, 8 bits %v", ratio[lower.Int16], ratio[lower.Int8])
	}
}

// TestDriftGraph: over the calls of the first sequence a stream differs as runs do; a longer
// one goes on through all sequences; without states there is none.
func TestDriftGraph(t *testing.T) {
	ctx := t.Context()
	r, err := lower.LowerGraph(ctx, anyGraph(), unroll.Roles{}, calls5{}, lower.Options{Activations: lower.Int8})
	if err != nil {
		t.Fatal(err)
	}
	first := calls5{}.Calls(0)
	d, err := r.Drift(ctx, calls5{}, first)
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.RunFloat(ctx, calls5{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Run(ctx, calls5{})
	if err != nil {
		t.Fatal(err)
	}
	noise, n := 0.0, first*2 // two outputs a call
	for i := range n {
		e := float64(got[0][i]) - float64(want[0][i])
		noise += e * e
	}
	if rmse := math.Sqrt(noise / float64(n)); math.Abs(d.OutputRMSE-rmse) > 1e-6*rmse {
		t.Errorf("the output is off by %v, runs by %v", d.OutputRMSE, rmse)
	}
	long, err := r.Drift(ctx, calls5{}, 300)
	if err != nil {
		t.Fatal(err)
	}
	if long.Calls != 300 || len(long.StateRMSE) != 10 || !(long.StateRMS > 0) || long.OutputR2 == nil || *long.OutputR2 < 0.9 || long.Agreement != nil {
		t.Errorf("over 300 calls: %+v", long)
	}
	for i, e := range long.StateRMSE {
		if !(e > 0 && e < long.StateRMS) {
			t.Errorf("tenth %d: the state is off by %v, it is %v", i, e, long.StateRMS)
		}
	}
	g := anyGraph()
	g.States = nil
	stateful := r
	if r, err = lower.LowerGraph(ctx, g, unroll.Roles{}, twoInputs{}, lower.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, empty := range []lower.Sequences{uncalled{}, uncalled{n: 3}} {
		if _, err := stateful.Drift(ctx, empty, 10); err == nil || !strings.Contains(err.Error(), "there are none") {
			t.Errorf("a stream of %d sequences without calls: error %v", empty.Len(), err)
		}
	}
	if _, err := r.Drift(ctx, twoInputs{}, 10); err == nil {
		t.Error("a graph without states has a drift")
	}
}

// twoInputs feeds what would be the state, too.
type twoInputs struct{ calls5 }

func (twoInputs) Calls(int) int { return 1 }
