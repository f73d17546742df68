// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// Samples is a set of labelled sequences of a network's Steps x Features.
type Samples interface {
	Len() int
	// Sample writes the raw features of sequence i, before standardization.
	Sample(i int, dst []float32)
	// Label returns the class of sequence i; it is not used for a regression.
	Label(i int) int
}

// Form, Blend, Estimator and Activations are those of the stages, so that
// callers need this package alone.
type (
	Form        = unroll.Form
	Blend       = unroll.Blend
	Estimator   = calibrate.Estimator
	Activations = quantize.Activations
)

// Values of the types above.
const (
	FormNPU   = unroll.NPU
	FormKeras = unroll.Keras

	BlendUpdate = unroll.Update
	BlendKeep   = unroll.Keep
	BlendSum    = unroll.Sum

	MinMax     = calibrate.MinMax
	Percentile = calibrate.Percentile
	MSE        = calibrate.MSE

	Int8  = quantize.Int8
	Mixed = quantize.Mixed
	Int16 = quantize.Int16
	Auto  = quantize.Auto
)

// Rounding is how weights become integers.
type Rounding int

// Values of Rounding.
const (
	RoundAuto        Rounding = iota // compensated, but to nearest for layers whose values have 8 bits
	RoundNearest                     // each weight for itself
	RoundCompensated                 // an error of one weight is made good by the next ones
)

// compensated reports whether moments guide the rounding; usual is what RoundAuto does.
func (o Options) compensated(usual bool) bool {
	return o.Rounding == RoundCompensated || o.Rounding == RoundAuto && usual
}

// Options choose what Lower makes. The zero value is an int8 graph of the
// network's own number of steps, without state inputs.
type Options struct {
	Steps   int   // time steps of one call; 0 takes the network's
	Form    Form  // operator sequence of the cells
	StateIO bool  // states are inputs and outputs, carried by the caller
	PerStep bool  // an output for every step (always so for networks trained that way)
	Blend   Blend // of GRU cells in FormNPU

	// CalibrationSamples decide the ranges, spread evenly over the set; 0 is 50. Where Auto
	// searches the widths of numbers they are more: see seenSequences.
	CalibrationSamples int
	Estimator          Estimator
	Percentile         float64 // of Percentile; 0 is 99.99

	// InputClamp is the percentile of their values that data inputs are cut at: what lies
	// beyond saturates, in the firmware's quantization of real values as well, and the rest
	// gets finer steps. 0 leaves inputs to Estimator.
	InputClamp float64

	// Activations is the width of the values between operators. With Auto it is 8 bits
	// where that loses no more than MaxLoss against the float network, else every value
	// gets the width that the cheapest graph within MaxLoss has: see Widths.
	Activations Activations

	// Wide, where it is not nil, are the roles, readings (unroll.Reading) and weights that Auto
	// gives 16 bits, in place of a search: the choice of the same network lowered before.
	Wide map[string]bool

	// MaxLoss of Auto: a part of all decisions, or a
	// relative error of numbers; 0 is DefaultAccuracyLoss or DefaultRelativeLoss.
	MaxLoss float64

	// Cost is what a call of a graph takes, in any unit, for Auto to weigh choices by;
	// nil takes the bytes that operators read and write. +Inf with an error is for a
	// graph that is of no use, and why.
	Cost func(*graph.Graph) (float64, error)

	// Progress, where it is not nil, is told how many choices Auto has measured.
	Progress func(measured int)

	// Learned, where it is not nil, takes the place of the network's own constants in what
	// is quantized.
	Learned *Learned

	// Untied lets the operands of every ADD in FormNPU have scales of their own:
	// a little more precision, at more cycles of the NPU.
	Untied bool

	// PerChannelWeights gives every output of a matrix its own scale. One scale
	// for the matrix keeps the accuracy of recurrent networks within 0.1 points,
	// compresses to a bit less for each weight, and every runtime takes it.
	PerChannelWeights bool

	// WeightLevels is the largest magnitude of a quantized weight, 1..127; 0 is
	// 127. Fewer levels encode in fewer bytes: less flash, and fewer cycles where
	// flash is what the NPU waits for.
	WeightLevels int

	// Rounding of weights: to nearest, or so that the sum of their errors, as the inputs
	// move together in calibration, is least, with its mean taken back in the bias.
	Rounding Rounding

	// Equalize says whether channels between convolutions and dense layers of a graph are
	// made alike in size.
	Equalize Equalization

	// FoldStandardization moves the network's Mean and Std into the first
	// layer's weights, so that the graph takes raw features. It costs precision
	// when features differ much in magnitude, for the input has one scale; else
	// the caller standardizes: Result.Mean and Result.Std say how.
	FoldStandardization bool
}

// Result is a lowered network.
type Result struct {
	Float *graph.Graph // unrolled, float32
	Int8  *graph.Graph // the same operators over integers (int16 too, when asked for)

	// Mean and Std are what the caller applies to raw features before input
	// "input", (x-Mean)/Std for each feature; nil when raw features go in.
	Mean, Std []float32

	Report Report

	// Facts are what is known of the network; Encode writes them into the file.
	Facts *facts.Facts

	// Widths says how Auto chose; nil otherwise.
	Widths *Widths

	net     *nn.Network // with standardization folded, if asked for
	plan    *unroll.Plan
	from    *calibrated
	wide    map[string]bool // roles of 16 bits where each has a width of its own
	learned *Learned
}

// Float returns the unrolled float graph of a network.
func Float(net *nn.Network, o Options) (*graph.Graph, error) {
	plan, err := unroll.Build(prepare(net, o), o.unroll(net))
	if err != nil {
		return nil, err
	}
	return plan.Graph, nil
}

func (o Options) unroll(net *nn.Network) unroll.Options {
	return unroll.Options{
		Steps: o.Steps, Form: o.Form, StateIO: o.StateIO, PerStep: o.PerStep || net.PerStep, Blend: o.Blend,
		// In 16 bits sums need no help, and a tied operand would follow the state to 8.
		Tied: o.Activations == Int8 && !o.Untied,
	}
}

// Lower unrolls a network, calibrates it on samples and quantizes it. Errors
// name the network, layer, sample or tensor that cannot be lowered and why.
func Lower(ctx context.Context, net *nn.Network, calib Samples, o Options) (*Result, error) {
	if o.Activations == Auto {
		return lowerAuto(ctx, net, calib, o)
	}
	c, err := observe(ctx, net, calib, o)
	if err != nil {
		return nil, err
	}
	if len(c.plan.Sums) > 0 && o.Activations == Int8 && o.Learned == nil {
		s, err := newSearch(c.plan, c.samples, c.scheme)
		if err != nil {
			return nil, err
		}
		if err := s.sums(ctx, c.ranges); err != nil {
			return nil, err
		}
	}
	g, err := quantize.Graph(c.quantized, c.ranges, c.scheme)
	if err != nil {
		return nil, err
	}
	r := c.result(g)
	r.learned = o.Learned
	return r, nil
}

// calibrated is an unrolled network with what calibration saw of it.
type calibrated struct {
	net     *nn.Network  // with standardization folded, if asked for
	plan    *unroll.Plan // of the float network
	set     Samples
	samples [][]float32
	seen    map[string]*calibrate.Observation
	rounds  int
	ranges  map[string]quantize.Range
	scheme  quantize.Options

	quantized *unroll.Plan // plan, or that with learned constants
}

// observe unrolls and calibrates a network.
func observe(ctx context.Context, net *nn.Network, calib Samples, o Options) (*calibrated, error) {
	c := &calibrated{net: prepare(net, o), set: calib}
	var err error
	if c.plan, err = unroll.Build(c.net, o.unroll(c.net)); err != nil {
		return nil, err
	}
	c.quantized = c.plan
	if c.samples, err = representative(c.net, calib, o.CalibrationSamples); err != nil {
		return nil, err
	}
	clampSamples(c.samples, o.InputClamp)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	co := calibrate.Options{Estimator: o.Estimator, Percentile: o.Percentile}
	if o.Activations == Int16 {
		co.Estimator = MinMax // 16 bits have no need to cut anything
	}
	if c.seen, c.rounds, err = calibrate.Collect(c.plan, c.samples, co); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.ranges = map[string]quantize.Range{}
	for role, ob := range c.seen {
		c.ranges[role] = quantize.Range(co.Estimate(ob))
	}
	c.scheme = quantize.Options{Activations: o.Activations, PerTensor: !o.PerChannelWeights, WeightLevels: o.WeightLevels}
	// In 8 bits the activations' own error is the larger.
	if o.Learned != nil || !o.compensated(o.Activations != Int8) {
		return c, c.learn(o.Learned)
	}
	moments, err := calibrate.CollectMoments(c.plan, c.samples)
	if err != nil {
		return nil, err
	}
	c.scheme.Moments = map[graph.TensorID]*quantize.Moments{}
	for id, m := range moments {
		c.scheme.Moments[id] = (*quantize.Moments)(m)
	}
	return c, nil
}

// result returns a quantized graph with its report.
func (c *calibrated) result(g *graph.Graph) *Result {
	r := &Result{Float: c.plan.Graph, Int8: g, Mean: c.net.Mean, Std: c.net.Std, net: c.net, plan: c.plan, from: c}
	r.Facts = factsOf(c.net, c.set, c.samples)
	r.Report.Samples, r.Report.Rounds = len(c.samples), c.rounds
	r.Report.Tensors = r.roles(c.seen)
	return r
}

// growing is how many times wider than after one sequence a range has to become, and to
// go on becoming, for its state to be called growing.
const growing = 1.5

// WideWeights names the weights that have 16 bits, in the order of the network: each is two
// matrices of 8 bits, whose products are added.
func (r *Result) WideWeights() []string {
	var names []string
	for _, name := range quantize.Matrices(r.plan) {
		if r.wide[name] {
			names = append(names, name)
		}
	}
	return names
}

// NarrowReadings names what products read in 8 bits though it is kept in 16.
func (r *Result) NarrowReadings() []string { return narrowReadings(r.plan, r.wide) }

// NarrowReadings names what products read in 8 bits though it is kept in 16.
func (r *GraphResult) NarrowReadings() []string { return narrowReadings(r.q.plan, r.Wide) }

// Reading reports whether a name of r.Wide is that of a reading, which is no value of its own.
func (r *GraphResult) Reading(name string) bool {
	return slices.ContainsFunc(r.q.plan.Readings(), func(p unroll.Reading) bool { return p.Name == name })
}

func narrowReadings(plan *unroll.Plan, wide map[string]bool) []string {
	var names []string
	for _, r := range plan.Readings() {
		if wide[r.Role] && !wide[r.Name] {
			names = append(names, r.Name)
		}
	}
	return names
}

// Growing names the states whose range goes on growing with every sequence that they are
// carried through, as far as calibration looked, with how many times wider than after one
// sequence it became: whatever their quantization, a longer stream leaves its range.
func (r *Result) Growing() map[string]float64 {
	found := map[string]float64{}
	for _, s := range r.plan.Graph.States {
		role := r.plan.Role[s.Out]
		if ob := r.from.seen[role]; ob != nil && ob.Growth > growing {
			found[role] = ob.Growth
		}
	}
	return found
}

// usualSamples is how many sequences decide ranges where Options does not say.
const usualSamples = 50

// representative loads standardized calibration samples, spread evenly over
// the set, which may be sorted by class.
func representative(net *nn.Network, set Samples, n int) ([][]float32, error) {
	if n == 0 {
		n = usualSamples
	}
	if set == nil || set.Len() == 0 {
		return nil, fmt.Errorf("network %q: quantization needs representative samples: the set is empty", net.Name)
	}
	n = min(n, set.Len())
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, net.Steps*net.Features)
		load(net, set, i*set.Len()/n, out[i])
	}
	return out, nil
}

// load writes sequence i as the graph takes it.
func load(net *nn.Network, set Samples, i int, dst []float32) {
	set.Sample(i, dst)
	if net.Mean == nil {
		return
	}
	for j := range dst {
		f := j % net.Features
		dst[j] = (dst[j] - net.Mean[f]) / net.Std[f]
	}
}
