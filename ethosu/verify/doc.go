// SPDX-License-Identifier: Apache-2.0

// Package verify proves of a command stream, whoever made it, that it is safe to
// run: registers are set before use, every access stays inside its region, nothing
// that the outputs depend on was never written, every hazard between transfers and
// kernels is covered by a wait and every hazard between kernels by BLOCKDEP, blocks
// and SHRAM layouts are legal, tables are loaded when they are used, weight streams
// decode to the weights that the operation needs, and no value leaves 32 bits.
//
// In comes a Program, or a bare stream with its regions; out comes a Report: what is
// wrong, and what may be right and cannot be shown to be, because nothing in the
// stream or no public source decides it.
//
// Open stream.go first, which walks the stream; finding.go lists the rules.
//
//	stages.go, program.go  what lies beside a stream, and what passes between stages
//	beside.go              what a program says of its operations and tensors
//	kernel.go, dma.go      one operation, one transfer
//	shape, types, maps, blocks, tables, weights.go: rules of one operation
//	hazards.go, blockdep.go, area.go  operations that may meet
//	region.go, contents.go, undefined.go  which bytes have a value, and which are known
//	bounds, overflow, entries, maximum.go  the values of 32-bit maps
//
// The tests break every rule once (rules_test.go), and damage streams at random, for
// the simulator to judge what passes:
//
//	go test ./ethosu/verify -run Campaign -v -mutants 10000 -seed 1
package verify
