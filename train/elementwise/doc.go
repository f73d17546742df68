// SPDX-License-Identifier: Apache-2.0

// Package elementwise holds the arithmetic of the recurrent cells that is not a
// matrix product: sigmoid, tanh, the forward and backward step of each cell on one
// row of gates, and Adam.
//
// Rows have n floats in each gate block, n a multiple of 16. Open cells.go first;
// portable.go says in plain Go what cells_amd64.s, written by asm/, does with AVX2
// or AVX-512, and cells_arm64.s, written by asm/neon/, with NEON. The vector forms give
// the same bits, on all machines; portable code rounds differently and agrees to a few
// units in the last place.
//
// Sigmoid errs by at most 1.0e-7 and tanh by at most 2.4e-7, absolute, for every
// input; NaN comes out as NaN.
package elementwise

//go:generate go run ./asm -out cells_amd64.s -stubs cells_amd64.go -pkg elementwise
//go:generate go run ./asm/neon -out cells_arm64.s -stubs cells_arm64.go
