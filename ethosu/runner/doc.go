// SPDX-License-Identifier: Apache-2.0

// Package runner calls a network the same way whatever executes it: a plain int8
// graph on the reference interpreter, or a compiled program on the NPU simulator.
//
// In comes a graph or a program, out goes a Model; Session carries recurrent states
// over a sequence of calls, and Compare lets the two witnesses judge each other.
// Open model.go first.
package runner
