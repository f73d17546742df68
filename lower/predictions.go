// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/npy"
)

// Predictions returns what was decided on every sequence, as arrays by name: float and
// quantized outputs [sequences, outputs] (with a decision at every step [sequences, steps,
// outputs]), the right label or target, float_carried and quantized_carried where they
// were measured, and changed, the numbers of the sequences that quantization changed.
// Where sequences have decisions of different numbers, since not every step has a label or
// target, arrays are [decisions, …], and sequence and step say what each is about.
func (e *Evaluation) Predictions() map[string]*npy.Array {
	arrays := map[string]*npy.Array{}
	s := &e.Scores
	shape, even := e.shape()
	for name, v := range map[string][][]float32{
		"float": s.Float.Outputs, "quantized": s.Quantized.Outputs, "target": s.Float.Targets,
		"float_carried": s.FloatCarried.Outputs, "quantized_carried": s.QuantizedCarried.Outputs,
	} {
		if len(v) > 0 {
			arrays[name] = reals(v, shape)
		}
	}
	if l := s.Float.Labels; l != nil {
		arrays["label"] = integers(l, shape)
	}
	if !even {
		arrays["sequence"], arrays["step"] = integers(s.Float.Sequence, shape), integers(s.Float.Step, shape)
	}
	arrays["changed"] = integers(e.Changed, []int{len(e.Changed)})
	return arrays
}

// shape returns that of all decisions, and whether every sequence has as many of them.
func (e *Evaluation) shape() (shape []int, even bool) {
	numbers := e.Scores.Float.Sequence
	each := len(numbers) / max(e.Sequences, 1)
	for i, n := range numbers {
		if each == 0 || n != i/each || len(numbers)%e.Sequences != 0 {
			return []int{len(numbers)}, false
		}
	}
	if each == 1 {
		return []int{e.Sequences}, true
	}
	return []int{e.Sequences, each}, true
}

func reals(v [][]float32, shape []int) *npy.Array {
	a := &npy.Array{Type: "<f4", Shape: append(slices.Clone(shape), len(v[0]))}
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
