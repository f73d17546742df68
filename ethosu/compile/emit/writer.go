package emit

import "github.com/unroll-npu/unroll/ethosu/isa"

// writer builds a command stream. It remembers the registers and leaves out
// writes that change nothing.
type writer struct {
	words []uint32
	regs  map[isa.Code]uint64
}

func (w *writer) set(c isa.Code, param int) {
	w.write(c, uint16(param), 0)
}

// set32 writes a register with a payload; addresses wider than 32 bits go on in the parameter.
func (w *writer) set32(c isa.Code, v int) {
	w.write(c, uint16(v>>32)&0xff, uint32(v))
}

// idle32 is set32 for a register that has no effect unless it is used, but must have been
// set, to a multiple of the unit in which the map has addresses.
func (w *writer) idle32(used bool, unit int, c isa.Code, v int) {
	if old, ok := w.regs[c]; used || !ok || old%uint64(unit) != 0 {
		w.set32(c, v)
	}
}

func (w *writer) write(c isa.Code, param uint16, payload uint32) {
	v := uint64(param)<<32 | uint64(payload)
	if old, ok := w.regs[c]; ok && old == v {
		return
	}
	w.regs[c] = v
	w.words = isa.Command{Code: c, Param: param, Payload: payload}.Append(w.words)
}

func (w *writer) op(c isa.Code, param int) int {
	at := len(w.words)
	w.words = isa.Command{Code: c, Param: uint16(param)}.Append(w.words)
	return at
}
