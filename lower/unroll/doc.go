// SPDX-License-Identifier: Apache-2.0

// Package unroll turns a float network into a float graph of TFLite operators,
// one call of which runs a fixed number of time steps.
//
// In comes an nn.Network; out goes a Plan: the graph and, for every tensor, its
// role. A role is what all steps share: the tensors of one role get one scale
// and zero point, so that the steps of a call differ by addresses alone and a
// state can go from any step to any other as a byte copy.
//
// Open build.go first. Each cell has a file for its npu form (few operations a
// step) and one for its keras form (what TensorFlow's converter emits).
package unroll
