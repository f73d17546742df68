// SPDX-License-Identifier: Apache-2.0

// Package device is the NPU as a driver sees it: the register file of an Ethos-U55,
// Ethos-U65 or Ethos-U85 over the simulator and a memory with addresses.
//
// In: register reads and writes, as they arrive from a program; a Memory that
// reaches what the program can reach. Out: the stream that QBASE points at is
// executed when CMD says so, its outputs are in memory, and STATUS, QREAD, the PMU
// and the interrupt line tell how it ended. Options make the device misbehave, so
// that a driver's handling of it can be tested.
//
// Open device.go for the registers (u85.go for where those of the U85 are), execute.go
// for a run, pmu.go for what the cycle
// model feeds into the counters.
package device
