// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// Progress tells how far a run is. Times are for people: nothing depends on them.
type Progress struct {
	Epoch, Epochs int     // current, from 1, and total
	Step, Steps   int     // steps done and total, over all epochs
	Loss          float64 // mean over the current epoch so far
	Accuracy      float64 // fraction over the current epoch so far; 0 for a regression
	Rate          float64 // learning rate of the last step
	EpochDone     bool    // the last report of an epoch
	Sequences     int     // trained so far, over all epochs

	Regression bool

	// At the end of an epoch, where there is a validation set:
	Validated                          bool
	ValidationLoss, ValidationAccuracy float64
	Best                               bool // the smallest validation loss so far

	Elapsed, Remaining time.Duration
}

// reportEvery is the number of steps between two reports within an epoch.
const reportEvery = 25

// Fit trains a network on a set. progress, which may be nil, is called on the
// calling goroutine, every few steps and at the end of every epoch.
//
// When ctx is done, Fit returns the network as it is and ctx's error. When training
// diverges it returns a *DivergedError and the last good network if there is one:
// the best so far under validation, else that of the last complete epoch. Other
// errors name the option or the data that cannot be used, or are those of
// Config.Save.
func Fit(ctx context.Context, c Config, set *dataset.Set, progress func(Progress)) (*nn.Network, error) {
	net, err := Untrained(c, set)
	if err != nil {
		return nil, err
	}
	if c, err = c.withDefaults(set.Len()); err != nil {
		return nil, err
	}
	r := newRun(c, net, set)
	defer r.engine.close()
	r.engine.load(net)
	if c.Average > 0 {
		for _, m := range r.engine.matrices() {
			m.A = slices.Clone(m.W)
		}
	}
	if c.Resume != nil {
		if err := r.resume(c.Resume); err != nil {
			return nil, err
		}
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	var good *nn.Network
	for r.epoch < c.Epochs && (c.Patience == 0 || r.stale < c.Patience) {
		if err := r.runEpoch(ctx, progress); err != nil {
			if ctx.Err() == nil {
				if r.best != nil {
					good = r.best
				}
				return good, err
			}
			return r.network(), errors.Join(err, r.save())
		}
		good = r.network()
		if err := r.save(); err != nil {
			return good, err
		}
	}
	if r.best != nil {
		return r.best, nil
	}
	return r.network(), nil
}

// Untrained returns the network that Fit begins with.
func Untrained(c Config, set *dataset.Set) (*nn.Network, error) {
	c, err := c.withDefaults(set.Len())
	if err != nil {
		return nil, err
	}
	if err := c.checkData(set); err != nil {
		return nil, err
	}
	net, err := c.network(set)
	if err != nil {
		return nil, err
	}
	if err := Trainable(net); err != nil {
		return nil, err
	}
	if c.Carry {
		if err := Carries(net); err != nil {
			return nil, err
		}
	}
	Initialize(net, c.Seed)
	return net, net.Check()
}

// checkData reports what about the sets keeps the options from being used.
func (c Config) checkData(set *dataset.Set) error {
	if err := set.Check(); err != nil {
		return err
	}
	if n := len(c.ClassWeights); n > 0 && (n != set.Outputs || set.Task != nn.Classification) {
		return fmt.Errorf("training options: %d class weights for %d classes of %s", n, set.Outputs, set.Name)
	}
	if v := c.Validation; v != nil && (v.Len() == 0 || v.Steps != set.Steps || v.Features != set.Features || v.Outputs != set.Outputs || v.Task != set.Task || v.PerStep != set.PerStep) {
		return fmt.Errorf("%s: %d sequences of %d x %d with %d outputs cannot validate a network for %s, %d x %d with %d outputs",
			v.Name, v.Len(), v.Steps, v.Features, v.Outputs, set.Name, set.Steps, set.Features, set.Outputs)
	}
	return nil
}

func (r *run) save() error {
	if r.Save == nil {
		return nil
	}
	return r.Save(r.state())
}

// run is a training run in progress.
type run struct {
	Config
	net    *nn.Network // shapes and constants; its weights are the initial ones
	engine *engine
	feed   *feed
	set    *dataset.Set
	epoch  int // finished epochs
	step   int // finished steps, over all epochs
	start  time.Time
	sums   map[*cell.Matrix][]float64 // squared gradients a panel, for clipping
	order  []int

	loss       float64 // sums over the steps of the current epoch
	hits, rows int
	print      string // see options

	firstLoss float64 // of the first step of this call
	resumed   int     // steps done before this call

	best     *nn.Network
	bestLoss float64
	stale    int
}

// DivergedError says that training went astray: the loss of a step exploded, or
// that of a whole epoch ended far above what guessing gives.
type DivergedError struct {
	Step, Epoch int // from 1
	Rate        float64
	What        string
	Cause       string // the likeliest, found by looking, and what to do
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("training diverged: %s at step %d (epoch %d, learning rate %.3g); %s", e.What, e.Step, e.Epoch, e.Rate, e.Cause)
}

func (r *run) diverged(step int, rate float64, what string) error {
	return &DivergedError{Step: step, Epoch: r.epoch + 1, Rate: rate, What: what, Cause: r.cause()}
}

// usualRate is the largest learning rate of the recipes.
const usualRate = 6e-3

// cause looks for the likeliest reason of a divergence.
func (r *run) cause() string {
	if what := r.set.Unscaled(); what != "" && r.net.Mean == nil {
		return "likely because " + what + " and features are not standardized: leave --standardize to its default, or switch it on"
	}
	for i, w := range r.ClassWeights {
		if w > 100 {
			return fmt.Sprintf("likely because class %d weighs %.3g times as much as usual: lower its weight", i, w)
		}
	}
	switch {
	case r.Rate > usualRate:
		return fmt.Sprintf("likely because the learning rate, %.3g at its peak, is above the usual %.3g: lower it", r.Rate, usualRate)
	case r.Clip == 0:
		return "set a gradient clip (--clip 1), or lower the rate"
	}
	return "lower the rate"
}

// divergedLoss is the multiple of the first loss that no run comes back from.
const divergedLoss = 1000

// A classifier is lost when the mean loss of an epoch is lostLoss times that of
// equal probabilities while it is right less than lostHits times as often as chance. In the
// first earlySteps steps, the epochs of a few sequences, it has to be earlyLoss times that of the
// weights it began with, too: those, drawn at random, are often worse than equal probabilities.
const (
	lostLoss   = 1.5
	lostHits   = 2
	earlySteps = 20
	earlyLoss  = 3
)

// lost tells whether a complete epoch left a classifier no better than chance.
func (r *run) lost(loss, accuracy float64) bool {
	worst := r.firstLoss // up to here the weights that it began with were no better
	if r.step < earlySteps {
		worst *= earlyLoss
	}
	if r.set.Task != nn.Classification || loss <= worst {
		return false
	}
	k := float64(r.set.Outputs)
	weight := 1.0
	for _, w := range r.ClassWeights {
		weight = max(weight, w)
	}
	return loss > lostLoss*weight*math.Log(k) && accuracy < lostHits/k
}

// finite tells whether every weight is a finite number.
func (e *engine) finite() bool {
	for _, m := range e.matrices() {
		for _, w := range m.W {
			if v := float64(w); math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}

func newRun(c Config, net *nn.Network, set *dataset.Set) *run {
	batch := min(c.Batch, set.Len())
	e := newEngineWith(net, batch, c.Workers, false, c.Dropout)
	if c.Carry {
		e.carry()
	}
	r := &run{Config: c, net: net, engine: e, set: set, start: time.Now(), feed: newFeed(e, set, net.Mean, net.Std)}
	r.feed.shift, r.feed.noise, r.feed.seed = c.Shift, float32(c.Noise), c.Seed
	r.feed.augment = c.Augment
	if set.Task == nn.Regression {
		r.feed.target = targetScale(set)
	}
	e.head.smooth = c.Smooth
	if c.ClassWeights != nil {
		e.head.weight = make([]float32, set.Outputs)
		for i := range e.head.weight {
			e.head.weight[i] = float32(c.ClassWeights[i])
		}
	}
	r.sums = map[*cell.Matrix][]float64{}
	for _, m := range e.matrices() {
		r.sums[m] = make([]float64, m.Cols)
	}
	r.order = make([]int, set.Len())
	return r
}

func (r *run) stepsPerEpoch() int { return (r.set.Len() + r.engine.batch - 1) / r.engine.batch }

// shuffle draws the order of an epoch, a function of seed and epoch alone.
func (r *run) shuffle(epoch int) {
	for i := range r.order {
		r.order[i] = i
	}
	rng := rand.New(rand.NewPCG(r.Seed^streamShuffle<<56, uint64(epoch)))
	rng.Shuffle(len(r.order), func(i, j int) { r.order[i], r.order[j] = r.order[j], r.order[i] })
}

func (r *run) runEpoch(ctx context.Context, progress func(Progress)) error {
	r.shuffle(r.epoch)
	steps := r.stepsPerEpoch()
	total := steps * r.Epochs
	p := Progress{Epoch: r.epoch + 1, Epochs: r.Epochs, Steps: total, Regression: r.set.Task == nn.Regression}
	for n := r.step - r.epoch*steps; n < steps; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := r.order[n*r.engine.batch : min((n+1)*r.engine.batch, len(r.order))]
		p.Rate = r.rateAt(r.step, total)
		l, h, counted := r.train(batch, p.Rate)
		mean := l / float64(max(counted, 1))
		if r.step == r.resumed {
			r.firstLoss = mean
		}
		if !(mean <= divergedLoss*(r.firstLoss+1)) { // also true for a NaN
			return r.diverged(r.step+1, p.Rate, fmt.Sprintf("the loss is %.4g", mean))
		}
		r.step++
		r.loss, r.hits, r.rows = r.loss+l, r.hits+h, r.rows+counted
		if r.step%reportEvery == 0 || n == steps-1 {
			p.Step, p.Loss, p.Accuracy = r.step, r.loss/float64(max(r.rows, 1)), float64(r.hits)/float64(max(r.rows, 1))
			p.Sequences = r.epoch*r.set.Len() + min((n+1)*r.engine.batch, r.set.Len())
			if p.EpochDone = n == steps-1; p.EpochDone {
				switch {
				case !r.engine.finite():
					return r.diverged(r.step, p.Rate, "a weight is no longer a finite number")
				case r.lost(p.Loss, p.Accuracy):
					return r.diverged(r.step, p.Rate, fmt.Sprintf("the mean loss of the epoch is %.4g with accuracy %.2f %%, worse than guessing,", p.Loss, 100*p.Accuracy))
				}
				r.validate(&p)
			}
			p.Elapsed = time.Since(r.start)
			p.Remaining = time.Duration(float64(p.Elapsed) / float64(r.step-r.resumed) * float64(total-r.step))
			progress(p)
		}
	}
	r.epoch++
	r.loss, r.hits, r.rows = 0, 0, 0
	return nil
}

// train takes one optimizer step on a batch and returns the summed loss of its rows, the
// number of hits, and how many rows have a label or target.
func (r *run) train(batch []int, rate float64) (loss float64, hits, counted int) {
	e, n, step := r.engine, len(batch), float64(r.step+1)
	adam := elementwise.Adam{Scale: 1, Keep1: 1 - beta1, Keep2: 1 - beta2, Epsilon: epsilon,
		Alpha: float32(rate * math.Sqrt(1-math.Pow(beta2, step)) / (1 - math.Pow(beta1, step)))}
	keep := keepOf(r.Average, r.step)
	e.run(func(w int) {
		first, after := e.rows(w, n)
		if first < after {
			for b := first; b < after; b++ {
				r.feed.put(e, b, batch[b], r.epoch)
				if r.Carry {
					e.begin(b, r.resets(batch[b], r.epoch))
				}
			}
			e.forward(first, after)
			e.head.loss(first, after, n)
			e.backward(first, after)
		}
		e.crew.meet()
		a, decay := adam, float32(rate*r.Decay)
		move := func(s *strip) {
			s.move(&a, decay)
			if r.Average > 0 {
				s.average(keep)
			}
		}
		if r.Clip == 0 {
			e.gradients(w, n, move)
			return
		}
		e.gradients(w, n, func(s *strip) { s.squareSums(r.sums) })
		e.crew.meet()
		a.Scale = r.clipScale()
		for _, s := range e.plan.taken[w] {
			move(s)
		}
	})
	for row := range n * e.head.rows {
		loss += e.head.rowLoss[row]
		if e.head.hit[row] {
			hits++
		}
		if e.head.counts[row] {
			counted++
		}
	}
	return loss, hits, counted
}

// Adam's constants, Keras' defaults.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-7
)

// clipScale returns what all gradients are multiplied by so that their norm does
// not pass the bound. Panel sums are added in a fixed order.
func (r *run) clipScale() float32 {
	sum := 0.0
	for _, m := range r.engine.matrices() {
		for _, v := range r.sums[m] {
			sum += v
		}
	}
	if norm := math.Sqrt(sum); norm > r.Clip {
		return float32(r.Clip / norm)
	}
	return 1
}
