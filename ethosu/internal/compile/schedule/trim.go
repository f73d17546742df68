// SPDX-License-Identifier: Apache-2.0

package schedule

import "github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"

// TrimTables cuts off both ends of tables where all entries are equal: a function
// that has saturated. The clamp in front of the table sends every value there to the
// first or last entry that is left, and what is never looked up need not be loaded.
func TrimTables(pl *Plan) error {
	if pl.Accel.OwnMemories { // of which nobody says that the rest is not read
		return nil
	}
	uses := map[*kernel.Table][]*Op{}
	var list []*kernel.Table
	for _, o := range pl.Ops {
		if !o.UsesTable() || len(o.Table.Data) > 1024 { // 16-bit tables are indexed otherwise
			continue
		}
		if uses[o.Table] == nil {
			list = append(list, o.Table)
		}
		uses[o.Table] = append(uses[o.Table], o)
	}
	for _, t := range list {
		first, last := tableEnds(t)
		entry := len(t.Data) / 256
		// Transfers move units of 16 bytes.
		from, to := first*entry&^15, kernel.Align((last+1)*entry)
		if len(t.Data)-(to-from) <= clampBytes*len(uses[t]) {
			continue
		}
		t.From, t.To = from, to
		for _, o := range uses[t] {
			lo, hi := o.Lo+128, o.Hi+128
			o.Lo = min(max(lo, first), last) - 128
			o.Hi = max(min(hi, last), first) - 128
		}
	}
	return nil
}

// clampBytes is what a clamp of its own adds to the command stream, at most.
const clampBytes = 8

// ends returns the last of the equal entries that a table of 256 starts with, and the
// first of those that it ends with.
func tableEnds(t *kernel.Table) (first, last int) {
	entry := len(t.Data) / 256
	at := func(i int) string { return string(t.Data[i*entry : (i+1)*entry]) }
	for last = 255; last > 0 && at(last-1) == at(255); last-- {
	}
	for first < last && at(first+1) == at(0) {
		first++
	}
	return first, last
}
