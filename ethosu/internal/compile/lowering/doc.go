// SPDX-License-Identifier: Apache-2.0

// Package lowering turns the operators of an integer graph into kernels. Data movement
// becomes views of buffers; multipliers, tables and records come from lower/quant, so
// that the result equals the reference interpreter bit for bit.
//
// Open lowering.go first: lowerers has a row for every operator. mac.go, elementwise.go,
// activation.go, softmax.go and lstm.go have the arithmetic, move.go the data movement.
//
// To add an operator: write a function of type lowerer that takes its parameters from
// lower/quant and calls l.emit (or l.elementwise, l.matmul, l.windows), add its row to
// lowerers, and add a case to the random graphs of the compiler's tests.
package lowering
