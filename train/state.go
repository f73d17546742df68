// SPDX-License-Identifier: Apache-2.0

package train

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// State is a training run between two steps: enough to go on with the same result
// as if it had never stopped.
type State struct {
	Network *nn.Network // the weights
	// HeadKernel and HeadBias are the head's weights as the run works with them, where
	// targets are standardized; nil where they are the network's.
	HeadKernel, HeadBias []float32

	M, V *nn.Network // Adam's moments, in the place of the weights
	// Average is the moving average of the weights, with the head as the run works with it;
	// nil where there is none.
	Average *nn.Network
	Step    int // steps done

	// Carried is what the layers carry from sequence to sequence, an array for each layer
	// with weights; nil where nothing is carried.
	Carried [][]float32

	// Best is the network with the smallest validation loss at the end of an epoch,
	// nil before the first one.
	Best     *nn.Network
	BestLoss float64
	Stale    int // epochs since then

	// Loss, Hits and Rows are the sums over the steps of the epoch that is not finished.
	Loss       float64
	Hits, Rows int

	// Options describes everything the result depends on but the number of epochs, the data's
	// values among it; a run goes on only under the same options. Epochs may be more: the
	// learning rate then follows the schedule of the new number from there on.
	Options string
	Epochs  int
	Note    string // the caller's, to find again: what it has noted of the run so far
	Done    bool   // all epochs are behind the run; no part of a file
}

// ErrOtherOptions says that a State was taken under other options or on other data.
var ErrOtherOptions = errors.New("was made with other options or data, so going on would not give the same result")

// OtherOptions is ErrOtherOptions with what they differ in.
type OtherOptions struct {
	Differ string // "it has batch 32, and now it is batch 16"
}

func (e *OtherOptions) Error() string {
	return fmt.Sprintf("the checkpoint %v: %s; give those, or begin anew without it", ErrOtherOptions, e.Differ)
}

// Unwrap makes it an ErrOtherOptions.
func (e *OtherOptions) Unwrap() error { return ErrOtherOptions }

// options returns the fingerprint, made once.
func (r *run) options() string {
	if r.print == "" {
		r.print = r.fingerprint(r.set)
	}
	return r.print
}

// fingerprint describes the options and the data a result depends on. Workers and
// callbacks are not among them.
func (c Config) fingerprint(set *dataset.Set) string {
	s := fmt.Sprintf("%v %d x %d, activation %d, classic %v; batch %d, rate %v, schedule %d, warm-up %v, clip %v, smooth %v, shift %d, class weights %v, patience %d, seed %d; %d sequences of %d x %d, %d outputs, task %d, per step %v",
		c.Cell, c.Layers, c.Units, c.Activation, c.Classic, c.Batch, c.Rate, c.Schedule, c.WarmUp, c.Clip, c.Smooth, c.Shift, c.ClassWeights, c.Patience, c.Seed,
		set.Len(), set.Steps, set.Features, set.Outputs, set.Task, set.PerStep)
	if c.Window > 1 || c.OutputGate {
		s += fmt.Sprintf("; window %d, output gate %v", c.Window, c.OutputGate)
	}
	if c.Rank > 0 {
		s += fmt.Sprintf("; rank %d", c.Rank)
	}
	if c.Stack != nil {
		s += "; layers" // in the place of what is said of the cell
		for _, l := range c.Stack {
			s += fmt.Sprintf(" %v %v %d %v %v %d %v %v %v %q,", l.Kind, l.Cell, l.Units, l.Activation, l.ResetAfter, l.Window, l.OutputGate, l.Reversed, l.Pool, l.Inputs)
			if l.Rank > 0 {
				s += fmt.Sprintf(" rank %d,", l.Rank)
			}
		}
	}
	if c.Dropout > 0 || c.Augment != (Augment{}) {
		s += fmt.Sprintf("; dropout %v, augment %v", c.Dropout, c.Augment)
	}
	if c.Carry {
		s += "; carried"
	}
	if c.Noise > 0 || c.Decay > 0 {
		s += fmt.Sprintf("; noise %v, decay %v", c.Noise, c.Decay)
	}
	if c.Average > 0 {
		s += fmt.Sprintf("; average %v", c.Average)
	}
	s += "; data " + contentOf(set)
	if c.Validation != nil {
		s += fmt.Sprintf("; validation of %d, %s", c.Validation.Len(), contentOf(c.Validation))
	}
	if c.Reported != nil {
		s += fmt.Sprintf("%s%d sequences with content %s", reportedPart, c.Reported.Len(), contentOf(c.Reported))
	}
	return s
}

// reportedPart begins what a fingerprint says of the part that is reported on, at its end.
const reportedPart = "; test part of "

// contentOf hashes all of a set that training reads.
func contentOf(set *dataset.Set) string {
	h := sha256.New()
	fmt.Fprintln(h, set.Fingerprint(), set.Mean, set.Std, set.Pad)
	for i := range set.Len() {
		fmt.Fprintln(h, set.Length(i))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// state copies the run as it is now.
func (r *run) state() *State {
	s := &State{Step: r.step, Options: r.options(), Epochs: r.Epochs, Done: r.epoch >= r.Epochs, Loss: r.loss, Hits: r.hits, Rows: r.rows, Best: r.best, BestLoss: r.bestLoss, Stale: r.stale}
	s.Network, s.Carried = r.copyOut(weights), r.engine.carriedStates()
	if r.feed.target != nil {
		s.HeadKernel, s.HeadBias = slices.Clone(s.Network.HeadKernel), slices.Clone(s.Network.HeadBias)
		r.feed.target.fold(s.Network)
	}
	s.M = r.copyOut(func(m *cell.Matrix) []float32 { return m.M })
	s.V = r.copyOut(func(m *cell.Matrix) []float32 { return m.V })
	if r.Average > 0 {
		s.Average = r.copyOut(averages)
	}
	return s
}

// copyOut returns a network whose tensors are copies of one array of the engine.
func (r *run) copyOut(pick func(*cell.Matrix) []float32) *nn.Network {
	net := r.net.Shape()
	r.engine.store(net, pick)
	return net
}

// averages are the moving averages of a matrix's weights.
func averages(m *cell.Matrix) []float32 { return m.A }

// network returns the network as it is now: the average of its weights where they are averaged.
func (r *run) network() *nn.Network {
	pick := weights
	if r.Average > 0 {
		pick = averages
	}
	net := r.copyOut(pick)
	r.feed.target.fold(net)
	return net
}

// differences lists what two fingerprints say differently, or both as a whole where they say other things.
func differences(old, now string) string {
	cut := func(s string) []string { return strings.Split(strings.ReplaceAll(s, "; ", ", "), ", ") }
	before, was, noted := strings.Cut(old, reportedPart)
	rest, is, given := strings.Cut(now, reportedPart)
	a, b := cut(before), cut(rest)
	if len(a) != len(b) {
		return fmt.Sprintf("it has %s, and now it is %s", old, now)
	}
	var all []string
	for i := range a {
		if a[i] != b[i] {
			all = append(all, fmt.Sprintf("it has %s, and now it is %s", a[i], b[i]))
		}
	}
	switch part := strings.TrimPrefix(reportedPart, "; "); {
	case !noted && given:
		all = append(all, fmt.Sprintf("it does not say which test part its figures are of, as those of older versions do not, and now it is a %s%s", part, is))
	case was != is:
		all = append(all, fmt.Sprintf("it has a %s%s, and now it is %s", part, was, cmp.Or(is, "none")))
	}
	return strings.Join(all, "; ")
}

// resume puts the run where s was taken.
func (r *run) resume(s *State) error {
	if want := r.options(); s.Options != want {
		return &OtherOptions{Differ: differences(s.Options, want)}
	}
	all := []*nn.Network{s.Network, s.M, s.V}
	if r.Average > 0 {
		all = append(all, s.Average)
	}
	for _, n := range all {
		if n == nil || !sameShape(n, r.net) {
			return fmt.Errorf("the checkpoint's tensors do not fit the network of its options")
		}
	}
	if most := r.stepsPerEpoch() * r.Epochs; s.Step < 0 || s.Step > most {
		return fmt.Errorf("the checkpoint is at step %d, and %d epochs end at %d: ask for more epochs, or begin anew without it", s.Step, r.Epochs, most)
	}
	in := func(keras, panels *float32) { *panels = *keras }
	r.engine.visit(s.M, func(m *cell.Matrix) []float32 { return m.M }, in)
	r.engine.visit(s.V, func(m *cell.Matrix) []float32 { return m.V }, in)
	if r.Average > 0 {
		r.engine.visit(s.Average, averages, in)
	}
	net := s.Network
	if r.feed.target != nil {
		if len(s.HeadKernel) != len(net.HeadKernel) || len(s.HeadBias) != len(net.HeadBias) {
			return fmt.Errorf("the checkpoint lacks the head of the run")
		}
		net = net.Clone()
		net.HeadKernel, net.HeadBias = s.HeadKernel, s.HeadBias
	}
	r.engine.load(net)
	if err := r.engine.setCarried(s.Carried); err != nil {
		return err
	}
	r.step, r.epoch = s.Step, s.Step/r.stepsPerEpoch()
	r.best, r.bestLoss, r.stale = s.Best, s.BestLoss, s.Stale
	r.resumed = s.Step
	r.loss, r.hits, r.rows = s.Loss, s.Hits, s.Rows
	return nil
}

// sameShape reports whether two networks have tensors of the same sizes.
func sameShape(a, b *nn.Network) bool {
	if len(a.Layers) != len(b.Layers) {
		return false
	}
	ta, tb := a.Tensors(), b.Tensors()
	if len(ta) != len(tb) {
		return false
	}
	for i := range ta {
		if len(*ta[i]) != len(*tb[i]) {
			return false
		}
	}
	return true
}

// validate evaluates the network at the end of an epoch and keeps the best one.
func (r *run) validate(p *Progress) {
	if r.Validation == nil {
		return
	}
	net := r.network()
	p.Validated = true
	if r.Carry {
		p.ValidationAccuracy, p.ValidationLoss, _ = EvaluateCarried(net, r.Validation) // Untrained has asked
	} else {
		p.ValidationAccuracy, p.ValidationLoss = Evaluate(net, r.Validation)
	}
	r.stale++
	if r.best == nil || p.ValidationLoss < r.bestLoss {
		r.best, r.bestLoss, r.stale = net, p.ValidationLoss, 0
		p.Best = true
	}
	if math.IsNaN(p.ValidationLoss) {
		r.stale = math.MaxInt32
	}
}
