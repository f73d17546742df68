// SPDX-License-Identifier: Apache-2.0

package timeline

// later is by how many cycles the settled moments from kernel from on are to be moved. A
// search changes one place after the other from the first kernel to the last, and each
// change moves all moments behind it: they are moved together, when the search gets there.
type later struct {
	from   int
	cycles float64
}

// atOnce is how many moments are moved at once at most: to the end of the program, or up to
// the first that is still to be moved.
const atOnce = 4096

// now returns the time of the settled moment before kernel i.
func (tl *Timeline) now(i int) float64 {
	if i >= tl.due.from {
		return tl.settled[i].Now + tl.due.cycles
	}
	return tl.settled[i].Now
}

// settle replaces the moment before kernel i.
func (tl *Timeline) settle(i int, at moment) {
	tl.pay(i)
	tl.settled[i] = at
	tl.due.from = max(tl.due.from, i+1)
}

// move moves the moments before kernel i and all behind it.
func (tl *Timeline) move(i int, cycles float64) {
	if i < tl.due.from-tl.atOnce {
		tl.pay(len(tl.settled)) // another pass begins
		tl.due = later{i, cycles}
		return
	}
	tl.pay(i)
	for j := i; j < tl.due.from; j++ {
		tl.settled[j].Now += cycles
	}
	tl.due.cycles += cycles
}

// pay moves the moments in front of kernel end that are still to be moved.
func (tl *Timeline) pay(end int) {
	for ; tl.due.from < end; tl.due.from++ {
		tl.settled[tl.due.from].Now += tl.due.cycles
	}
}
