// SPDX-License-Identifier: Apache-2.0

package graph

// keepers are the operators with arithmetic that do not rescale: their outputs have the
// quantization of their data inputs.
var keepers = map[Kind]bool{
	AveragePool2D: true, MaxPool2D: true, ResizeBilinear: true,
	Maximum: true, Minimum: true, ReduceMax: true, ReduceMin: true, AddN: true, SelectV2: true,
}

// Keeps reports whether the data inputs and outputs of an operator have one
// quantization: movements do, and what picks or averages values.
func (k Kind) Keeps() bool { return k.Moves() || keepers[k] }
