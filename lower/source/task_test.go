// SPDX-License-Identifier: Apache-2.0

package source

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// TestLogitsOfLabels takes several outputs with nothing behind them for logits where the
// labels are classes, and for numbers where they are not.
func TestLogitsOfLabels(t *testing.T) {
	for _, c := range []struct {
		what    string
		net     nn.Network
		set     dataset.Set
		head    string
		logits  bool
		assumed int
	}{
		{"weights", nn.Network{Outputs: 3, Task: nn.Regression}, dataset.Set{Outputs: 3}, "none", true, 1},
		{"fewer classes", nn.Network{Outputs: 3, Task: nn.Regression}, dataset.Set{Outputs: 2}, "none", true, 1},
		{"a model", nn.Network{Outputs: 3, Task: nn.Regression, Facts: &facts.Facts{Task: facts.Regression}}, dataset.Set{Outputs: 3}, "", true, 1},
		{"one output", nn.Network{Outputs: 1, Task: nn.Regression}, dataset.Set{Outputs: 3}, "none", false, 0},
		{"numbers", nn.Network{Outputs: 3, Task: nn.Regression}, dataset.Set{Outputs: 3, Task: nn.Regression}, "none", false, 0},
		{"labels of steps", nn.Network{Outputs: 3, Task: nn.Regression}, dataset.Set{Outputs: 3, PerStep: true}, "none", false, 0},
		{"a softmax", nn.Network{Outputs: 3}, dataset.Set{Outputs: 3}, "softmax", false, 0},
		{"nothing said", nn.Network{Outputs: 3}, dataset.Set{Outputs: 3}, "", false, 1},
	} {
		task := c.net.Task
		if c.logits {
			task = nn.Classification
		}
		assumed, err := TaskFrom(&c.net, &c.set, c.head)
		if err != nil || c.net.Logits != c.logits || c.net.Task != task || len(assumed) != c.assumed {
			t.Errorf("%s: %+v, assumed %q, %v", c.what, c.net, assumed, err)
		}
	}
}
