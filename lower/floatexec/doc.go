// SPDX-License-Identifier: Apache-2.0

// Package floatexec executes a graph in float32, many samples at a time.
//
// In comes a graph.Graph, float or quantized, and a batch of inputs; out come
// the outputs and, through a visitor, the value of every tensor: that is what
// calibration and the float accuracy are made of. A quantized graph runs on its
// dequantized constants, with every value rounded to its tensor's grid: an
// emulation that is close to the integer kernels and quick, but not bit-exact;
// lower/reference is the truth.
//
// Open exec.go first (planning and running), then view.go (how a batch is laid
// out) and kernels.go (the operators).
package floatexec
