// SPDX-License-Identifier: Apache-2.0

// Package perf is the cycle model: it tells how long a command stream takes, which
// operation takes it and why.
//
// In comes a Program (Estimate) or a bare stream with a memory map (Stream); out
// comes a Report with the cycles of every operation, their reason and the total of
// a timeline in which DMA, kernels and memory ports overlap. The compiler asks for
// single operations with Kernel, MACCycles and ElementwiseCycles. All of it judges
// any compiler's stream by the same formulas, those of the Vela compiler's
// estimator; no figure was measured on silicon.
//
// work.go describes one operation, mac.go and elementwise.go its NPU time,
// traffic.go its memory time, timeline.go puts operations together.
package perf
