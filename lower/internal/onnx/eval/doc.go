// SPDX-License-Identifier: Apache-2.0

// Package eval computes ONNX models in float64, node by node, by the words of the
// operator descriptions.
//
// It is the witness for imports: plain loops over indices, no layout but
// ONNX's, nothing folded, fused or unrolled, and no code in common with the
// conversion to a graph or with its execution. Speed does not matter; work and
// memory are bounded, because models may be hostile.
//
// Open eval.go first (the run), then array.go; the other files hold operators.
package eval
