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

// moment is what is known of a tensor of the windowed graph. Times count ticks, from 0 for
// the first frame of the window. A tick is an input frame, or a part of it where an operator
// makes several frames out of each. All frames of a call are there at its first tick.
type moment struct {
	kind kind

	// axis of the frames of a sequence.
	axis int

	// rate is the number of ticks from one frame to the next, also of the
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
		n := s.inFrames(m.last() - s.window + 1)
		s.refuse(m.ahead, "a frame of it needs %d input %s after its own: not causal over time; pad in front of the window alone (causal padding)", n, plural(n, "frame"))
	}
	if m.last() >= s.window {
		s.refuse(op, "it needs frames behind the window: not causal over time")
	}
}

// steady refuses rates that the frames of a call are no multiple of.
func (s *stepper) steady(op *graph.Op, rate int) int {
	if rate > s.window || s.steps%rate != 0 {
		whole := s.unit
		for whole%rate != 0 {
			whole += s.unit
		}
		s.refuse(op, "it gives %s of the input: calls have to have a multiple of %d steps, here %d", s.ratio(rate), whole/s.unit, s.steps/s.unit)
	}
	return rate
}

// ratio says how many frames a sequence has.
func (s *stepper) ratio(rate int) string {
	a, b := s.unit, rate
	for b > 0 {
		a, b = b, a%b
	}
	if of := s.unit / a; of > 1 {
		return fmt.Sprintf("%d frames for %d", of, rate/a)
	}
	return fmt.Sprintf("one frame for %d", rate/a)
}

// finer asks for an analysis with so many ticks for each of this one.
type finer struct{ times int }

func (finer) Error() string { return "a frame is too short for the ticks" }

// maxUnit bounds the frames that are made out of one of the input.
const maxUnit = 1 << 16

// multiplied is what frames become of which an operator makes so many each, out of the
// newest and of earlier ones. They come in the call of the frame that they are made of.
func (s *stepper) multiplied(op *graph.Op, m moment, times, count int) moment {
	if m.rate%times != 0 {
		if s.unit*times > maxUnit {
			s.refuse(op, "it makes more than %d frames of one", maxUnit)
		}
		panic(finer{times})
	}
	m.at = floorDiv(m.at, m.rate) * m.rate
	m.rate /= times
	m.count = count
	return m
}

// inFrames is a time in frames of the input, begun ones included.
func (s *stepper) inFrames(ticks int) int { return (ticks + s.unit - 1) / s.unit }

// tail returns how many frames of a sequence that begins with the stream come behind its
// end, as those of a transposed convolution that is not cropped do: frames that go on would
// add to them, so that they are none of the stream's.
func (s *stepper) tail(m moment) int {
	if m.at < 0 || m.at >= m.rate || m.last() < s.window {
		return 0
	}
	return m.count - 1 - m.newest(s.window)
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
