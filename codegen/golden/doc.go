// SPDX-License-Identifier: Apache-2.0

// Package golden reads what a generated project holds back into Go: its golden
// vectors and the arrays of its C. The generated Go test of every project stands on
// it, and codegen writes the same file through it.
//
// Open vectors.go for the golden vectors and array.go for the arrays.
package golden
