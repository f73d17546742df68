// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/dataset"
)

// Labelled feeds a graph of one data input from a labelled set: a sequence in one
// call, or one call after the other.
type Labelled struct {
	*dataset.Set
	calls, size int

	// Turned says that the input has the features before the steps.
	Turned bool
}

// NewLabelled checks that sequences of the set are calls of the graph.
func NewLabelled(g *graph.Graph, set *dataset.Set) (*Labelled, error) {
	inputs := calibrate.DataInputs(g)
	if len(inputs) != 1 {
		return nil, fmt.Errorf("the network has %d inputs besides its states: a data set of sequences feeds one; give an .npz with an array for each, by their names", len(inputs))
	}
	t := g.Tensors[g.Inputs[inputs[0]]]
	l := &Labelled{Set: set, size: t.Elems()}
	steps, features := set.Steps, set.Features
	var dims []int // but for those of 1
	for _, d := range t.Shape {
		if d > 1 {
			dims = append(dims, d)
		}
	}
	given := func(shape ...int) bool {
		var want []int
		for _, d := range shape {
			if d > 1 {
				want = append(want, d)
			}
		}
		return slices.Equal(dims, want)
	}
	part := l.size / features // steps of a call, where the input has whole ones
	switch {
	case given(steps, features) || given(steps*features):
		l.calls = 1
	case given(features, steps):
		l.calls, l.Turned = 1, true
	case part > 0 && part < steps && steps%part == 0 && (given(part, features) || given(part*features)):
		l.calls = steps / part
		if len(g.States) == 0 {
			return nil, fmt.Errorf("input %q takes %d steps, a sequence of the data has %d: declare the states that go from call to call (--state IN=OUT)", t.Name, part, steps)
		}
	default:
		return nil, fmt.Errorf("input %q has shape %v, a sequence of the data has %d steps of %d features: they do not fit; see --shape", t.Name, t.Shape, steps, features)
	}
	return l, nil
}

// Calls returns the number of calls of a sequence.
func (l *Labelled) Calls(int) int { return l.calls }

// Feed writes what one call takes.
func (l *Labelled) Feed(i, call, _ int, dst []float32) error {
	row := make([]float32, l.Steps*l.Features)
	l.Sample(i, row)
	if !l.Turned {
		copy(dst, row[call*l.size:])
		return nil
	}
	for i := range dst {
		dst[i] = row[i%l.Steps*l.Features+i/l.Steps]
	}
	return nil
}

// Spread limits a set to sequences spread evenly over it.
func (l *Labelled) Spread(n int) calibrate.Sequences {
	if n >= l.Len() {
		return l
	}
	return &some{l, n}
}

// some are n sequences, spread evenly.
type some struct {
	*Labelled
	n int
}

func (s *some) Len() int { return s.n }

func (s *some) at(i int) int { return i * s.Labelled.Len() / s.n }

func (s *some) Feed(i, call, input int, dst []float32) error {
	return s.Labelled.Feed(s.at(i), call, input, dst)
}
