// SPDX-License-Identifier: Apache-2.0

// Package emit writes the command stream of a program whose kernels are scheduled and
// whose buffers have addresses: the waits between transfers and kernels, the block
// dependencies between kernels, and the registers, of which only those are written that
// change.
//
// Open emit.go first; waits.go and blockdep.go look for hazards, kernel.go sets the
// registers, program.go describes the result.
package emit

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/place"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Stream is a command stream under construction.
type Stream struct {
	Words []uint32 // the result, ending in NPU_OP_STOP

	accel    *ethosu.Accelerator
	layout   *place.Layout
	commands []command
	drain    bool // ends when the last transfer has
}

// command is an operation with what the stream says of it beside its registers.
type command struct {
	schedule.Operation

	kernelWait, dmaWait int // operations that may be outstanding when it starts, or -1
	blockdep            int // of a kernel
	word                int // offset of the operation word once emitted
}

// New returns the stream of operations without waits and without words.
func New(a *ethosu.Accelerator, ops []schedule.Operation, l *place.Layout) *Stream {
	s := &Stream{accel: a, layout: l, commands: make([]command, len(ops))}
	for i, o := range ops {
		s.commands[i] = command{Operation: o, kernelWait: -1, dmaWait: -1}
	}
	return s
}

// Emit writes the command stream.
func Emit(s *Stream) error {
	w := &writer{}
	if s.accel.ParallelMode {
		w.set(isa.PutParallelMode(s.accel.Cores - 1))
	}
	for i := range s.commands {
		c := &s.commands[i]
		if c.Transfer != nil {
			s.emitTransfer(w, c)
		} else if err := s.emitKernel(w, c); err != nil {
			return fmt.Errorf("%s (output %q): %v", c.Kernel.Name, c.Kernel.Source, err)
		}
	}
	if s.drain {
		w.op(isa.PutDMAWait(0))
	}
	return s.finish(w)
}

// finish ends the stream.
func (s *Stream) finish(w *writer) error {
	w.op(isa.PutStop(0xffff))
	if len(w.words)*4 >= 1<<24 {
		return fmt.Errorf("the command stream has %d bytes, the limit is 16 MiB: unroll fewer steps", len(w.words)*4)
	}
	s.Words = w.words
	return nil
}
