// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Cause is the kind of a fault.
type Cause uint8

// Causes. Every fault has exactly one.
const (
	BadCommand     Cause = iota // cannot be decoded, or not for this product
	UnsetRegister               // an operation reads a register the stream never wrote
	OutsideRegion               // an access outside its region, or to an absent one
	Misaligned                  // an address, stride or length breaks its alignment
	ReadOnly                    // a write to a constant region
	IllegalBlock                // block dimensions the accelerator cannot have
	SHRAMOverlap                // the buffers do not fit between their borders
	TableMissing                // a table slot, or other SHRAM, is read before it is loaded
	CorruptWeights              // the weight or record stream cannot be decoded
	WeightCount                 // the weight stream decodes to another number of weights
	Contradiction               // registers that cannot all be meant
	Unknown                     // no source states what hardware does; see inferred.go
	Overflow                    // a value leaves the width the hardware is known to have
	TooMuchWork                 // more work than the limit of Options.MaxWork
	Race                        // a missing wait or a BLOCKDEP that is too large
)

var causes = [...]string{"bad command", "unset register", "outside region", "misaligned", "read-only region", "illegal block",
	"SHRAM overlap", "table missing", "corrupt weights", "weight count", "contradiction", "unknown behaviour", "overflow",
	"too much work", "race"}

func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c]
	}
	return fmt.Sprintf("Cause(%d)", uint8(c))
}

// Fault is why a stream cannot be executed, or not with a known result.
type Fault struct {
	Cause  Cause
	Word   int    // offset of the command in the stream
	Op     int    // number among block operations and DMAs, or -1
	Name   string // command name
	Tensor string // tensor concerned, empty when unknown
	Detail string // what was expected and found
}

func (f *Fault) Error() string {
	at := fmt.Sprintf("word %d", f.Word)
	if f.Op >= 0 {
		at += fmt.Sprintf(", operation %d", f.Op)
	}
	if f.Name != "" {
		at += " " + f.Name
	}
	if f.Tensor != "" {
		at += fmt.Sprintf(", tensor %q", f.Tensor)
	}
	return fmt.Sprintf("%s: %v: %s", at, f.Cause, f.Detail)
}

// STATUS bits of the register map.
const (
	StatusBus        = 1 << 2
	StatusParse      = 1 << 4
	StatusWeights    = 1 << 7
	statusOfNoEngine = 0
)

// Status returns the error bits that the STATUS register would show: an AXI abort
// for accesses outside memory, a parse error, a weight decoder fault. Faults that
// hardware does not notice give 0.
func (f *Fault) Status() uint32 {
	switch f.Cause {
	case BadCommand:
		return StatusParse
	case OutsideRegion, ReadOnly:
		return StatusBus
	case CorruptWeights, WeightCount:
		return StatusWeights
	}
	return statusOfNoEngine
}

// header is the place of an operation, from which its faults start.
type header struct {
	word, index int
	op          isa.Code
	name        string

	// tensor names its OFM; nil where nobody knows. Names are looked for when they are
	// asked for: a search for every operation would cost more than running it.
	tensor func() string
}

func (h *header) tensorName() string {
	if h.tensor == nil {
		return ""
	}
	return h.tensor()
}

func (h *header) fault(c Cause, format string, args ...any) error {
	return &Fault{Cause: c, Word: h.word, Op: h.index, Name: h.name, Tensor: h.tensorName(), Detail: fmt.Sprintf(format, args...)}
}
