// SPDX-License-Identifier: Apache-2.0

// Package quant turns the quantization of tensors into the integer parameters
// of operators, by the rules of TensorFlow Lite Micro's reference kernels.
//
// In comes a graph and one of its operators; out go multipliers, clamps and
// tables. Every parameter is computed here and nowhere else, so that the
// reference interpreter and a compiler that uses them cannot disagree on one.
// Whether a product of scales is rounded to float32 or kept in float64 is part
// of the rule, since it decides low bits of the multiplier.
//
// Open multiplier.go for the primitives, then the For functions: mac.go,
// addsub.go, mul.go, requant.go, table8.go, lut16.go, softmax.go, lstm.go.
package quant
