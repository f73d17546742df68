// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

// timed is a model of one input with a time axis of 2 steps, and a state or none.
type timed struct{ stateless bool }

var timedTensors = []Tensor{
	{Name: "in", Type: graph.Int8, Shape: []int{1, 2, 3}, Quant: graph.PerTensor(0.5, 0)},
	{Name: "h", Type: graph.Int8, Shape: []int{1, 4}, Quant: graph.PerTensor(0.5, 0)},
}

func (m timed) Inputs() []Tensor {
	if m.stateless {
		return timedTensors[:1]
	}
	return timedTensors
}
func (m timed) Outputs() []Tensor { return m.Inputs() }
func (m timed) States() []State {
	if m.stateless {
		return nil
	}
	return []State{{1, 1}}
}
func (m timed) Invoke(_, _ [][]byte) error { return nil }
func (m timed) Reset()                     {}
func (m timed) Clone() Model               { return m }

func counting(t graph.DType, shape ...int) *Array {
	a := &Array{Type: t, Shape: shape}
	for i := range graph.Elems(shape) {
		if t == graph.Float32 {
			a.Data = append(a.Data, floats(float32(i)/2)...)
		} else {
			a.Data = append(a.Data, byte(i))
		}
	}
	return a
}

func TestRealCalls(t *testing.T) {
	for _, c := range []struct {
		name   string
		arrays map[string]*Array
		calls  int
		resets []int // among the first 10 calls
	}{
		{"one value", map[string]*Array{"in": counting(graph.Int8, 1, 2, 3)}, 1, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"a stream", map[string]*Array{"in": counting(graph.Int8, 20, 1, 2, 3)}, 20, []int{0}},
		{"sequences of calls", map[string]*Array{"in": counting(graph.Float32, 5, 4, 1, 2, 3)}, 20, []int{0, 4, 8}},
		{"a data set", map[string]*Array{"x": counting(graph.Float32, 2, 6, 3), "y": counting(graph.Int64, 1)}, 6, []int{0, 3, 6, 9}},
		{"a data set of sequences of one call", map[string]*Array{"x_test": counting(graph.Float32, 20, 2, 3), "x": counting(graph.Float32, 1)}, 20, []int{0, 8}},
		{"the only array", map[string]*Array{"frames": counting(graph.Float32, 3, 2, 3)}, 3, []int{0, 3, 6, 8, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := NewReal(timed{}, c.arrays, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Calls != c.calls {
				t.Errorf("%d calls, expected %d", r.Calls, c.calls)
			}
			in := Buffers(timed{}.Inputs())
			var resets []int
			for call := range 10 {
				if r.Feed(call, in) {
					resets = append(resets, call)
				}
				if at := call % r.Calls * 6 % 128; in[0][0] != byte(at) || in[0][5] != byte(at+5) {
					t.Errorf("call %d gets %v", call, in[0])
				}
			}
			if diff := cmp.Diff(c.resets, resets); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRealCallsAreChecked(t *testing.T) {
	for want, arrays := range map[string]map[string]*Array{
		`shape [7 3] does not fit: expected [1 2 3], [calls 1 2 3] or [sequences calls 1 2 3]`: {"in": counting(graph.Int8, 7, 3)},
		`is int8, the array is int64`:              {"in": counting(graph.Int64, 1, 2, 3)},
		`input "in" of shape [1 2 3] is not among`: {"a": counting(graph.Int8, 1, 2, 3), "b": counting(graph.Int8, 1, 2, 3)},
	} {
		if _, err := NewReal(timed{}, arrays, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, expected %q", err, want)
		}
	}
	// Pixels are read as data sets are, and standardized.
	x := &Array{Type: graph.Uint8, Shape: []int{1, 2, 3}, Data: []byte{255, 0, 0, 0, 0, 255}}
	r, err := NewReal(timed{stateless: true}, map[string]*Array{"x": x}, &facts.Facts{Mean: []float32{0, 0, -1}, Std: []float32{1, 1, 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	in := Buffers(timed{stateless: true}.Inputs())
	if r.Feed(0, in); cmp.Diff(int8s(2, 0, 4, 0, 0, 8), in[0]) != "" || r.Standardized != "in" {
		t.Errorf("%v", in[0])
	}
	if err := CheckRecording(timed{}, 100_000); err != nil {
		t.Error(err)
	}
	if err := CheckRecording(timed{}, 100_000_000); err == nil {
		t.Error("10^8 calls went through")
	}
}
