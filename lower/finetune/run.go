// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/elementwise"
)

// chunk is the number of windows that one goroutine takes at once. It is a constant, since
// gradients are summed chunk by chunk.
const chunk = 8

// distillation is a run in progress.
type distillation struct {
	Options
	p       *program
	goal    Goal
	calls   lower.Sequences
	data    []int            // indices of inputs that are fed
	states  []graph.State    // in p.g
	targets []graph.TensorID // what the float graph's outputs are, or are made of, in p.g
	want    *taught          // the targets after every call
	start   *taught          // the states at the end of every window
	scale   []float64        // one over the variance of every target
	trained []graph.TensorID // constants, in p.g
	m, v, g map[graph.TensorID][]float32
	lanes   []*lane
	print   string // of options and data: see State

	at    int                          // steps done
	best  map[graph.TensorID][]float32 // the constants that lost least, nil where those at the start did
	least float64
}

// lane is the tapes of the calls of some windows.
type lane struct{ tapes []*tape }

// place is a window: a sequence and its first call.
type place struct{ sequence, call int }

func newDistillation(ctx context.Context, original, arranged, integers *graph.Graph, calls lower.Sequences, o Options) (*distillation, error) {
	p, err := newProgram(arranged, integers, o.Levels)
	if err != nil {
		return nil, err
	}
	if err := trainable(arranged); err != nil {
		return nil, err
	}
	d := &distillation{Options: o, p: p, calls: calls, data: calibrate.DataInputs(arranged), states: arranged.States,
		m: map[graph.TensorID][]float32{}, v: map[graph.TensorID][]float32{}, g: map[graph.TensorID][]float32{}}
	for _, id := range p.order {
		// What only the arrangement brought has a meaning of its own.
		if c := p.consts[id]; int(id) < len(original.Tensors) && original.Tensors[id].Name == c.name && (c.weights && !isStart(arranged, id) || isBias(arranged, id)) {
			n := (len(c.value) + elementwise.Lanes - 1) / elementwise.Lanes * elementwise.Lanes
			d.trained = append(d.trained, id)
			d.m[id], d.v[id], d.g[id] = make([]float32, n), make([]float32, n), make([]float32, n)
			c.value = append(make([]float32, 0, n), c.value...)
			if c.weights {
				d.fix(c, integers.Tensors[integers.Find(c.name)])
			}
		}
	}
	if len(d.trained) == 0 {
		return nil, fmt.Errorf("graph %q has no weights to adapt", arranged.Name)
	}
	d.Window = d.window()
	for range (o.Batch + chunk - 1) / chunk {
		l := &lane{}
		for range d.Window {
			l.tapes = append(l.tapes, newTape(d.p, chunk))
		}
		d.lanes = append(d.lanes, l)
	}
	if err := d.teach(ctx, original); err != nil {
		return nil, err
	}
	d.print = d.fingerprint()
	return d, nil
}

// Windows go over some 64 steps of a graph of layers, whose input is [1 steps features],
// and over 8 calls of any other.
const (
	windowSteps = 64
	windowCalls = 8
)

// window returns the calls of a window: no more than the longest sequence has.
func (d *distillation) window() int {
	longest := 1
	for i := range d.calls.Len() {
		longest = max(longest, d.calls.Calls(i))
	}
	w := d.Window
	if w == 0 {
		w = windowCalls
		if s := d.p.g.Tensors[d.p.g.Inputs[0]].Shape; len(s) == 3 && len(d.data) == 1 {
			w = max(1, (windowSteps+s[1]-1)/s[1])
		}
	}
	if len(d.states) == 0 {
		w = 1
	}
	return min(w, longest)
}

// teach runs the float graph over all calls and keeps its outputs, and the states that
// windows start from.
func (d *distillation) teach(ctx context.Context, original *graph.Graph) error {
	g := d.p.g
	for _, id := range dataOutputs(g) {
		d.targets = append(d.targets, beforeSoftmax(g, id))
	}
	var watch []graph.TensorID
	var every []int
	find := func(id graph.TensorID, n int) error {
		found := original.Find(g.Tensors[id].Name)
		if found == graph.None {
			return fmt.Errorf("BUG: the float graph has no tensor %q", g.Tensors[id].Name)
		}
		watch, every = append(watch, found), append(every, n)
		return nil
	}
	for _, id := range d.targets {
		if err := find(id, 1); err != nil {
			return err
		}
	}
	for _, s := range d.states {
		if err := find(s.Out, d.Window); err != nil {
			return err
		}
	}
	all, err := teachEvery(ctx, original, watch, d.calls, every)
	if err != nil {
		return err
	}
	n := len(d.targets)
	d.want, d.start = &taught{all.values[:n], all.sizes[:n]}, &taught{all.values[n:], all.sizes[n:]}
	for _, sequences := range d.want.values {
		var mean, square, count float64
		for _, v := range sequences {
			count += float64(len(v))
		}
		for _, v := range sequences {
			for _, x := range v {
				mean += float64(x) / count
				square += float64(float64(x)*float64(x)) / count
			}
		}
		variance := square - float64(mean*mean)
		if !(variance > 1e-12) {
			variance = 1
		}
		d.scale = append(d.scale, 1/variance)
	}
	return nil
}

// places draws the windows of a step: a function of the seed and the step alone.
func (d *distillation) places(step int) []place {
	rng := rand.New(rand.NewPCG(d.Seed^0xd157<<48, uint64(step)))
	list := make([]place, d.Batch)
	for i := range list {
		const tries = 100
		for range tries {
			s := rng.IntN(d.calls.Len())
			w := (d.calls.Calls(s) + d.Window - 1) / d.Window
			list[i] = place{s, rng.IntN(w) * d.Window}
			if d.goal.Has(list[i], d.length(list[i])) {
				break
			}
		}
	}
	return list
}

// length is the number of calls of a window.
func (d *distillation) length(p place) int { return min(d.Window, d.calls.Calls(p.sequence)-p.call) }

// next takes an optimizer step. When ctx is done it takes none and returns ctx's error.
func (d *distillation) next(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	loss, err := d.step(d.places(d.at))
	if err != nil {
		return err
	}
	for _, id := range d.trained {
		adam, c := d.adam(d.Rate*float64(d.grain(id))), d.p.consts[id]
		adam.Step(c.value[:len(d.g[id])], d.g[id], d.m[id], d.v[id])
		if slices.ContainsFunc(c.value, func(v float32) bool { return v-v != 0 }) {
			loss = math.NaN()
		}
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("fine-tuning diverged: loss or weights are not finite after step %d at rate %.3g; lower the rate", d.at+1, d.Rate)
	}
	d.at++
	if d.Progress != nil {
		d.Progress(d.at, loss)
	}
	return nil
}

// adam returns the optimizer's constants for the step that comes next, Keras' form.
func (d *distillation) adam(rate float64) *elementwise.Adam {
	const beta1, beta2 = 0.9, 0.999
	t := float64(d.at + 1)
	rate = rate * float64(d.Steps-d.at) / float64(d.Steps)
	return &elementwise.Adam{Scale: 1, Keep1: 1 - beta1, Keep2: 1 - beta2, Epsilon: 1e-7,
		Alpha: float32(rate * math.Sqrt(1-math.Pow(beta2, t)) / (1 - math.Pow(beta1, t)))}
}

// step computes the gradients of some windows and returns their mean loss.
func (d *distillation) step(places []place) (float64, error) {
	d.p.quantizeConstants()
	losses, errs := make([]float64, len(d.lanes)), make([]error, len(d.lanes))
	gate := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, l := range d.lanes {
		wg.Go(func() {
			defer fault.Catch()
			gate <- struct{}{}
			losses[i], errs[i] = d.pass(l, places[i*chunk:min((i+1)*chunk, len(places))], len(places))
			<-gate
		})
	}
	wg.Wait()
	total := 0.0
	for i := range d.lanes {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += losses[i]
	}
	for _, id := range d.trained { // in the order of lanes and calls
		sum := d.g[id]
		clear(sum)
		for _, l := range d.lanes {
			for _, t := range l.tapes {
				for i, v := range t.constants[id] {
					sum[i] += v
				}
			}
		}
	}
	return total, nil
}

// pass runs windows forward call by call, and back. Windows that are shorter than others
// repeat their last call, which nothing is learned from.
func (d *distillation) pass(l *lane, places []place, all int) (float64, error) {
	g := d.p.g
	for k, t := range l.tapes {
		t.batch = len(places)
		for _, in := range d.data {
			for b, p := range places {
				if err := d.calls.Feed(p.sequence, p.call+min(k, d.length(p)-1), in, t.value(g.Inputs[in], b)); err != nil {
					return 0, err
				}
			}
		}
		for s, state := range d.states {
			for b, p := range places {
				to := t.value(state.In, b)
				switch {
				case k > 0:
					copy(to, l.tapes[k-1].value(state.Out, b))
				case p.call == 0:
					clear(to)
				default:
					copy(to, d.start.of(s, p.sequence, p.call/d.Window-1))
				}
			}
		}
		if err := t.forward(); err != nil {
			return 0, err
		}
	}
	loss := 0.0
	for k := len(l.tapes) - 1; k >= 0; k-- {
		t := l.tapes[k]
		for i, id := range d.goal.Targets() {
			for b, p := range places {
				if n := d.length(p); k < n {
					loss += d.goal.Loss(i, p, p.call+k, t.value(id, b), t.slope(id, b), 1/float64(all*d.goal.Share(n)))
				}
			}
		}
		if k+1 < len(l.tapes) {
			for _, state := range d.states {
				for b := range places {
					add(t.slope(state.Out, b), l.tapes[k+1].slope(state.In, b))
				}
			}
		}
		t.backward()
	}
	return loss, nil
}

// learned returns the adapted constants.
func (d *distillation) learned() map[graph.TensorID][]float32 {
	out := map[graph.TensorID][]float32{}
	for _, id := range d.trained {
		out[id] = slices.Clone(d.p.consts[id].value)
	}
	return out
}
