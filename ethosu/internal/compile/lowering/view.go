// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// view is a strided window of a buffer: a tensor of any rank. Data movement
// operators make views; nothing is copied until an operation needs another form.
type view struct {
	buf     *kernel.Buffer
	off     int // bytes
	dt      graph.DType
	shape   []int
	strides []int // bytes
	name    string
}

// denseView returns the row-major view of a whole buffer.
func denseView(b *kernel.Buffer, off int, dt graph.DType, shape []int, name string) view {
	return view{buf: b, off: off, dt: dt, shape: append([]int(nil), shape...), strides: denseStrides(shape, dt.Size()), name: name}
}

func denseStrides(shape []int, elem int) []int {
	s := make([]int, len(shape))
	n := elem
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

func (v view) elems() int { return graph.Elems(v.shape) }

// contiguous reports whether the elements lie in row-major order without gaps.
func (v view) contiguous() bool {
	n := v.dt.Size()
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] != 1 && v.strides[i] != n {
			return false
		}
		n *= v.shape[i]
	}
	return true
}

// cut returns the part [begin, begin+size) of one axis, taking every step-th element.
func (v view) cut(axis, begin, size, step int) view {
	v.shape = append([]int(nil), v.shape...)
	v.strides = append([]int(nil), v.strides...)
	v.off += begin * v.strides[axis]
	v.shape[axis] = size
	v.strides[axis] *= step
	return v
}

// drop removes an axis of extent 1.
func (v view) drop(axis int) view {
	v.shape = append(append([]int(nil), v.shape[:axis]...), v.shape[axis+1:]...)
	v.strides = append(append([]int(nil), v.strides[:axis]...), v.strides[axis+1:]...)
	return v
}

// permute returns the view with dimension i taken from dimension perm[i].
func (v view) permute(perm []int) view {
	shape, strides := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		shape[i], strides[i] = v.shape[p], v.strides[p]
	}
	v.shape, v.strides = shape, strides
	return v
}

// reshape returns the same elements in row-major order under another shape, and
// false when strides cannot express that.
func (v view) reshape(shape []int) (view, bool) {
	if v.contiguous() {
		return denseView(v.buf, v.off, v.dt, shape, v.name), true
	}
	// Match runs of old and new dimensions with equal products.
	strides := make([]int, len(shape))
	i, j := 0, 0
	for j < len(shape) || i < len(v.shape) {
		i0, j0 := i, j
		po, pn := 1, 1
		if i < len(v.shape) {
			po = v.shape[i]
			i++
		}
		if j < len(shape) {
			pn = shape[j]
			j++
		}
		for po != pn {
			if po < pn && i < len(v.shape) {
				po *= v.shape[i]
				i++
			} else if pn < po && j < len(shape) {
				pn *= shape[j]
				j++
			} else {
				return view{}, false
			}
		}
		// Old dimensions i0..i-1 must be mergeable into one run.
		inner := v.dt.Size()
		found := false
		n := 0
		for k := i - 1; k >= i0; k-- {
			if v.shape[k] == 1 {
				continue
			}
			if !found {
				inner, found, n = v.strides[k], true, v.strides[k]*v.shape[k]
				continue
			}
			if v.strides[k] != n {
				return view{}, false
			}
			n *= v.shape[k]
		}
		for k := j - 1; k >= j0; k-- {
			strides[k] = inner
			inner *= shape[k]
		}
	}
	v.shape, v.strides = append([]int(nil), shape...), strides
	return v, true
}

// broadcast returns the view stretched to a shape by zero strides.
func (v view) broadcast(shape []int) view {
	strides := make([]int, len(shape))
	d := len(shape) - len(v.shape)
	for i := range shape {
		if i >= d && v.shape[i-d] != 1 {
			strides[i] = v.strides[i-d]
		} else if shape[i] == 1 && i >= d {
			strides[i] = v.strides[i-d]
		}
	}
	v.shape, v.strides = append([]int(nil), shape...), strides
	return v
}

// bind returns the place of a tensor of the interface that the view is of.
func (v view) bind(id graph.TensorID) kernel.Bound {
	return kernel.Bound{ID: id, Buf: v.buf, Off: v.off}
}
