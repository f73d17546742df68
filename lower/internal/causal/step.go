// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Options say what a step is.
type Options struct {
	Steps int                    // frames of a call
	Axis  map[graph.TensorID]int // the dimension of the frames of every input that is no state
	Names []string               // what tensors are called without the frame that they are of, by TensorID; nil or "" for their own names
}

// Result is the step of a graph.
type Result struct {
	Graph *graph.Graph

	// From is the tensor of the windowed graph that a tensor of the step stands for, by
	// TensorID of the step: they are the same at another time. None for what is new and
	// constant.
	From []graph.TensorID

	// States is the number of states, and Elements of values in them.
	States, Elements int

	// Whole reports that frames of an input are taken all at once and nothing else is
	// done with them: anything could be called its frames.
	Whole bool

	unit int // ticks of a frame
	// Tail is the number of frames at the end of outputs, by TensorID of the windowed graph,
	// that the step never gives: frames behind the window would add to them.
	Tail map[graph.TensorID]int

	window, steps int // ticks
	axis          map[graph.TensorID]int
	outputs       []output
}

// output is where the frames of an output of the window come.
type output struct {
	id, step graph.TensorID // in the windowed graph and in the step
	moment
}

// stepper analyses the windowed graph.
type stepper struct {
	g      *graph.Graph
	unit   int // ticks of an input frame
	window int // ticks of the window
	steps  int // ticks of a call
	names  []string
	at     int // operator that the analysis is at
	of     []moment
	made   map[graph.TensorID]*graph.Op
	emit   map[*graph.Op]func(b *builder) // writes the step of an operator on sequences

	leaves map[graph.TensorID]leaf           // frames taken out of sequences
	root   map[graph.TensorID]graph.TensorID // of sequences that are others cropped or padded
	repeat
}

// leaf is a frame that an operator takes out of a sequence.
type leaf struct {
	from  graph.TensorID
	index int
	spans []graph.Span // of the other dimensions, nil for all of them
}

// Step returns the step of a graph: a graph that takes o.Steps frames of every input at
// a call and gives what the windowed one gives for them, from a reset on. An operator
// that cannot be had is named in the error. Declared states of g are replaced.
func Step(g *graph.Graph, o Options) (*Result, error) {
	for unit := 1; ; {
		r, err := step(g, o, unit)
		if f, ok := err.(finer); ok && unit*f.times <= maxUnit {
			unit *= f.times
			continue
		}
		return r, err
	}
}

// step is Step with a frame of so many ticks.
func step(g *graph.Graph, o Options, unit int) (r *Result, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case refusal:
			r, err = nil, p
		case finer:
			r, err = nil, p
		default:
			panic(p)
		}
	}()
	s := &stepper{
		g: g, unit: unit, steps: o.Steps, names: o.Names, of: make([]moment, len(g.Tensors)), made: map[graph.TensorID]*graph.Op{},
		emit: map[*graph.Op]func(b *builder){}, leaves: map[graph.TensorID]leaf{},
		root: map[graph.TensorID]graph.TensorID{}, repeat: newRepeat(),
	}
	if err := s.inputs(o); err != nil {
		return nil, err
	}
	for i, op := range g.Ops {
		s.at = i
		s.rule(op)
		for _, id := range op.Outputs {
			s.made[id] = op
		}
	}
	s.index()
	dry := newBuilder(s, map[graph.TensorID]int{})
	dry.run()
	b := newBuilder(s, dry.depth)
	b.run()
	if err := b.g.Validate(); err != nil {
		return nil, fmt.Errorf("BUG: the step: %w", err)
	}
	r = &Result{Graph: b.g, From: b.from, unit: s.unit, window: s.window, steps: s.steps, axis: o.Axis, outputs: b.outputs, Tail: map[graph.TensorID]int{}, States: len(b.g.States)}
	for id, n := range b.tail {
		if n > 0 {
			r.Tail[id] = n
		}
	}
	r.Whole = s.wholeInput()
	for _, st := range b.g.States {
		r.Elements += b.g.Tensors[st.In].Elems()
	}
	return r, nil
}

// inputs gives the inputs their frames.
func (s *stepper) inputs(o Options) error {
	state := map[graph.TensorID]bool{}
	for _, p := range s.g.States {
		state[p.In] = true
	}
	for _, id := range s.g.Inputs {
		t := s.g.Tensors[id]
		if state[id] {
			continue
		}
		axis, ok := o.Axis[id]
		if !ok || axis < 0 || axis >= len(t.Shape) {
			return fmt.Errorf("input %q of shape %v: no dimension of it is said to be time", t.Name, t.Shape)
		}
		n := t.Shape[axis]
		if s.window != 0 && s.window != n {
			return fmt.Errorf("input %q has %d frames, another has %d", t.Name, n, s.window)
		}
		s.window = n
		s.of[id] = moment{kind: sequence, axis: axis, rate: s.unit, count: n}
	}
	switch {
	case s.window == 0:
		return fmt.Errorf("no input has frames")
	case o.Steps < 1 || s.window%o.Steps != 0:
		return fmt.Errorf("%d steps a call: expected a divisor of the %d frames of the window", o.Steps, s.window)
	}
	s.window, s.steps = s.window*s.unit, s.steps*s.unit
	return nil
}

// shape returns the shape of a tensor of the windowed graph.
func (s *stepper) shape(id graph.TensorID) []int { return s.g.Tensors[id].Shape }

// rooted returns the sequence whose frames are computed for id.
func (s *stepper) rooted(id graph.TensorID) graph.TensorID {
	for {
		next, ok := s.root[id]
		if !ok {
			return id
		}
		id = next
	}
}

// wholeInput reports whether nothing is done to the frames of an input but moving them
// and changing element by element before an operator takes all of them.
func (s *stepper) wholeInput() bool {
	raw := map[graph.TensorID]bool{}
	for _, id := range s.g.Inputs {
		raw[id] = s.of[id].kind == sequence
	}
	for _, op := range s.g.Ops {
		some, all := false, true
		for _, in := range op.Inputs {
			if in != graph.None && s.of[in].kind == sequence {
				some, all = some || raw[in], all && raw[in]
			}
		}
		for _, out := range op.Outputs {
			_, isLeaf := s.leaves[out]
			switch {
			case some && s.of[out].kind == instance && !isLeaf:
				return true
			case some && all && s.of[out].kind == sequence && (op.Kind.Moves() || pointwise(op.Kind) || pairwise(op)):
				raw[out] = true
			}
		}
	}
	return false
}
