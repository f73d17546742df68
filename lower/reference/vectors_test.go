// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/vectors"
)

// TestGoldenVectors executes every recorded operator and compares all bytes.
func TestGoldenVectors(t *testing.T) {
	for _, file := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		t.Run(file, func(t *testing.T) {
			for _, c := range vectors.Load(t, file) {
				runCase(t, c)
			}
		})
	}
}

func runCase(t *testing.T, c *vectors.Case) {
	t.Helper()
	it, err := New(c.Graph)
	if err != nil {
		t.Errorf("%v: %v", c, err)
		return
	}
	for i, x := range c.Inputs {
		if err := it.Feed(i, x); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
	}
	if err := it.Invoke(); err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	for i, want := range c.Outputs {
		got := it.Output(i)
		if at := firstDifference(got, want); at >= 0 {
			t.Errorf("%v: output %d differs first at byte %d of %d", c, i, at, len(want))
		}
	}
	if c.FinalCell != nil {
		cell := it.Tensor(c.Graph.Ops[0].Inputs[19])
		for i, want := range c.FinalCell {
			if got := get16(cell, i); got != int32(want) {
				t.Errorf("%v: final cell %d is %d, want %d", c, i, got, want)
			}
		}
	}
}

// firstDifference returns the first index at which two values differ, or -1.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}
