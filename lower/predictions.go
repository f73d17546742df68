// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/npy"
)

// Predictions returns what was decided on every sequence, as arrays by name: float and
// quantized outputs [sequences, outputs] (with a decision at every step [sequences, steps,
// outputs]), the right label or target, float_carried and quantized_carried where they
// were measured, and changed, the numbers of the sequences that quantization changed.
func (e *Evaluation) Predictions() map[string]*npy.Array {
	arrays := map[string]*npy.Array{}
	s := &e.Scores
	for name, v := range map[string][][]float32{
		"float": s.Float.Outputs, "quantized": s.Quantized.Outputs, "target": s.Float.Targets,
		"float_carried": s.FloatCarried.Outputs, "quantized_carried": s.QuantizedCarried.Outputs,
	} {
		if len(v) > 0 {
			arrays[name] = e.rows(v)
		}
	}
	if l := s.Float.Labels; l != nil {
		arrays["label"] = integers(l, e.perSequence(len(l)))
	}
	arrays["changed"] = integers(e.Changed, []int{len(e.Changed)})
	return arrays
}

// perSequence returns the shape of n decisions.
func (e *Evaluation) perSequence(n int) []int {
	if n == e.Sequences {
		return []int{n}
	}
	return []int{e.Sequences, n / e.Sequences}
}

func (e *Evaluation) rows(v [][]float32) *npy.Array {
	a := &npy.Array{Type: "<f4", Shape: append(e.perSequence(len(v)), len(v[0]))}
	for _, row := range v {
		for _, x := range row {
			a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(x))
		}
	}
	return a
}

func integers(v []int, shape []int) *npy.Array {
	a := &npy.Array{Type: "<i8", Shape: shape}
	for _, x := range v {
		a.Data = binary.LittleEndian.AppendUint64(a.Data, uint64(x))
	}
	return a
}
