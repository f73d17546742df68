// SPDX-License-Identifier: Apache-2.0

// Package cpu computes operators that the NPU cannot, as the generated C does: a table of
// kernels, a file each.
//
// In comes a graph of one operator; out goes a Kernel: the calls of functions of
// templates/cpu that the C makes, and the same computation in Go, for the simulator. The
// parameters are those of package lower/quant, since they are part of what the operator
// means; the arithmetic is written here and in C once more and is not the reference
// interpreter's, so that the two can be compared.
//
// Open kernel.go first. A kernel is one file here, with its row in the table, and one file
// of C for each function that it calls.
package cpu
