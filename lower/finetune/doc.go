// SPDX-License-Identifier: Apache-2.0

// Package finetune adapts the constants of a quantized graph while it feels its own
// quantization.
//
// In comes a quantized graph with its float graph, of layers or of any topology, and calls
// to learn from; out goes one that loses less, everything as it was but for weights and
// biases. What a run aims at is a Goal: the float graph's outputs (distillation, which
// needs no labels) or labels and targets. The forward pass runs the very graph that
// package lower emits, with every weight rounded to its grid and every activation and
// state rounded to and clamped at the grid that lower chose for its role; the backward
// pass lets gradients through the rounding unchanged and stops them where a value was
// clamped (the straight-through estimator). States are carried through a window of calls,
// which starts from the float graph's, and so are gradients, back to its start.
//
// Open tune.go first, then run.go (the steps), goal.go and tape.go (one pass over the
// graph); state.go is what a run goes on from after an interruption.
package finetune
