// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Standardize turns the float32 array for the first input, where there is one, from raw
// features into what the network takes, as the generated C does. It returns the name of
// the input, or "" where nothing was done. The arrays are keyed by input name.
func Standardize(m Model, arrays map[string]*Array, f *facts.Facts) (string, error) {
	ins := m.Inputs()
	if f == nil || f.Mean == nil || len(ins) == 0 {
		return "", nil
	}
	for name, a := range arrays {
		if i, err := find(ins, name, "input"); err != nil || i != 0 || a.Type != graph.Float32 {
			continue
		}
		shape := ins[0].Shape
		if len(shape) == 0 {
			shape = []int{1}
		}
		if err := f.Fits(shape[len(shape)-1]); err != nil {
			return "", fmt.Errorf("input %q: %w", ins[0].Name, err)
		}
		x := make([]float32, len(a.Data)/4)
		for j := range x {
			x[j] = math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*j:]))
		}
		f.Standardize(x)
		data := make([]byte, 0, len(a.Data))
		for _, v := range x {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		arrays[name] = &Array{Type: a.Type, Shape: a.Shape, Data: data}
		return ins[0].Name, nil
	}
	return "", nil
}
