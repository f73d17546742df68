// SPDX-License-Identifier: Apache-2.0

package cell

// Weights is a weight matrix in TFLite's layout [outputs, inputs], row-major.
type Weights struct {
	Outputs, Inputs int
	Data            []float32
}

// Turn makes a matrix of columns [from, to) of a Keras kernel with the given
// number of rows (inputs) and columns.
func Turn(kernel []float32, rows, cols, from, to int) Weights {
	m := Weights{Outputs: to - from, Inputs: rows, Data: make([]float32, (to-from)*rows)}
	for o := range m.Outputs {
		for i := range rows {
			m.Data[o*rows+i] = kernel[i*cols+from+o]
		}
	}
	return m
}

// gates stacks gate blocks of H outputs of a Keras kernel in the given order.
func gates(kernel []float32, rows, units, count int, order ...int) Weights {
	m := Weights{Inputs: rows}
	for _, g := range order {
		part := Turn(kernel, rows, units*count, g*units, (g+1)*units)
		m.Outputs += part.Outputs
		m.Data = append(m.Data, part.Data...)
	}
	return m
}

// blocks stacks gate blocks of a bias vector in the given order.
func blocks(bias []float32, units int, order ...int) []float32 {
	var out []float32
	for _, g := range order {
		out = append(out, bias[g*units:(g+1)*units]...)
	}
	return out
}

// negate changes the sign of all values.
func negate(v []float32) {
	for i, x := range v {
		v[i] = -x
	}
}

func plus(a, b []float32) []float32 {
	out := make([]float32, len(a))
	for i := range a {
		out[i] = a[i] + b[i]
	}
	return out
}

func allZero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}
