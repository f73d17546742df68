// SPDX-License-Identifier: Apache-2.0

package emit

import "github.com/unroll-npu/unroll/ethosu/isa"

// writer builds a command stream. It remembers the registers and leaves out
// writes that change nothing.
type writer struct {
	words []uint32
	regs  isa.State
	again map[isa.Code]bool // registers to write although they do not change
}

// stale makes the next write of registers one that is not left out.
func (w *writer) stale(list ...isa.Code) {
	if w.again == nil {
		w.again = map[isa.Code]bool{}
	}
	for _, c := range list {
		w.again[c] = true
	}
}

// set writes a register, unless it holds the value.
func (w *writer) set(c isa.Command) {
	if old, ok := w.regs.Command(c.Code); ok && old == c && !w.again[c.Code] {
		return
	}
	delete(w.again, c.Code)
	w.regs.Write(c)
	w.words = c.Append(w.words)
}

// idle is set for a register that has no effect unless it is used, but must have been
// set, to a multiple of the unit in which the map has addresses. One that is stale stays
// so until it is used.
func (w *writer) idle(used bool, unit int, c isa.Command) {
	if old, ok := w.regs.Command(c.Code); used || !ok || old.Address()%int64(unit) != 0 {
		w.set(c)
	}
}

// op appends a command that starts or orders work and returns its place.
func (w *writer) op(c isa.Command) int {
	at := len(w.words)
	w.words = c.Append(w.words)
	return at
}
