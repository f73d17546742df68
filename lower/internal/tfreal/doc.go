// SPDX-License-Identifier: Apache-2.0

// Package tfreal writes what a .tflite file of float32 values says as operators on real
// numbers that every later stage has: truth values as 0 and 1, choices as sums of both
// sides, elements that are put elsewhere as picks, functions of rare use by what they are
// made of, IF with a known condition and WHILE with a known number of rounds written out.
// Whole numbers and truth values that no input decides are computed here.
//
// Tensors keep their ids, so that every value can be compared with that of the graph as
// it was read.
package tfreal
