// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/nn"
)

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
	average                    float64
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
	f.StringVar(&t.recipe, "recipe", "", "default (1 epoch, warm-up and cosine), small (2000 steps, clipped, with noise and label smoothing), numbers (the same for regressions), curves (for those at every step), parallel (2 epochs, clipped), guide (1 epoch, constant 1e-3) or best (4 epochs with small shifts) (default: small, numbers or curves for at most 8000 sequences, else default, or parallel for mingru)")
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
	f.Float64Var(&t.average, "average", 0, "validate and keep the moving average of the weights, of which every step keeps this part, 0.995 of the last 200 steps or so; 0 for the weights themselves (default: the recipe's)")
	f.BoolVar(&t.carry, "carry", false, "train on streams: the state goes on from every sequence to the next, as in a device that nobody resets")
	f.Float64Var(&t.dropout, "dropout", 0, "fraction of the units of every layer that are silent in a sequence, anew every time")
	f.StringVar(&t.augment, "augment", "", "what happens to sequences, anew every time: "+train.AugmentHelp)
	f.StringVar(&t.state, "state", "", "file that keeps the run, also when it is done: the same command goes on from it, with more --epochs too (default: one beside the output, while the run lasts)")
	f.StringVar(&t.history, "history", "", "file to write a line of JSON into for every epoch")
	f.StringVar(&t.weights, "class-weights", "", "factor of each class's loss, as 1,2.5,1, or balanced: the rarer the heavier (default: all 1)")
	t.given = f.Changed
	f.Float64Var(&t.clip, "clip", 0, "bound of the global gradient norm, 0 for none (default: the recipe's)")
	f.Float64Var(&t.validation, "validation", 0, "fraction of the training part to validate on after every epoch; the best network is kept (default: the validation part that the files have, if they do)")
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
	if t.given("average") {
		c.Average = t.average
	}
	if t.given("shift") {
		c.Shift = t.shift
	}
	if !(t.validation >= 0 && t.validation < 1) {
		return c, usagef("--validation %v: expected a fraction of the training part, above 0 and below 1", t.validation)
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
