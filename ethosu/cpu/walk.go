// SPDX-License-Identifier: Apache-2.0

package cpu

// walk goes through all places of a shape, last dimension fastest, with offsets into
// some tensors that each have a step for every dimension.
type walk struct {
	shape []int
	steps [][]int
}

// broadcast walks an output shape over tensors of shapes that NumPy's rule stretches to it.
func broadcast(out []int, in ...[]int) walk {
	w := walk{shape: out}
	for _, s := range in {
		steps, n := make([]int, len(out)), 1
		for k := 1; k <= len(s); k++ {
			if d := s[len(s)-k]; d > 1 {
				steps[len(out)-k] = n
				n *= d
			}
		}
		w.steps = append(w.steps, steps)
	}
	return w
}

// count is the number of places.
func (w walk) count() int {
	n := 1
	for _, d := range w.shape {
		n *= d
	}
	return n
}

// each calls f for every place with the offsets there, which are valid during the call.
func (w walk) each(f func(i int, at []int)) {
	index, at := make([]int, len(w.shape)), make([]int, len(w.steps))
	for i := range w.count() {
		f(i, at)
		for d := len(w.shape) - 1; d >= 0; d-- {
			index[d]++
			for k, s := range w.steps {
				at[k] += s[d]
			}
			if index[d] < w.shape[d] {
				break
			}
			for k, s := range w.steps {
				at[k] -= s[d] * w.shape[d]
			}
			index[d] = 0
		}
	}
}

// args are the number of places, the number of dimensions and a table of the shape and of
// the steps, as the functions of C take them. Negative steps are whole turns of 2^32.
func (w walk) args() []Arg {
	t := Table{}
	for _, list := range append([][]int{w.shape}, w.steps...) {
		for _, v := range list {
			t = append(t, uint32(v))
		}
	}
	if len(t) == 0 {
		t = Table{0}
	}
	return []Arg{Integer(w.count()), Integer(len(w.shape)), t}
}
