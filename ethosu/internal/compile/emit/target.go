// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
)

// Emitter is what a generation of the NPU fixes of the command stream: which operations
// wait for which, how far kernels may overlap, and what registers say.
type Emitter interface {
	InsertWaits(*Stream) error
	SetBlockDependencies(*Stream) error
	Emit(*Stream) error
}

// u55 is the emitter of the Ethos-U55 and the Ethos-U65.
type u55 struct{}

func (u55) InsertWaits(s *Stream) error          { return InsertWaits(s) }
func (u55) SetBlockDependencies(s *Stream) error { return SetBlockDependencies(s) }
func (u55) Emit(s *Stream) error                 { return Emit(s) }

var emitters = map[*ethosu.Generation]Emitter{ethosu.U55: u55{}, ethosu.U65: u55{}, ethosu.U85: u85{}}

// For returns the emitter of an accelerator's generation.
func For(a *ethosu.Accelerator) (Emitter, error) {
	e, ok := emitters[a.Generation]
	if !ok {
		return nil, fmt.Errorf("nothing emits command streams of an %s", a.Generation.Name)
	}
	return e, nil
}
