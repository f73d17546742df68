// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// SHRAM is the region number of spans inside the NPU's own memory.
const SHRAM = isa.SHRAM

// Channels of the NPU's bus interface, as STATUS.faulting_channel shows them.
const (
	ChannelCommand  = 0
	ChannelIFM      = 1
	ChannelWeights  = 2
	ChannelScales   = 3
	ChannelDMARead  = 4
	ChannelOFM      = 8
	ChannelDMAWrite = 9
)

// Access is memory that an operation touches, from the first to the last byte.
type Access struct {
	isa.Span
	Channel uint8
}

// Write reports whether the operation writes there.
func (a Access) Write() bool { return a.Channel >= ChannelOFM }

// Accesses calls f for every access of every operation in order; step counts them
// from 0 and word is the operation's offset in the stream.
func (s *Sim) Accesses(f func(step, word int, a Access)) {
	for i, st := range s.steps {
		h := st.head()
		for _, a := range h.access {
			f(i, h.word, a)
		}
	}
}
