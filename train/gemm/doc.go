// SPDX-License-Identifier: Apache-2.0

// Package gemm multiplies float32 matrices at the speed of the machine.
//
// In comes a row-major (or strided) matrix A and a matrix B packed in panels of
// 16 columns; out goes C, row-major or in panels itself. Open mul.go first: Mul is
// the one product everything else is made of. panels.go packs, blas.go puts the
// product behind gonum's blas32, tile_amd64.s and tile_arm64.s hold the
// kernels that asm/ and asm/neon/ write.
//
// Every element of C is one sum in the order of the inner index, whatever the
// kernel, the tile or the split of rows and panels over workers. So the AVX2,
// the AVX-512 and the NEON kernels give the same bits for any split; the portable code rounds
// after each product and differs from them in the last bits.
package gemm

//go:generate go run ./asm -out tile_amd64.s -stubs tile_amd64.go -pkg gemm
//go:generate go run ./asm/neon -out tile_arm64.s -stubs tile_arm64.go
