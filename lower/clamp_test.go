// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// ramps feeds two inputs with 0 to 99, the second ten times as large and below zero.
type ramps struct{}

func (ramps) Len() int      { return 2 }
func (ramps) Calls(int) int { return 10 }
func (ramps) Feed(i, call, input int, dst []float32) error {
	for j := range dst {
		dst[j] = float32(i*50 + call*5 + j)
		if input == 1 {
			dst[j] *= -10
		}
	}
	return nil
}

func TestClampCalls(t *testing.T) {
	g := &graph.Graph{}
	for _, name := range []string{"a", "b"} {
		g.Inputs = append(g.Inputs, g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{1, 5}}))
	}
	calls, err := clampCalls(g, ramps{}, 90)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]float32, 5)
	for _, c := range []struct {
		i, call, input int
		last           float32
	}{{0, 0, 0, 4}, {1, 9, 0, 94}, {1, 9, 1, -940}, {1, 0, 1, -540}} {
		if err := calls.Feed(c.i, c.call, c.input, row); err != nil || row[4] != c.last {
			t.Errorf("%+v: %v, %v", c, row, err)
		}
	}
	if same, err := clampCalls(g, ramps{}, 0); err != nil || same != (ramps{}) {
		t.Errorf("nothing to cut: %v, %v", same, err)
	}
	if lo, hi := cutAt([]float32{3, 4, 5}, 1); lo != 0 || hi != 4 {
		t.Errorf("%v to %v, expected zero and the middle", lo, hi)
	}
}
