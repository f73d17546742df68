// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// builder writes the step. It runs twice: how many frames a ring has to keep is known
// when everything that reads it is written.
type builder struct {
	s     *stepper
	g     *graph.Graph
	from  []graph.TensorID
	names map[string]bool

	statics map[graph.TensorID]graph.TensorID
	seq     map[graph.TensorID]graph.TensorID // the new frames of a rooted sequence
	moments map[place]graph.TensorID
	depth   map[graph.TensorID]int            // frames that rings keep, by rooted sequence
	kept    map[graph.TensorID]int            // the same, as this run asks for it
	rings   map[graph.TensorID]graph.TensorID // the states of rings
	whole   map[graph.TensorID]graph.TensorID // rings with the new frames behind
	states  map[place]graph.TensorID          // instances of calls before
	begins  map[place]graph.TensorID          // the same, of those that do not start at zero
	warm    map[[2]int]graph.TensorID         // masks of frames before the first
	pairs   []graph.State
	outputs []output
	tail    map[graph.TensorID]int // frames of outputs of the window that a stream does not have
}

// place is an instance, so many frames before the newest one or, of states, the newest
// one of the call before.
type place struct {
	id   graph.TensorID
	back int
}

func newBuilder(s *stepper, depth map[graph.TensorID]int) *builder {
	return &builder{
		s: s, g: &graph.Graph{Name: s.g.Name}, names: map[string]bool{}, depth: depth, kept: map[graph.TensorID]int{},
		statics: map[graph.TensorID]graph.TensorID{}, seq: map[graph.TensorID]graph.TensorID{}, moments: map[place]graph.TensorID{},
		rings: map[graph.TensorID]graph.TensorID{}, whole: map[graph.TensorID]graph.TensorID{}, states: map[place]graph.TensorID{}, begins: map[place]graph.TensorID{},
		warm: map[[2]int]graph.TensorID{}, tail: map[graph.TensorID]int{},
	}
}

// run writes everything.
func (b *builder) run() {
	s := b.s
	stateIn, stateOut := map[graph.TensorID]bool{}, map[graph.TensorID]bool{}
	for _, p := range s.g.States {
		stateIn[p.In], stateOut[p.Out] = true, true
	}
	for _, ids := range [][]graph.TensorID{s.g.Inputs, s.g.Outputs} {
		for _, id := range ids {
			b.names[s.g.Tensors[id].Name] = true
		}
	}
	for _, id := range s.g.Inputs {
		if !stateIn[id] {
			t := *s.g.Tensors[id]
			t.Shape = b.resized(id, s.of[id])
			b.seq[id] = b.append(&t, id)
			b.g.Inputs = append(b.g.Inputs, b.seq[id])
		}
	}
	for _, id := range s.g.Outputs {
		if !stateOut[id] {
			b.output(id)
		}
	}
	declared := b.declared()
	for done := 0; done < len(b.rings)+len(b.states); { // writing one may ask for another
		done = len(b.rings) + len(b.states)
		for id := range sortedKeys(b.rings) {
			b.frames(id, 0, 1)
		}
		for p := range sortedPlaces(b.states) {
			b.instance(p.id, p.back-1)
		}
	}
	for id := range sortedKeys(b.rings) {
		m, n, d := s.of[id], b.count(s.of[id]), b.kept[id]
		var out graph.TensorID
		if n >= d {
			out = b.cut(b.new(id), m.axis, n-d, d, s.name(id))
		} else {
			out = b.cut(b.whole[id], m.axis, n, d, s.name(id))
		}
		b.state(b.rings[id], out)
	}
	for p := range sortedPlaces(b.states) {
		b.state(b.states[p], b.instance(p.id, p.back-1))
	}
	for _, key := range slices.SortedFunc(maps.Keys(b.warm), func(x, y [2]int) int { return slices.Compare(x[:], y[:]) }) {
		b.masked(key)
	}
	for _, p := range b.pairs {
		b.g.Inputs, b.g.Outputs = append(b.g.Inputs, p.In), append(b.g.Outputs, p.Out)
	}
	b.g.States = b.pairs
	b.rename(declared)
}

// output writes a data output of the windowed graph.
func (b *builder) output(id graph.TensorID) {
	s := b.s
	m := s.of[id]
	var got graph.TensorID
	switch m.kind {
	case sequence:
		if b.tail[id] = s.tail(m); b.tail[id] == 0 {
			s.notYet(s.made[id], m)
		}
		got = b.frames(id, 0, b.count(m))
	case instance:
		got = b.instance(id, 0)
	default:
		panic(refusal{fmt.Errorf("output %q has the same value at every call: no input has a part in it", s.g.Tensors[id].Name), s.at})
	}
	if slices.Contains(b.g.Inputs, got) || slices.Contains(b.g.Outputs, got) || b.g.Tensors[got].IsConst() {
		got = b.copied(got, id)
	}
	b.g.Tensors[got].Name = s.g.Tensors[id].Name
	b.g.Outputs = append(b.g.Outputs, got)
	b.outputs = append(b.outputs, output{id: id, step: got, moment: m})
}

// copied is a tensor of the same value.
func (b *builder) copied(id, of graph.TensorID) graph.TensorID {
	return b.one(graph.Reshape, graph.ReshapeAttr{}, b.s.name(of), of, b.g.Tensors[id].Shape, id)
}

// state ends a state: it becomes out.
func (b *builder) state(in, out graph.TensorID) {
	taken := slices.Contains(b.g.Inputs, out) || slices.Contains(b.g.Outputs, out) || b.g.Tensors[out].IsConst()
	for _, p := range b.pairs {
		taken = taken || p.Out == out || p.In == out
	}
	for _, id := range b.rings {
		taken = taken || id == out
	}
	for _, id := range b.states {
		taken = taken || id == out
	}
	if taken {
		old := out
		out = b.one(graph.Reshape, graph.ReshapeAttr{}, "state", graph.None, b.g.Tensors[old].Shape, old)
		b.from[out] = b.from[old]
	}
	b.g.Tensors[out].Name = b.unique(b.g.Tensors[in].Name + "_out")
	b.pairs = append(b.pairs, graph.State{In: in, Out: out})
}

// declared returns the names of states of the windowed graph, by the instance that
// comes out of it.
func (b *builder) declared() map[graph.TensorID]graph.State {
	out := map[graph.TensorID]graph.State{}
	for _, p := range b.s.g.States {
		id := p.Out
		for op := b.s.made[id]; op != nil && b.s.of[id].kind == instance; op = b.s.made[id] {
			out[id] = p
			if op.Kind != graph.Reshape && op.Kind != graph.Squeeze && op.Kind != graph.ExpandDims && op.Kind != graph.Transpose {
				break
			}
			id = op.Inputs[0]
		}
	}
	return out
}

// rename gives states the names that the windowed graph declares for them.
func (b *builder) rename(declared map[graph.TensorID]graph.State) {
	for p := range sortedPlaces(b.states) {
		d, ok := declared[p.id]
		if !ok || p.back != 1 {
			continue
		}
		for _, pair := range b.pairs {
			if pair.In == b.states[p] {
				b.g.Tensors[pair.In].Name, b.g.Tensors[pair.Out].Name = b.s.g.Tensors[d.In].Name, b.s.g.Tensors[d.Out].Name
			}
		}
	}
}

// count is the number of frames of a call.
func (b *builder) count(m moment) int { return b.s.steps / m.rate }

// resized is the shape of a sequence with the frames of a call.
func (b *builder) resized(id graph.TensorID, m moment) []int {
	shape := append([]int(nil), b.s.shape(id)...)
	shape[m.axis] = b.count(m)
	return shape
}

// new returns the frames of a sequence that a call brings.
func (b *builder) new(id graph.TensorID) graph.TensorID {
	id = b.s.rooted(id)
	if got, ok := b.seq[id]; ok {
		return got
	}
	if one := b.s.emitOne[id]; one != nil {
		one(b)
	} else {
		b.s.emit[b.s.made[id]](b)
	}
	if b.s.mask[id] {
		m := b.s.of[id]
		shape := make([]int, len(b.s.shape(id)))
		for d := range shape {
			shape[d] = 1
		}
		n := b.count(m)
		shape[m.axis] = n
		mask := b.one(graph.Reshape, graph.ReshapeAttr{}, "started", graph.None, shape, b.mask(m))
		b.seq[id] = b.one(graph.Mul, graph.MulAttr{}, b.s.name(id), id, b.g.Tensors[b.seq[id]].Shape, b.seq[id], mask)
	}
	return b.seq[id]
}

// late returns the frames of a sequence that belong to those of a call of m.
func (b *builder) late(id graph.TensorID, m moment) graph.TensorID {
	x := b.s.of[id]
	lag := x.newest(b.s.window) - m.newest(b.s.window)
	n := b.count(x)
	return b.frames(id, -lag, n)
}

// until returns the frames of a sequence up to one of the window at its end, which
// the end of a call stands for.
func (b *builder) until(id graph.TensorID, last, n int) graph.TensorID {
	x := b.s.of[id]
	end := b.count(x) - 1 - (x.newest(b.s.window) - last)
	return b.frames(id, end-n+1, n)
}

// frames returns n frames of a sequence; frame 0 is the first new one of a call, and
// negative ones come from a ring.
func (b *builder) frames(id graph.TensorID, first, n int) graph.TensorID {
	axis := b.s.of[id].axis
	root := b.s.rooted(id)
	if first >= 0 {
		return b.cut(b.new(root), axis, first, n, b.s.name(root))
	}
	b.kept[root] = max(b.kept[root], -first)
	depth := max(b.depth[root], b.kept[root])
	if _, ok := b.rings[root]; !ok {
		shape := append([]int(nil), b.s.shape(root)...)
		shape[axis] = depth
		ring := b.fed("state_"+b.s.name(root), root, shape)
		b.rings[root] = ring
		fresh := b.new(root)
		before := ring
		if b.s.first[root] {
			before = b.begun(ring, fresh, axis)
		} else if v := b.s.initial(root, depth); v != nil {
			before = b.startedFrom(ring, v)
		}
		shape[axis] += b.count(b.s.of[root])
		b.whole[root] = b.one(graph.Concatenation, graph.ConcatenationAttr{Axis: axis}, b.s.name(root)+"_and_before", root, shape, before, fresh)
	}
	return b.cut(b.whole[root], axis, depth+first, n, b.s.name(root))
}

// instance returns the value that id is at the end of the window, back frames before.
func (b *builder) instance(id graph.TensorID, back int) graph.TensorID {
	s := b.s
	if l, ok := s.leaves[id]; ok {
		return b.leaf(id, l, back)
	}
	id, before, newest := s.top(id)
	back += before
	n := b.count(s.of[id])
	if back >= n {
		p := place{id, back - n + 1}
		if _, ok := b.states[p]; ok {
			return b.before(p)
		}
		name := "state_" + s.name(id)
		if p.back > 1 {
			name += fmt.Sprintf("_%d", p.back)
		}
		b.states[p] = b.fed(name, id, s.shape(id))
		if v := s.initialState(id, p.back); v != nil {
			b.begins[p] = b.startedFrom(b.states[p], v)
		}
		return b.before(p)
	}
	p := place{id, back}
	if got, ok := b.moments[p]; ok {
		return got
	}
	op := s.made[id]
	next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
	for _, in := range op.Inputs {
		if in != graph.None && !newest && s.reads(in) {
			s.refuse(op, "it is of frame %d of the window, and nothing computes it in the same way for the frame after that", s.of[id].at)
		}
		switch {
		case in == graph.None || s.of[in].kind == static:
			next.Inputs = append(next.Inputs, b.optional(in))
		case s.of[in].kind == sequence:
			m := s.of[in]
			next.Inputs = append(next.Inputs, b.until(in, m.count-1-back, m.count))
		default:
			next.Inputs = append(next.Inputs, b.instance(in, back))
		}
	}
	for _, out := range op.Outputs {
		next.Outputs = append(next.Outputs, b.fed(s.name(out), out, s.shape(out)))
	}
	b.g.Ops = append(b.g.Ops, next)
	for i, out := range op.Outputs {
		got := next.Outputs[i]
		if m := s.of[out]; m.since >= m.rate && s.carried(out) {
			mask := b.cut(b.mask(moment{kind: sequence, rate: m.rate, at: m.since}), 0, n-1-back, 1, "started")
			ones := make([]int, len(s.shape(out)))
			for d := range ones {
				ones[d] = 1
			}
			mask = b.one(graph.Reshape, graph.ReshapeAttr{}, "started", graph.None, ones, mask)
			got = b.one(graph.Mul, graph.MulAttr{}, s.name(out), out, s.shape(out), got, mask)
		}
		b.moments[place{out, back}] = got
	}
	return b.moments[p]
}

// before returns a state as what reads it sees it.
func (b *builder) before(p place) graph.TensorID {
	if got, ok := b.begins[p]; ok {
		return got
	}
	return b.states[p]
}

// reads reports whether an input of an instance is a frame itself, or several.
func (s *stepper) reads(id graph.TensorID) bool {
	_, isLeaf := s.leaves[id]
	return isLeaf || s.of[id].kind == sequence
}

// carried reports whether the newest instance is computed from the one before: a state,
// which has to be at its reset value before its first frame.
func (s *stepper) carried(id graph.TensorID) bool {
	before, ok := s.earlier[id]
	if !ok {
		return false
	}
	seen := map[graph.TensorID]bool{}
	var depends func(at graph.TensorID) bool
	depends = func(at graph.TensorID) bool {
		if at == before {
			return true
		}
		if at == graph.None || seen[at] || s.of[at].kind != instance || s.made[at] == nil {
			return false
		}
		seen[at] = true
		_, isLeaf := s.leaves[at]
		if _, older := s.later[at]; isLeaf || older {
			return false
		}
		return slices.ContainsFunc(s.made[at].Inputs, depends)
	}
	return depends(id)
}

// leaf returns one frame of a sequence in the shape of id.
func (b *builder) leaf(id graph.TensorID, l leaf, back int) graph.TensorID {
	p := place{id, back}
	if got, ok := b.moments[p]; ok {
		return got
	}
	got := b.until(l.from, l.index-back, 1)
	if l.spans != nil {
		got = b.strided(got, l.spans, b.s.name(id))
	}
	if !slices.Equal(b.g.Tensors[got].Shape, b.s.shape(id)) {
		got = b.one(graph.Reshape, graph.ReshapeAttr{}, b.s.name(id), id, b.s.shape(id), got)
	}
	b.moments[p] = got
	return got
}

// optional is static for inputs that may be absent.
func (b *builder) optional(id graph.TensorID) graph.TensorID {
	if id == graph.None {
		return id
	}
	return b.static(id)
}

// static returns what no input has a part in.
func (b *builder) static(id graph.TensorID) graph.TensorID {
	if got, ok := b.statics[id]; ok {
		return got
	}
	t := *b.s.g.Tensors[id]
	if t.IsConst() {
		b.statics[id] = b.append(&t, graph.None)
		return b.statics[id]
	}
	op := b.s.made[id]
	if op == nil {
		panic(refusal{fmt.Errorf("state %q is used for more than the start of a recurrence; give the network without --steps, or without that state", t.Name), b.s.at})
	}
	next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
	for _, in := range op.Inputs {
		next.Inputs = append(next.Inputs, b.optional(in))
	}
	for _, out := range op.Outputs {
		t := *b.s.g.Tensors[out]
		b.statics[out] = b.append(&t, out)
		next.Outputs = append(next.Outputs, b.statics[out])
	}
	b.g.Ops = append(b.g.Ops, next)
	return b.statics[id]
}

// oneFrame is a constant that is joined with n frames, for as many.
func (b *builder) oneFrame(op *graph.Op, id graph.TensorID, axis, n int) graph.TensorID {
	t := b.s.g.Tensors[id]
	if !sameAlong(t, axis) {
		b.s.refuse(op, "%q differs from frame to frame, and a step does not know its place in the window: not the same at every time", t.Name)
	}
	next := *t
	next.Shape = append([]int(nil), t.Shape...)
	next.Shape[axis] = n
	size := graph.Elems(t.Shape[axis+1:]) * t.Type.Size()
	next.Data = []byte{}
	for outer := range graph.Elems(t.Shape[:axis]) {
		block := t.Data[outer*t.Shape[axis]*size:][:size]
		next.Data = append(next.Data, bytes.Repeat(block, n)...)
	}
	return b.append(&next, graph.None)
}
