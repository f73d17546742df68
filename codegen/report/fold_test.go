// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	for _, test := range []struct {
		list string
		want []segment
	}{
		{"", nil},
		{"a", []segment{{0, 1, 1}}},
		{"a b a b", []segment{{0, 4, 1}}},
		{"a b a b a b", []segment{{0, 2, 3}}},
		{"x d a b c a b c a b c y", []segment{{0, 2, 1}, {2, 3, 3}, {11, 1, 1}}},
		{"a a a a b", []segment{{0, 1, 4}, {4, 1, 1}}},
		{"a b b b a b b b a b b b", []segment{{0, 4, 3}}},
		{"a b a b a b q q q", []segment{{0, 2, 3}, {6, 1, 3}}},
		{"b c a b c a b c a b", []segment{{0, 3, 3}, {9, 1, 1}}},
	} {
		got := fold(strings.Fields(test.list))
		if d := cmp.Diff(test.want, got, cmp.AllowUnexported(segment{})); d != "" {
			t.Errorf("fold(%q): -want +got:\n%s", test.list, d)
		}
	}
}

// FuzzFold holds folds to what they are for: segments cover the list in order, and what
// repeats is alike.
func FuzzFold(f *testing.F) {
	f.Add("abcabcabcx")
	f.Add("aaaaabababab")
	f.Fuzz(func(t *testing.T, text string) {
		like := strings.Split(text, "")
		at := 0
		for _, s := range fold(like) {
			if s.First != at || s.Period < 1 || s.Count < 1 {
				t.Fatalf("%q: segment %+v at %d", text, s, at)
			}
			for i := s.First; i < s.end(); i++ {
				if like[i] != like[s.First+(i-s.First)%s.Period] {
					t.Fatalf("%q: entry %d is not as the first of %+v", text, i, s)
				}
			}
			at = s.end()
		}
		if at != len(like) {
			t.Fatalf("%q: segments end at %d of %d", text, at, len(like))
		}
	})
}

// TestTicksEnd: far from 0 a step may be less than what tells two numbers apart.
func TestTicksEnd(t *testing.T) {
	for _, c := range [][2]float64{{1e17, 1e17 + 16}, {1, math.Nextafter(1, 2)}, {-1e300, 1e300}, {0, math.Inf(1)}, {0, 5}} {
		if list := ticks(c[0], c[1], 5); len(list) > 11 {
			t.Errorf("%v: %d ticks", c, len(list))
		}
	}
}
