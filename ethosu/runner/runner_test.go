// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/lower/graph"
)

// accumulator is a model with one input, a carried state that sums it up, and an
// output that shows state and input. broken adds an error at one call.
type accumulator struct {
	broken int
	calls  int
}

var accumulatorTensors = []Tensor{
	{Name: "x:0", Type: graph.Int8, Shape: []int{1, 2}, Quant: graph.PerTensor(0.5, -3)},
	{Name: "state/h", Type: graph.Int8, Shape: []int{2}, Quant: graph.PerTensor(0.25, 7)},
}

func (a *accumulator) Inputs() []Tensor  { return accumulatorTensors }
func (a *accumulator) Outputs() []Tensor { return accumulatorTensors }
func (a *accumulator) States() []State   { return []State{{In: 1, Out: 1}} }
func (a *accumulator) Reset()            {}
func (a *accumulator) Clone() Model      { c := *a; return &c }

func (a *accumulator) Invoke(in, out [][]byte) error {
	for i := range in[0] {
		out[1][i] = in[1][i] + in[0][i]
		out[0][i] = out[1][i]
	}
	if a.calls++; a.calls == a.broken {
		out[0][1]++
	}
	return nil
}

func int8s(v ...int8) []byte {
	b := make([]byte, len(v))
	for i, x := range v {
		b[i] = byte(x)
	}
	return b
}

func floats(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func TestCallsCarriesState(t *testing.T) {
	x := &Array{Type: graph.Int8, Shape: []int{3, 1, 2}, Data: int8s(1, 2, 3, 4, 5, 6)}
	start := &Array{Type: graph.Int8, Shape: []int{2}, Data: int8s(100, 0)}
	for _, tc := range []struct {
		name   string
		arrays map[string]*Array
		states []State
		want   []byte
	}{
		{"reset value is the zero point", map[string]*Array{"x:0": x}, []State{{1, 1}}, int8s(8, 9, 11, 13, 16, 19)},
		{"start value given", map[string]*Array{"x:0": x, "state/h": start}, []State{{1, 1}}, int8s(101, 2, 104, 6, 109, 12)},
		{"nothing carried", map[string]*Array{"x_0": x}, nil, int8s(8, 9, 10, 11, 12, 13)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := NewCalls(&accumulator{}, tc.arrays, tc.states)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Run(nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got[0].Data); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]int{3, 1, 2}, got[0].Shape); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCallsQuantizesFloats(t *testing.T) {
	// scale 0.5, zero point -3: ties away from zero, saturation at both ends.
	x := &Array{Type: graph.Float32, Shape: []int{4, 1, 2}, Data: floats(0.25, -0.25, 1e9, -1e9, 0.24, -0.74, 5, -5)}
	s, err := NewCalls(&accumulator{}, map[string]*Array{"x:0": x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(int8s(-2, -4, 127, -128, -3, -4, 7, -13), s.in[0]); diff != "" {
		t.Error(diff)
	}
	back, err := (&Array{Type: graph.Int8, Shape: []int{2}, Data: int8s(-2, 7)}).Dequantize(&accumulatorTensors[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(floats(0.5, 5), back.Data); diff != "" {
		t.Error(diff)
	}
}

func TestCallsErrors(t *testing.T) {
	x := &Array{Type: graph.Int8, Shape: []int{3, 1, 2}, Data: make([]byte, 6)}
	for _, tc := range []struct {
		arrays map[string]*Array
		states []State
		want   string
	}{
		{map[string]*Array{"y": x}, nil, `no input named "y": the model has ["x:0" "state/h"]`},
		{map[string]*Array{"x:0": {Type: graph.Int8, Shape: []int{2, 3}, Data: make([]byte, 6)}}, nil, `input "x:0": shape [2 3] does not fit: expected [1 2]`},
		{map[string]*Array{"x:0": {Type: graph.Int16, Shape: []int{1, 2}, Data: make([]byte, 4)}}, nil, `input "x:0" is int8, the array is int16`},
		{map[string]*Array{"x:0": {Type: graph.Float32, Shape: []int{1, 2}, Data: floats(float32(math.NaN()), 0)}}, nil, `input "x:0": element 0 is NaN`},
		{map[string]*Array{"x:0": x, "state/h": {Type: graph.Int8, Shape: []int{2, 2}, Data: make([]byte, 4)}}, nil, `input "x:0" has 3 calls, another input has 2`},
		{map[string]*Array{"x:0": x, "state/h": {Type: graph.Int8, Shape: []int{3, 2}, Data: make([]byte, 6)}}, []State{{1, 1}}, `input "state/h" is a carried state`},
		{map[string]*Array{"state/h": {Type: graph.Int8, Shape: []int{2}, Data: make([]byte, 2)}}, nil, `input "x:0" is not given`},
	} {
		_, err := NewCalls(&accumulator{}, tc.arrays, tc.states)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, expected %q in it", err, tc.want)
		}
	}
}

func TestPairStates(t *testing.T) {
	m := &accumulator{}
	got, err := PairStates(m, map[string]string{"state/h": "state_h"}, []string{"state/h"})
	if err != nil || len(got) != 1 || got[0] != (State{1, 1}) {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = PairStates(m, map[string]string{"state/h": "x:0"}, []string{"state/h"})
	if err == nil || !strings.Contains(err.Error(), "different scale or zero point") {
		t.Errorf("got %v for tensors of different quantization", err)
	}
	// Converters compute the scale of a state twice, in different order.
	a := m.Inputs()[1].Quant
	if a == nil || len(a.Scales) != 1 {
		t.Fatalf("the state has the quantization %v", a)
	}
	off := func(by float32) Model {
		return requantized{m, &graph.Quant{Scales: []float32{a.Scales[0] * by}, ZeroPoints: a.ZeroPoints}}
	}
	if _, err := PairStates(off(1+1.0/(1<<22)), map[string]string{"state/h": "state_h"}, []string{"state/h"}); err != nil {
		t.Errorf("scales that differ by rounding: %v", err)
	}
	if _, err := PairStates(off(1.001), map[string]string{"state/h": "state_h"}, []string{"state/h"}); err == nil {
		t.Error("scales that differ by a thousandth are carried as bytes")
	}
}

// requantized is a model whose output 1 has another quantization.
type requantized struct {
	Model
	quant *graph.Quant
}

func (r requantized) Outputs() []Tensor {
	out := slices.Clone(r.Model.Outputs())
	out[1].Quant = r.quant
	return out
}

func TestCompareFindsTheByte(t *testing.T) {
	feed := func(call int, in [][]byte) bool {
		in[0][0], in[0][1] = byte(call), 1
		return call == 0
	}
	c, err := Compare(&accumulator{}, &accumulator{}, 50, feed, nil)
	if err != nil || c.Mismatches != 0 {
		t.Fatalf("equal models: %+v, %v", c, err)
	}
	c, err = Compare(&accumulator{}, &accumulator{broken: 31}, 50, feed, nil)
	if err != nil || c.Mismatches != 1 || c.First.Call != 30 || c.First.Index != 1 || c.First.Output != "x:0" {
		t.Fatalf("one wrong byte: %+v, %v", c, err)
	}
	if c, err = CompareIndependent(&accumulator{}, &accumulator{broken: 1}, 50, feed, nil); err != nil || c.Mismatches == 0 {
		t.Fatalf("independent calls: %+v, %v", c, err)
	}
}

func TestNPYRoundTrip(t *testing.T) {
	for _, a := range []*Array{
		{Type: graph.Int8, Shape: []int{2, 3}, Data: int8s(1, -2, 3, -4, 5, -128)},
		{Type: graph.Int16, Shape: []int{2}, Data: []byte{1, 2, 3, 0xff}},
		{Type: graph.Float32, Shape: []int{1, 1, 2}, Data: floats(1.5, -2)},
		{Type: graph.Int32, Shape: []int{}, Data: []byte{1, 2, 3, 4}},
	} {
		file := a.AppendNPY(nil)
		if n := len(file) - len(a.Data); n%64 != 0 {
			t.Errorf("%v%v: the header takes %d bytes, no multiple of 64", a.Type, a.Shape, n)
		}
		got, err := ReadNPY("a.npy", file)
		if err != nil {
			t.Errorf("%v%v: %v", a.Type, a.Shape, err)
			continue
		}
		if len(a.Shape) == 0 {
			got.Shape = a.Shape
		}
		if diff := cmp.Diff(a, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestReadNPYTypes reads what AppendNPY does not write: both byte orders, float64, and
// a type that no tensor has.
func TestReadNPYTypes(t *testing.T) {
	for _, c := range []struct {
		descr string
		data  string
		want  *Array
	}{
		{">i2", "\x01\x02\xff\x00", &Array{Type: graph.Int16, Shape: []int{2}, Data: []byte{2, 1, 0, 0xff}}},
		{"<f8", "\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x00\xc0", &Array{Type: graph.Float32, Shape: []int{2}, Data: floats(1.5, -2)}},
		{"<u2", "\x00\x00\x00\x00", nil},
	} {
		header := "{'descr': '" + c.descr + "', 'fortran_order': False, 'shape': (2,), }\n"
		file := []byte("\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + c.data)
		got, err := ReadNPY("x.npy", file)
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), `x.npy: element type "`+c.descr+`" is not supported`) {
				t.Errorf("%s: error %v", c.descr, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.descr, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.descr, diff)
		}
	}
}

// FuzzReadNPY feeds damaged files: an error, never a panic or a huge allocation.
func FuzzReadNPY(f *testing.F) {
	f.Add((&Array{Type: graph.Int8, Shape: []int{2, 3}, Data: make([]byte, 6)}).AppendNPY(nil))
	f.Add([]byte("\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'}"))
	f.Add([]byte(fmt.Sprintf("\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", int64(math.MaxInt64), int64(math.MaxInt64))))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := ReadNPY("fuzz.npy", file)
		if err == nil && len(a.Data) != graph.Elems(a.Shape)*a.Type.Size() {
			t.Errorf("shape %v of %v with %d bytes", a.Shape, a.Type, len(a.Data))
		}
	})
}
