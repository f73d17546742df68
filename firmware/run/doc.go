// SPDX-License-Identifier: Apache-2.0

// Package run builds a generated C project and runs it: as a program of this
// machine, on the Cortex-M55 of QEMU, or on the Corstone-300 FVP. On the first two
// this process is the NPU, at the other end of firmware/internal/link.
//
// In: the project's folder and a way to make the simulated NPU. Out: a Report, which
// says whether the golden vectors passed and how large the library is.
//
// Open run.go first. target.go finds the board it runs on, tool.go the programs
// needed, build.go the two ways to build, measure.go and stack.go the sizes,
// image.go the formats a flash tool reads.
package run
