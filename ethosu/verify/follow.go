// SPDX-License-Identifier: Apache-2.0

package verify

// What it takes to follow values is charged, as everything is that a stream can make long,
// and bounded in memory: one operation of a softmax has twenty thousand cells, and a stream
// of a megabyte has room for ten thousand operations.

const (
	// cellsAtOnce is how many cells of a value, entries of a table, or maps that may be the
	// one that is read, take as long as one byte range.
	cellsAtOnce = 16
	// maxCells bounds the cells that are known at a time, of all maps together. The largest
	// softmax has ten maps of twenty thousand at once.
	maxCells = 1 << 21
)

// followed charges so many passes over the cells of a value.
func (c *checker) followed(v value, passes int) {
	if n := len(v.cells); n > 1 {
		c.spend((n*passes + cellsAtOnce - 1) / cellsAtOnce)
	}
}

// lookedAt charges entries of a table, one for each time that one was looked at.
func (c *checker) lookedAt(entries int) { c.spend(entries / cellsAtOnce) }

// keep notes what is known of a map that an operation has written. Where that is more than
// there is room for, the oldest maps keep one bound for all their elements.
func (c *checker) keep(w written) {
	c.values.add(w)
	c.values.trim(maxCells)
}
