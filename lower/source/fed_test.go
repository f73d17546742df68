// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/npy"
)

// arrayOf makes an array of a type of NumPy's of at most eight bits, or of float32.
func arrayOf(typ string, shape []int, v ...float32) *npy.Array {
	a := npy.FromFloats(shape, v)
	a.Name = "a.npy"
	if a.Type = typ; typ == "<f4" {
		return a
	}
	a.Data = nil
	for _, x := range v {
		b := make([]byte, a.Width())
		if b[0] = byte(int64(x)); x < 0 {
			b = bytes.Repeat(b[:1], len(b))
			for i := 1; i < len(b); i++ {
				b[i] = 0xff
			}
		}
		a.Data = append(a.Data, b...)
	}
	return a
}

// TestFed feeds inputs of whole numbers and of truth values from arrays of any type whose
// values fit, and names the file, the input and both types where one does not.
func TestFed(t *testing.T) {
	open := func(in string, a *npy.Array) (map[string]*npy.Array, *Network, error) {
		o := Options{Arrays: map[string][]int{}, Fed: map[string]*npy.Array{in: a}}
		if in != "row" {
			o.Set = map[string][]float64{"row": {1}}
		}
		n, err := convertONNX("net.onnx", whole(), o)
		if err != nil {
			return nil, nil, err
		}
		fed, err := n.Fed(o.Fed)
		return fed, n, err
	}
	for _, typ := range []string{"<i8", ">i8", "|i1", "<u2", "<u8", "<f4", "<f2"} {
		v := []float32{0, 7, 100}
		if typ == "<f2" {
			v = []float32{0, 0, 0}
		}
		a := arrayOf(strings.Replace(typ, ">", "<", 1), []int{2, 1, 3}, append(v, v...)...)
		if typ[0] == '>' {
			a = arrayOf(">i8", []int{2, 1, 3}, 0, 0, 0, 0, 0, 0)
			a.Data[15], a.Data[23], a.Data[39], a.Data[47] = 7, 100, 7, 100
		}
		fed, _, err := open("count", a)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		for i, x := range fed["count"].Floats() {
			if x != v[i%3] {
				t.Errorf("%s: element %d is %v, expected %v", typ, i, x, v[i%3])
			}
		}
	}
	for _, typ := range []string{"|b1", "|u1", "<f4", "<i8"} {
		if _, _, err := open("mask", arrayOf(typ, []int{1, 3}, 1, 0, 1)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, typ := range []string{"<i4", "<i8", "|u1", "<f4"} { // the same in both calls
		fed, n, err := open("row", arrayOf(typ, []int{2, 1}, 3, 3))
		if err != nil || len(fed) != 0 || len(n.Graph.Inputs) != 3 || !strings.Contains(strings.Join(n.Assumed, "\n"), `input "row" is int32 and the model computes with whole numbers`) {
			t.Errorf("%s: %v, fed %v", typ, err, fed)
			continue
		}
		two := map[string]*npy.Array{"row": arrayOf(typ, []int{2, 1}, 3, 3)}
		if n.SameCalls(two, 2) != nil || n.SameCalls(two, 1) == nil || n.SameCalls(map[string]*npy.Array{"row": arrayOf(typ, []int{1}, 3)}, 5) != nil {
			t.Errorf("%s: values for two calls: %v", typ, n.SameCalls(two, 1))
		}
	}
	big := arrayOf("<i8", []int{1, 3}, 0, 0, 0)
	big.Data[0], big.Data[3] = 1, 1 // 2^24 + 1
	huge := arrayOf("<i8", []int{1, 3}, 0, 0, 0)
	huge.Data[7] = 1
	for _, c := range []struct {
		in   string
		a    *npy.Array
		want string
	}{
		{"count", arrayOf("<f4", []int{1, 3}, 1, 0.5, 2), `a.npy: input "count" of net.onnx is int64, and element 1 of the float32 array is 0.5, which is none: give int64`},
		{"count", arrayOf("<f4", []int{1, 3}, 1, float32(math.NaN()), 2), "element 1 of the float32 array is NaN"},
		{"count", arrayOf("<f4", []int{1, 3}, 1e30, 0, 2), "is int64, and element 0 of the float32 array is 1.00000002e+30"},
		{"count", big, "element 0 is 16777217, and values are computed in float32 here, which does not hold it exactly"},
		{"count", huge, "is int64, and element 0"},
		{"mask", arrayOf("<f4", []int{1, 3}, 1, float32(math.NaN()), 2), "is bool, and element 1 of the float32 array is NaN"},
		{"x", arrayOf("<i8", []int{1, 3}, 1, 2, 3), `a.npy: input "x" of net.onnx is float, the array is int64: give float32`},
		{"row", arrayOf("<i8", []int{2, 1}, 1, 2), "those of call 1 are others"},
		{"row", arrayOf("<i8", []int{3, 2}, 1, 2, 1, 2, 1, 2), "has shape [1], the array has [3 2]"},
		{"row", arrayOf("<f4", []int{1}, 1.5), "is int32, and element 0 of the float32 array is 1.5"},
	} {
		if _, _, err := open(c.in, c.a); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, expected %q", c.in, c.a.Floats(), err, c.want)
		}
	}
}

// TestSetTypes refuses values of --set that the type of the input does not have.
func TestSetTypes(t *testing.T) {
	for v, ok := range map[float64]bool{3: true, -1: true, 2.5: false, 1 << 31: false, -1<<31 - 1: false, math.Inf(1): false} {
		b := newModel(3, "Gather", 12)
		b.weights("rows", 9, 3)
		b.input("i", 1)
		b.m.Graph.Inputs[0].Type = onnx.Int32
		b.outputs("y")
		if _, err := onnx.Convert(b.m, onnx.Options{Set: map[string][]float64{"i": {v}}}); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "is no int32") {
			t.Errorf("%v: %v", v, err)
		}
	}
}
