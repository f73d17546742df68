// SPDX-License-Identifier: Apache-2.0

package dataset

import "math"

// numbering finds out whether the numbers of a column are those of its rows: 0 to n-1, or 1 to n,
// each once, in whatever order. Rows that were shuffled, or divided, keep such numbers, and nothing that
// was measured has them.
type numbering struct {
	rows      int
	low, high float64
	sum       uint64 // of a hash of every number, which does not depend on their order
	broken    bool   // a cell is no whole number
	before    float64
	jumps     bool // somewhere a number is not the one before and 1 more

	ended int  // files whose rows were looked at by themselves …
	not   bool // … and somewhere the numbers are not those of rows
}

// fewRows is how many rows may happen to have such numbers.
const fewRows = 8

// see takes the number of the next row.
func (n *numbering) see(v float64, ok bool) {
	if n.broken = n.broken || !ok || v != math.Trunc(v) || v < 0 || v > math.MaxInt32; n.broken {
		return
	}
	if n.rows == 0 {
		n.low, n.high = v, v
	}
	n.jumps = n.jumps || n.rows > 0 && v != n.before+1
	n.low, n.high, n.before = min(n.low, v), max(n.high, v), v
	n.sum += hashed(uint64(v))
	n.rows++
}

// hashed spreads a number over 64 bits, so that other numbers do not have the same sum.
func hashed(v uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15
	for range 3 {
		v = (v + 1) * odd
		v ^= v >> 31
	}
	return v
}

// is reports whether the numbers so far are those of rows. A column whose numbers go up by one from any
// other number on is one, too.
func (n *numbering) is() bool {
	if n.broken || n.rows <= fewRows || n.high-n.low != float64(n.rows-1) {
		return false
	}
	if !n.jumps {
		return true
	}
	if n.low > 1 {
		return false
	}
	sum := uint64(0)
	for i := range n.rows {
		sum += hashed(uint64(n.low) + uint64(i))
	}
	return sum == n.sum
}

// end ends a file: the next one may have numbers of its own.
func (n *numbering) end() {
	*n = numbering{ended: n.ended + 1, not: n.not || !n.is()}
}

// inOrder says so where rows are not in the order of their numbers.
func (n *numbering) inOrder() string {
	if n.is() && n.jumps {
		return " in another order"
	}
	return ""
}

// numbersRows reports whether a column of a side has the numbers of its rows.
func (s *side) numbersRows(column int, named bool) bool {
	n := numbering{}
	for row, cells := range s.cells {
		if row > 0 || !named {
			v, ok := s.exact(cells[column])
			n.see(v, ok)
		}
	}
	return n.is()
}
