package compile

// trimTables cuts off both ends of tables where all entries are equal: a function
// that has saturated. The clamp in front of the table sends every value there to the
// first or last entry that is left, and what is never looked up need not be loaded.
func trimTables(m *module) error {
	uses := map[*table][]*op{}
	var list []*table
	for _, o := range m.ops {
		if !o.usesTable() || len(o.table.data) > 1024 { // 16-bit tables are indexed otherwise
			continue
		}
		if uses[o.table] == nil {
			list = append(list, o.table)
		}
		uses[o.table] = append(uses[o.table], o)
	}
	for _, t := range list {
		first, last := t.ends()
		entry := len(t.data) / 256
		// Transfers move units of 16 bytes.
		from, to := first*entry&^15, align16((last+1)*entry)
		if len(t.data)-(to-from) <= clampBytes*len(uses[t]) {
			continue
		}
		t.from, t.to = from, to
		for _, o := range uses[t] {
			lo, hi := o.lo+128, o.hi+128
			o.lo = min(max(lo, first), last) - 128
			o.hi = max(min(hi, last), first) - 128
		}
	}
	return nil
}

// clampBytes is what a clamp of its own adds to the command stream, at most.
const clampBytes = 8

// ends returns the last of the equal entries that a table of 256 starts with, and the
// first of those that it ends with.
func (t *table) ends() (first, last int) {
	entry := len(t.data) / 256
	at := func(i int) string { return string(t.data[i*entry : (i+1)*entry]) }
	for last = 255; last > 0 && at(last-1) == at(255); last-- {
	}
	for first < last && at(first+1) == at(0) {
		first++
	}
	return first, last
}
