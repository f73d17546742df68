// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/npy"
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

// TestOneHotLabels asks what labels are that are classes in the form of numbers.
func TestOneHotLabels(t *testing.T) {
	x := &npy.Array{Name: "x", Type: "<f4", Shape: []int{4, 2, 1}, Data: make([]byte, 32)}
	y := &npy.Array{Name: "y", Type: "<f4", Shape: []int{4, 3}}
	for i := range 12 {
		y.Data = binary.LittleEndian.AppendUint32(y.Data, math.Float32bits([]float32{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0}[i]))
	}
	set, err := dataset.FromArrays("rows.npz", x, y)
	if err != nil {
		t.Fatal(err)
	}
	net := &nn.Network{Outputs: 3}
	if assumed, err := TaskFrom(net, set, ""); err == nil || !strings.Contains(err.Error(), "y.argmax(-1)") {
		t.Errorf("assumed %q, %v", assumed, err)
	}
	if _, err := TaskFrom(net, set, "none"); err != nil {
		t.Error(err)
	}
}
