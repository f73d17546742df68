// SPDX-License-Identifier: Apache-2.0

// Package finetune trains a network a little further while it feels its own
// quantization: quantization-aware training.
//
// In comes a trained nn.Network and its data, out goes one with adapted weights.
// The forward pass runs the very graph that package lower emits, with every weight
// rounded to its int8 grid and every activation and state rounded to and clamped
// at the grid that lower chose for its role; the backward pass lets gradients
// through the rounding unchanged and stops them where a value was clamped (the
// straight-through estimator). Open finetune.go first, then tape.go (one pass over
// the graph) and parameters.go (from the graph's constants back to the network).
package finetune
