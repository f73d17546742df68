// SPDX-License-Identifier: Apache-2.0

package floatexec

// View is the value of one tensor for a whole batch: sample b has its elements,
// row-major, at Data[b*Stride : b*Stride+N].
//
// Split, slice and reshape make views into their input's storage, as an NPU
// makes addresses of them. A constant has Stride 0: every sample sees the same.
type View struct {
	Data   []float32
	Stride int
	N      int
}

// Row returns the elements of sample b.
func (v View) Row(b int) []float32 { return v.Data[b*v.Stride : b*v.Stride+v.N] }

// slice returns the view of n elements from offset on of every sample.
func (v View) slice(offset, n int) View {
	return View{Data: v.Data[offset:], Stride: v.Stride, N: n}
}
