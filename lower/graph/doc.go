// SPDX-License-Identifier: Apache-2.0

// Package graph is the intermediate representation that every stage shares: a
// float or integer network as a list of TFLite operators over named tensors.
//
// In comes a network from lower (our own) or lower/tflite (anybody's); out goes
// the same value to lower/reference, lower/tflite and ethosu/compile. It holds
// no arithmetic and knows no NPU. Open graph.go first, then descriptor.go for what
// is known of an operator kind; kind.go lists them, kind_*.go has their rows, and
// attr.go their attributes. stage.go is how stages register what they do with a kind.
package graph
