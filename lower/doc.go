// SPDX-License-Identifier: Apache-2.0

// Package lower turns a trained float network into an integer graph of plain
// TFLite operators.
//
// In comes an nn.Network and representative samples; out goes a Result: the
// unrolled float graph, the quantized graph and a Report of what quantization
// did. The stages are packages of their own: lower/unroll (cells to operators),
// lower/floatexec (float execution), lower/calibrate (ranges) and
// lower/quantize (integers). Open lower.go first, then evaluate.go for
// accuracies and report.go for the per-tensor figures.
package lower
