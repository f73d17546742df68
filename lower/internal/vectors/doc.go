// SPDX-License-Identifier: Apache-2.0

// Package vectors turns the golden operator vectors into graphs of one
// operator with inputs and expected outputs, for the tests of everything that
// executes graphs.
//
// In comes ops-int8.json, softmax-int8.json or lstm-int8.json; out go Cases.
// Open case.go first; graph.go builds each operator.
package vectors
