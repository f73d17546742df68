package run

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim/device"
	"github.com/unroll-npu/unroll/firmware/link"
)

// Simulated makes the NPU for Options.Connect: an accelerator's registers over the
// bit-exact simulator.
func Simulated(accel *ethosu.Accelerator) func(link.Memory) link.NPU {
	return func(memory link.Memory) link.NPU { return device.New(accel, memory) }
}
