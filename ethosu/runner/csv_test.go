// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

func TestCSV(t *testing.T) {
	a, err := ReadCSV("x.csv", []byte("\xef\xbb\xbfa, b\n# a comment\n1, -2.5\n0.25,1e3\n"))
	if err != nil || !slices.Equal(a.Shape, []int{2, 2}) {
		t.Fatalf("%v: %v", a, err)
	}
	if got := string(a.AppendCSV(nil, 2)); got != "1,-2.5\n0.25,1000\n" {
		t.Errorf("got %q", got)
	}
	ints := &Array{Type: graph.Int8, Shape: []int{1, 2}, Data: []byte{0xff, 4}}
	if got := string(ints.AppendCSV(nil, 1)); got != "-1,4\n" {
		t.Errorf("got %q", got)
	}
	for file, want := range map[string]string{
		"":               "no row of numbers",
		"a,b\n":          "no row of numbers",
		"1,2\n3\n":       "wrong number of fields",
		"1,2\n3,x\n":     `row 2, column 2: "x" is no number`,
		"1,2\n\"3,4\n":   "x.csv",
		"1,2\n3,1e400\n": "is no number",
	} {
		if _, err := ReadCSV("x.csv", []byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected one with %q", file, err, want)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if a, err := ReadCSV("x.csv", file); err == nil && len(a.Data) != 4*a.Shape[0]*a.Shape[1] {
			t.Errorf("%d bytes of shape %v", len(a.Data), a.Shape)
		}
	})
}

// TestLayout says what shapes of arrays mean for a tensor: one value, a value for each call,
// or nothing.
func TestLayout(t *testing.T) {
	for _, test := range []struct {
		array, tensor []int
		calls         int
		each, ok      bool
	}{
		{[]int{1, 1, 40}, []int{1, 1, 40}, 1, false, true},
		{[]int{7, 1, 1, 40}, []int{1, 1, 40}, 7, true, true},
		{[]int{7, 40}, []int{1, 1, 40}, 7, true, true},
		{[]int{1, 40}, []int{1, 1, 40}, 1, true, true},
		{[]int{40}, []int{1, 1, 40}, 1, false, true},
		{[]int{1, 40}, []int{1, 40}, 1, false, true},
		{[]int{28, 28}, []int{1, 28, 28}, 1, false, true},
		{[]int{5, 28, 28}, []int{1, 28, 28}, 5, true, true},
		{[]int{5}, []int{1, 1}, 5, true, true},
		{[]int{5, 1}, []int{1, 1}, 5, true, true},
		{[]int{7, 41}, []int{1, 1, 40}, 0, false, false},
		{[]int{280}, []int{1, 28, 10}, 0, false, false},
		{[]int{2, 3, 40}, []int{1, 1, 40}, 0, false, false},
		{nil, []int{1}, 1, false, true},
	} {
		calls, each, ok := layoutOf(test.array, test.tensor)
		if ok != test.ok || ok && (calls != test.calls || each != test.each) {
			t.Errorf("%v for %v: %d calls, each %v, %v; expected %d, %v, %v", test.array, test.tensor, calls, each, ok, test.calls, test.each, test.ok)
		}
	}
}
