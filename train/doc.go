// SPDX-License-Identifier: Apache-2.0

// Package train fits recurrent networks to labelled sequences.
//
// In come a Config and a dataset.Set, out goes an nn.Network with float32 weights
// in Keras' layout. Open fit.go first: Fit is the loop. Then, in the order of one
// training step: engine.go lays out the memory and splits the work, package cell runs
// one recurrent layer forward and back through time,
// head.go is the dense layer with its loss, update.go turns stored rows into
// weight gradients and moves the weights.
//
// The same Config, data and kernel set (gemm.Kernels) give the same weights bit
// for bit, for any number of workers and any GOMAXPROCS.
package train
