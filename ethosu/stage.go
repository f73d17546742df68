// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"fmt"
	"math"
)

// Stage is a stream that the driver starts Times times, or an operator that the CPU
// computes. From one invocation to the next only the base addresses of regions move.
type Stage struct {
	Name  string // "input", "load", "step" or "head", "npu1" or "cpu1"; empty: the whole call
	Times int
	CPU   *CPUOp `json:",omitempty"` // then it has no stream, and runs once

	// Reads and Writes are the values, variables among them, that a stream takes from and
	// leaves to operators of the CPU and the caller, where there are such operators. A
	// value has one name and one place.
	Reads, Writes []Binding `json:",omitempty"`

	Commands []uint32    // ending in NPU_OP_STOP
	Windows  []Window    // of every region that Commands may use, in ascending order
	Map      []Placement // every tensor that has an address, for disassembly, traces and memory maps
	Ops      []OpInfo    // the operations of Commands, in order
}

// Title names the stage in front of a text about a part of it; empty when the stage
// is the whole call.
func (s *Stage) Title() string {
	if s.Name == "" {
		return ""
	}
	return s.Name + ": "
}

// Window is where a region of a stage lies: in invocation n it is the Size bytes at
// Offset + n*Advance of the memory that the Program calls region In. Offset, Size and
// Advance are multiples of 16. The windows of one stage never overlap.
type Window struct {
	Region, In   int
	Offset, Size int
	Advance      int
}

// At returns the first byte of the window in invocation n.
func (w *Window) At(n int) int { return w.Offset + n*w.Advance }

// MaxInvocations limits the invocations of one stage, so that damaged files end.
const MaxInvocations = 1 << 16

// Whole returns the stage that is a whole call: it runs once and finds the memories of
// the program as they are, whose sizes must be known by then.
func (p *Program) Whole(commands []uint32, places []Placement, ops []OpInfo) Stage {
	s := Stage{Times: 1, Commands: commands, Map: places, Ops: ops}
	for region, size := range p.memories() {
		if size > 0 {
			s.Windows = append(s.Windows, Window{Region: region, In: region, Size: size})
		}
	}
	return s
}

// memories returns the sizes of RegionConstants, RegionArena and RegionFast.
func (p *Program) memories() [3]int { return [3]int{len(p.Constants), p.ArenaSize, p.FastSize} }

// WakeUps returns how often the NPU is started in one call, and raises its interrupt.
func (p *Program) WakeUps() int {
	n := 0
	for _, s := range p.Stages {
		if s.CPU == nil {
			n += s.Times
		}
	}
	return n
}

// CheckStages reports why the stages of a program cannot run: windows that leave
// their memory or overlap, or counts that make no sense.
func (p *Program) CheckStages() error {
	whole := len(p.Stages) == 1 && p.Stages[0].Name == ""
	mixed := len(p.CPUOps()) > 0
	if p.Steps < 0 || p.Steps > MaxInvocations || len(p.Stages) == 0 || whole && mixed || (whole || mixed) != (p.Steps == 0) {
		return fmt.Errorf("a call of %d steps in %d stages, %d of them operators of the CPU: expected one stage that is the whole call, several with names and operators of the CPU among them, or 1 to %d steps and streams with names",
			p.Steps, len(p.Stages), len(p.CPUOps()), MaxInvocations)
	}
	for i := range p.Stages {
		if err := p.checkStage(&p.Stages[i]); err != nil {
			if name := p.Stages[i].Name; name != "" {
				err = fmt.Errorf("stage %q: %w", name, err)
			}
			return err
		}
	}
	for _, list := range [][]Binding{p.Inputs, p.Outputs, p.Variables} {
		for i := range list {
			if err := p.checkRows(&list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Program) checkStage(s *Stage) error {
	if s.CPU != nil {
		if s.Times != 1 || len(s.Commands)+len(s.Windows) > 0 || s.Name == "" {
			return fmt.Errorf("an operator of the CPU with %d words of stream that runs %d times: expected a name, none and once", len(s.Commands), s.Times)
		}
		return s.CPU.check(p)
	}
	if s.Times < 1 || s.Times > MaxInvocations || len(s.Commands) == 0 {
		return fmt.Errorf("%d words run %d times: expected 1 to %d times and a stream", len(s.Commands), s.Times, MaxInvocations)
	}
	for _, list := range [][]Binding{s.Reads, s.Writes} {
		for i := range list {
			if err := p.checkRows(&list[i]); err != nil {
				return err
			}
		}
	}
	memories := p.memories()
	for i := range s.Windows {
		w := &s.Windows[i]
		if w.Region < 0 || w.Region > 7 || i > 0 && w.Region <= s.Windows[i-1].Region {
			return fmt.Errorf("window %d is of region %d: expected 0 to 7, each once, in ascending order", i, w.Region)
		}
		if w.In < 0 || w.In > RegionFast {
			return fmt.Errorf("region %d lies in memory %d: expected 0 to %d", w.Region, w.In, RegionFast)
		}
		if w.In == RegionConstants && w.Region != RegionConstants {
			return fmt.Errorf("region %d lies among the constants: expected only region %d there", w.Region, RegionConstants)
		}
		if (w.Offset|w.Size|w.Advance)%16 != 0 || w.Size <= 0 || w.Advance < 0 || int64(w.Advance) > 1<<32 {
			return fmt.Errorf("region %d is %d bytes at %d, moved by %d: expected multiples of 16", w.Region, w.Size, w.Offset, w.Advance)
		}
		last := int64(w.Offset) + int64(s.Times-1)*int64(w.Advance) // in 64 bits, whatever int has
		if w.Offset < 0 || w.Size > memories[w.In] || last > int64(memories[w.In]-w.Size) {
			return fmt.Errorf("region %d takes bytes %d to %d of memory %d, which has %d", w.Region, w.Offset, last+int64(w.Size), w.In, memories[w.In])
		}
	}
	for n := range s.Times {
		for i := range s.Windows {
			for j := range i {
				a, b := &s.Windows[i], &s.Windows[j]
				if a.In == b.In && a.At(n) < b.At(n)+b.Size && b.At(n) < a.At(n)+a.Size {
					return fmt.Errorf("regions %d and %d overlap in invocation %d", b.Region, a.Region, n)
				}
			}
		}
	}
	return nil
}

func (p *Program) checkRows(b *Binding) error {
	if b.Region < 0 || b.Region > RegionFast || b.Offset < 0 || b.Size < 0 || b.Rows < 0 || b.Rows > MaxInvocations {
		return fmt.Errorf("tensor %q: %d bytes in %d rows at %d of region %d", b.Name, b.Size, b.Rows, b.Offset, b.Region)
	}
	if b.Rows > 0 && (b.Size%b.Rows != 0 || b.Stride < b.Size/b.Rows || int64(b.Stride) > 1<<32 || int64(b.Rows)*int64(b.Stride) > math.MaxInt) {
		return fmt.Errorf("tensor %q: %d bytes in %d rows, %d bytes apart", b.Name, b.Size, b.Rows, b.Stride)
	}
	if b.Extent() > p.memories()[b.Region]-b.Offset {
		return fmt.Errorf("tensor %q takes bytes %d to %d of region %d, which has %d", b.Name, b.Offset, b.Offset+b.Extent(), b.Region, p.memories()[b.Region])
	}
	return nil
}

// Extent returns the bytes from the first to the last of the value, what lies between
// its rows included.
func (b *Binding) Extent() int {
	if b.Rows <= 1 {
		return b.Size
	}
	return (b.Rows-1)*b.Stride + b.Size/b.Rows
}

// WithTime returns the shape of a step's value with an axis of so many steps: [1, 1, F]
// and [1, F] become [1, steps, F].
func WithTime(shape []int, steps int) []int {
	if len(shape) >= 3 && shape[0] == 1 && shape[1] == 1 {
		return append([]int{1, steps}, shape[2:]...)
	}
	if len(shape) >= 1 && shape[0] == 1 {
		return append([]int{1, steps}, shape[1:]...)
	}
	return append([]int{steps}, shape...)
}

// Ranges returns where in its region the value lies: [start, end) of every row.
func (b *Binding) Ranges() [][2]int {
	var list [][2]int
	b.rows(func(at, _, n int) { list = append(list, [2]int{at, at + n}) })
	return list
}

// Store writes a value to its place in the memory of b.Region.
func (b *Binding) Store(memory, value []byte) {
	b.rows(func(at, from, n int) { copy(memory[at:at+n], value[from:]) })
}

// Load reads the value from its place in the memory of b.Region.
func (b *Binding) Load(value, memory []byte) {
	b.rows(func(at, from, n int) { copy(value[from:from+n], memory[at:]) })
}

// rows calls f for every row with its place, its first byte in the value and its size.
func (b *Binding) rows(f func(at, from, n int)) {
	if b.Rows <= 1 {
		f(b.Offset, 0, b.Size)
		return
	}
	n := b.Size / b.Rows
	for r := range b.Rows {
		f(b.Offset+r*b.Stride, r*n, n)
	}
}
