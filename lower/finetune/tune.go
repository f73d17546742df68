// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Options describe a run. The zero value of a field takes the default.
type Options struct {
	Steps  int     // optimizer steps; default 200
	Window int     // calls that gradients go back through; default as many as have some 64 steps of a graph of layers, 8 of any other
	Batch  int     // windows a step; default 16
	Rate   float64 // learning rate at the start, in steps of a weight's grid; it falls linearly to 0; default 0.02
	Seed   uint64  // of the choice of calls
	Levels int     // the largest magnitude of a weight, as it was lowered; 0 is 127

	// Save, where it is not nil, gets the state of the run after every tenth of its steps
	// and when it is interrupted; Resume goes on from one, to the same result.
	Save   func(*State) error
	Resume *State

	// Progress, where it is not nil, gets the mean loss of every step.
	Progress func(step int, loss float64)
}

func (o Options) withDefaults() (Options, error) {
	if o.Steps == 0 {
		o.Steps = 200
	}
	if o.Batch == 0 {
		o.Batch = 16
	}
	if o.Rate == 0 {
		o.Rate = 0.02
	}
	if o.Levels == 0 {
		o.Levels = math.MaxInt8
	}
	if o.Steps < 0 || o.Window < 0 || o.Batch < 0 || !(o.Rate > 0) || o.Levels < 0 {
		return o, fmt.Errorf("fine-tuning options: %d steps of %d windows of %d calls at rate %v, weights of %d levels: expected positive numbers", o.Steps, o.Batch, o.Window, o.Rate, o.Levels)
	}
	return o, nil
}

// Pupil is a quantized graph that can learn: a *lower.Result or a *lower.GraphResult.
type Pupil[P any] interface {
	Original() *graph.Graph // the float graph that it is measured against
	Arranged() *graph.Graph // the float graph that was quantized
	Integers() *graph.Graph // what it was quantized to
	WithConstants(map[graph.TensorID][]float32) (P, error)

	// Run gives the data outputs after all calls, Lost what they lose against the float
	// graph's.
	Run(context.Context, lower.Sequences) ([][]float32, error)
	Lost(want, got [][]float32) float64
}

// part of the sequences, or of the calls where there is one sequence, that nothing is
// learned from: what the result is chosen by. No more than mostJudged.
const (
	held       = 0.2
	mostJudged = 500
)

// Distill lets a quantized graph learn to give its float graph's outputs, without any
// label. What it returns loses the least on sequences that were kept apart: the graph as
// it was, or one with weights that it had on the way.
//
// The result does not depend on the number of processors. It does on the kind of vector
// kernel, as training does. When ctx is done, what was learned so far is judged, and the
// best so far is returned with ctx's error.
func Distill[P Pupil[P]](ctx context.Context, pupil P, calls lower.Sequences, o Options) (P, error) {
	return tune(ctx, pupil, calls, func(d *distillation) Goal { return &outputs{d: d} }, o)
}

// Learn is Distill with labels, or the targets of a regression: quantization-aware
// training. What it returns has the least loss of its outputs against them. Sequences
// start from the reset state: what a network gives that never saw another is no answer to
// learn from the labels of the next sequence.
func Learn(ctx context.Context, pupil *lower.Result, calls *lower.SequenceCalls, o Options) (*lower.Result, error) {
	alone := calls.FromReset()
	return tune(ctx, pupil, alone, func(d *distillation) Goal { return newAnswers(d, pupil, alone) }, o)
}

func tune[P Pupil[P]](ctx context.Context, pupil P, calls lower.Sequences, aim func(*distillation) Goal, o Options) (P, error) {
	var none P
	o, err := o.withDefaults()
	if err != nil {
		return none, err
	}
	learn, judged := divide(calls, o.Steps*o.Batch)
	d, err := newDistillation(ctx, pupil.Original(), pupil.Arranged(), pupil.Integers(), learn, o)
	if ctx.Err() != nil {
		return pupil, ctx.Err()
	}
	if err != nil {
		return none, err
	}
	d.goal = aim(d)
	want, err := teach(context.WithoutCancel(ctx), pupil.Original(), dataOutputs(pupil.Original()), judged)
	if err != nil {
		return none, err
	}
	loss := func(p P) (float64, error) {
		got, err := p.Run(context.WithoutCancel(ctx), judged)
		if err != nil {
			return 0, err
		}
		return d.goal.Judge(judged, p.Lost, want.all(), got), nil
	}
	best := pupil
	if d.least, err = loss(pupil); err != nil {
		return none, err
	}
	if o.Resume != nil {
		if err := d.resume(o.Resume); err != nil {
			return none, err
		}
		if d.best != nil {
			if best, err = pupil.WithConstants(d.best); err != nil {
				return none, err
			}
		}
	}
	judge := func(keep bool) error {
		learned := d.learned()
		next, err := pupil.WithConstants(learned)
		if err != nil {
			return err
		}
		l, err := loss(next)
		if err == nil && l < d.least {
			best = next
			if keep {
				d.best, d.least = learned, l
			}
		}
		return err
	}
	for d.at < o.Steps {
		if err := d.next(ctx); err != nil {
			if ctx.Err() == nil {
				return none, err
			}
			// The state is saved before the extra judgement, which a run that goes on
			// would not have made.
			if err := d.save(); err != nil {
				return best, err
			}
			if err := judge(false); err != nil {
				return best, err
			}
			return best, ctx.Err()
		}
		if d.at%max(1, o.Steps/10) == 0 || d.at == o.Steps {
			if err := judge(true); err != nil {
				return none, err
			}
			if err := d.save(); err != nil {
				return best, err
			}
		}
	}
	return best, nil
}

// dataOutputs are the outputs of a graph in the order that lower gives them in: those
// that are no states, or all of them where there are only states.
func dataOutputs(g *graph.Graph) []graph.TensorID {
	var data, all []graph.TensorID
	for _, id := range g.Outputs {
		if g.Tensors[id].Type != graph.Float32 {
			continue
		}
		all = append(all, id)
		if !slices.ContainsFunc(g.States, func(s graph.State) bool { return s.Out == id }) {
			data = append(data, id)
		}
	}
	if len(data) == 0 {
		return all
	}
	return data
}

// divide sets every fifth sequence apart, or the last calls of a single one. most is how
// many sequences can be used to learn from.
func divide(calls lower.Sequences, most int) (learn, judged lower.Sequences) {
	n := calls.Len()
	if n == 1 {
		k := max(1, int(held*float64(calls.Calls(0))))
		return cut{calls, max(1, calls.Calls(0)-k)}, calls // a state has to come from the start
	}
	var l, j []int
	every := min(n, int(1/held))
	for i := range n {
		if i%every == every-1 {
			j = append(j, i)
		} else {
			l = append(l, i)
		}
	}
	return some{calls, spread(l, most)}, some{calls, spread(j, mostJudged)}
}

// spread returns at most n of the numbers, evenly spread.
func spread(numbers []int, n int) []int {
	if len(numbers) <= n {
		return numbers
	}
	out := make([]int, n)
	for i := range out {
		out[i] = numbers[i*len(numbers)/n]
	}
	return out
}

// some are sequences of a set, by their numbers.
type some struct {
	lower.Sequences
	numbers []int
}

func (s some) Len() int        { return len(s.numbers) }
func (s some) Calls(i int) int { return s.Sequences.Calls(s.numbers[i]) }
func (s some) Feed(i, call, in int, dst []float32) error {
	return s.Sequences.Feed(s.numbers[i], call, in, dst)
}

// number is that of sequence i in the set that it was taken from.
func number(calls lower.Sequences, i int) int {
	if s, ok := calls.(some); ok {
		return s.numbers[i]
	}
	return i
}

// cut is the beginning of a single sequence.
type cut struct {
	lower.Sequences
	calls int
}

func (c cut) Calls(int) int { return c.calls }
