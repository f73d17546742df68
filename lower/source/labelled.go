package source

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/dataset"
)

// Labelled feeds a graph of one data input from a labelled set: a sequence in one
// call, or one call after the other.
type Labelled struct {
	*dataset.Set
	calls, size int
}

// NewLabelled checks that sequences of the set are calls of the graph.
func NewLabelled(g *graph.Graph, set *dataset.Set) (*Labelled, error) {
	inputs := calibrate.DataInputs(g)
	if len(inputs) != 1 {
		return nil, fmt.Errorf("the network has %d inputs besides its states: a data set of sequences feeds one; give an .npz with an array for each, by their names", len(inputs))
	}
	t := g.Tensors[g.Inputs[inputs[0]]]
	l := &Labelled{Set: set, size: t.Elems()}
	whole := set.Steps * set.Features
	switch {
	case whole == l.size:
		l.calls = 1
	case whole%l.size == 0 && l.size%set.Features == 0 && len(g.States) > 0:
		l.calls = whole / l.size
	case whole%l.size == 0 && l.size%set.Features == 0:
		return nil, fmt.Errorf("input %q takes %d values, a sequence of the data has %d steps of %d: declare the states that go from call to call (--state IN=OUT)", t.Name, l.size, set.Steps, set.Features)
	default:
		return nil, fmt.Errorf("input %q of shape %v takes %d values, a sequence of the data has %d steps of %d: they do not fit; see --shape", t.Name, t.Shape, l.size, set.Steps, set.Features)
	}
	return l, nil
}

// Calls returns the number of calls of a sequence.
func (l *Labelled) Calls(int) int { return l.calls }

// Feed writes what one call takes.
func (l *Labelled) Feed(i, call, _ int, dst []float32) error {
	row := make([]float32, l.Steps*l.Features)
	l.Sample(i, row)
	copy(dst, row[call*l.size:])
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
