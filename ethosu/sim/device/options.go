// SPDX-License-Identifier: Apache-2.0

package device

import "github.com/unroll-npu/unroll/ethosu"

// Options change what the device is or how it misbehaves. The zero value is a
// healthy device of its accelerator.
type Options struct {
	// System is what lies behind the AXI ports, for the cycle counters; the
	// accelerator's default when nil.
	System *ethosu.SystemConfig
	// Config and ID replace the register values when they are not 0: another device
	// than the driver expects.
	Config, ID uint32
	// ColdStart leaves the device in reset until RESET is written for the first time.
	ColdStart bool
	// ResetPolls is how many reads of STATUS still show a reset in progress after
	// RESET was written.
	ResetPolls int
	// StuckInReset never lets a reset end.
	StuckInReset bool
	// RunPolls is how many reads of STATUS still show a running device before the
	// outcome of a stream appears.
	RunPolls int
	// NeverAnswers starts streams and never ends them; memory stays as it was.
	NeverAnswers bool
	// NonSecure is a device whose bus accesses are non-secure: RESET cannot raise the
	// level.
	NonSecure bool
	// LosePower drops every register when CMD allows clock and power to go off while
	// the device is stopped, as a power controller may. RESET brings it back.
	LosePower bool
}
