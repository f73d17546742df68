// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/place"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// places are wishes for where tensors of a part of a call lie.
type places struct {
	lowering.Places
	memory map[int]int // regions of those that do not lie in the arena's memory

	taken []place.Span // bytes of the arena that are not the part's
	line  int          // bytes that the CPU cannot share with the NPU
}

func ownPlaces() places {
	return places{Places: lowering.Places{Own: map[graph.TensorID]int{}}, memory: map[int]int{}}
}

// Regions of a stage from firstOwn on hold one tensor each.
const (
	firstOwn = ethosu.RegionFast + 1
	maxOwn   = 8 - firstOwn
)

// SequenceOptions say how many steps a call has and what it gives.
type SequenceOptions struct {
	Steps int // at least 1

	// PerStep gives every step's outputs, not only the last's.
	PerStep bool
}

// Sequence compiles the graph of one time step, whose states are paired, into a
// program that runs Steps of them in one call. Every input but the states gets a time
// axis: [1, 1, F] and [1, F] become [1, Steps, F]; with PerStep the outputs, too.
//
// Where constants lie in slow memory they are copied to SRAM once for each call, and
// what depends on the inputs alone is computed for all steps at once, before the first,
// by a stream of its own; each if there is memory for it and it takes less time. What
// only the last step's outputs need, such as a classifier, becomes a stream that runs
// once, too. As of Compile, the result has passed the verifier.
func Sequence(step *graph.Graph, seq SequenceOptions, opt Options) (*ethosu.Program, error) {
	return opt.verified(compileSequence(step, seq, opt))
}

func compileSequence(step *graph.Graph, seq SequenceOptions, opt Options) (*ethosu.Program, error) {
	if seq.Steps < 1 || seq.Steps > ethosu.MaxInvocations {
		return nil, fmt.Errorf("compile %s: a sequence of %d steps: expected 1 to %d", name(step), seq.Steps, ethosu.MaxInvocations)
	}
	opt.streams, opt.keep = schedule.NewStreams(), nil
	single, err := compileWith(step, opt, places{}) // finds what is wrong with the graph
	if err != nil {
		if !opt.NPUOnly {
			if _, divided := compileParts(step, opt, err); divided == nil {
				err = fmt.Errorf("%w; the CPU can, in a call of one stream with all steps (--sequence unrolled)", err)
			}
		}
		return nil, err
	}
	opt.System, opt.Mode = single.System, single.Mode
	if len(step.States)+len(single.Variables) == 0 {
		return nil, fmt.Errorf("compile %s: no input of the step is paired with an output, so nothing would pass from one step to the next: name the states", name(step))
	}
	b := &sequence{g: step, seq: seq, opt: opt, single: single}
	if err := b.cut(); err != nil {
		return nil, fmt.Errorf("compile %s: %w", name(step), err)
	}
	best, bestCycles, err := (*ethosu.Program)(nil), int64(0), error(nil)
	if !opt.skips("project") { // the pass does in one stream what this does in several
		b.cutInput()
	}
	for _, f := range sequenceForms {
		if !b.applies(f) {
			continue
		}
		p, e := b.build(f)
		if e != nil {
			if err == nil {
				err = e
			}
			continue
		}
		r, e := perf.Estimate(p)
		if e != nil {
			return nil, e
		}
		if best == nil || r.Total < bestCycles {
			best, bestCycles = p, r.Total
		}
	}
	if best == nil {
		return nil, fmt.Errorf("compile %s: %w", name(step), err)
	}
	return best, nil
}

// sequence is a sequence under construction.
type sequence struct {
	g      *graph.Graph
	seq    SequenceOptions
	opt    Options
	single *ethosu.Program

	body, head *graph.Graph // head is nil when every step runs all of the graph
	input      *inputPart   // nil when the body's inputs feed no product of their own
}

// form is one way to build a sequence.
type form struct {
	input    bool // a stream for the input's product of all steps
	resident bool // the constants of the step are copied to SRAM before the first one
}

// sequenceForms are tried in order, as far as they differ for the graph; the first of
// those with the fewest cycles wins. It is the strategy of sequences: each form is
// compiled as Strategy has it.
var sequenceForms = []form{
	{},
	{resident: true},
	{input: true},
	{input: true, resident: true},
}

// applies reports whether a form differs from those without what it does.
func (b *sequence) applies(f form) bool {
	return !(f.resident && (b.opt.WeightsInSRAM || !b.slowConstants())) && !(f.input && b.input == nil)
}

// slowConstants reports whether a copy of the constants in SRAM would be faster.
func (b *sequence) slowConstants() bool {
	s, mode := b.opt.System, b.opt.Mode
	return ethosu.ConstMemory(s, mode).Bandwidth(b.opt.Accel) < s.Port(mode.Cache).Bandwidth(b.opt.Accel)
}

// build compiles the parts and puts them together.
func (b *sequence) build(f form) (*ethosu.Program, error) {
	body := b.body
	if f.input {
		body = b.input.body
	}
	if n := len(b.moved(body)); n > maxOwn {
		return nil, fmt.Errorf("%d inputs and outputs have a value for every step: at most %d can be moved", n, maxOwn)
	}
	opt := b.opt
	opt.WeightsInSRAM = opt.WeightsInSRAM || f.resident
	budget := opt.SRAMBudget
	opt.SRAMBudget = 0
	for try := 0; ; try++ {
		l, err := b.layout(body, opt, f)
		if err != nil {
			return nil, err
		}
		over := 0
		if fast := l.p.FastSize - b.opt.Mode.CacheSize; b.opt.Mode.Spills() && b.opt.Mode.CacheSize > 0 && fast > 0 {
			over = fast
		}
		if budget > 0 {
			over = max(over, l.sram()-budget)
		}
		if over <= 0 {
			return l.p, l.p.CheckStages()
		}
		left := l.bodySRAM - over
		if opt.SRAMBudget > 0 {
			left = opt.SRAMBudget - over
		}
		if left < 16 || try > 3 {
			return nil, fmt.Errorf("a sequence of %d steps needs %d bytes of SRAM more than there are: raise the budget", b.seq.Steps, over)
		}
		opt.SRAMBudget = left
	}
}

// compileInPlace compiles a graph so that every state is left where it is read.
func compileInPlace(g *graph.Graph, opt Options, at places) (*ethosu.Program, error) {
	p, err := compileWith(g, opt, at)
	if err != nil {
		return nil, err
	}
	at.Carry = map[int]bool{}
	for i, s := range p.States {
		in, out := &p.Inputs[s.In], &p.Outputs[s.Out]
		if in.Region != out.Region || in.Offset != out.Offset {
			at.Carry[i] = true
		}
	}
	if len(at.Carry) == 0 {
		return p, nil
	}
	return compileWith(g, opt, at)
}
