// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

var trainVerb = verb{
	name:    "train",
	args:    "",
	summary: "Train a recurrent network and write its weights as safetensors.",
	example: "unroll train --data digits --cell gru --units 64 -o gru.safetensors",
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var d dataFlags
		var t trainFlags
		d.add(f)
		t.add(f)
		f.IntVar(&t.folds, "folds", 0, "cross-validate first: divide all sequences into so many parts, as the test part is, and judge each by a network trained on the others")
		out := f.StringP("output", "o", "", "the .safetensors file to write (default: CELL.safetensors)")
		force := f.Bool("force", false, "replace an existing file")
		asJSON := f.Bool("json", false, "print the result as JSON")
		return func(c *cli) error { return runTrain(c, &d, &t, *out, *force, *asJSON) }
	},
}

// recipeDefault is the recipe that flags are checked with before the data is known.
const recipeDefault = "default"

// trainFlags describe the network and the run.
type trainFlags struct {
	cell, activation, recipe   string
	layers                     string // a number, or a list for nn.ParseStack
	units, epochs, batch       int
	rate, augment              string
	clip, warmUp, smooth       float64
	noise, decay, dropout      float64
	schedule, weights          string
	shift                      int
	classic, outputGate, carry bool
	window, rank               int
	validation                 float64
	patience, folds            int
	state, history             string
	perStep                    bool // the data has a label for every step
	given                      func(flag string) bool
}

func (t *trainFlags) add(f *pflag.FlagSet) {
	f.StringVar(&t.cell, "cell", "gru", "recurrent cell: "+nn.CellNames())
	f.IntVar(&t.units, "units", 0, "units of every layer (default: 64 for at most 8000 sequences, else 256)")
	f.StringVar(&t.layers, "layers", "1", "how many layers of --cell, 1 to 3; or a list of "+nn.StackHelp)
	f.BoolVar(&t.classic, "classic", false, "GRU with the reset gate before the recurrent product (reset_after=false)")
	f.IntVar(&t.window, "window", 0, "rows of its input that every layer sees at a step (default: 1)")
	f.BoolVar(&t.outputGate, "output-gate", false, "mingru: one more gate, which multiplies a layer's output")
	f.IntVar(&t.rank, "rank", 0, "gru, lstm, rnn: make the recurrent matrix a product of two with so many values between them, fewer than the units (default: one matrix)")
	f.StringVar(&t.recipe, "recipe", "", "default (1 epoch, warm-up and cosine), small (2000 steps, clipped, with noise and label smoothing), numbers (the same for regressions), parallel (2 epochs, clipped), guide (1 epoch, constant 1e-3) or best (4 epochs with small shifts) (default: small or numbers for at most 8000 sequences, else default, or parallel for mingru)")
	f.IntVar(&t.epochs, "epochs", 0, "epochs (default: the recipe's)")
	f.IntVar(&t.batch, "batch", 32, "sequences a step")
	f.StringVar(&t.rate, "rate", "", "learning rate, the peak of the schedule; find tests rates on the data first (default: the recipe's)")
	f.StringVar(&t.activation, "activation", "tanh", "activation of the rnn cell: tanh or relu")
	f.StringVar(&t.schedule, "schedule", "", "course of the learning rate after the warm-up: constant or cosine, which ends at 0 (default: the recipe's)")
	f.Float64Var(&t.warmUp, "warm-up", 0, "fraction of all steps over which the learning rate rises (default: the recipe's)")
	f.IntVar(&t.shift, "shift", 0, "images: move each by up to so many pixels, anew every time (default: the recipe's)")
	f.Float64Var(&t.smooth, "smooth", 0, "label smoothing, 0 to below 1 (default: the recipe's)")
	f.Float64Var(&t.noise, "noise", 0, "deviation of the noise that is added to features, anew every time (default: the recipe's)")
	f.Float64Var(&t.decay, "weight-decay", 0, "weight decay, decoupled from the gradient (default: the recipe's)")
	f.BoolVar(&t.carry, "carry", false, "train on streams: the state goes on from every sequence to the next, as in a device that nobody resets")
	f.Float64Var(&t.dropout, "dropout", 0, "fraction of the units of every layer that are silent in a sequence, anew every time")
	f.StringVar(&t.augment, "augment", "", "what happens to sequences, anew every time: "+train.AugmentHelp)
	f.StringVar(&t.state, "state", "", "file that keeps the run, also when it is done: the same command goes on from it, with more --epochs too (default: one beside the output, while the run lasts)")
	f.StringVar(&t.history, "history", "", "file to write a line of JSON into for every epoch")
	f.StringVar(&t.weights, "class-weights", "", "factor of each class's loss, as 1,2.5,1, or balanced: the rarer the heavier (default: all 1)")
	t.given = f.Changed
	f.Float64Var(&t.clip, "clip", 0, "bound of the global gradient norm, 0 for none (default: the recipe's)")
	f.Float64Var(&t.validation, "validation", 0, "fraction of the training part to validate on after every epoch; the best network is kept")
	f.IntVar(&t.patience, "patience", 0, "stop after so many epochs without a better validation loss")
}

// config reads the flags; recipe is taken where none is given.
func (t *trainFlags) config(seed uint64, recipe string) (train.Config, error) {
	c, err := train.Recipe(cmp.Or(t.recipe, recipe), train.Config{})
	if err != nil {
		return c, usagef("--recipe: %v", err)
	}
	if c.Cell, err = nn.ParseCell(t.cell); err != nil {
		return c, usagef("--cell: %v", err)
	}
	if err := t.stack(&c, maxUnits); err != nil { // units may depend on the recipe
		return c, err
	}
	units := t.units
	if !t.given("units") {
		units = train.UnitsFor(c)
	}
	if t.given("epochs") && t.epochs < 1 {
		return c, usagef("--epochs %d: expected a positive number, or leave it out for the recipe's", t.epochs)
	}
	if t.given("folds") && t.folds < 2 {
		return c, usagef("--folds %d: expected 2 or more parts, each judged by a network trained on the others", t.folds)
	}
	if units < 1 || t.batch < 1 {
		return c, usagef("--units %d --batch %d: expected positive numbers", units, t.batch)
	}
	if err := t.stack(&c, units); err != nil {
		return c, err
	}
	if t.given("rank") && c.Stack == nil {
		if t.rank < 1 {
			return c, usagef("--rank %d: expected 1 to one less than the units", t.rank)
		}
		if err := (&nn.Layer{Cell: c.Cell, Units: units, ResetAfter: !t.classic, Rank: t.rank}).CheckRank(); err != nil {
			return c, usagef("--rank: %v", err)
		}
	}
	c.Window, c.OutputGate, c.Rank, c.Carry = t.window, t.outputGate, t.rank, t.carry
	c.Units, c.Batch, c.Classic, c.Seed = units, t.batch, t.classic, seed
	if t.given("smooth") {
		c.Smooth = t.smooth
	}
	if t.given("clip") {
		c.Clip = t.clip
	}
	if c.Activation, err = choose("--activation", t.activation, map[string]nn.Activation{"tanh": nn.Tanh, "relu": nn.Relu}); err != nil {
		return c, err
	}
	if t.schedule != "" {
		if c.Schedule, err = choose("--schedule", t.schedule, map[string]train.Schedule{"constant": train.Constant, "cosine": train.Cosine}); err != nil {
			return c, err
		}
	}
	if t.given("warm-up") {
		if !(t.warmUp >= 0 && t.warmUp <= 1) {
			return c, usagef("--warm-up %v: expected a fraction of all steps, 0 to 1", t.warmUp)
		}
		if c.WarmUp = t.warmUp; t.warmUp == 0 {
			c.WarmUp = -1
		}
	}
	if t.given("noise") {
		c.Noise = t.noise
	}
	if t.given("weight-decay") {
		c.Decay = t.decay
	}
	if t.given("shift") {
		c.Shift = t.shift
	}
	if t.patience > 0 && t.validation == 0 {
		return c, usagef("--patience %d: add --validation, the fraction to judge by", t.patience)
	}
	if c.Name = fmt.Sprintf("%s%d", t.cell, units); t.rank > 0 {
		c.Name += fmt.Sprintf("r%d", t.rank)
	}
	if c.Stack != nil {
		c.Name = stackName(t.layers)
	}
	if t.epochs != 0 {
		c.Epochs = t.epochs
	}
	if c.Dropout = t.dropout; !(t.dropout >= 0 && t.dropout < 1) {
		return c, usagef("--dropout %v: expected 0 to below 1", t.dropout)
	}
	if c.Augment, err = train.ParseAugment(t.augment); err != nil {
		return c, usagef("--augment: %v", err)
	}
	if t.rate != "" && t.rate != rateFind {
		if c.Rate, err = strconv.ParseFloat(t.rate, 64); err != nil || !(c.Rate > 0) {
			return c, usagef("--rate %s: expected a positive number, or %s", t.rate, rateFind)
		}
	}
	return c, nil
}

// rateFind is the value of --rate that has learning rates tested first.
const rateFind = "find"

// stack reads --layers: a number of layers of --cell, or a list.
func (t *trainFlags) stack(c *train.Config, units int) error {
	if n, err := strconv.Atoi(t.layers); err == nil {
		if c.Layers = n; n < 1 || n > train.MaxLayers {
			return usagef("--layers %d: expected 1 to %d, or a list of layers, which may be longer (--layers gru:64,gru:64,gru:64,gru:64)", n, train.MaxLayers)
		}
		return nil
	}
	for _, flag := range []string{"cell", "window", "output-gate", "rank", "classic", "activation"} {
		if t.given(flag) {
			return usagef("--%s with --layers %s: the list says it for every layer; --help shows how", flag, t.layers)
		}
	}
	var err error
	if c.Stack, err = nn.ParseStack(t.layers, units, t.perStep); err != nil {
		return usagef("--layers: %v", err)
	}
	c.Cell, c.Layers = train.CellOf(*c), 1
	return nil
}

// stackName makes a name of a list of layers: conv32x5-gru64.
func stackName(list string) string {
	name := strings.NewReplacer(",", "-", ":", "", " ", "").Replace(list)
	return name[:min(len(name), maxStackName)]
}

// maxUnits are more than a recipe gives a layer.
const maxUnits = 4096

// maxStackName keeps names of files short.
const maxStackName = 48

// fitTo completes the configuration for the data: the recipe that its size calls for, the
// validation part and the weights of classes. It returns the part to train on, having said
// what the data is.
func (t *trainFlags) fitTo(c *cli, cfg *train.Config, set, test *dataset.Set, seed uint64) (*dataset.Set, error) {
	set, err := t.split(cfg, set, seed)
	if err != nil {
		return nil, err
	}
	t.recipe = cmp.Or(t.recipe, train.RecipeFor(set, cfg.Cell))
	chosen, err := t.config(seed, t.recipe)
	if err != nil {
		return nil, err
	}
	t.units = chosen.Units
	if t.perStep = set.PerStep; chosen.Stack != nil {
		if err := t.stack(&chosen, chosen.Units); err != nil {
			return nil, err
		}
	}
	chosen.Validation, chosen.Patience = cfg.Validation, cfg.Patience
	*cfg = chosen
	dataset.Describe(set, cfg.Validation, test, func(line string) { c.say("%s", line) })
	if err := t.weigh(cfg, set); err != nil {
		return nil, err
	}
	if t.rate == rateFind {
		if cfg.Rate, err = train.FindRate(c.ctx, *cfg, set); err != nil {
			return nil, err
		}
		c.say("learning rate: %.3g, found by a test of %s", cfg.Rate, cfg.Name)
	}
	return set, nil
}

// split sets the validation part aside, when one is asked for.
func (t *trainFlags) split(cfg *train.Config, set *dataset.Set, seed uint64) (*dataset.Set, error) {
	if t.validation == 0 {
		return set, nil
	}
	rest, aside, err := dataset.Split(set, t.validation, seed)
	if err == nil && set.Origin != nil {
		set.Origin.Validation = t.validation
	}
	cfg.Validation, cfg.Patience = aside, t.patience
	return rest, err
}

// weigh sets the weights of the classes.
func (t *trainFlags) weigh(cfg *train.Config, set *dataset.Set) error {
	switch t.weights {
	case "":
		return nil
	case "balanced":
		if set.Task != nn.Classification {
			return usagef("--class-weights: %s has no classes", set.Name)
		}
		cfg.ClassWeights = train.BalancedWeights(set)
		return nil
	}
	for _, text := range strings.Split(t.weights, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return usagef("--class-weights %s: %q is no number; expected one for each class, as 1,2.5,1, or balanced", t.weights, text)
		}
		cfg.ClassWeights = append(cfg.ClassWeights, w)
	}
	return nil
}

// fit trains with progress on stderr. On Ctrl-C it returns the network so far with the
// error. seen, which may be nil, is told of the progress, too.
func fit(c *cli, cfg train.Config, set *dataset.Set, seen func(train.Progress)) (*nn.Network, error) {
	p := newProgress(c.stderr)
	defer p.finish()
	return train.Fit(c.ctx, cfg, set, func(s train.Progress) {
		if seen != nil {
			seen(s)
		}
		now := fmt.Sprintf("training: epoch %d/%d, loss %.3f", s.Epoch, s.Epochs, s.Loss)
		if set.Task == nn.Classification {
			now += fmt.Sprintf(", accuracy %.2f %%", 100*s.Accuracy)
		}
		p.update(s.Step, s.Steps, now)
		if s.EpochDone && cfg.Validation != nil {
			best := ""
			if s.Best {
				best = ", the best so far"
			}
			p.finish()
			judged := fmt.Sprintf("accuracy %.2f %%", 100*s.ValidationAccuracy)
			if set.Task == nn.Regression {
				judged = fmt.Sprintf("R² %.4f", s.ValidationAccuracy)
			}
			c.say("epoch %d: validation loss %.4f, %s%s", s.Epoch, s.ValidationLoss, judged, best)
		}
	})
}

func encodeNetwork(net *nn.Network) ([]byte, error) {
	var b bytes.Buffer
	if err := checkpoint.Write(&b, net); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// trained is what train prints with --json.
type trained struct {
	Accuracy    *float64        `json:"float_accuracy"`      // null for a regression
	RSquared    *float64        `json:"r_squared,omitempty"` // of a regression
	Loss        float64         `json:"loss"`                // mean cross entropy, or mean squared error
	Carried     *float64        `json:"carried,omitempty"`   // accuracy, or R², of a network trained with --carry on streams of the test part
	Parameters  int             `json:"parameters"`
	Folds       *crossValidated `json:"folds,omitempty"`
	Interrupted bool            `json:"interrupted"`
	Output      string          `json:"output"`
}

func runTrain(c *cli, d *dataFlags, t *trainFlags, out string, force, asJSON bool) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	cfg, err := t.config(d.seed, recipeDefault)
	if err != nil {
		return err
	}
	if out == "" {
		if out = t.cell + ".safetensors"; cfg.Stack != nil {
			out = cfg.Name + ".safetensors"
		}
	}
	force = force || ofRun(cmp.Or(t.state, out+".run"), out)
	if err := checkOutput(out, force); err != nil {
		return err
	}
	for _, file := range []string{t.state, t.history} {
		if file != "" {
			if err := checkOutput(file, true); err != nil {
				return err
			}
		}
	}
	set, test, err := d.open(c)
	if err != nil {
		return err
	}
	whole := set
	flags := *t
	if set, err = t.fitTo(c, &cfg, set, test, d.seed); err != nil {
		return err
	}
	var cross *crossValidated
	if t.folds != 0 {
		if cross, err = flags.crossValidate(c, whole, test, d.seed); err != nil {
			return err
		}
	}
	run, err := t.keepRun(c, &cfg, out)
	if err != nil {
		return err
	}
	net, err := run.fit(c, t, cfg, set)
	interrupted := errors.Is(err, context.Canceled) && net != nil
	if net == nil {
		return err
	}
	r := trained{Folds: cross, Parameters: net.Parameters(), Interrupted: interrupted, Output: out}
	quality, loss := train.Evaluate(net, test)
	carried := ""
	if cfg.Carry {
		q, _, carryErr := train.EvaluateCarried(net, test)
		if carryErr != nil {
			return errors.Join(err, carryErr)
		}
		r.Carried = &q
		if carried = fmt.Sprintf("; with the state carried accuracy %.2f %%", 100*q); net.Task == nn.Regression {
			carried = fmt.Sprintf("; with the state carried R² %.4f", q)
		}
	}
	r.Loss = loss
	told := fmt.Sprintf("accuracy %.2f %% and loss %.4f", 100*quality, loss)
	figure := "float_accuracy"
	if net.Task == nn.Classification {
		r.Accuracy = &quality
	} else {
		r.RSquared, figure = &quality, "r2"
		told = fmt.Sprintf("R² %.4f and mean squared error %.4g", quality, loss)
	}
	net.Facts.Measured(map[string]float64{figure: quality, "loss": loss})
	file, encodeErr := encodeNetwork(net)
	if encodeErr != nil {
		return errors.Join(err, encodeErr)
	}
	if writeErr := writeFile(out, file, force); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	if err != nil && !interrupted {
		return fmt.Errorf("%w\nthe last good network is in %s", err, out)
	}
	if !interrupted {
		if err := run.done(); err != nil {
			return err
		}
	}
	if asJSON {
		return printJSON(c.stdout, r)
	}
	if interrupted {
		fmt.Fprintln(c.stdout, "interrupted: what follows is the network so far; the same command goes on with it")
	}
	if cross != nil {
		fmt.Fprintln(c.stdout, cross)
	}
	fmt.Fprintf(c.stdout, "%s parameters, %s on %s test sequences%s\nwrote %s\nnext: %s\n",
		commas(r.Parameters), told, commas(test.Len()), carried, out, command("lower", out))
	return nil
}
