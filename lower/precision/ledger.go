// SPDX-License-Identifier: Apache-2.0

package precision

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/graph"
)

type measured struct {
	graph *graph.Graph
	Point
}

// ledger has what was measured, each choice once. Which choices are asked for does not
// depend on who asks first, so neither does what a search finds, nor their number.
type ledger struct {
	ctx   context.Context
	p     Problem
	order []string // of all roles there are

	mu    sync.Mutex
	known map[string]*entry
	count int
}

// entry is a choice: its graph and cost, and what it loses once somebody has asked.
type entry struct {
	l     *ledger
	build sync.Once
	judge sync.Once
	graph *graph.Graph
	cost  float64
	loss  float64

	buildErr, judgeErr error
	useless            error // why the cost is infinite
}

// built returns a choice with its graph and its cost.
func (l *ledger) built(wide map[string]bool) (*entry, error) {
	wide = l.effective(wide)
	var names []string
	for _, r := range l.order {
		if wide[r] {
			names = append(names, r)
		}
	}
	key := strings.Join(names, "\x00")
	l.mu.Lock()
	if l.known == nil {
		l.known = map[string]*entry{}
	}
	e := l.known[key]
	if e == nil {
		e = &entry{l: l}
		l.known[key] = e
	}
	l.mu.Unlock()
	e.build.Do(func() { e.buildErr = e.make(wide, names) })
	return e, e.buildErr
}

// effective leaves out of a choice what makes no difference in it.
func (l *ledger) effective(wide map[string]bool) map[string]bool {
	set := map[string]bool{}
	for _, r := range l.order {
		if of := l.p.Within[r]; wide[r] && (of == "" || wide[of]) {
			set[r] = true
		}
	}
	return set
}

func (e *entry) make(wide map[string]bool, names []string) error {
	l := e.l
	if err := l.ctx.Err(); err != nil {
		return err
	}
	var err error
	if e.graph, err = l.p.Build(wide); err != nil {
		return fmt.Errorf("with 16 bits for %s: %w", list(names), err)
	}
	cost := l.p.Cost
	if cost == nil {
		cost = Traffic
	}
	if e.cost, e.useless = cost(e.graph); e.useless != nil && !math.IsInf(e.cost, 1) {
		return e.useless
	} else if e.useless == nil && math.IsInf(e.cost, 1) {
		e.useless = fmt.Errorf("with 16 bits for %s: the cost is infinite", list(names))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if l.p.Progress != nil {
		l.p.Progress(l.count)
	}
	return nil
}

// measured returns what the choice loses, too.
func (e *entry) measured() (measured, error) {
	e.judge.Do(func() {
		if e.judgeErr = e.l.ctx.Err(); e.judgeErr == nil {
			e.loss, e.judgeErr = e.l.p.Loss(e.graph)
		}
	})
	return measured{e.graph, Point{Loss: e.loss, Cost: e.cost}}, e.judgeErr
}

// together calls f for 0 to n-1, as many at a time as there are processors. Of several
// errors it returns that of the smallest number.
func together(n int, f func(int) error) error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			defer fault.Catch()
			errs[i] = f(i)
			return errs[i]
		})
	}
	if group.Wait() == nil {
		return nil
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "no value"
	}
	return strings.Join(names, ", ")
}
