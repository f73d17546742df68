package lower

import (
	"context"
	"fmt"

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
)

// Options choose what Lower makes. The zero value is an int8 graph of the
// network's own number of steps, without state inputs.
type Options struct {
	Steps   int   // time steps of one call; 0 takes the network's
	Form    Form  // operator sequence of the cells
	StateIO bool  // states are inputs and outputs, carried by the caller
	PerStep bool  // an output for every step (always so for networks trained that way)
	Blend   Blend // of GRU cells in FormNPU

	CalibrationSamples int // 0 is 50, spread evenly over the set
	Estimator          Estimator
	Percentile         float64 // of Percentile; 0 is 99.99

	Activations Activations

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

	net  *nn.Network // with standardization folded, if asked for
	plan *unroll.Plan
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
	net = prepare(net, o)
	plan, err := unroll.Build(net, o.unroll(net))
	if err != nil {
		return nil, err
	}
	samples, err := representative(net, calib, o.CalibrationSamples)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	co := calibrate.Options{Estimator: o.Estimator, Percentile: o.Percentile}
	if o.Activations == Int16 {
		co.Estimator = MinMax // 16 bits have no need to cut anything
	}
	seen, rounds, err := calibrate.Collect(plan, samples, co)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ranges := map[string]quantize.Range{}
	for role, ob := range seen {
		ranges[role] = quantize.Range(co.Estimate(ob))
	}
	qo := quantize.Options{Activations: o.Activations, PerTensor: !o.PerChannelWeights, WeightLevels: o.WeightLevels}
	if o.Activations != Int8 { // with 8 bits the activations' own error is the larger
		moments, err := calibrate.CollectMoments(plan, samples)
		if err != nil {
			return nil, err
		}
		qo.Moments = map[graph.TensorID]*quantize.Moments{}
		for id, m := range moments {
			qo.Moments[id] = (*quantize.Moments)(m)
		}
	}
	if len(plan.Sums) > 0 && o.Activations == Int8 {
		s, err := newSearch(plan, samples, qo)
		if err != nil {
			return nil, err
		}
		if err := s.sums(ctx, ranges); err != nil {
			return nil, err
		}
	}
	g, err := quantize.Graph(plan, ranges, qo)
	if err != nil {
		return nil, err
	}
	r := &Result{Float: plan.Graph, Int8: g, Mean: net.Mean, Std: net.Std, net: net, plan: plan}
	r.Facts = factsOf(net, calib, samples)
	r.Report.Samples, r.Report.Rounds = len(samples), rounds
	r.Report.Tensors = r.roles(seen)
	return r, nil
}

// representative loads standardized calibration samples, spread evenly over
// the set, which may be sorted by class.
func representative(net *nn.Network, set Samples, n int) ([][]float32, error) {
	if n == 0 {
		n = 50
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
