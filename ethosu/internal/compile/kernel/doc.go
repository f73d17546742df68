// SPDX-License-Identifier: Apache-2.0

// Package kernel is what the compiler works on: a network as a list of kernels, each
// one pass of data through a MAC array or an elementwise unit and an output stage,
// over feature maps in buffers that have no addresses yet.
//
// Kernels say what is computed, to the bit, and nothing about when, from which memory,
// in which blocks or at which address: scheduling, placing and emitting hold that
// beside them. The rounding, the lookup tables and the records of bias and scale are
// those of the Ethos-U family, whose data path they describe.
//
// Open kernel.go first, then fmap.go and buffer.go.
package kernel
