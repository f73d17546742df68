package compile

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/emit"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// places are wishes of a sequence for where tensors of its step lie.
type places struct {
	lowering.Places
	memory map[int]int // regions of those that do not lie in the arena's memory
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
	return verified(compileSequence(step, seq, opt))
}

func compileSequence(step *graph.Graph, seq SequenceOptions, opt Options) (*ethosu.Program, error) {
	if seq.Steps < 1 || seq.Steps > ethosu.MaxInvocations {
		return nil, fmt.Errorf("compile %s: a sequence of %d steps: expected 1 to %d", name(step), seq.Steps, ethosu.MaxInvocations)
	}
	single, err := compileWith(step, opt, places{}) // finds what is wrong with the graph
	if err != nil {
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
	for _, f := range []form{{false, false}, {false, true}, {true, false}, {true, true}} {
		if f.resident && (opt.WeightsInSRAM || !b.slowConstants()) || f.input && b.input == nil {
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

// slowConstants reports whether a copy of the constants in SRAM would be faster.
func (b *sequence) slowConstants() bool {
	s, mode := b.opt.System, b.opt.Mode
	return ethosu.ConstMemory(s, mode).Bandwidth(b.opt.Accel) < s.Port(mode.Cache).Bandwidth(b.opt.Accel)
}

// cut splits the graph into what every step computes and what only the outputs of
// the last step need.
func (b *sequence) cut() error {
	g := b.g
	state := map[graph.TensorID]bool{}
	for _, s := range g.States {
		state[s.In], state[s.Out] = true, true
	}
	for _, id := range g.Inputs {
		if state[id] {
			continue
		}
		if !b.seq.PerStep && slices.Index(g.Outputs, id) >= 0 {
			return fmt.Errorf("output %q is an input of the step, which has a value for every step: take it from the caller's own copy", g.Tensors[id].Name)
		}
	}
	b.body = g
	if b.seq.PerStep || b.seq.Steps == 1 {
		return nil
	}
	needed := map[graph.TensorID]bool{} // by the states
	for _, s := range g.States {
		needed[s.Out] = true
	}
	inBody := make([]bool, len(g.Ops))
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		for _, id := range op.Outputs {
			inBody[i] = inBody[i] || needed[id]
		}
		for _, id := range op.Inputs {
			if id != graph.None && g.Tensors[id].Variable {
				inBody[i] = true
			}
		}
		if inBody[i] {
			for _, id := range op.Inputs {
				if id != graph.None {
					needed[id] = true
				}
			}
		}
	}
	made := map[graph.TensorID]bool{} // by the body
	var bodyOps, headOps []*graph.Op
	for i, op := range g.Ops {
		if !inBody[i] {
			headOps = append(headOps, op)
			continue
		}
		bodyOps = append(bodyOps, op)
		for _, id := range op.Outputs {
			made[id] = true
		}
	}
	work := false
	for _, op := range headOps {
		work = work || !op.Kind.Moves()
	}
	if !work || len(bodyOps) == 0 {
		return nil
	}
	seen := map[graph.TensorID]bool{}
	var cut, outs []graph.TensorID
	for _, op := range headOps {
		for _, id := range op.Inputs {
			switch {
			case id == graph.None || g.Tensors[id].IsConst() || seen[id]:
			case made[id]:
				seen[id] = true
				cut = append(cut, id)
			case slices.Index(g.Inputs, id) >= 0:
				return nil // the value it reads is gone when the last step has run
			}
		}
	}
	if len(cut) == 0 || len(cut) > maxOwn {
		return nil
	}
	bodyOuts := append([]graph.TensorID(nil), cut...)
	for _, id := range g.Outputs {
		if state[id] || made[id] {
			if !seen[id] {
				seen[id] = true
				bodyOuts = append(bodyOuts, id)
			}
			continue
		}
		if slices.Index(g.Inputs, id) >= 0 || g.Tensors[id].IsConst() {
			return nil
		}
		outs = append(outs, id)
	}
	b.body = subgraph(g, bodyOps, g.Inputs, bodyOuts, g.States)
	b.head = subgraph(g, headOps, cut, outs, nil)
	return nil
}

// subgraph returns the graph of some operators. Tensors keep their numbers; variables
// that none of the operators uses are none of it.
func subgraph(g *graph.Graph, ops []*graph.Op, ins, outs []graph.TensorID, states []graph.State) *graph.Graph {
	used := map[graph.TensorID]bool{}
	for _, op := range ops {
		for _, id := range op.Inputs {
			used[id] = true
		}
	}
	s := &graph.Graph{Name: g.Name, Tensors: append([]*graph.Tensor(nil), g.Tensors...), Ops: ops, Inputs: ins, Outputs: outs, States: states}
	for id, t := range s.Tensors {
		if t.Variable && !used[graph.TensorID(id)] {
			c := *t
			c.Variable = false
			s.Tensors[id] = &c
		}
	}
	return s
}

// moved lists the inputs and outputs of a body that have a value for every step.
func (b *sequence) moved(body *graph.Graph) []graph.TensorID {
	state := map[graph.TensorID]bool{}
	for _, s := range body.States {
		state[s.In], state[s.Out] = true, true
	}
	var list []graph.TensorID
	for _, id := range body.Inputs {
		if !state[id] {
			list = append(list, id)
		}
	}
	if b.seq.PerStep {
		for _, id := range body.Outputs {
			if !state[id] && slices.Index(list, id) < 0 {
				list = append(list, id)
			}
		}
	}
	return list
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

// layout is a sequence whose parts have their places.
type layout struct {
	p        *ethosu.Program
	bodySRAM int // of the step alone
}

func (l *layout) sram() int { return sramOf(l.p) }

// sramOf returns the bytes of a program's memories that are SRAM.
func sramOf(p *ethosu.Program) int {
	n := 0
	if ethosu.ArenaMemory(p.System, p.Mode).Name == ethosu.Sram {
		n += p.ArenaSize
	}
	if ethosu.CacheMemory(p.System, p.Mode).Name == ethosu.Sram {
		n += p.FastSize
	}
	return n
}

// layout compiles the parts and places them.
//
//	arena:     body | rows of moved tensors and inputs | scratch of input and head, over the resident constants
//	constants: body | input | head
//
// With a dedicated SRAM the constants, the rows that the input stage makes, and the
// scratch of input and head, follow that of body there.
func (b *sequence) layout(of *graph.Graph, opt Options, f form) (*layout, error) {
	moved := b.moved(of)
	at := ownPlaces()
	for i, id := range moved {
		at.Own[id] = firstOwn + i
		if b.rowsIn(id, f) != ethosu.RegionArena {
			at.memory[firstOwn+i] = b.rowsIn(id, f)
		}
	}
	body, err := compileInPlace(of, opt, at)
	if err != nil {
		return nil, err
	}
	p := &ethosu.Program{Name: b.g.Name, Accel: opt.Accel, System: b.opt.System, Mode: b.single.Mode, WeightsInSRAM: b.opt.WeightsInSRAM,
		Constants: append([]byte(nil), body.Constants...), ArenaSize: body.ArenaSize, FastSize: body.FastSize,
		States: append([]ethosu.StatePair(nil), b.single.States...), Steps: b.seq.Steps, Single: b.single}
	l := &layout{p: p, bodySRAM: sramOf(body)}

	run := stageOf("step", b.seq.Steps, body)
	run.window(ethosu.RegionConstants, ethosu.RegionConstants, 0, len(body.Constants), 0)
	run.window(ethosu.RegionArena, ethosu.RegionArena, 0, body.ArenaSize, 0)
	run.window(ethosu.RegionFast, ethosu.RegionFast, 0, body.FastSize, 0)
	rows := map[graph.TensorID]ethosu.Binding{} // of the whole call
	for i, id := range moved {
		stride := kernel.Align(of.Tensors[id].Bytes())
		r := b.rows(p, id, b.rowsIn(id, f), stride)
		run.window(firstOwn+i, r.Region, r.Offset, stride, stride)
		rows[id] = r
	}
	if f.input {
		for _, id := range b.input.g.Inputs {
			if _, ok := rows[id]; !ok {
				rows[id] = b.rows(p, id, ethosu.RegionArena, of.Tensors[id].Bytes())
			}
		}
	}
	tail := [3]int{ethosu.RegionArena: p.ArenaSize, ethosu.RegionFast: p.FastSize}
	grow := func(region, n int) {
		switch region {
		case ethosu.RegionArena:
			p.ArenaSize = max(p.ArenaSize, tail[region]+n)
		case ethosu.RegionFast:
			p.FastSize = max(p.FastSize, tail[region]+n)
		}
	}
	if f.input {
		if err := b.addInput(l, rows, tail, grow); err != nil {
			return nil, err
		}
	}
	if f.resident && len(body.Constants) > 0 {
		in := ethosu.RegionArena
		if b.opt.Mode.Spills() {
			in = ethosu.RegionFast
		}
		run.Windows[0].In, run.Windows[0].Offset = in, tail[in]
		grow(in, len(body.Constants))
		load, err := loadStage(opt.Accel, in, tail[in], len(body.Constants))
		if err != nil {
			return nil, err
		}
		p.Stages = append(p.Stages, load)
	}
	p.Stages = append(p.Stages, run.Stage)
	b.bindBody(p, of, body, rows)
	if b.head == nil {
		return l, nil
	}

	at = ownPlaces()
	for i, id := range b.head.Inputs {
		at.Own[id] = firstOwn + i
	}
	head, err := compileWith(b.head, b.opt, at)
	if err != nil {
		return nil, err
	}
	end := stageOf("head", 1, head)
	end.window(ethosu.RegionConstants, ethosu.RegionConstants, len(p.Constants), len(head.Constants), 0)
	end.window(ethosu.RegionArena, ethosu.RegionArena, tail[ethosu.RegionArena], head.ArenaSize, 0)
	end.window(ethosu.RegionFast, ethosu.RegionFast, tail[ethosu.RegionFast], head.FastSize, 0)
	for i, id := range b.head.Inputs {
		from := body.Outputs[slices.Index(of.Outputs, id)]
		end.window(firstOwn+i, from.Region, from.Offset, kernel.Align(from.Size), 0)
	}
	p.Constants = append(p.Constants, head.Constants...)
	grow(ethosu.RegionArena, head.ArenaSize)
	grow(ethosu.RegionFast, head.FastSize)
	for i, id := range b.g.Outputs {
		if k := slices.Index(b.head.Outputs, id); k >= 0 {
			p.Outputs[i] = head.Outputs[k]
			p.Outputs[i].Offset += tail[ethosu.RegionArena]
		}
	}
	p.Stages = append(p.Stages, end.Stage)
	return l, nil
}

// rowsIn returns the memory for the rows of a moved tensor: that of the arena, where the
// interface lies; a fast scratch for those that never leave the NPU.
func (b *sequence) rowsIn(id graph.TensorID, f form) int {
	if f.input && b.opt.Mode.Spills() && slices.Index(b.input.g.Outputs, id) >= 0 {
		return ethosu.RegionFast
	}
	return ethosu.RegionArena
}

// rows appends memory for a tensor's values of all steps.
func (b *sequence) rows(p *ethosu.Program, id graph.TensorID, region, stride int) ethosu.Binding {
	t := b.g.Tensors[id]
	end := &p.ArenaSize
	if region == ethosu.RegionFast {
		end = &p.FastSize
	}
	r := ethosu.Binding{Name: t.Name, Type: t.Type, Shape: ethosu.WithTime(t.Shape, b.seq.Steps), Quant: t.Quant,
		Region: region, Offset: *end, Size: t.Bytes() * b.seq.Steps, Rows: b.seq.Steps, Stride: stride}
	if stride == t.Bytes() {
		r.Rows, r.Stride = 0, 0
	}
	*end += kernel.Align(stride * b.seq.Steps)
	return r
}

// bindBody fills the interface of the call with the places that the body decides,
// and leaves the outputs of the head open.
func (b *sequence) bindBody(p *ethosu.Program, of *graph.Graph, body *ethosu.Program, rows map[graph.TensorID]ethosu.Binding) {
	p.Variables = body.Variables
	bind := func(ids, of []graph.TensorID, list []ethosu.Binding) []ethosu.Binding {
		out := make([]ethosu.Binding, len(ids))
		for i, id := range ids {
			if r, ok := rows[id]; ok {
				out[i] = r
			} else if k := slices.Index(of, id); k >= 0 {
				out[i] = list[k]
			}
		}
		return out
	}
	p.Inputs = bind(b.g.Inputs, of.Inputs, body.Inputs)
	p.Outputs = bind(b.g.Outputs, of.Outputs, body.Outputs)
	for _, s := range p.States { // a copy leaves it where it is read
		p.Outputs[s.Out].Region, p.Outputs[s.Out].Offset = p.Inputs[s.In].Region, p.Inputs[s.In].Offset
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

// windowed is a stage that gets its windows.
type windowed struct{ ethosu.Stage }

func stageOf(name string, times int, p *ethosu.Program) *windowed {
	return &windowed{ethosu.Stage{Name: name, Times: times, Commands: p.Stages[0].Commands, Map: p.Stages[0].Map, Ops: p.Stages[0].Ops}}
}

func (s *windowed) window(region, in, offset, size, advance int) {
	if size > 0 {
		s.Windows = append(s.Windows, ethosu.Window{Region: region, In: in, Offset: offset, Size: size, Advance: advance})
	}
}

// loadStage copies the first n bytes of the constants to a memory.
func loadStage(a *ethosu.Accelerator, in, offset, n int) (ethosu.Stage, error) {
	load, err := emit.Load(a, in, n)
	if err != nil {
		return load, err
	}
	s := windowed{load}
	s.Name, s.Times = "load", 1
	s.window(ethosu.RegionConstants, ethosu.RegionConstants, 0, n, 0)
	s.window(in, in, offset, n, 0)
	return s.Stage, nil
}
