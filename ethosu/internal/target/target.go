// SPDX-License-Identifier: Apache-2.0

// Package target is the door for generations of the NPU: what one of them fixes for the
// compiler lies behind the interface Target. U55 and U65 share an implementation, as they
// share their commands, blocks and weight streams; what differs between them is in their
// ethosu.Generation and in the rows of their accelerators.
//
// Open target.go. What one more generation would bring is in docs/RATIONALE.md.
package target

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// Target is an accelerator with what its generation fixes.
type Target interface {
	Accelerator() *ethosu.Accelerator

	// Decode decodes a command stream strictly: commands, reserved bits, field values.
	Decode(words []uint32) ([]isa.Instruction, error)

	// Micro returns the micro-block that an operation is computed in, where that is a
	// choice: zero where the configuration has one.
	Micro(op block.Op) block.Shape

	// Legal calls yield for every legal block of an operation, smallest first, with the
	// layout of its buffers in the shared memory. Fits returns the layout of a block, or
	// why it is not legal.
	Legal(op block.Op, yield func(blk block.Shape, s block.SHRAM) bool)
	Fits(op block.Op, blk block.Shape) (block.SHRAM, error)

	// Weights returns the weight stream of each core, or the one for the fast decoder
	// where that is asked for. values are in the order of the output
	// channels, so many for each of them.
	Weights(c Coding, values []int16, each int) ([][]byte, error)

	// Records returns the bias and scale records of each core, for accumulators that are
	// wide, or not, and a depth of the micro-block.
	Records(list []weights.Record, wide bool, depth int) [][]byte

	// Kernel and Transfer return what an operation costs. A nil place is the
	// memory inside the NPU.
	Kernel(w *perf.Work) perf.Cost
	Transfer(bytes int, from, to *perf.Place) perf.Cost
}

// Coding is what the weight streams of an operation depend on beside the accelerator.
type Coding struct {
	weights.Layout

	// Of the Ethos-U85 alone.
	StrideH, StrideW int
	Fast             bool // for the fast decoder
}

// families are the implementations.
var families = map[*ethosu.Generation]func(*ethosu.Accelerator) Target{
	ethosu.U55: newU55, ethosu.U65: newU55, ethosu.U85: newU85,
}

// Generations returns the generations that have an implementation.
func Generations() []*ethosu.Generation {
	return []*ethosu.Generation{ethosu.U55, ethosu.U65, ethosu.U85}
}

// For returns the target of an accelerator: an error when its row is not complete, or its
// generation has no implementation. It never is another one's.
func For(a *ethosu.Accelerator) (Target, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	implement, ok := families[a.Generation]
	if !ok {
		var names []string
		for _, g := range Generations() {
			names = append(names, g.Name)
		}
		return nil, fmt.Errorf("accelerator %q is an %s, which is not implemented: expected one of %s", a.Name, a.Generation.Name, strings.Join(names, ", "))
	}
	return implement(a), nil
}
