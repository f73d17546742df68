// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

func init() {
	register(map[string]layerKind{
		"Flatten": func(w *writer, in []value) []value {
			w.l.known("data_format")
			return []value{w.reshape(in[0], 1, elems(in[0].shape))}
		},
		"Reshape": func(w *writer, in []value) []value {
			w.l.known("target_shape")
			list, _ := w.l.Config["target_shape"].([]any)
			shape, open, n := []int{1}, -1, elems(in[0].shape)
			for _, v := range list {
				f, ok := v.(float64)
				switch {
				case v == nil || ok && f == -1:
					if open >= 0 {
						refuse("target_shape %v leaves two dimensions open", list)
					}
					open = len(shape)
					f = 1
				case !ok || f < 1 || f > maxSize || f != math.Trunc(f):
					refuse("target_shape %v", list)
				}
				shape = append(shape, int(f))
			}
			if open >= 0 {
				shape[open] = n / elems(shape)
			}
			if elems(shape) != n {
				refuse("target_shape %v has not the %d elements of its input", list, n)
			}
			return []value{w.reshape(in[0], shape...)}
		},
		"Permute": func(w *writer, in []value) []value {
			w.l.known("dims")
			list, _ := w.l.Config["dims"].([]any)
			perm := []int{0}
			for _, v := range list {
				perm = append(perm, w.l.axis(v, in[0].rank()))
			}
			sorted := slices.Compact(slices.Sorted(slices.Values(perm)))
			if len(perm) != in[0].rank() || len(sorted) != len(perm) {
				refuse("dims %v of a value of %d dimensions", list, in[0].rank())
			}
			return []value{w.transpose(in[0], perm...)}
		},
		"RepeatVector": func(w *writer, in []value) []value {
			w.l.known("n")
			x := want(in[0], 2)
			n := w.l.Config.whole("n", 0, 1)
			row := w.reshape(x, 1, 1, x.last())
			return []value{w.node("Expand", nil, []int{1, n, x.last()}, row.name, w.ints(1, n, x.last()))}
		},
		"ZeroPadding1D": zeroPadding(1), "ZeroPadding2D": zeroPadding(2),
		"Cropping1D": cropping(1), "Cropping2D": cropping(2),
		"UpSampling1D": upSampling(1), "UpSampling2D": upSampling(2),
		"Concatenate": func(w *writer, in []value) []value {
			w.l.known("axis")
			axis := in[0].rank() - 1
			if a := w.l.Config["axis"]; a != nil {
				axis = w.l.axis(a, in[0].rank())
			}
			shape := slices.Clone(in[0].shape)
			names := []string{in[0].name}
			for _, v := range in[1:] {
				if v.rank() != len(shape) {
					refuse("it joins shapes %v and %v", in[0].shape, v.shape)
				}
				for i := range shape {
					if i != axis && shape[i] != v.shape[i] {
						refuse("it joins shapes %v and %v along dimension %d", in[0].shape, v.shape, axis)
					}
				}
				shape[axis] += v.shape[axis]
				names = append(names, v.name)
			}
			return []value{w.node("Concat", map[string]any{"axis": axis}, shape, names...)}
		},
		"Add": merge("Add"), "Subtract": merge("Sub"), "Multiply": merge("Mul"), "Average": merge("Mean"), "Maximum": merge("Max"), "Minimum": merge("Min"),
	})
}

// maxElements bounds a value, far above one for a microcontroller.
const maxElements = 1 << 24

func elems(shape []int) int {
	n := 1
	for _, d := range shape {
		if n *= d; n > maxElements {
			refuse("a value of shape %v: expected at most %d elements", shape, maxElements)
		}
	}
	return n
}

func zeroPadding(n int) layerKind {
	return func(w *writer, in []value) []value {
		w.l.known("padding data_format")
		x := want(in[0], n+2)
		before, after, shape := make([]int, n+2), make([]int, n+2), slices.Clone(x.shape)
		for i, p := range w.l.Config.pairs("padding", n, 1) {
			before[1+i], after[1+i] = p[0], p[1]
			shape[1+i] += p[0] + p[1]
		}
		return []value{w.node("Pad", nil, shape, x.name, w.ints(append(before, after...)...))}
	}
}

func cropping(n int) layerKind {
	return func(w *writer, in []value) []value {
		w.l.known("cropping data_format")
		x := want(in[0], n+2)
		var starts, ends, axes []int
		shape := slices.Clone(x.shape)
		for i, p := range w.l.Config.pairs("cropping", n, 1) {
			starts, ends, axes = append(starts, p[0]), append(ends, shape[1+i]-p[1]), append(axes, 1+i)
			if shape[1+i] -= p[0] + p[1]; shape[1+i] < 1 {
				refuse("nothing is left of shape %v", x.shape)
			}
		}
		return []value{w.node("Slice", nil, shape, x.name, w.ints(starts...), w.ints(ends...), w.ints(axes...))}
	}
}

// upSampling repeats every row size times.
func upSampling(n int) layerKind {
	return func(w *writer, in []value) []value {
		w.l.known("size data_format interpolation")
		if i := w.l.Config.text("interpolation", "nearest"); i != "nearest" {
			refuse("interpolation %s: expected nearest", i)
		}
		x := want(in[0], n+2)
		scales, shape := []float32{1, 1}, []int{1, x.last()}
		for i, s := range w.l.Config.sizes("size", n, 2) {
			if s < 1 {
				refuse("size %d", s)
			}
			scales, shape = append(scales, float32(s)), append(shape, x.shape[1+i]*s)
		}
		elems(shape)
		attrs := map[string]any{"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
		return []value{w.channelsLast(w.node("Resize", attrs, shape, w.channelsFirst(x).name, "", w.floats(scales, n+2)))}
	}
}

// even gives values as many dimensions as the one with the most, by dimensions of 1 behind
// the batch.
func (w *writer) even(in []value) []value {
	most, out := 0, slices.Clone(in)
	for _, v := range in {
		most = max(most, v.rank())
	}
	for i, v := range in {
		if v.rank() < most {
			ones := slices.Repeat([]int{1}, most-v.rank())
			out[i] = w.reshape(v, append(append([]int{1}, ones...), v.shape[1:]...)...)
		}
	}
	return out
}

// merge combines values element by element.
func merge(op string) layerKind {
	return func(w *writer, in []value) []value {
		w.l.known("")
		in = w.even(in)
		shape := slices.Clone(in[0].shape)
		var names []string
		for _, v := range in {
			for i, d := range v.shape {
				if d != shape[i] && d != 1 && shape[i] != 1 {
					refuse("it merges shapes %v and %v", in[0].shape, v.shape)
				}
				shape[i] = max(shape[i], d)
			}
			names = append(names, v.name)
		}
		if len(in) == 1 && op != "Sub" {
			return in
		}
		if op == "Sub" && len(in) != 2 {
			refuse("it subtracts one of %d values", len(in))
		}
		if op == "Mean" || op == "Max" || op == "Min" {
			return []value{w.node(op, nil, shape, names...)}
		}
		sum := value{names[0], shape}
		for _, name := range names[1:] {
			sum = w.node(op, nil, shape, sum.name, name)
		}
		return []value{sum}
	}
}
