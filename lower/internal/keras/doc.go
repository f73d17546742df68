// SPDX-License-Identifier: Apache-2.0

// Package keras reads models that Keras saves, .keras and .h5, of any topology, and says
// the same as an ONNX model, which lower/internal/onnx converts.
//
// Read gives the Model as it is written: layers, which of them reads which, and their
// tensors. Model.ONNX fixes the shapes and writes every layer as nodes; layers that
// cannot be had are refused together, by name. Evaluate computes a model by the words of
// Keras' documentation, in float64, layer by layer, and shares no arithmetic with what
// ONNX writes: the two are compared at every import (see lower/source).
//
// Values keep Keras' layout, channels last, and the batch is 1. Chains of recurrent and
// dense layers are read by train/checkpoint instead, as layers.
//
// Open model.go first, then write.go.
package keras
