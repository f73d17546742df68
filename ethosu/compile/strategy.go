package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Variant is one way to compile a graph. The passes are given it and do not change it.
type Variant struct {
	Rows  int  // at most so many rows become one kernel's: 0 for no limit, schedule.NoRows for none
	Room  int  // SRAM bytes for resident weights, -1 for no limit
	Tight bool // prefer small feature maps to few kernels, and states apart
}

// Trial is a variant and what became of it.
type Trial struct {
	Variant
	Err    error // it does not compile, or does not fit
	SRAM   int   // bytes that it takes
	Joined int   // the most rows that became one kernel's, in any variant tried for it

	result *compilation
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
	SRAM     int  // bytes, 0 for any number
	Budgeted bool // by the user, and not only by what the memory mode gives to a scratch
}

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
	{Name: "room", Doc: "give weights less and less room until all fits, then feature maps, too", Next: nextRoom, Win: lastThatFits},
}

// explorer compiles the variants of a graph.
type explorer struct {
	g  *graph.Graph
	in input
}

// explore tries what the decisions say, starting with variant v, and returns the winner.
func (e *explorer) explore(decisions []Decision, v Variant) Trial {
	if len(decisions) == 0 {
		return e.try(v)
	}
	l := Limit{SRAM: e.in.sramLimit(), Budgeted: e.in.SRAMBudget > 0}
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
	c := &compilation{g: e.g, in: e.in}
	c.in.Variant = v
	t := Trial{Variant: v, Err: c.run(), result: c}
	if c.plan != nil {
		t.Joined = c.plan.Joined
	}
	if t.Err == nil {
		t.SRAM = e.in.memory.SRAM(c.layout.Arena, c.layout.Fast)
	}
	return t
}

// nextRows lets any number of rows become one kernel's, then none, if any did. Under a
// budget the results may live too long for all rows at once to fit, or to pay: where none
// are better half of them are tried, or a quarter, until it compiles.
func nextRows(l Limit, v Variant, tried []Trial) (Variant, bool) {
	switch n := len(tried); {
	case n == 0:
		v.Rows = 0
	case n == 1:
		v.Rows = schedule.NoRows
		return v, tried[0].Joined > 0
	case n == 2:
		v.Rows = (tried[0].Joined + 1) / 2
		return v, l.SRAM > 0 && v.Rows >= 2 && tried[1].Err == nil && (tried[0].Err != nil || tried[1].cycles() < tried[0].cycles())
	default:
		v.Rows = tried[n-1].Rows / 2
		return v, v.Rows >= 2 && tried[n-1].Err != nil
	}
	return v, true
}

// fewestCycles takes the first of the trials with the fewest cycles, or the first error.
func fewestCycles(_ Limit, tried []Trial) Trial {
	best := -1
	for i := range tried {
		if tried[i].Err == nil && (best < 0 || tried[i].cycles() < tried[best].cycles()) {
			best = i
		}
	}
	return tried[max(best, 0)]
}

// maxRooms limits the trials with less and less room for weights.
const maxRooms = 13

// nextRoom gives weights the room that they like, when there is no budget. When that is
// more than there is, it takes away from the room what was too much, until nothing is
// left; then it begins anew with tight feature maps.
func nextRoom(l Limit, v Variant, tried []Trial) (Variant, bool) {
	n := len(tried)
	if n == 0 {
		v.Room, v.Tight = -1, false
		if l.Budgeted {
			v.Room = l.SRAM
		}
		return v, true
	}
	last := &tried[n-1]
	over := last.SRAM - l.SRAM
	if last.Err != nil || l.SRAM == 0 || over <= 0 {
		return v, false
	}
	switch {
	case last.Room < 0:
		v.Room, v.Tight = l.SRAM, false
		return v, true
	case last.Room == 0 && last.Tight:
		return v, false
	case last.Room == 0:
		v.Room, v.Tight = l.SRAM, true
		return v, true
	}
	v.Room, v.Tight = last.Room-over, last.Tight
	rooms := 0
	for i := range tried {
		if tried[i].Room >= 0 && tried[i].Tight == last.Tight {
			rooms++
		}
	}
	if last.Tight {
		rooms++
	}
	if v.Room < 16 || rooms > maxRooms {
		v.Room = 0
	}
	return v, true
}

// lastThatFits takes the last trial, when it fits.
func lastThatFits(l Limit, tried []Trial) Trial {
	t := tried[len(tried)-1]
	if t.Err == nil && l.SRAM > 0 && t.SRAM > l.SRAM {
		t.Err = fmt.Errorf("feature maps alone need %d bytes of SRAM, the limit is %d: raise the budget, or the cache size of the memory mode", t.SRAM, l.SRAM)
	}
	return t
}
