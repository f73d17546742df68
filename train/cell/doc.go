// SPDX-License-Identifier: Apache-2.0

// Package cell holds the recurrent cells, a file each: what a cell is called and what
// tensors it has, its step in plain floats, its training step over a batch, and the
// operators that it becomes.
//
// Open cell.go for the interface. run.go and matrix.go are what a training step works
// on, lowering.go is what a cell lowers itself with; the graph that is built there is
// known to the caller alone.
package cell
