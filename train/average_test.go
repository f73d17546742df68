// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// The network that a run keeps and validates is the average of its weights after every step: here
// computed once more from the weights that the states say, one a step.
func TestAverage(t *testing.T) {
	set, validation := dataset.Digits(3, 60, 40)
	const average = 0.8
	c := Config{Units: 9, Epochs: 60, Batch: 60, Clip: 1, Seed: 4, Average: average, Validation: validation}
	start, err := Untrained(c, set)
	if err != nil {
		t.Fatal(err)
	}
	var want [][]float64
	for _, tensor := range start.Tensors() {
		want = append(want, wide(*tensor))
	}
	apart := 0.0
	compare := func(step int, got *nn.Network, weights *nn.Network) {
		for i, tensor := range got.Tensors() {
			for k, v := range *tensor {
				if math.Abs(float64(v)-want[i][k]) > 1e-5 {
					t.Fatalf("after step %d tensor %d is %v at %d, expected %v", step, i, v, k, want[i][k])
				}
				apart = max(apart, math.Abs(float64(v-(*weights.Tensors()[i])[k])))
			}
		}
	}
	c.Save = func(s *State) error {
		keep := min(average, float64(s.Step)/float64(s.Step+9)) // of the step before: 1/10, 2/11, 3/12, …
		for i, tensor := range s.Network.Tensors() {
			for k, v := range *tensor {
				want[i][k] = keep*want[i][k] + (1-keep)*float64(v)
			}
		}
		compare(s.Step, s.Average, s.Network)
		return nil
	}
	losses := math.Inf(1)
	net, err := Fit(context.Background(), c, set, func(p Progress) {
		if p.EpochDone {
			losses = min(losses, p.ValidationLoss)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if apart < 1e-3 {
		t.Errorf("the average is nowhere further than %v from the weights: the test says nothing", apart)
	}
	if _, loss := Evaluate(net, validation); loss != losses {
		t.Errorf("the network kept has a loss of %v, the smallest was %v", loss, losses)
	}
	c.Save, c.Validation = nil, nil
	if net, err = Fit(context.Background(), c, set, nil); err != nil {
		t.Fatal(err)
	}
	compare(c.Epochs, net, net)
}
