// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Budgeted is what Compile makes of a graph with one SRAM budget.
type Budgeted struct {
	Budget  int             // bytes of SRAM, 0 for no limit
	Program *ethosu.Program // the same one for all budgets with which it is best
	Err     error           // why there is none
}

// Budgets compiles a graph with each of the budgets as Compile does, but in about the time
// of a few: what a variant of the program takes does not depend on the budget, so every
// variant is compiled once. Graphs with operators for the CPU are refused.
func Budgets(g *graph.Graph, opt Options, budgets []int) ([]Budgeted, error) {
	e, err := newExplorer(g, &opt, places{})
	if err != nil {
		return nil, err
	}
	e.shared = map[Variant]Trial{}
	programs := map[Variant]Budgeted{}
	var list []Budgeted
	for _, n := range budgets {
		e.in.SRAMBudget = n
		t := e.explore(Strategy, Variant{Room: -1})
		b := Budgeted{Budget: n}
		if t.Err != nil {
			b.Err = fmt.Errorf("compile %s: %w", name(g), t.Err)
		} else if known, ok := programs[t.Variant]; ok {
			b.Program, b.Err = known.Program, known.Err
		} else {
			p := e.program(&t)
			b.Program, b.Err = verified(p, t.Err)
			programs[t.Variant] = b
		}
		list = append(list, b)
	}
	return list, nil
}

// share returns the trial of a variant that may have been compiled for another limit.
func (e *explorer) share(v Variant) Trial {
	t, ok := e.shared[v]
	if !ok {
		t = e.compile(v)
		t.cycles()
		e.shared[v] = t
	}
	return t
}
