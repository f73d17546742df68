// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// window puts the last k rows of x [T,F] side by side for every step, the latest
// last: [T, k*F]. The k-1 rows before the first step are zero, or with StateIO a state
// of the graph, "state_xL" for layer l. They are rows of x: all of them have its role, and
// carrying them is a copy of bytes. Reversed, the window of a step is it and the k-1 rows
// after it, its own last and zeros beyond the end.
func (b *builder) window(name string, x graph.TensorID, k, l int, reversed bool, o Options) graph.TensorID {
	if k <= 1 {
		return x
	}
	steps, features, role := b.shape(x)[0], b.shape(x)[1], b.Role[x]
	before := graph.None
	if o.StateIO {
		before = b.value(fmt.Sprintf("state_x%d", l), role, k-1, features)
		b.Graph.Inputs = append(b.Graph.Inputs, before)
	} else {
		before = b.constant(name+"/before", make([]float32, (k-1)*features), k-1, features)
		b.Role[before] = role
	}
	joined := []graph.TensorID{before, x}
	if reversed && steps > 1 { // the window of one step has its own row last anyway
		joined = []graph.TensorID{x, before}
	}
	all := b.join(name+"/rows", 0, joined)
	after := fmt.Sprintf("state_x%d_out", l)
	if !o.StateIO {
		after = name + "/after"
	}
	if steps == 1 { // the rows lie side by side already
		rest := b.splitV(all, 0, []int{1, k - 1}, name+"/first", after)
		if o.StateIO {
			b.Graph.Outputs = append(b.Graph.Outputs, rest[1])
			b.Graph.States = append(b.Graph.States, graph.State{In: before, Out: rest[1]})
		}
		return b.reshape(name+"/window", all, 1, k*features)
	}
	columns := make([]graph.TensorID, k)
	for i := range columns {
		var sizes []int
		var names []string
		for _, part := range []struct {
			size int
			name string
		}{{i, fmt.Sprintf("%s/skip%d", name, i)}, {steps, fmt.Sprintf("%s/column%d", name, i)}, {k - 1 - i, fmt.Sprintf("%s/rest%d", name, i)}} {
			if part.size > 0 {
				sizes, names = append(sizes, part.size), append(names, part.name)
			}
		}
		if i == 0 {
			names[len(names)-1] = after
		}
		parts := b.splitV(all, 0, sizes, names...)
		at := 0
		if i > 0 {
			at = 1
		} else if o.StateIO {
			b.Graph.Outputs = append(b.Graph.Outputs, parts[1])
			b.Graph.States = append(b.Graph.States, graph.State{In: before, Out: parts[1]})
		}
		columns[i] = parts[at]
	}
	if reversed {
		slices.Reverse(columns)
	}
	return b.join(name+"/window", 1, columns)
}
