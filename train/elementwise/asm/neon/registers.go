// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// value is a vector that an operation gives, or a constant (negative).
type value int

// place is where a vector lies: an argument, so many blocks of n floats further on.
type place struct {
	arg   string
	block int
}

// operation is one instruction, or two: its text once registers are known.
type operation struct {
	gives value // -1 for none
	takes []value
	onto  bool // the first of takes is changed in its place
	text  func(to int, from []int) string
}

// loop is the body of a loop before it has registers.
type loop struct {
	pointers map[place]int
	order    []place
	fixed    map[string]int // registers of constants
	ops      []operation
	count    int
}

const none value = 1 << 30

// k returns a constant.
func (l *loop) k(name string) value {
	r, ok := l.fixed[name]
	if !ok {
		panic("BUG: no constant " + name)
	}
	return value(-1 - r)
}

func (l *loop) at(arg string, block int) int {
	p := place{arg, block}
	if _, ok := l.pointers[p]; !ok {
		l.pointers[p] = 1 + len(l.order)
		l.order = append(l.order, p)
	}
	return l.pointers[p]
}

func (l *loop) op(onto bool, text func(to int, from []int) string, takes ...value) value {
	l.ops = append(l.ops, operation{gives: value(l.count), takes: takes, onto: onto, text: text})
	l.count++
	return value(l.count - 1)
}

func (l *loop) load(arg string, block int) value {
	p := l.at(arg, block)
	return l.op(false, func(to int, _ []int) string { return fmt.Sprintf("VLD1 (R%d), [V%d.S4]", p, to) })
}

func (l *loop) store(x value, arg string, block int) {
	p := l.at(arg, block)
	l.ops = append(l.ops, operation{gives: none, takes: []value{x}, text: func(_ int, from []int) string {
		return fmt.Sprintf("VST1 [V%d.S4], (R%d)", from[0], p)
	}})
}

// word is an instruction that the assembler has no name for, four floats in each register:
// Vd = Vn op Vm. Encodings are those of the Arm architecture reference manual, Advanced SIMD.
func word(base uint32, name string) func(to int, from []int) string {
	return func(to int, from []int) string {
		code := base | uint32(to) | uint32(from[0])<<5
		text := fmt.Sprintf("%s V%d.4S, V%d.4S", name, to, from[0])
		if len(from) > 1 {
			code |= uint32(from[1]) << 16
			text += fmt.Sprintf(", V%d.4S", from[1])
		}
		return fmt.Sprintf("WORD $0x%08X // %s", code, text)
	}
}

func (l *loop) add(a, b value) value      { return l.op(false, word(0x4E20D400, "FADD"), a, b) }
func (l *loop) sub(a, b value) value      { return l.op(false, word(0x4EA0D400, "FSUB"), a, b) }
func (l *loop) mul(a, b value) value      { return l.op(false, word(0x6E20DC00, "FMUL"), a, b) }
func (l *loop) div(a, b value) value      { return l.op(false, word(0x6E20FC00, "FDIV"), a, b) }
func (l *loop) greatest(a, b value) value { return l.op(false, word(0x4E20F400, "FMAX"), a, b) }
func (l *loop) least(a, b value) value    { return l.op(false, word(0x4EA0F400, "FMIN"), a, b) }
func (l *loop) root(a value) value        { return l.op(false, word(0x6EA1F800, "FSQRT"), a) }
func (l *loop) nearest(a value) value     { return l.op(false, word(0x4E21A800, "FCVTNS"), a) }
func (l *loop) float(a value) value       { return l.op(false, word(0x4E21D800, "SCVTF"), a) }

// plus adds integers, and shifted moves them to where a float has its exponent.
func (l *loop) plus(a, b value) value {
	return l.op(false, func(to int, from []int) string {
		return fmt.Sprintf("VADD V%d.S4, V%d.S4, V%d.S4", from[0], from[1], to)
	}, a, b)
}

func (l *loop) shifted(a value) value {
	return l.op(false, func(to int, from []int) string { return fmt.Sprintf("VSHL $23, V%d.S4, V%d.S4", from[0], to) }, a)
}

// fma returns acc + a*b and fms acc - a*b, rounded once.
func (l *loop) fma(acc, a, b value) value { return l.fused("VFMLA", acc, a, b) }
func (l *loop) fms(acc, a, b value) value { return l.fused("VFMLS", acc, a, b) }

func (l *loop) fused(name string, acc, a, b value) value {
	return l.op(true, func(to int, from []int) string {
		return fmt.Sprintf("%s V%d.S4, V%d.S4, V%d.S4", name, from[1], from[2], to)
	}, acc, a, b)
}

// assign gives every value a register from its operation to its last use.
func (l *loop) assign() []string {
	last := map[value]int{}
	for i, o := range l.ops {
		for _, v := range o.takes {
			last[v] = i
		}
	}
	in := map[value]int{}
	var free []int
	for r := firstConstant - 1; r >= 0; r-- {
		free = append(free, r)
	}
	take := func() int {
		if len(free) == 0 {
			panic("BUG: a loop needs more registers than there are")
		}
		r := free[len(free)-1]
		free = free[:len(free)-1]
		return r
	}
	var lines []string
	for i, o := range l.ops {
		from := make([]int, len(o.takes))
		for k, v := range o.takes {
			if from[k] = in[v]; v < 0 {
				from[k] = int(-1 - v)
			}
		}
		to := -1
		if o.onto {
			// What is changed in its place needs a register of its own, unless nobody reads it again.
			acc := o.takes[0]
			once := acc >= 0 && last[acc] == i && acc != o.takes[1] && acc != o.takes[2]
			if once {
				to = in[acc]
				delete(in, acc)
			} else {
				to = take()
				lines = append(lines, fmt.Sprintf("VORR V%d.B16, V%d.B16, V%d.B16", from[0], from[0], to))
			}
		}
		for _, v := range o.takes {
			if r, held := in[v]; held && v >= 0 && last[v] == i && (!o.onto || r != to) {
				free = append(free, r)
				delete(in, v)
			}
		}
		if o.gives != none {
			if to < 0 {
				to = take()
			}
			in[o.gives] = to
		}
		lines = append(lines, o.text(to, from))
	}
	return lines
}
