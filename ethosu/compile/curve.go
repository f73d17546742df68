// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/perf"
)

// Point is one way to run a network: what it takes of the memories and of time.
type Point struct {
	SRAM, Flash int   // bytes
	Cycles      int64 // a call

	// Budget is the Options.SRAMBudget that gives this or better, 0 for the one of the
	// options; WeightsInSRAM says that it is the program with that option.
	Budget        int
	WeightsInSRAM bool
}

// Curve returns what the network of a choice would take with other amounts of SRAM, by
// rising SRAM, without points for which another one is better in both. Of is what the
// choice takes. It is nil for a sequence of streams, a program with parts on the CPU and a
// long one.
func (ch *Choice) Curve(of perf.Figures) ([]Point, error) {
	e := ch.explorer
	if e == nil || of.CPUOps > 0 || len(e.g.Ops) > long {
		return nil, nil // of a long program every point takes seconds
	}
	list := []Point{{SRAM: of.SRAMBytes, Flash: of.FlashBytes, Cycles: of.Cycles}}
	if e.in.WeightsInSRAM || !e.memories[0].SlowConstants(e.in.Accel) {
		return list, nil // nothing would be copied
	}
	e.in.After, e.in.Progress = nil, nil
	less, err := e.withLess()
	if err != nil {
		return nil, err
	}
	list = append(list, less...)
	opt := e.in.Options
	opt.WeightsInSRAM, opt.keep = true, nil
	p, err := compileWith(e.g, opt, places{})
	if err != nil {
		return pareto(list), nil // does not fit
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		return nil, err
	}
	if limit := opt.sramLimit(); limit == 0 || f.SRAMBytes <= limit {
		list = append(list, Point{SRAM: f.SRAMBytes, Flash: f.FlashBytes, Cycles: f.Cycles, WeightsInSRAM: true})
	}
	return pareto(list), nil
}

// withLess returns points of one variant each, which the strategy tries for any limit:
// half of the weights in SRAM, where any are used again, and none of them.
func (e *explorer) withLess() ([]Point, error) {
	free := e.try(Variant{Room: -1})
	if free.Err != nil {
		return nil, nil
	}
	variants := []Variant{{Room: 0}}
	if free.result.plan.Reuses() {
		variants = append(variants, Variant{Room: free.room(rooms / 2)})
	}
	var list []Point
	for _, v := range variants {
		var t Trial
		if v.asked() {
			t = e.try(v)
		} else {
			t = e.compileAlone(v, nil)
		}
		if t.Err != nil {
			continue
		}
		f, err := perf.FiguresOf(t.result.program())
		if err != nil {
			return nil, err
		}
		if f.Cycles < free.cycles() {
			continue
		}
		list = append(list, Point{SRAM: f.SRAMBytes, Flash: f.FlashBytes, Cycles: f.Cycles, Budget: f.SRAMBytes})
	}
	return list, nil
}

// pareto leaves out points for which another one takes no more SRAM and no more cycles.
func pareto(list []Point) []Point {
	slices.SortStableFunc(list, func(a, b Point) int { return cmp.Or(a.SRAM-b.SRAM, int(a.Cycles-b.Cycles)) })
	var keep []Point
	for _, p := range list {
		if n := len(keep); n == 0 || p.Cycles < keep[n-1].Cycles {
			keep = append(keep, p)
		} else if p.Budget == 0 && !p.WeightsInSRAM { // what was compiled is always shown
			keep = append(keep, p)
		}
	}
	return keep
}
