// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"fmt"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/facts"
)

// listener turns samples into values of a model's only input that is no state, as the C
// of a generated project does.
type listener struct {
	input   int
	t       *Tensor
	steps   int  // rows of a call
	carried bool // the state goes on from call to call
	rows    []float32
	e       *audio.Extractor
	width   int
}

func newListener(m Model, f *facts.Facts) (*listener, error) {
	if f == nil || f.Audio == nil {
		return nil, fmt.Errorf("the model does not say how sound becomes its input: only networks that were trained on recordings do")
	}
	l := &listener{input: -1, e: audio.NewExtractor(f.Audio), width: f.Audio.Features()}
	ins := m.Inputs()
	for i := range ins {
		if isState(m, i) {
			continue
		}
		if l.input >= 0 {
			return nil, fmt.Errorf("the model has inputs %q and %q besides states: expected one that takes sound", ins[l.input].Name, ins[i].Name)
		}
		l.input = i
	}
	if l.input < 0 {
		return nil, fmt.Errorf("the model has no input that takes sound")
	}
	l.t = &ins[l.input]
	if s := l.t.Shape; len(s) != 3 || s[0] != 1 || s[2] != l.width {
		return nil, fmt.Errorf("input %q: shape %v, expected [1 steps %d] for the features of sound (%v)", l.t.Name, s, l.width, f.Audio)
	}
	l.steps = l.t.Shape[1]
	l.carried = len(m.States()) > 0 && audio.Carried(l.steps, f.Steps)
	l.rows = make([]float32, l.steps*l.width)
	if f.Mean != nil { // rows that were never heard
		if err := f.Fits(l.width); err != nil {
			return nil, fmt.Errorf("input %q: %w", l.t.Name, err)
		}
		for i := range l.rows {
			l.rows[i] = f.Mean[i%l.width]
		}
	}
	return l, nil
}

// push takes samples until a row is complete or all are taken.
func (l *listener) push(samples []float32) (used int, complete bool) {
	row := make([]float32, l.width)
	if used, complete = l.e.Push(samples, row); complete {
		copy(l.rows, l.rows[l.width:])
		copy(l.rows[len(l.rows)-l.width:], row)
	}
	return used, complete
}

// Sound makes of a recording the array for a model's input: the calls of a stream, or, for
// a model of whole sequences, one call with the last rows of features, behind padding
// where there are fewer.
func Sound(m Model, f *facts.Facts, samples []float32) (input string, a *Array, err error) {
	l, err := newListener(m, f)
	if err != nil {
		return "", nil, err
	}
	var calls []float32
	fresh, n := 0, 0
	for len(samples) > 0 {
		used, complete := l.push(samples)
		samples = samples[used:]
		if !complete {
			break
		}
		if fresh++; l.carried && fresh == l.steps {
			calls = append(calls, l.rows...)
			fresh, n = 0, n+1
		}
	}
	if !l.carried {
		return l.t.Name, Floats(l.t.Shape, l.rows), nil
	}
	if n == 0 {
		return "", nil, fmt.Errorf("the recording is shorter than one call, which takes %d rows of features: %d samples and %d for each row more", l.steps, f.Audio.Frame, f.Audio.Hop)
	}
	return l.t.Name, Floats(append([]int{n}, l.t.Shape...), calls), nil
}

// Heard is what a model decides on a stream of samples.
type Heard struct {
	Samples []int16    // up to the last decision
	Every   int        // rows of features from decision to decision
	Outputs [][][]byte // of every decision
}

// Decisions that are recorded at most: of whole sequences, and of a stream, whose calls are
// small.
const (
	heardWhole  = 8
	heardStream = 64
)

// HeardSamples is how many samples Hear makes use of: two seconds, or what one call takes.
func HeardSamples(f *facts.Facts, m Model) (int, error) {
	l, err := newListener(m, f)
	if err != nil {
		return 0, err
	}
	return max(min(2*f.Audio.Rate, 40000), f.Audio.Frame+l.steps*f.Audio.Hop), nil
}

// Hear gives a model samples of 16 bits as the generated C takes them and records its
// decisions. Those of whole sequences are spread over the samples.
func Hear(m Model, f *facts.Facts, samples []int16) (*Heard, error) {
	l, err := newListener(m, f)
	if err != nil {
		return nil, err
	}
	h, most := &Heard{Every: l.steps}, heardStream
	if !l.carried {
		most = heardWhole
		h.Every = max(f.Audio.Rows(len(samples))/most, 1)
	}
	s := NewSession(m, m.States())
	resetStates(s)
	x := make([]float32, len(samples))
	for i, v := range samples {
		x[i] = float32(v) / 32768
	}
	for fresh := 0; len(x) > 0; {
		used, complete := l.push(x)
		x = x[used:]
		if complete {
			fresh++
		}
		if fresh < h.Every {
			continue
		}
		fresh = 0
		arrays := map[string]*Array{l.t.Name: Floats(l.t.Shape, append([]float32(nil), l.rows...))}
		if _, err := Standardize(m, arrays, f); err != nil {
			return nil, err
		}
		raw, err := rawOf(l.t, arrays[l.t.Name])
		if err != nil {
			return nil, err
		}
		copy(s.In[l.input], raw)
		if !l.carried {
			resetStates(s)
		}
		if err := s.Call(); err != nil {
			return nil, err
		}
		var out [][]byte
		for _, v := range s.Out {
			out = append(out, bytes.Clone(v))
		}
		h.Outputs, h.Samples = append(h.Outputs, out), samples[:len(samples)-len(x)]
		if len(h.Outputs) == most {
			break
		}
	}
	if len(h.Outputs) == 0 {
		return nil, fmt.Errorf("%d samples are too few for a decision", len(samples))
	}
	return h, nil
}
