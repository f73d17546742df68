// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/memory"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Variant is one way to compile a graph. The passes are given it and do not change it.
type Variant struct {
	Rows  int  // at most so many rows become one kernel's: 0 for no limit, schedule.NoRows for none
	Room  int  // SRAM bytes for resident weights, -1 for no limit
	Tight bool // prefer small feature maps to few kernels, and states apart
	Spill bool // feature maps lie in the arena, not in the scratch beside it
}

// Trial is a variant and what became of it.
type Trial struct {
	Variant
	Err     error // it does not compile, or does not fit
	SRAM    int   // bytes that it takes
	Weights int   // bytes of its encoded weights
	Joined  int   // the most rows that became one kernel's, in any variant tried for it

	ops, kernels int  // of the graph and of the program
	maps         bool // Tight makes a difference

	free   int64        // cycles without a limit, where that does not fit
	bound  bool         // it does not
	result *compilation // nil where only the figures are kept, see Variant.asked
	total  int64
}

// cycles returns the estimate of the whole program.
func (t *Trial) cycles() int64 {
	if t.Err == nil && t.total == 0 {
		r, err := perf.Estimate(t.result.program())
		if err != nil {
			t.Err = fmt.Errorf("BUG: %w", err)
		}
		t.total = r.Total
	}
	return t.total
}

// Limit is the SRAM that there is.
type Limit struct {
	SRAM    int  // bytes, 0 for any number
	Scratch bool // it is a scratch beside an arena elsewhere

	// Price is what a byte of SRAM has to gain where there is no limit, in cycles; only that
	// of the Ethos-U85 is above 0.
	Price float64
}

func (l Limit) fits(t *Trial) bool { return l.SRAM == 0 || t.Err == nil && t.SRAM <= l.SRAM }

// Decision is one that no pass can take, because only the program shows which variant is
// better.
type Decision struct {
	Name string
	Doc  string

	// Next returns the variant to try after those that were tried for the given one, and
	// false when there is none.
	Next func(l Limit, of Variant, tried []Trial) (Variant, bool)

	// Win returns the one to take of at least one that were tried.
	Win func(l Limit, tried []Trial) Trial
}

// Strategy is the decisions in order. A trial of one is what the next ones make of it.
var Strategy = []Decision{
	{Name: "rows", Doc: "let one kernel do the same of all steps, where the program has fewer cycles; under a budget half as many rows, or a quarter", Next: nextRows, Win: fewestCycles},
	{Name: "room", Doc: "give weights the room that they like; where that is too much the room, and ordinary or tight feature maps, with which what fits is fastest", Next: nextRoom, Win: bestThatFits},
}

// explorer compiles the variants of a graph.
type explorer struct {
	g  *graph.Graph
	in input

	// For feature maps in the scratch, and for such in the arena.
	memories [2]*memory.Map
	memos    [2]*schedule.Memo

	free   map[Variant]Trial // those with any room for weights or none, which are asked for again
	shared map[Variant]Trial // of Budgets all of them, else nil

	// Those with a limited room, of which several keep the same weights.
	kept      map[keptKey]Trial
	residency map[Variant]*schedule.Residency // by variants without their room
}

// keptKey is what a program with a limited room depends on: the variant but for its room,
// and the weights that are kept.
type keptKey struct {
	Variant
	weights string
}

// explore tries what the decisions say, starting with variant v, and returns the winner.
func (e *explorer) explore(decisions []Decision, v Variant) Trial {
	if len(decisions) == 0 {
		return e.try(v)
	}
	l := Limit{SRAM: e.in.sramLimit(), Scratch: e.in.Mode.Spills()}
	if e.in.Accel.OwnMemories {
		l.Price = schedule.SRAMPrice
	}
	var tried []Trial
	joined := 0
	for {
		next, ok := decisions[0].Next(l, v, tried)
		if !ok {
			break
		}
		t := e.explore(decisions[1:], next)
		joined = max(joined, t.Joined)
		tried = append(tried, t)
	}
	t := decisions[0].Win(l, tried)
	t.Joined = joined
	return t
}

func (e *explorer) try(v Variant) Trial {
	if e.shared != nil {
		return e.share(v)
	}
	if t, ok := e.free[v]; ok {
		return t
	}
	t := e.compile(v)
	if v.asked() && len(e.g.Ops) <= long {
		e.free[v] = t
	}
	return t
}

// asked reports whether more than the figures of a variant is asked for: it gives weights
// any room or none.
func (v *Variant) asked() bool { return v.Room <= 0 && !v.Tight && !v.Spill }

// compile compiles a variant, but not one that keeps the weights in SRAM which another one
// keeps in another room. Of those that nobody asks more of only the figures are kept.
func (e *explorer) compile(v Variant) Trial {
	if v.asked() {
		return e.compileAlone(v, nil)
	}
	limited := v.Room >= 0 && !e.in.Accel.OwnMemories // an Ethos-U85 weighs the room again, later
	anyRoom := v
	anyRoom.Room = 0
	weights, weighed := e.residency[anyRoom]
	if limited && weighed {
		if t, ok := e.kept[keptKey{anyRoom, weights.Kept(v.Room)}]; ok {
			t.Variant = v
			return t
		}
	}
	t := e.compileAlone(v, func(r *schedule.Residency) { weights, weighed = r, true })
	t.cycles()
	t.result = nil
	if limited && weighed {
		e.residency[anyRoom] = weights
		e.kept[keptKey{anyRoom, weights.Kept(v.Room)}] = t
	}
	return t
}

// program returns the program of a trial.
func (e *explorer) program(t *Trial) *ethosu.Program {
	if t.result == nil {
		*t = e.compileAlone(t.Variant, nil)
	}
	return t.result.program()
}

// compileAlone compiles a variant. Weigh is given what its weights gain in SRAM; it may be nil.
func (e *explorer) compileAlone(v Variant, weigh func(*schedule.Residency)) Trial {
	c := &compilation{g: e.g, in: e.in, weigh: weigh}
	c.in.Variant, c.in.memory, c.in.memo = v, e.memories[0], e.memos[0]
	if v.Spill {
		c.in.memory, c.in.memo = e.memories[1], e.memos[1]
	}
	t := Trial{Variant: v, Err: c.run(), ops: len(e.g.Ops), result: c}
	if c.plan != nil {
		t.Joined, t.kernels = c.plan.Joined, c.kernels()
	}
	if t.Err == nil {
		t.Weights = c.plan.WeightBytes()
		t.SRAM = c.in.memory.SRAM(c.layout.Arena, c.layout.Fast)
		t.maps = len(c.module.States) > 0 || slices.ContainsFunc(e.g.Ops, func(op *graph.Op) bool { return op.Kind == graph.UnidirectionalSequenceLSTM })
	}
	return t
}

// nextRows lets any number of rows become one kernel's, then none, if any did. Where what
// is best without a limit does not fit, the results may live too long for all rows at once
// to fit, or to pay: half of them are tried, a quarter and an eighth. So many rows as a long
// program has are one kernel's, where they fit.
func nextRows(l Limit, v Variant, tried []Trial) (Variant, bool) {
	switch n := len(tried); {
	case n == 0:
		v.Rows = 0
		return v, true
	case n == 1:
		v.Rows = schedule.NoRows
		all := &tried[0]
		return v, all.Joined > 0 && (all.ops <= long || all.Err != nil || all.bound)
	case n > 4 || !tried[unlimited(tried)].bound:
		return v, false
	}
	v.Rows = tried[0].Joined
	for range len(tried) - 1 {
		v.Rows = (v.Rows + 1) / 2
	}
	return v, v.Rows >= 2 && tried[0].ops <= long
}

// long is the number of operators from which on only the ends of a decision are tried.
const long = 2000

// unlimited returns the cycles without a limit, 0 where it does not compile so.
func (t *Trial) unlimited() int64 {
	switch {
	case t.bound:
		return t.free
	case t.Err != nil:
		return 0
	}
	return t.cycles()
}

// unlimited returns which of the trials of all rows and of none is best without a limit.
func unlimited(tried []Trial) int {
	if len(tried) > 1 && tried[1].unlimited() > 0 && (tried[0].unlimited() == 0 || tried[1].unlimited() < tried[0].unlimited()) {
		return 1
	}
	return 0
}

// fewestCycles takes the first of the trials with the fewest cycles, or the first error.
// Where a limit binds, none is taken that is faster than what is best without a limit:
// with more room nobody would get it, and more room must not cost.
func fewestCycles(_ Limit, tried []Trial) Trial {
	if len(tried) == 1 {
		return tried[0]
	}
	least, best := tried[unlimited(tried)].unlimited(), -1
	for i := range tried {
		t := &tried[i]
		if t.Err == nil && t.cycles() >= least && (best < 0 || t.cycles() < tried[best].cycles()) {
			best = i
		}
	}
	return tried[max(best, 0)]
}

// rooms is the number of steps from no room for weights to room for all.
const rooms = 128

// near is how many rooms below the largest that fits are tried, too.
const near = 2

// spread is about what the rooms that are always tried cost together, in kernels that are
// compiled: all of them for a GRU of 28 steps. There are none for programs that are long.
// With feature maps that are not the ordinary ones, and for an Ethos-U85, where no two rooms
// are known to keep the same, it is lessSpread, and at most lessRooms are tried.
const spread, lessSpread, lessRooms = 40000, 2000, 32

// nextRoom gives weights the room that they like. When that is more than there is, it
// looks for the largest of a number of rooms with which the program fits, once with
// ordinary and, where that makes a difference, once with tight feature maps, and beside a
// scratch again with such in the arena; it tries some just below, and others that are
// spread over all. The rooms do not depend on the limit, so that a larger limit finds what
// a smaller one does.
func nextRoom(l Limit, v Variant, tried []Trial) (Variant, bool) {
	if len(tried) == 0 {
		v.Room, v.Tight, v.Spill = -1, false, false
		return v, true
	}
	free := &tried[0]
	if len(tried) == 1 && free.Err == nil && free.kernels <= few {
		v.Room, v.Tight, v.Spill = 0, false, false
		return v, true
	}
	if len(tried) == 2 && l.Price > 0 && l.Scratch && free.Err == nil && free.kernels <= few {
		v.Room, v.Tight, v.Spill = 0, false, true
		return v, true
	}
	if free.Err != nil || l.fits(freest(l, tried)) {
		return v, false
	}
	best := freest(l, tried).cycles()
	for maps := range 4 {
		if v.Tight, v.Spill = maps&1 != 0, maps&2 != 0; v.Spill && !l.Scratch {
			break
		}
		if v.Tight && !free.maps {
			continue
		}
		// What is known of the rooms. One with which the program is faster than without a
		// limit is too large: it will not be taken, and the largest that will is looked for.
		fits := map[int]bool{}
		for i := range tried[1:] {
			if t := &tried[1+i]; t.Tight == v.Tight && t.Spill == v.Spill {
				fits[t.step(free)] = l.fits(t) && t.cycles() >= best
			}
		}
		for _, k := range search(fits, spreadOf(l, free, maps == 0)) {
			if _, known := fits[k]; !known {
				v.Room = free.room(k)
				return v, true
			}
		}
	}
	return v, false
}

// few is the number of kernels up to which no room is tried as well where any is to be had:
// so short a program may wait for its weights longer than it reads them.
const few = 100

// freest returns what is best without a limit of the trials of one number of rows: that
// with any room, or in a short program one of those with none.
func freest(l Limit, tried []Trial) *Trial {
	best := &tried[0]
	if best.Err != nil || best.kernels > few {
		return best
	}
	others := tried[1:min(len(tried), 2)]
	if l.Price > 0 && l.Scratch {
		others = tried[1:min(len(tried), 3)]
	}
	for i := range others {
		if t := &others[i]; t.Err == nil && l.cost(t) < l.cost(best) {
			best = t
		}
	}
	return best
}

// cost is the cycles of a program and the price of its SRAM.
func (l Limit) cost(t *Trial) float64 { return float64(t.cycles()) + float64(float64(t.SRAM)*l.Price) }

// room returns the bytes of room k for a program whose weights took any.
func (t *Trial) room(k int) int { return k * max(t.Weights, rooms) / rooms }

// step returns which of the rooms a trial had, given one that had any.
func (t *Trial) step(free *Trial) int {
	k := 0
	for k < rooms && free.room(k) < t.Room {
		k++
	}
	return k
}

// spreadOf returns how many rooms are tried for any limit, with feature maps that are
// ordinary or not.
func spreadOf(l Limit, free *Trial, ordinary bool) int {
	if free.kernels > long {
		return 0
	}
	most, cost := rooms, spread
	if l.Price > 0 || !ordinary {
		most, cost = lessRooms, lessSpread
	}
	n := 4 // what Curve shows
	for n < most && n*free.kernels < cost {
		n *= 2
	}
	return n
}

// search returns the rooms to try in order: all of them where so many are tried for any
// limit. Else those that halve what is between the largest that is known to fit and the
// least that is known not to, then the ones below it, then the spread ones that may fit.
func search(fits map[int]bool, spread int) []int {
	lo, hi := 0, rooms // all below lo fit, as far as they go
	var list []int
	if spread == rooms {
		for k := rooms; k >= 0; k-- {
			list = append(list, k)
		}
		return list
	}
	for _, k := range []int{rooms, 0} {
		list = append(list, k)
		ok, known := fits[k]
		if !known || k == 0 && !ok {
			return list
		}
		if k == rooms && ok {
			lo = rooms
			break
		}
	}
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		list = append(list, mid)
		ok, known := fits[mid]
		if !known {
			return list
		}
		if ok {
			lo = mid
		} else {
			hi = mid
		}
	}
	for k := lo - 1; k >= max(lo-near, 0); k-- {
		list = append(list, k)
	}
	for i := spread - 1; i >= 0; i-- {
		if k := i * rooms / spread; k < lo {
			list = append(list, k)
		}
	}
	return list
}

// bestThatFits takes the fewest cycles of those that fit; of equals the least SRAM. What
// would be faster than the program without a limit is not taken: with more room nobody
// would get it, and more room must not cost.
func bestThatFits(l Limit, tried []Trial) Trial {
	free := freest(l, tried)
	if free.Err != nil || l.fits(free) {
		return *free
	}
	best, least := -1, 0
	for i := range tried {
		t := &tried[i]
		if t.Err != nil {
			continue
		}
		if t.SRAM < tried[least].SRAM {
			least = i
		}
		if !l.fits(t) || t.cycles() < free.cycles() {
			continue
		}
		if best < 0 || t.cycles() < tried[best].cycles() || t.cycles() == tried[best].cycles() && t.SRAM < tried[best].SRAM {
			best = i
		}
	}
	t := tried[least]
	switch {
	case best >= 0:
		t = tried[best]
	case !l.fits(&t):
		t.Err = fmt.Errorf("feature maps alone need %d bytes of SRAM, the limit is %d: raise the budget, or the cache size of the memory mode", t.SRAM, l.SRAM)
	}
	t.free, t.bound = free.cycles(), true
	return t
}
