// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Check reports an invariant of streams that does not hold: waits and dependencies that
// the hardware has no number for, and words that are not those of their operation. What
// they mean is the verifier's to judge.
func (s *Stream) Check() error {
	word := -1
	for i := range s.commands {
		c := &s.commands[i]
		if c.kernelWait < -1 || c.kernelWait >= s.accel.MaxKernels || c.dmaWait < -1 || c.dmaWait >= s.accel.MaxDMA || c.blockdep < 0 || c.blockdep > s.mostBlocks() {
			return fmt.Errorf("operation %d waits for kernel %d and transfer %d with block dependency %d", i, c.kernelWait, c.dmaWait, c.blockdep)
		}
		if s.Words == nil {
			continue
		}
		if c.word <= word || c.word >= len(s.Words) {
			return fmt.Errorf("operation %d is word %d, behind word %d of %d", i, c.word, word, len(s.Words))
		}
		word = c.word
		if code := isa.Code(s.Words[word] & 0x3ff); (code == isa.OpDMAStart) != (c.Transfer != nil) {
			return fmt.Errorf("operation %d, a transfer: %t, has the word %v", i, c.Transfer != nil, code)
		}
	}
	return nil
}

// mostBlocks is the largest number of unfinished blocks that BLOCKDEP has.
func (s *Stream) mostBlocks() int {
	if s.accel.OwnMemories {
		return 7
	}
	return 3
}

// Print writes the operations, each with where it reads and writes, its waits and its
// first word.
func (s *Stream) Print(w io.Writer) error {
	ops := make([]schedule.Operation, len(s.commands))
	for i := range s.commands {
		ops[i] = s.commands[i].Operation
	}
	return schedule.Print(w, ops, func(i int) string {
		c := &s.commands[i]
		t := s.layout.Where(c.Operation)
		if c.kernelWait >= 0 {
			t += fmt.Sprintf("; kernel wait %d", c.kernelWait)
		}
		if c.dmaWait >= 0 {
			t += fmt.Sprintf("; dma wait %d", c.dmaWait)
		}
		if c.Kernel != nil {
			t += fmt.Sprintf("; blockdep %d", c.blockdep)
		}
		if s.Words != nil {
			t += fmt.Sprintf("; word %d", c.word)
		}
		return t
	})
}
