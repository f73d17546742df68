// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// Labels judge an output whose rows they are; values of several outputs are never taken for
// those of several steps, nor the other way round.
func TestTruthFits(t *testing.T) {
	classes := func(n int) Truth { return Truth{Task: nn.Classification, Outputs: n, Steps: 4} }
	numbers := func(n int) Truth { return Truth{Task: nn.Regression, Outputs: n, Steps: 4} }
	steps := func(t Truth) Truth { t.PerStep = true; return t }
	for _, c := range []struct {
		shape []int
		truth Truth
		width int // 0: refused
		alone bool
	}{
		{[]int{1, 5}, numbers(1), 0, false},
		{[]int{1, 5}, numbers(5), 5, false},
		{[]int{1, 5}, numbers(3), 0, false},
		{[]int{1, 1}, numbers(1), 1, false},
		{[]int{}, numbers(1), 1, false},
		{[]int{1, 4, 1}, numbers(1), 1, false},
		{[]int{1, 4}, steps(numbers(1)), 1, false}, // its last dimension was taken off
		{[]int{1, 4}, numbers(1), 0, false},        // four outputs or four steps
		{[]int{1, 8}, steps(numbers(1)), 0, false},
		{[]int{1, 2, 3}, numbers(6), 6, false}, // in rows
		{[]int{1, 4, 3}, classes(3), 3, false},
		{[]int{1, 4, 3}, classes(6), 0, false},
		{[]int{1, 3, 4}, classes(3), 0, false}, // classes before steps
		{[]int{1, 3, 1, 1}, classes(3), 3, false},
		{[]int{1, 2}, classes(2), 2, false},
		{[]int{1, 1}, classes(2), 1, true},
		{[]int{1, 4, 1}, steps(classes(2)), 1, true},
		{[]int{1, 4}, steps(classes(2)), 1, true},
		{[]int{1, 3}, classes(2), 0, false},
	} {
		output := &graph.Tensor{Name: "out", Type: graph.Float32, Shape: c.shape}
		width, alone, err := c.truth.row(output)
		if err == nil != (c.width > 0) || width != c.width || alone != c.alone {
			t.Errorf("shape %v, %+v: rows of %d, a detector %v, error %v; expected %d, %v", c.shape, c.truth, width, alone, err, c.width, c.alone)
		}
		if err := c.truth.Fits(output); err != nil && !strings.Contains(err.Error(), `output "out" has shape`) {
			t.Errorf("shape %v: error %v names no output", c.shape, err)
		}
	}
}
