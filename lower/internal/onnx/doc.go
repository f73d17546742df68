// SPDX-License-Identifier: Apache-2.0

// Package onnx reads ONNX models, opset 7 and later, and turns them into float
// graphs.
//
// In comes a file; Read gives the Model as it is written, with nothing
// interpreted. Convert fixes the shapes, folds whatever depends on no run-time
// input, inlines the branches of If whose conditions are known and writes the
// rest as operators of a graph.Graph, recurrent nodes unrolled. Nothing is
// recognised by its surroundings: every node is converted by what ONNX says it
// computes, and those that cannot be had are refused together, by name.
//
// The package lower/internal/onnx/eval computes a Model by the words of the operator
// descriptions, in float64, and shares no arithmetic with the conversion: the two
// are compared at every import (see lower/source).
//
// Open model.go first, then convert.go. Operators: the operator descriptions and
// the protobuf schema of https://github.com/onnx/onnx (docs/Operators.md,
// onnx/onnx.proto).
package onnx
