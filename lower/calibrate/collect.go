package calibrate

import (
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

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

// chunk is the number of sequences that run as one batch.
const chunk = 32

// settled is the growth of a range, relative to its width, below which another
// round of carried states has nothing to add.
const settled = 0.01

// Collect runs the plan's graph on samples, each a sequence of rows of the
// input's features (float, standardized), and returns the observed values of
// every role. With state inputs, sequence i goes on with samples i+1, i+2, …
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
	exec, err := floatexec.New(plan.Graph)
	if err != nil {
		return nil, 0, err
	}
	if o.Rounds == 0 {
		o.Rounds = 8
	}
	c := &collector{plan: plan, exec: exec, samples: samples, seen: map[string]*Observation{}}
	for _, r := range plan.Roles() {
		c.seen[r] = newObservation()
	}
	rounds, err := c.extremes(o.Rounds)
	if err != nil {
		return nil, 0, err
	}
	for r, ob := range c.seen {
		if math.IsNaN(float64(ob.Min)) || math.IsInf(float64(ob.Min), 0) || math.IsNaN(float64(ob.Max)) || math.IsInf(float64(ob.Max), 0) {
			return nil, 0, fmt.Errorf("network %q: values of %q are not finite (%v to %v): the weights diverge on the calibration samples", plan.Graph.Name, r, ob.Min, ob.Max)
		}
		ob.open()
	}
	if _, err := c.pass(rounds, func(ob *Observation, row []float32) { ob.count(row) }, nil); err != nil {
		return nil, 0, err
	}
	return c.seen, rounds, nil
}

type collector struct {
	plan    *unroll.Plan
	exec    *floatexec.Exec
	samples [][]float32
	seen    map[string]*Observation
}

// extremes finds least and greatest values and how many rounds that takes.
func (c *collector) extremes(most int) (int, error) {
	if len(c.plan.Graph.States) == 0 {
		most = 1
	}
	before := map[string][2]float32{}
	return c.pass(most, func(ob *Observation, row []float32) { ob.extend(row) }, func() bool {
		grew := false
		for r, ob := range c.seen {
			b, ok := before[r]
			width := ob.Max - ob.Min
			if !ok || b[0]-ob.Min > settled*width || ob.Max-b[1] > settled*width {
				grew = true
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
	g := c.plan.Graph
	var lanes []*lane
	for at := 0; at < len(c.samples); at += chunk {
		lanes = append(lanes, newLane(c, at, min(chunk, len(c.samples)-at), note))
	}
	inputs := g.Tensors[g.Inputs[0]]
	steps, features := inputs.Shape[1], inputs.Shape[2]
	calls := max(1, len(c.samples[0])/features/steps)
	for round := range rounds {
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for _, l := range lanes {
			group.Go(func() error {
				for range calls {
					if err := l.call(); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
		for _, l := range lanes {
			l.merge(c.seen)
		}
		if more != nil && !more() {
			return round + 1, nil
		}
	}
	return rounds, nil
}

// lane is a batch of sequences that is carried through all rounds.
type lane struct {
	c       *collector
	first   int // sample that sequence 0 starts with
	batch   int
	at      int // value of the stream that comes next
	runner  *floatexec.Runner
	inputs  [][]float32
	own     map[string]*Observation
	stateOf map[graph.TensorID]int // index of a state input by its output
	between bool                   // the running call ends inside a sequence
}

func newLane(c *collector, first, batch int, note func(*Observation, []float32)) *lane {
	g := c.plan.Graph
	l := &lane{c: c, first: first, batch: batch, runner: c.exec.Runner(), own: map[string]*Observation{}, stateOf: map[graph.TensorID]int{}}
	for _, id := range g.Inputs {
		l.inputs = append(l.inputs, make([]float32, batch*g.Tensors[id].Elems()))
	}
	for _, s := range g.States {
		for i, id := range g.Inputs {
			if id == s.In {
				l.stateOf[s.Out] = i
			}
		}
	}
	for r, ob := range c.seen {
		l.own[r] = ob.fresh()
	}
	l.runner.Visit = func(id graph.TensorID, v floatexec.View) {
		if r := c.plan.Role[id]; r != "" && !(l.between && c.plan.Head[r]) {
			for b := range batch {
				note(l.own[r], v.Row(b))
			}
		}
	}
	return l
}

// call feeds the next steps of every sequence and carries the states over.
func (l *lane) call() error {
	n := len(l.inputs[0]) / l.batch
	for b := range l.batch {
		dst, at := l.inputs[0][b*n:(b+1)*n], l.at
		for len(dst) > 0 {
			size := len(l.c.samples[0])
			s := l.c.samples[(l.first+b+at/size)%len(l.c.samples)]
			k := copy(dst, s[at%size:])
			dst, at = dst[k:], at+k
		}
	}
	l.at += n
	size := len(l.c.samples[0])
	l.between = size%n == 0 && l.at%size != 0
	out, err := l.runner.Run(l.batch, l.inputs)
	if err != nil {
		return err
	}
	for o, id := range l.c.plan.Graph.Outputs {
		if i, ok := l.stateOf[id]; ok {
			for b := range l.batch {
				copy(l.inputs[i][b*out[o].N:], out[o].Row(b))
			}
		}
	}
	return nil
}

// merge hands what the lane has gathered over and starts anew.
func (l *lane) merge(into map[string]*Observation) {
	for r, ob := range l.own {
		into[r].merge(ob)
		l.own[r] = into[r].fresh()
	}
}
