// SPDX-License-Identifier: Apache-2.0

// Package batch makes a graph of one window a call into one of several: N inputs, states and
// outputs that have nothing to do with each other, computed by the same operators on N times
// the rows. An NPU then decodes a weight once for N of them.
//
// Every value is [outer, N, inner] in memory, its own elements being [outer, inner]. Inputs,
// states and outputs have outer 1: the windows lie one after the other. In between the
// windows of a step lie side by side where all steps are one product, so that a step is whole
// rows again.
//
// Open batch.go for the way through a graph; rules.go and moves.go say what becomes of
// operators. What a rule is missing for is refused by the operator's name.
package batch
