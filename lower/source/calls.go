// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
)

// Calls feed a graph from arrays, one for each data input: [sequences, calls, shape…],
// or [calls, shape…], which is one sequence, or the shape alone, one call. Without states
// the first dimension may also be a batch of more than 1.
type Calls struct {
	sequences, calls int
	data             map[int][]float32 // by input
	size             map[int]int
}

// NewCalls checks arrays, by the names of the inputs, against a graph. Arrays with
// other names are not read; their names are returned.
func NewCalls(g *graph.Graph, arrays map[string]*npy.Array) (c *Calls, unused []string, err error) {
	c = &Calls{sequences: -1, data: map[int][]float32{}, size: map[int]int{}}
	taken := map[string]bool{}
	for _, in := range calibrate.DataInputs(g) {
		t := g.Tensors[g.Inputs[in]]
		name := t.Name
		a := arrays[name]
		if a == nil {
			name = FileName(name)
			a = arrays[name]
		}
		if a == nil {
			return nil, nil, fmt.Errorf("there is no array %q for the input of shape %v; there are %q", t.Name, t.Shape, names(arrays))
		}
		taken[name] = true
		lead := len(a.Shape) - len(t.Shape)
		if batch := batchOf(a.Shape, t.Shape); batch > 1 && len(g.States) == 0 {
			a = &npy.Array{Type: a.Type, Shape: append([]int{batch, 1}, t.Shape...), Data: a.Data}
			lead = 2
		}
		if lead < 0 || lead > 2 || !slices.Equal(a.Shape[lead:], t.Shape) {
			return nil, nil, fmt.Errorf("array %q has shape %v, expected %v, with [calls] or [sequences calls] in front", name, a.Shape, t.Shape)
		}
		sequences, calls := 1, 1
		switch lead {
		case 1:
			calls = a.Shape[0]
		case 2:
			sequences, calls = a.Shape[0], a.Shape[1]
		}
		if c.sequences >= 0 && (sequences != c.sequences || calls != c.calls) {
			return nil, nil, fmt.Errorf("array %q has %d sequences of %d calls, another has %d of %d", name, sequences, calls, c.sequences, c.calls)
		}
		if sequences == 0 || calls == 0 {
			return nil, nil, fmt.Errorf("array %q of shape %v is empty", name, a.Shape)
		}
		c.sequences, c.calls = sequences, calls
		c.data[in], c.size[in] = a.Floats(), t.Elems()
		for i, v := range c.data[in] {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, nil, fmt.Errorf("array %q: element %d is %v", name, i, v)
			}
		}
	}
	if c.sequences < 0 {
		return nil, nil, fmt.Errorf("the network has no input but its states, so there is nothing to feed")
	}
	for _, s := range g.States {
		for _, name := range []string{g.Tensors[s.In].Name, FileName(g.Tensors[s.In].Name)} {
			if arrays[name] != nil && !taken[name] {
				return nil, nil, fmt.Errorf("array %q is for a state, which is carried from call to call: leave it out, or say --state none", name)
			}
		}
	}
	for _, name := range names(arrays) {
		if !taken[name] {
			unused = append(unused, name)
		}
	}
	return c, unused, nil
}

// batchOf is the number of examples of an array that has as many dimensions as the input,
// whose first is a batch of 1; else 0. Without states each is a sequence of one call.
func batchOf(array, input []int) int {
	if len(array) != len(input) || len(input) < 2 || input[0] != 1 || !slices.Equal(array[1:], input[1:]) {
		return 0
	}
	return array[0]
}

func names(arrays map[string]*npy.Array) []string {
	var out []string
	for name := range arrays {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Len returns the number of sequences.
func (c *Calls) Len() int { return c.sequences }

// Calls returns the number of calls of a sequence.
func (c *Calls) Calls(int) int { return c.calls }

// Feed writes the value of an input for one call.
func (c *Calls) Feed(i, call, input int, dst []float32) error {
	n := c.size[input]
	copy(dst, c.data[input][(i*c.calls+call)*n:][:n])
	return nil
}
