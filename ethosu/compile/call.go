// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Form is how a call of several time steps runs.
type Form uint8

// Forms of a call.
const (
	FormUnrolled Form = iota // one stream with all steps
	FormStep                 // one step's stream, started for every step
	FormAuto                 // whichever perf.PreferSequence takes
)

var formNames = [...]string{FormUnrolled: "unrolled", FormStep: "step", FormAuto: "auto"}

func (f Form) String() string { return formNames[f] }

// FormNames returns the forms by name.
func FormNames() map[string]Form {
	m := map[string]Form{}
	for f, name := range formNames {
		m[name] = Form(f)
	}
	return m
}

// Call is a network of one or several time steps a call, and the form to compile it in.
type Call struct {
	// Whole is the graph of all steps. Where it is nil, it is made of Step when needed.
	Whole *graph.Graph

	// Step is the graph of one time step, its states paired. FormUnrolled does without
	// where Whole is given.
	Step *graph.Graph

	SequenceOptions // of Step
	Form            Form
}

// Choice is a compiled call.
type Choice struct {
	Program *ethosu.Program
	Form    Form // of Program, never FormAuto

	// Why says what decided in FormAuto; it is empty where there was no choice.
	Why string

	// Figures are those of both forms, where FormAuto could compile both; else nil.
	Figures map[Form]perf.Figures

	// Unproven is what the verifier can neither prove of Program nor refute.
	Unproven []verify.Finding

	explorer *explorer // of FormUnrolled
}

// CompileCall compiles a call in the form that it asks for, of FormAuto in both, and
// takes one. Where one of them does not compile it takes the other; where none does,
// the step's error is returned, for its operators are those of the given model.
func CompileCall(c Call, o Options) (*Choice, error) {
	var unrolled *explorer
	o.keep, o.unproven = &unrolled, map[*ethosu.Program][]verify.Finding{}
	ch, err := c.compile(o)
	if ch != nil {
		ch.Unproven = o.unproven[ch.Program]
	}
	if ch != nil && ch.Form == FormUnrolled {
		ch.explorer = unrolled
	}
	return ch, err
}

func (c *Call) compile(o Options) (*Choice, error) {
	switch c.Form {
	case FormUnrolled:
		p, err := c.unrolled(o)
		return &Choice{Program: p}, err
	case FormStep:
		p, err := c.step(o)
		return &Choice{Program: p, Form: FormStep}, err
	}
	one, errOne := c.unrolled(o)
	many, err := c.step(o)
	var fault *Fault
	switch {
	case errors.As(errOne, &fault) || errors.As(err, &fault): // never hidden behind the other form
		return nil, fault
	case errOne != nil && err != nil:
		return nil, err
	case errOne != nil:
		return &Choice{Program: many, Form: FormStep, Why: errOne.Error()}, nil
	case err != nil:
		return &Choice{Program: one, Why: err.Error()}, nil
	}
	f := map[Form]perf.Figures{}
	if f[FormUnrolled], err = perf.FiguresOf(one); err != nil {
		return nil, err
	}
	if f[FormStep], err = perf.FiguresOf(many); err != nil {
		return nil, err
	}
	ch := &Choice{Program: one, Figures: f}
	better, why := perf.PreferSequence(f[FormUnrolled], f[FormStep])
	if ch.Why = why; better {
		ch.Program, ch.Form = many, FormStep
	}
	return ch, nil
}

func (c *Call) unrolled(o Options) (*ethosu.Program, error) {
	g := c.Whole
	if g == nil {
		var err error
		if g, err = Unrolled(c.Step, c.SequenceOptions); err != nil {
			return nil, err
		}
	}
	return Compile(g, o)
}

func (c *Call) step(o Options) (*ethosu.Program, error) {
	return Sequence(c.Step, c.SequenceOptions, o)
}
