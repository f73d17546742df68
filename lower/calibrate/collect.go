// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Options choose how ranges are collected and estimated.
type Options struct {
	Estimator  Estimator
	Percentile float64 // of the Percentile estimator, in percent; 0 is 99.99
	Rounds     int     // most passes that carry the states on; 0 is 8
}

// settled is the growth of a range, relative to its width, below which another
// round of carried states has nothing to add.
const settled = 0.01

// Collect runs the plan's graph on samples, each a sequence of rows of the
// input's features (float, standardized), and returns the observed values of
// every role, and of what products read of it (unroll.Reading). With state inputs, sequence i goes on with samples i+1, i+2, …
// from round to round and so sees the states of a stream. It also returns how
// many rounds ran.
func Collect(plan *unroll.Plan, samples [][]float32, o Options) (map[string]*Observation, int, error) {
	if len(samples) == 0 {
		return nil, 0, fmt.Errorf("calibration needs at least one sample")
	}
	for i, s := range samples {
		for j, v := range s {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, 0, fmt.Errorf("calibration sample %d: value %d is %v; quantization needs finite data", i, j, v)
			}
		}
	}
	if o.Rounds == 0 {
		o.Rounds = 8
	}
	return collect(plan, o, func(exec *floatexec.Exec) lanes { return newLanes(exec, plan.Graph, samples) })
}

// collect observes what fresh lanes run.
func collect(plan *unroll.Plan, o Options, start func(*floatexec.Exec) lanes) (map[string]*Observation, int, error) {
	exec, err := floatexec.NewExact(plan.Graph)
	if err != nil {
		return nil, 0, err
	}
	c := &collector{plan: plan, start: func() lanes { return start(exec) }, seen: map[string]*Observation{}}
	for _, r := range plan.Roles() {
		c.seen[r] = newObservation()
	}
	for _, r := range plan.Readings() {
		c.seen[r.Name] = newObservation()
	}
	rounds, err := c.extremes(o.Rounds)
	if err != nil {
		return nil, 0, err
	}
	for r, ob := range c.seen {
		if ob.Min > ob.Max { // never seen
			ob.Min, ob.Max = 0, 0
		}
		if math.IsNaN(float64(ob.Min)) || math.IsInf(float64(ob.Min), 0) || math.IsNaN(float64(ob.Max)) || math.IsInf(float64(ob.Max), 0) {
			if name := infinite(plan.Graph); name != "" {
				return nil, 0, fmt.Errorf("network %q: values of %q are not finite (%v to %v), since constant %q is not: write it with a number some 10 below the smallest value that it is added to", plan.Graph.Name, r, ob.Min, ob.Max, name)
			}
			return nil, 0, fmt.Errorf("network %q: values of %q are not finite (%v to %v): the weights diverge on the calibration samples", plan.Graph.Name, r, ob.Min, ob.Max)
		}
	}
	if o.Estimator == MinMax {
		return c.seen, rounds, nil
	}
	for _, ob := range c.seen {
		ob.Counts = make([]int64, Bins)
	}
	if _, err := c.pass(rounds, func(ob *Observation, row []float32) { ob.count(row) }, nil); err != nil {
		return nil, 0, err
	}
	return c.seen, rounds, nil
}

// infinite names a constant with values that are not finite, "" where there is none.
func infinite(g *graph.Graph) string {
	for _, t := range g.Tensors {
		if !t.IsConst() || t.Type != graph.Float32 {
			continue
		}
		for i := 0; i+4 <= len(t.Data); i += 4 {
			if v := float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[i:]))); math.IsNaN(v) || math.IsInf(v, 0) {
				return t.Name
			}
		}
	}
	return ""
}

type collector struct {
	plan  *unroll.Plan
	start func() lanes
	seen  map[string]*Observation
}

// extremes finds least and greatest values and how many rounds that takes.
func (c *collector) extremes(most int) (int, error) {
	if len(c.plan.Graph.States) == 0 {
		most = 1
	}
	before, first := map[string][2]float32{}, map[string]float32{}
	return c.pass(most, func(ob *Observation, row []float32) { ob.extend(row) }, func() bool {
		grew := false
		for r, ob := range c.seen {
			b, ok := before[r]
			width := ob.Max - ob.Min
			ob.Growth = 0
			switch {
			case !ok:
				grew, first[r] = true, width
			case b[0]-ob.Min > settled*width || ob.Max-b[1] > settled*width:
				grew, ob.Growth = true, float64(width/max(first[r], 1e-30))
			}
			before[r] = [2]float32{ob.Min, ob.Max}
		}
		return grew
	})
}

// pass runs rounds over all sequences and shows note every row of every role.
// After each round it asks more, if that is given, whether to go on. What note
// gathers must not depend on the order of calls.
func (c *collector) pass(rounds int, note func(*Observation, []float32), more func() bool) (int, error) {
	own := []map[string]*Observation{} // of each lane, merged between rounds
	fresh := func(i int) {
		own[i] = map[string]*Observation{}
		for r, ob := range c.seen {
			own[i][r] = ob.fresh()
		}
	}
	lanes, readings := c.start(), c.plan.ReadingsOf()
	for i, l := range lanes {
		own = append(own, nil)
		fresh(i)
		l.runner.Visit = func(id graph.TensorID, v floatexec.View) {
			r := c.plan.Role[id]
			if r == "" || l.between && c.plan.Head[r] {
				return
			}
			for b := range l.batch {
				note(own[i][r], v.Row(b))
				for _, name := range readings[id] {
					note(own[i][name], v.Row(b))
				}
			}
		}
	}
	for round := range rounds {
		if err := lanes.round(); err != nil {
			return 0, err
		}
		for i := range lanes {
			for r, ob := range own[i] {
				c.seen[r].merge(ob)
			}
			fresh(i)
		}
		if more != nil && !more() {
			return round + 1, nil
		}
	}
	return rounds, nil
}
