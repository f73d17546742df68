// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

var lowerVerb = verb{
	name:    "lower",
	args:    "NETWORK",
	summary: "Unroll and quantize a float network of any format (docs/formats.md) to an integer .tflite, with an accuracy report.",
	example: `unroll lower gru.safetensors -o gru.tflite         # with the data that it was trained on
unroll lower gru.safetensors --report=steps        # range, scale and SQNR of every tensor at every step
unroll lower pytorch.safetensors --data x.npz      # or a Keras .npz
unroll lower net.onnx --data calib.npz --state h=hn   # a graph: an array for each input, or a labelled set`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var l lowering
		l.add(f)
		return l.run
	},
}

// lowering is one run of lower: what is asked for, and what run makes of that before it
// reads the network.
type lowering struct {
	data   dataFlags
	form   lowerFlags
	graph  graphFlags
	report reportFlags
	npu    npuFlags
	out    string
	force  bool

	name    string
	options lower.Options
	target  compile.Options
}

func (l *lowering) add(f *pflag.FlagSet) {
	l.data.addFor(f)
	l.form.add(f)
	l.npu.add(f)
	l.graph.add(f)
	f.StringVarP(&l.out, "output", "o", "", "the .tflite to write (default: the network's name)")
	f.BoolVar(&l.force, "force", false, "replace an existing file")
	l.report.add(f)
}

// next is the command that goes on with what was written.
func (l *lowering) next() string {
	return command("compile", append([]string{operand(l.out)}, repeated(l.form.set, npuFlagNames...)...)...)
}

// lowerFlags choose the form of the lowered network.
type lowerFlags struct {
	set                          *pflag.FlagSet
	form, activations, estimator string
	rounding, equalize           string
	percentile, clamp            float64
	steps, calibration           int
	noState, perStep, perChannel bool
	qat, distill, weightLevels   int
	maxLoss, resume              string
	detection                    detectFlags
	windows                      windowFlags
}

func (l *lowerFlags) add(f *pflag.FlagSet) {
	l.set = f
	f.StringVar(&l.form, "form", "npu", "operator sequence of the cells: npu (fewest operations) or keras (as TensorFlow converts them)")
	f.IntVar(&l.steps, "steps", 0, "time steps of one call (default: as trained, or as the graph has them; 1 is streaming, with the state of every layer and the past of every convolution carried)")
	f.BoolVar(&l.noState, "no-state", false, "start every call at zero instead of taking the state as an input and giving it as an output")
	f.BoolVar(&l.perStep, "per-step", false, "give an output for every step, not only for the last")
	f.IntVar(&l.calibration, "calibration", 50, "number of training sequences that decide the ranges; a search of widths for numbers takes all, up to 500,000 steps")
	f.StringVar(&l.estimator, "estimator", "minmax", "range estimator: minmax, percentile or mse")
	f.Float64Var(&l.percentile, "percentile", 99.99, "--estimator percentile: the part of the values, in percent, that a range holds, at both ends together")
	f.Float64Var(&l.clamp, "clamp-inputs", 0, "percentile of their values, such as 99.9, that inputs are cut at: what lies beyond saturates, in the generated C too, and the rest has finer steps (default: as --estimator says)")
	f.StringVar(&l.rounding, "rounding", "auto", "rounding of weights: nearest, compensated (errors of the weights of an output make up for each other, as its inputs move together) or auto (compensated, but nearest for layers in 8 bits)")
	f.StringVar(&l.equalize, "equalize", "auto", "scale channels between the convolutions and dense layers of a graph by powers of two, so that they share one scale better: always, never or auto (where it loses less)")
	f.StringVar(&l.activations, "activations", "auto", "width of the values: auto (16 bits where 8 lose more than --max-loss), int8, mixed (int16 before the activation functions) or int16")
	f.StringVar(&l.maxLoss, "max-loss", "", "largest loss against float that auto accepts: points of accuracy, or the relative error of numbers (default 0.3%, or 3% of numbers)")
	l.detection.add(f)
	l.windows.add(f)
	f.IntVar(&l.qat, "qat", 0, "steps in which the quantized network of layers learns from the labels of the training part, under its own quantization; try 500")
	f.IntVar(&l.distill, "distill", 0, "steps in which the quantized graph learns to give the float graph's outputs, without labels, on the training part or on the calibration calls; try 500")
	f.StringVar(&l.resume, "resume", "", "file that keeps what --distill or --qat has learned after every tenth of the steps and on Ctrl-C; the same command goes on from it")
	f.IntVar(&l.weightLevels, "weight-levels", 127, "largest magnitude of a quantized weight: fewer levels (say 64) take less flash, and fewer cycles where flash is slow")
	f.BoolVar(&l.perChannel, "per-channel", false, "a scale for every output of a weight matrix: more exact, larger encoded weights (default: with --activations mixed and int16)")
}

func (l *lowerFlags) options() (lower.Options, error) {
	o := lower.Options{Steps: l.steps, StateIO: !l.noState, PerStep: l.perStep, CalibrationSamples: l.calibration, PerChannelWeights: l.perChannel, WeightLevels: l.weightLevels}
	var err error
	if o.Form, err = choose("--form", l.form, map[string]lower.Form{"npu": lower.FormNPU, "keras": lower.FormKeras}); err != nil {
		return o, err
	}
	if o.Estimator, err = choose("--estimator", l.estimator, map[string]lower.Estimator{"minmax": lower.MinMax, "percentile": lower.Percentile, "mse": lower.MSE}); err != nil {
		return o, err
	}
	if o.Rounding, err = choose("--rounding", l.rounding, map[string]lower.Rounding{"auto": lower.RoundAuto, "nearest": lower.RoundNearest, "compensated": lower.RoundCompensated}); err != nil {
		return o, err
	}
	if o.Equalize, err = choose("--equalize", l.equalize, map[string]lower.Equalization{"auto": lower.EqualizeAuto, "never": lower.EqualizeNever, "always": lower.EqualizeAlways}); err != nil {
		return o, err
	}
	o.Activations, err = choose("--activations", l.activations, map[string]lower.Activations{"int8": lower.Int8, "mixed": lower.Mixed, "int16": lower.Int16, "auto": lower.Auto})
	if err != nil {
		return o, err
	}
	if !l.set.Changed("per-channel") {
		// Wide activations are asked for when 8 bits do not do; coarse weights would
		// then be most of the error that is left.
		o.PerChannelWeights = o.Activations == lower.Mixed || o.Activations == lower.Int16
	}
	if o.MaxLoss, err = parseLoss(l.maxLoss); err != nil {
		return o, err
	}
	if l.maxLoss != "" && o.Activations != lower.Auto {
		return o, usagef("--max-loss %s with --activations %s: the loss decides only where the widths are chosen by it", l.maxLoss, l.activations)
	}
	if l.steps < 0 || l.calibration < 1 {
		return o, usagef("--steps must not be negative and --calibration must be at least 1, found %d and %d", l.steps, l.calibration)
	}
	if l.distill < 0 {
		return o, usagef("--distill %d: expected a number of steps", l.distill)
	}
	if l.qat < 0 {
		return o, usagef("--qat %d: expected a number of steps", l.qat)
	}
	if !(l.percentile > 0 && l.percentile <= 100) || !(l.clamp >= 0 && l.clamp <= 100) {
		return o, usagef("--percentile %v --clamp-inputs %v: expected percentages, as 99.9", l.percentile, l.clamp)
	}
	if l.set.Changed("percentile") && o.Estimator != lower.Percentile {
		return o, usagef("--percentile %v: add --estimator percentile, which goes by it", l.percentile)
	}
	o.Percentile, o.InputClamp = l.percentile, l.clamp
	if l.qat > 0 && l.distill > 0 {
		return o, usagef("--qat %d --distill %d: the network learns from labels or from the float network, not from both", l.qat, l.distill)
	}
	if l.resume != "" && l.qat+l.distill == 0 {
		return o, usagef("--resume %s: add --distill or --qat, the steps that it keeps", l.resume)
	}
	if err := l.detection.check(l.set); err != nil {
		return o, err
	}
	if err := l.windows.check(); err != nil {
		return o, err
	}
	if l.windows.n > 1 && l.detection.background != "" {
		return o, usagef("--detect %s --%s %d: alarms are found in one stream", l.detection.background, windowsFlag, l.windows.n)
	}
	if l.weightLevels < 1 || l.weightLevels > 127 {
		return o, usagef("--weight-levels must be 1 to 127, found %d", l.weightLevels)
	}
	return o, nil
}

// whole has a call take whole sequences, no state carried, where layers run from the last
// step to the first and the flags do not say otherwise. It reports whether it did.
func (l *lowerFlags) whole(layers []nn.Layer, o *lower.Options) bool {
	if !slices.ContainsFunc(layers, func(l nn.Layer) bool { return l.Reversed }) || l.set.Changed("no-state") || o.Steps > 0 {
		return false
	}
	o.StateIO = false
	return true
}

// choose looks a flag's value up and names the choices when it is none of them.
func choose[T any](flag, value string, choices map[string]T) (T, error) {
	if v, ok := choices[value]; ok {
		return v, nil
	}
	var zero T
	return zero, usagef("%s %s: expected one of %s", flag, value, strings.Join(sortedKeys(choices), ", "))
}

// run checks what is asked for and lowers the network by what it is made of.
func (l *lowering) run(c *cli) (err error) {
	if l.name, err = c.oneArg("the network to lower"); err != nil {
		return err
	}
	if l.options, err = l.form.options(); err != nil {
		return err
	}
	if err := l.report.check(l.options.StateIO); err != nil {
		return err
	}
	if l.target, err = l.npu.options(); err != nil {
		return err
	}
	if l.out == "" {
		l.out = strings.TrimSuffix(filepath.Base(l.name), filepath.Ext(l.name)) + ".tflite"
	}
	if err := checkOutput(l.out, l.force, l.name); err != nil {
		return err
	}
	if l.report.predictions != "" {
		if err := checkOutput(l.report.predictions, l.force, l.name); err != nil {
			return err
		}
	}
	graph, err := source.IsGraph(l.name)
	if err != nil {
		return err
	}
	if graph {
		return l.runGraph(c)
	}
	return l.runLayers(c)
}

// openLayers reads a network of layers and the data set that it is lowered with.
func (l *lowering) openLayers(c *cli) (net *nn.Network, train, test *dataset.Set, assumed []string, err error) {
	fail := func(err error) (*nn.Network, *dataset.Set, *dataset.Set, []string, error) {
		return nil, nil, nil, nil, err
	}
	for _, flag := range []string{"shape", "set", "state", "time", "equalize"} {
		if l.form.set.Changed(flag) {
			return fail(usagef("--%s is for graphs (.onnx, float .tflite); %s holds layers", flag, l.name))
		}
	}
	stated := l.graph.source.stated()
	stated.PerStep = l.options.PerStep
	net, err = checkpoint.OpenAs(l.name, stated)
	if err != nil {
		return fail(err)
	}
	if err := l.data.task(c, net, l.graph.source.head); err != nil {
		return fail(fmt.Errorf("%s: %w", l.name, err))
	}
	train, test, assumed, err = l.data.openFor(c, l.name, net)
	if err != nil {
		return fail(err)
	}
	if net.Steps == 0 { // files from elsewhere do not say
		net.Steps = train.Steps
	}
	if err := train.Fits(net); err != nil {
		return fail(fmt.Errorf("%s with --data %s: %w", l.name, train.Source(), err))
	}
	for _, what := range append(assumedOf(net), assumed...) {
		c.say("assumed: %s", what)
	}
	return net, train, test, assumed, nil
}

// runLayers lowers a network of layers.
func (l *lowering) runLayers(c *cli) error {
	net, train, test, assumed, err := l.openLayers(c)
	if err != nil {
		return err
	}
	o := l.options
	if l.form.whole(net.Layers, &o) {
		c.say("a call takes a whole sequence and carries no state: layers run from its last step to the first")
		if err := l.report.check(o.StateIO); err != nil {
			return err
		}
	}
	kept, err := l.form.detection.kept(net, train) // before the lowering, which takes long
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	if float, err := lower.Float(net, o); err == nil { // before the lowering, which takes long
		if _, _, err := l.form.windows.of(c, float, nil); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	low, stopped := l.form.lower(c, net, train, o, l.target)
	if low == nil {
		return stopped
	}
	low.Facts.Assumed = append(low.Facts.Assumed, assumed...)
	if err := low.Measurable(); (l.report.report != "" || l.report.predictions != "") && err != nil {
		return err
	}
	r := lowered{Assumed: append([]string{}, low.Facts.Assumed...), Operators: len(low.Int8.Ops), Output: l.out, Widened: widened(low), Readings: low.NarrowReadings(), Loss: lossOf(low.Widths), Growing: low.Growing()}
	if stopped == nil {
		if err := l.report.measure(c, low, train, test, &r); err != nil {
			return err
		}
		if r.Detection, err = l.form.detection.choose(c, low, kept, test); err != nil {
			return err
		}
	}
	many, known, err := l.form.windows.of(c, low.Int8, low.Facts)
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	file, err := lower.Encode(many, known)
	if err != nil {
		return err
	}
	r.Bytes = len(file)
	if stopped != nil {
		return l.form.keep(c, l.name, l.out, file, l.force, stopped)
	}
	if err := r.export(l.report.predictions, l.force); err != nil {
		return err
	}
	if err := writeFile(l.out, file, l.force); err != nil {
		return err
	}
	if l.report.json {
		return printJSON(c.stdout, r)
	}
	if err := l.report.print(c, &r, low); err != nil {
		return err
	}
	printWidths(c, low)
	if r.Evaluation != nil {
		printResolution(c, low.Widths, r.Evaluation.Float.Decisions)
	}
	if err := low.Measurable(); err != nil {
		fmt.Fprintf(c.stdout, "note: %v\n", err)
	}
	fmt.Fprintf(c.stdout, "wrote %s: %d operators, %s bytes\nnext: %s\n", l.out, r.Operators, commas(r.Bytes), l.next())
	return nil
}
