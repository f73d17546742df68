// SPDX-License-Identifier: Apache-2.0

package cell

import "github.com/unroll-npu/unroll/train/gemm"

// Operand is a matrix of rows that a weight matrix is multiplied with: row t of
// sequence b begins at b*Sequence + t*Row; Width values are followed by a 1,
// which the bias row of the weights meets.
type Operand struct {
	Data          []float32
	Sequence, Row int
	Width         int
}

// At returns the floats from row t of sequence b on.
func (o *Operand) At(b, t int) []float32 { return o.Data[b*o.Sequence+t*o.Row:] }

// Pad returns n rounded up to whole panels.
func Pad(n int) int { return gemm.PanelCount(n) * gemm.Width }
