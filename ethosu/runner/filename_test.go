// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFileNames(t *testing.T) {
	named := func(names ...string) (ts []Tensor) {
		for _, n := range names {
			ts = append(ts, Tensor{Name: n})
		}
		return ts
	}
	for _, c := range []struct{ in, want []string }{
		{[]string{"a/b", "a_b"}, []string{"a_b_2", "a_b"}},
		{[]string{"a/b", "a:b", "a_b_2"}, []string{"a_b", "a_b_3", "a_b_2"}},
		{[]string{"same", "same", "SAME"}, []string{"same", "same_2", "SAME_3"}},
		{[]string{"", ".", "..", "../../x", "x\\y", "n\x00l", "\n"}, []string{"_", "__", "___", ".._.._x", "x_y", "n_l", "__2"}},
		{[]string{"é", "StatefulPartitionedCall:0"}, []string{"é", "StatefulPartitionedCall_0"}},
	} {
		if diff := cmp.Diff(c.want, FileNames(named(c.in...))); diff != "" {
			t.Errorf("%q: %s", c.in, diff)
		}
	}
	long := strings.Repeat("ü/", 400)
	got := FileNames(named(long+"1", long+"2"))
	if got[0] == got[1] || len(got[0]) > longest || len(got[1]) > longest || strings.ToValidUTF8(got[0], "?") != got[0] {
		t.Errorf("long names become %q and %q", got[0], got[1])
	}
}

// TestFindPrefersTheNameItself tells a tensor from one whose file name is the same.
func TestFindPrefersTheNameItself(t *testing.T) {
	ts := []Tensor{{Name: "a/b"}, {Name: "a_b"}, {Name: "c/d"}, {Name: "c:d"}}
	for name, want := range map[string]int{"a/b": 0, "a_b": 1, "c:d": 3} {
		if i, err := find(ts, name, "input"); err != nil || i != want {
			t.Errorf("%q is %d, %v", name, i, err)
		}
	}
	if _, err := find(ts, "c_d", "input"); err == nil || !strings.Contains(err.Error(), `"c/d" and "c:d"`) {
		t.Errorf("c_d could be two: %v", err)
	}
}
