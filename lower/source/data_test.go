// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/dataset"
)

func archived(t *testing.T, arrays map[string]*npy.Array) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "data.npz")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := npy.WriteArchive(f, arrays); err != nil {
		t.Fatal(err)
	}
	return file
}

func counting(shape ...int) *npy.Array {
	v := make([]float32, graph.Elems(shape))
	for i := range v {
		v[i] = float32(i)
	}
	return npy.FromFloats(shape, v)
}

// oneInput is a graph of one input, and a state of the given shape if not nil.
func oneInput(shape, state []int) *graph.Graph {
	g := &graph.Graph{Name: "one"}
	g.Inputs = append(g.Inputs, g.Add(&graph.Tensor{Name: "in/x", Type: graph.Float32, Shape: shape}))
	if state != nil {
		h := g.Add(&graph.Tensor{Name: "h", Type: graph.Float32, Shape: state})
		o := g.Add(&graph.Tensor{Name: "ho", Type: graph.Float32, Shape: state})
		g.Inputs, g.Outputs, g.States = append(g.Inputs, h), append(g.Outputs, o), []graph.State{{In: h, Out: o}}
	}
	return g
}

// TestLabelled feeds sequences of 6 steps of 4 features to inputs of several shapes.
func TestLabelled(t *testing.T) {
	y := &npy.Array{Type: "|u1", Shape: []int{5}, Data: []byte{0, 1, 2, 1, 0}}
	file := archived(t, map[string]*npy.Array{"x": counting(5, 6, 4), "y": y})
	set, _, err := dataset.OpenSource(context.Background(), file, dataset.Options{Test: 0.2, Seed: 1}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	first := make([]float32, 24)
	set.Sample(0, first)
	for _, c := range []struct {
		shape, state []int
		calls, at    int // where element 1 of the last call is in a sequence
		want         string
	}{
		{[]int{1, 6, 4}, nil, 1, 1, ""},
		{[]int{6, 1, 4}, nil, 1, 1, ""},
		{[]int{1, 24}, nil, 1, 1, ""},
		{[]int{1, 4, 6}, nil, 1, 4, ""}, // features first
		{[]int{1, 2, 4}, []int{1, 3}, 3, 17, ""},
		{[]int{1, 4}, []int{1, 3}, 6, 21, ""},
		{[]int{1, 4}, nil, 0, 0, "declare the states that go from call to call"},
		{[]int{1, 3, 8}, nil, 0, 0, "they do not fit"},
		{[]int{1, 5, 5}, nil, 0, 0, "they do not fit"},
	} {
		l, err := NewLabelled(oneInput(c.shape, c.state), set)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: error %v, want one with %q", c.shape, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.shape, err)
			continue
		}
		dst := make([]float32, graph.Elems(c.shape))
		if err := l.Feed(0, c.calls-1, 0, dst); err != nil || l.Calls(0) != c.calls || dst[1] != first[c.at] {
			t.Errorf("%v: %d calls, element 1 is %v, expected %d and %v; error %v", c.shape, l.Calls(0), dst[1], c.calls, first[c.at], err)
		}
	}
}

// TestCalls feeds arrays by the names of inputs, as they are or as files write them.
func TestCalls(t *testing.T) {
	g := oneInput([]int{1, 3}, []int{1, 2})
	for _, c := range []struct {
		arrays           map[string]*npy.Array
		sequences, calls int
		last             float32
		want             string
	}{
		{map[string]*npy.Array{"in/x": counting(2, 4, 1, 3)}, 2, 4, 23, ""},
		{map[string]*npy.Array{"in_x": counting(5, 1, 3)}, 1, 5, 14, ""},
		{map[string]*npy.Array{"in_x": counting(1, 3)}, 1, 1, 2, ""},
		{map[string]*npy.Array{"in_x": counting(1, 3), "y": counting(2)}, 1, 1, 2, ""},
		{map[string]*npy.Array{"y": counting(1, 3)}, 0, 0, 0, `there is no array "in/x"`},
		{map[string]*npy.Array{"in_x": counting(3, 1)}, 0, 0, 0, "expected [1 3], with [calls] or [sequences calls] in front"},
		{map[string]*npy.Array{"in_x": counting(0, 1, 3)}, 0, 0, 0, "is empty"},
		{map[string]*npy.Array{"in_x": counting(1, 3), "h": counting(1, 2)}, 0, 0, 0, `array "h" is for a state`},
	} {
		calls, unused, err := NewCalls(g, c.arrays)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: error %v, want one with %q", names(c.arrays), err, c.want)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		dst := make([]float32, 3)
		if err := calls.Feed(c.sequences-1, c.calls-1, 0, dst); err != nil || calls.Len() != c.sequences || calls.Calls(0) != c.calls || dst[2] != c.last {
			t.Errorf("%v: %d sequences of %d calls, last element %v; error %v", names(c.arrays), calls.Len(), calls.Calls(0), dst[2], err)
		}
		if len(unused) != len(c.arrays)-1 {
			t.Errorf("unused %q of %q", unused, names(c.arrays))
		}
	}
}
