// SPDX-License-Identifier: Apache-2.0

package perf

import "testing"

func TestPreferSequence(t *testing.T) {
	for _, c := range []struct {
		flash [2]int // unrolled, sequence
		cyc   [2]int64
		want  bool
	}{
		{[2]int{1000, 1000}, [2]int64{500, 500}, true},
		{[2]int{1000, 900}, [2]int64{500, 490}, true},
		{[2]int{1000, 1001}, [2]int64{500, 400}, false}, // 1.00 times the flash
		{[2]int{1089, 1000}, [2]int64{500, 501}, false},
		{[2]int{1101, 1000}, [2]int64{500, 501}, true},
		{[2]int{1101, 1000}, [2]int64{500, 625}, true},
		{[2]int{3000, 1000}, [2]int64{500, 626}, false},
	} {
		got, why := PreferSequence(Figures{FlashBytes: c.flash[0], Cycles: c.cyc[0]}, Figures{FlashBytes: c.flash[1], Cycles: c.cyc[1]})
		if got != c.want || why == "" {
			t.Errorf("flash %v, cycles %v: %v, for %s", c.flash, c.cyc, got, why)
		}
	}
}
