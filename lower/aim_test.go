// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"math"
	"math/rand/v2"
	"testing"
)

// decided returns scores of n decisions between two classes whose margins in float have a
// density of 0.5 around the border, right where they are above it, and quantized ones that
// differ by noise of the given deviation.
func decided(r *rand.Rand, n int, noise float64) (float, quantized Score) {
	for range n {
		m := 4*r.Float64() - 2
		q := m + noise*r.NormFloat64()
		float.Outputs = append(float.Outputs, []float32{float32(m), 0})
		quantized.Outputs = append(quantized.Outputs, []float32{float32(q), 0})
		float.Right, quantized.Right = append(float.Right, m >= 0), append(quantized.Right, q >= 0)
	}
	return float, quantized
}

// The expected loss is that of many decisions, and differs less from set to set than what a
// set happens to lose.
func TestExpectedLoss(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const noise, sets, n = 0.01, 60, 2000
	truth := 0.25 * noise / math.Sqrt(2*math.Pi) // density of margins, times the mean of a fall
	var expected, counted [2]float64             // mean, and mean square error
	for range sets {
		f, q := decided(r, n, noise)
		e, c := q.ExpectedLoss(f)-truth, q.Lost(f)-truth
		expected[0], expected[1] = expected[0]+e/sets, expected[1]+e*e/sets
		counted[0], counted[1] = counted[0]+c/sets, counted[1]+c*c/sets
	}
	if math.Abs(expected[0]) > 0.05*truth {
		t.Errorf("expected %.5f in the mean, %.5f are lost", expected[0]+truth, truth)
	}
	if expected[1] > 0.2*counted[1] {
		t.Errorf("mean square error %.3g, that of counting %.3g", expected[1], counted[1])
	}
}

// What is lost far from the border is counted, wrong decisions count for nothing, and ties
// do not divide by zero.
func TestExpectedLossEdges(t *testing.T) {
	score := func(right bool, outputs ...[]float32) (s Score) {
		for _, o := range outputs {
			s.Outputs, s.Right = append(s.Outputs, o), append(s.Right, right)
		}
		return s
	}
	var float, quantized Score
	for i := range 100 {
		f := []float32{1 + float32(i), 0}
		q := f
		if i == 99 {
			q = []float32{0, 1}
		}
		float.Outputs, quantized.Outputs = append(float.Outputs, f), append(quantized.Outputs, q)
		float.Right, quantized.Right = append(float.Right, true), append(quantized.Right, i != 99)
	}
	var sure, wrong Score // a small set whose margins are alike
	for i := range 20 {
		sure.Outputs, sure.Right = append(sure.Outputs, []float32{0.9985 + float32(i)*5e-5, 0}), append(sure.Right, true)
		wrong.Outputs, wrong.Right = append(wrong.Outputs, []float32{0, 1}), append(wrong.Right, false)
	}
	for _, c := range []struct {
		name             string
		float, quantized Score
		want             float64
	}{
		{"all of a small set", sure, wrong, 1},
		{"one far away", float, quantized, 0.01},
		{"nothing changes", float, float, 0},
		{"float is wrong", score(false, []float32{1, 0}), score(false, []float32{0, 1}), 0},
		{"a tie that stays", score(true, []float32{1, 1}), score(true, []float32{1, 1}), 0},
		{"a tie that is lost", score(true, []float32{1, 1}), score(false, []float32{0, 1}), 1},
		{"one output", score(true, []float32{1}), score(true, []float32{2}), 0},
		{"no decisions", Score{}, Score{}, 0},
	} {
		if got := c.quantized.ExpectedLoss(c.float); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
	}
}

// Where as many decisions are lost in the mean as the aim foresees, nineteen of twenty sets
// of that size lose at most one more than the bound; the more decisions there are, the
// nearer the aim comes to half of it.
func TestAimDecisions(t *testing.T) {
	before := 0.0
	for _, bound := range []float64{0.001, 0.003, 0.05} {
		for _, n := range []int{1, 25, 54, 216, 300, 938, 2000, 60_000, 1_000_000} {
			aim := aimDecisions(bound, n)
			mean, beyond := foreseen*aim*float64(n), 1.0
			for k, term := 0, math.Exp(-mean); k <= int(bound*float64(n))+1; k++ {
				beyond -= term
				term *= mean / float64(k+1)
			}
			if mean < 600 && beyond > 0.05 { // e^-mean is 0 for more
				t.Errorf("bound %v, %d decisions: aimed at %v, and %.3f of the sets lose more than the bound and one", bound, n, aim, beyond)
			}
			if aim <= 0 || aim > bound/2 {
				t.Errorf("bound %v, %d decisions: aimed at %v", bound, n, aim)
			}
			if n > 2000 && aim < before {
				t.Errorf("bound %v: of %d decisions %v is aimed at, of fewer %v", bound, n, aim, before)
			}
			before = aim
		}
		if before < 0.47*bound {
			t.Errorf("bound %v: %v is aimed at of a million decisions, expected nearly half", bound, before)
		}
		before = 0
	}
	if aimDecisions(0.003, 0) != 0.0015 {
		t.Error("the aim of no decisions is not half of the bound")
	}
}
