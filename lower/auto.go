// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/precision"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// Losses that Auto accepts where Options.MaxLoss does not say: 0.3 points of accuracy,
// or 3 % of the outputs' deviation, which is a signal 30 dB above its noise.
const (
	DefaultAccuracyLoss = 0.003
	DefaultRelativeLoss = 0.03
)

// lossSequences is how many sequences of the calibration set a loss is measured on,
// spread evenly: 0.1 points of accuracy are two decisions.
const lossSequences = 2000

// Numbers need fewer: so many steps of sequences, but at least leastSequences.
const (
	lossSteps      = 50_000
	leastSequences = 100
)

// lossSequencesOf returns on how many sequences a network's loss is measured.
func lossSequencesOf(net *nn.Network) int {
	if net.Task == nn.Classification {
		return lossSequences
	}
	return min(lossSequences, max(leastSequences, lossSteps/max(net.Steps, 1)))
}

// Widths says which values have 16 bits, and why.
type Widths struct {
	Bound float64 // the largest loss that was to be accepted
	Aim   float64 // the largest on the calibration data: less, since others lose more
	Loss  float64 // of the graph that was chosen: see Result.Loss
	Met   bool

	// Expected says that losses are the part of all decisions that is expected to be lost, see
	// ExpectedLoss; else they are errors of numbers. Unlabelled says that nobody knows which
	// decisions are right, so that every one that changes is lost.
	Expected, Unlabelled bool

	// MeanCounts is what a mean difference of probabilities of 1 counts as in losses of
	// unlabelled decisions, of which it is one where it is farther from what is aimed at.
	MeanCounts float64

	// Sequences is how many decided the ranges; 0 where 8 bits everywhere, as Int8 gives them,
	// were within the bound, and of a graph.
	Sequences int

	// Choice has the measured loss and cost of every role; nil where 8 bits everywhere,
	// as Int8 gives them, were within the bound.
	Choice *precision.Choice
}

// lowerAuto takes 8 bits where they are enough and searches widths where they are not.
func lowerAuto(ctx context.Context, net *nn.Network, calib Samples, o Options) (*Result, error) {
	if o.Wide != nil {
		return lowerWide(ctx, net, calib, o)
	}
	r, err := Lower(ctx, net, calib, o.narrow())
	if err != nil {
		return nil, err
	}
	measured, wide := r, o
	if r.Measurable() != nil || r.Unseen() > 0 { // roles are the same for any number of steps
		wide.Steps = 0
		if measured, err = Lower(ctx, net, calib, wide.narrow()); err != nil {
			return nil, err
		}
	}
	loss, err := newLoss(ctx, measured, calib)
	if err != nil {
		return nil, err
	}
	w := &Widths{Bound: o.bound(net)}
	if w.Aim = aimNumbers(w.Bound); net.Task == nn.Classification {
		w.Aim, w.Expected = aimDecisions(w.Bound, loss.decisions()), true
	}
	if w.Loss, err = loss.of(ctx, measured); err != nil {
		return nil, err
	}
	if w.Met = w.Loss <= w.Aim; w.Met {
		r.Widths = w
		return r, nil
	}
	wide.PerChannelWeights = true
	var c *calibrated
	all := seenSequences(net, calib, o)
	if wide.CalibrationSamples != all { // 8 bits may do with a scale for every output and the finer steps of fewer sequences
		if c, err = observe(ctx, net, calib, wide); err != nil {
			return nil, err
		}
		// An error is what does not compile, and 16 bits may.
		if w.Choice, err = c.search(ctx, loss, w, o, nil); err != nil || !w.Choice.Met {
			w.Choice = nil
		}
	}
	if w.Choice == nil {
		wide.CalibrationSamples = all
		if c, err = observe(ctx, net, calib, wide); err != nil {
			return nil, err
		}
		if w.Choice, err = c.search(ctx, loss, w, o, c.plan); err != nil {
			return nil, err
		}
	}
	w.Sequences = len(c.samples)
	widthsIn(c.plan, w.Choice)
	w.Loss, w.Met = w.Choice.Loss, w.Choice.Loss <= w.Bound
	got := c.result(w.Choice.Graph)
	got.wide, got.learned = w.Choice.Wide, o.Learned
	if wide.Steps != o.Steps {
		o.Wide, o.CalibrationSamples = w.Choice.Wide, w.Sequences
		if got, err = lowerWide(ctx, net, calib, o); err != nil {
			return nil, err
		}
	}
	got.Widths = w
	return got, nil
}

// search chooses widths for what a plan has; with none, 8 bits everywhere are judged alone.
func (c *calibrated) search(ctx context.Context, loss *loss, w *Widths, o Options, among *unroll.Plan) (*precision.Choice, error) {
	c.scheme.Cache = &quantize.Cache{}
	p := precision.Problem{
		Bound: w.Aim, Limit: w.Bound, Cost: o.Cost, Progress: o.Progress,
		Build: c.widened,
		Loss:  func(g *graph.Graph) (float64, error) { return loss.of(ctx, c.result(g)) },
	}
	if among != nil {
		p.Further = quantize.Matrices(among)
		p.Roles, p.Within = chosenAmong(among)
	}
	return precision.Search(ctx, p)
}

// chosenAmong lists what widths are chosen for: the roles of a plan, and what products read
// of them that may have 8 bits where the role has 16.
func chosenAmong(plan *unroll.Plan) (roles []string, within map[string]string) {
	roles, within = plan.Roles(), map[string]string{}
	for _, r := range plan.Readings() {
		roles = append(roles, r.Name)
		within[r.Name] = r.Role
	}
	return roles, within
}

// widthsIn makes a choice name what has 16 bits in its graph: roles that nobody chose join
// where an operator reads them in 16 bits, see quantize.Options.Wide.
func widthsIn(plan *unroll.Plan, c *precision.Choice) {
	types := map[string]graph.DType{}
	for _, t := range c.Graph.Tensors {
		types[t.Name] = t.Type
	}
	for id, role := range plan.Role {
		if role != "" && types[plan.Graph.Tensors[id].Name] == graph.Int16 {
			c.Wide[role] = true
		}
	}
	for i := range c.Rows {
		c.Rows[i].Chosen = c.Wide[c.Rows[i].Role]
	}
}

// seenSteps is how many steps of sequences decide the ranges of numbers whose widths are
// searched.
const seenSteps = 500_000

// seenSequences is how many sequences decide the ranges that widths are searched with. What
// lies beyond a range is cut, which no width makes good and what is measured on the sequences
// that decided it does not show: where numbers are to be had, and a state has no bound, it is
// most of what other data lose. So they come from all sequences, as far as time allows.
func seenSequences(net *nn.Network, calib Samples, o Options) int {
	if net.Task == nn.Classification || calib == nil {
		return o.CalibrationSamples
	}
	asked := o.CalibrationSamples
	if asked == 0 {
		asked = usualSamples
	}
	if all := min(calib.Len(), seenSteps/max(net.Steps, 1)); all > asked {
		return all
	}
	return o.CalibrationSamples
}

// lowerWide lowers a network with the widths that were chosen before.
func lowerWide(ctx context.Context, net *nn.Network, calib Samples, o Options) (*Result, error) {
	o.PerChannelWeights = true
	c, err := observe(ctx, net, calib, o)
	if err != nil {
		return nil, err
	}
	g, err := c.widened(o.Wide)
	if err != nil {
		return nil, err
	}
	r := c.result(g)
	r.wide, r.learned = o.Wide, o.Learned
	return r, nil
}

// narrow returns the options of 8 bits everywhere.
func (o Options) narrow() Options {
	o.Activations = Int8
	return o
}

// bound returns the largest loss that is accepted.
func (o Options) bound(net *nn.Network) float64 {
	switch {
	case o.MaxLoss > 0:
		return o.MaxLoss
	case net.Task == nn.Classification:
		return DefaultAccuracyLoss
	}
	return DefaultRelativeLoss
}

// widened quantizes the network with 16 bits for the given roles.
func (c *calibrated) widened(wide map[string]bool) (*graph.Graph, error) {
	scheme := c.scheme
	scheme.Wide = wide
	if wide == nil {
		scheme.Wide = map[string]bool{}
	}
	return quantize.Graph(c.quantized, c.ranges, scheme)
}

// loss compares quantized graphs of one network with its float graph.
type loss struct {
	set  Samples // that it is measured on
	all  int     // sequences of the calibration set, which those are of
	want Score
}

func newLoss(ctx context.Context, r *Result, calib Samples) (*loss, error) {
	l := &loss{set: spread(calib, lossSequencesOf(r.net)), all: calib.Len()}
	var err error
	l.want, err = evaluate(ctx, floatexec.NewExact, r.net, r.Float, l.set, 0) // it decides bytes
	return l, err
}

// decisions is how many the whole calibration set has, of which the loss is measured on some.
func (l *loss) decisions() int {
	return l.want.Count * l.all / max(l.set.Len(), 1)
}

// of returns the loss of a quantized graph on the reference interpreter. For a
// classification it is the part of all decisions that the float network has right and
// the graph is expected not to have, see ExpectedLoss; what the graph has right by chance
// does not make up for them. For numbers it is the largest relative error of an output:
// see RelativeError.
func (l *loss) of(ctx context.Context, r *Result) (float64, error) {
	got, err := r.Evaluate(ctx, l.set, 0)
	if err != nil {
		return 0, err
	}
	if r.net.Task != nn.Classification {
		return got.RelativeError(l.want), nil
	}
	return got.ExpectedLoss(l.want), nil
}

// thinned is every so manyth sequence of a set.
type thinned struct {
	Samples
	n int
}

// spread returns at most n sequences of a set, evenly spread.
func spread(set Samples, n int) Samples {
	if set.Len() <= n {
		return set
	}
	t := thinned{set, n}
	every, labelled := set.(stepLabels)
	aims, aimed := set.(targets)
	switch {
	case labelled && aimed:
		return thinnedBoth{t, every, aims}
	case labelled:
		return thinnedSteps{t, every}
	}
	return t
}

func (t thinned) at(i int) int                { return i * t.Samples.Len() / t.n }
func (t thinned) Len() int                    { return t.n }
func (t thinned) Label(i int) int             { return t.Samples.Label(t.at(i)) }
func (t thinned) Sample(i int, dst []float32) { t.Samples.Sample(t.at(i), dst) }

// thinnedSteps has labels for every step.
type thinnedSteps struct {
	thinned
	every stepLabels
}

func (t thinnedSteps) StepLabel(i, step int) int { return t.every.StepLabel(t.at(i), step) }

// thinnedBoth has labels and targets, whichever the set's task is.
type thinnedBoth struct {
	thinned
	every stepLabels
	aims  targets
}

func (t thinnedBoth) StepLabel(i, step int) int   { return t.every.StepLabel(t.at(i), step) }
func (t thinnedBoth) Target(i int, dst []float32) { t.aims.Target(t.at(i), dst) }
