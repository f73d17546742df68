// SPDX-License-Identifier: Apache-2.0

package run

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim/device"
	"github.com/unroll-npu/unroll/firmware/internal/link"
)

// SimulatedIn is Simulated with the memories that a project was compiled for, which
// its cycle counters need.
func SimulatedIn(accel *ethosu.Accelerator, system ethosu.SystemConfig) func(link.Memory) link.NPU {
	return func(memory link.Memory) link.NPU {
		return device.NewWith(accel, memory, device.Options{System: &system})
	}
}

// Simulated makes the NPU for Options.Connect: an accelerator's registers over the
// bit-exact simulator.
func Simulated(accel *ethosu.Accelerator) func(link.Memory) link.NPU {
	return func(memory link.Memory) link.NPU { return device.New(accel, memory) }
}
