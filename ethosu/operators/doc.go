// SPDX-License-Identifier: Apache-2.0

// Package operators proves the operators: that every stage has every kind or says why
// not, and that the interpreter and the compiled stream give the recorded outputs of
// TensorFlow Lite Micro. It has nothing but tests; testdata/stages.txt and
// testdata/vectors.txt are the tables to read.
package operators
