// SPDX-License-Identifier: Apache-2.0

// Package quantize turns an unrolled float graph into an integer graph by
// TFLite's rules.
//
// In comes an unroll.Plan and a range for every role; out goes a graph.Graph of
// the same operators over int8 (or int16) tensors, whose steps share one
// quantization for each role and one constant for each weight and bias. Open
// quantize.go first; params.go chooses scales, constants.go makes weights and
// biases, convert.go rewrites the operators.
package quantize
