// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"math"
	"testing"
)

// TestIntegrator: the target is the leaky sum of what came in, has about the deviation of
// the input, and steps that 8 bits of its range cannot hold.
func TestIntegrator(t *testing.T) {
	train, test, err := OpenSource(context.Background(), NameIntegrator, Options{Seed: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != IntegratorTrain || test.Len() != IntegratorTest || train.Check() != nil {
		t.Fatalf("%d and %d sequences", train.Len(), test.Len())
	}
	x, y := make([]float32, train.Steps), make([]float32, train.Steps)
	var inputs, squares, sums, most float64
	for i := range train.Len() {
		train.Sample(i, x)
		train.Target(i, y)
		level := 0.0
		for s, v := range x {
			level = level*(1-1.0/300) + float64(v)
			if math.Abs(level/math.Sqrt(150)-float64(y[s])) > 1e-4 {
				t.Fatalf("sequence %d, step %d: target %v, expected %v", i, s, y[s], level/math.Sqrt(150))
			}
			inputs += float64(v) * float64(v)
			squares += float64(y[s]) * float64(y[s])
			sums++
			most = max(most, math.Abs(float64(y[s])))
		}
	}
	if in, out := math.Sqrt(inputs/sums), math.Sqrt(squares/sums); math.Abs(in-1) > 0.02 || out < 0.6 || out > 1.1 {
		t.Errorf("deviations %v and %v", in, out)
	}
	if step := 1 / math.Sqrt(150); step > 2*most/256*8 {
		t.Errorf("an input of its deviation moves the sum by %v, of a range of %v to each side", step, most)
	}
	again, _ := Integrator(3, 5, 0)
	other, _ := Integrator(4, 5, 0)
	if again.Fingerprint() == other.Fingerprint() || again.values[0] != train.values[0] {
		t.Error("seeds do not decide what is drawn")
	}
}
