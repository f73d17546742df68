// Package graph is the intermediate representation that every stage shares: a
// float or integer network as a list of TFLite operators over named tensors.
//
// In comes a network from lower (our own) or lower/tflite (anybody's); out goes
// the same value to lower/reference, lower/tflite and ethosu/compile. It holds
// no arithmetic and knows no NPU. Open graph.go first, then kind.go for the
// operators and attr.go for their attributes.
package graph
