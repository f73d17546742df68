// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// kind says what a tensor of the windowed graph is.
type kind uint8

const (
	static   kind = iota // no input with frames has a part in it
	sequence             // frames along an axis
	instance             // of one moment
)

// moment is what is known of a tensor of the windowed graph. Times count frames of the
// inputs, from 0 for the first of the window.
type moment struct {
	kind kind

	// axis of the frames of a sequence.
	axis int

	// rate is the number of input frames from one frame to the next, also of the
	// frames that an instance is made of.
	rate int

	// at is the time of the last input frame that the first frame of a sequence needs,
	// or that an instance needs. It is negative for frames of padding.
	at int

	// count is the number of frames of a sequence in the window.
	count int

	// since is the time of the first frame that an instance is made of.
	since int

	// ahead is the operator that made frames which need input behind the window.
	ahead *graph.Op
}

// last is the time of the last frame.
func (m moment) last() int {
	if m.kind == sequence {
		return m.at + (m.count-1)*m.rate
	}
	return m.at
}

// newest is the index of the newest frame that a window of the given length can have,
// counted as the frames of the sequence are.
func (m moment) newest(window int) int { return floorDiv(window-1-m.at, m.rate) }

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// refusal is an operator that has no step; the analysis panics with it.
type refusal struct {
	err error
	at  int // the operator, by its place in the graph
}

func (r refusal) Error() string { return r.err.Error() }

// Reached returns the place of the operator that an error of Step is about: how far a
// choice of dimensions goes. Other errors are about none, -1.
func Reached(err error) int {
	var r refusal
	if errors.As(err, &r) {
		return r.at
	}
	return -1
}

func (s *stepper) refuse(op *graph.Op, format string, args ...any) {
	name := op.Kind.String()
	if len(op.Outputs) > 0 {
		name = fmt.Sprintf("%v %q", op.Kind, s.g.Tensors[op.Outputs[0]].Name)
	}
	panic(refusal{fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)), s.at})
}

// notYet refuses frames that need input behind the window.
func (s *stepper) notYet(op *graph.Op, m moment) {
	if m.ahead != nil && m.last() >= s.window {
		s.refuse(m.ahead, "a frame of it needs %d input %s after its own: not causal over time; pad in front of the window alone (causal padding)", m.last()-s.window+1, plural(m.last()-s.window+1, "frame"))
	}
	if m.last() >= s.window {
		s.refuse(op, "it needs frames behind the window: not causal over time")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
