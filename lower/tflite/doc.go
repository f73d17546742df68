// SPDX-License-Identifier: Apache-2.0

// Package tflite reads and writes TensorFlow Lite models (schema version 3) as
// graphs.
//
// In comes a .tflite file, anybody's, also one that Vela compiled; out goes a
// graph.Graph, and the other way round. Reading checks every offset before it
// follows it, so that a hostile file gives an error and nothing else. Written
// bytes depend on the graph alone.
//
// Open read.go and write.go for the two directions, options.go for the table
// of operators, flat.go for the bounds-checked access to the file, states.go
// for how recurrent states are found, version.go for operator versions.
package tflite
