// SPDX-License-Identifier: Apache-2.0

package train

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// Schedule is the course of the learning rate over a run.
type Schedule int

// Schedules.
const (
	Cosine   Schedule = iota // linear warm-up, then half a cosine down to 0
	Constant                 // the same rate throughout, after the warm-up if there is one
)

// Config describes a network and how it is trained. A zero field takes the value
// of the default recipe: GRU 256, one epoch of batch 32, Adam with a peak rate of
// 5e-3, 10 % warm-up and cosine decay.
type Config struct {
	Name       string
	Cell       nn.Cell
	Units      int // of every layer; default 256
	Layers     int // 1, 2 or 3; default 1
	Activation nn.Activation
	// Classic selects the GRU variant with the reset gate before the recurrent
	// product (Keras' reset_after=false).
	Classic bool
	Window  int // rows of the input that every layer sees at a step; default 1
	// OutputGate gives every layer one more gate, where the cell can have it.
	OutputGate bool
	Rank       int // of the recurrent matrix of every layer; 0 is full: see nn.Layer
	// Stack, where it is not nil, are the layers of the network, as nn.ParseStack reads them,
	// in the place of what the fields from Cell to Rank say.
	Stack []nn.Layer

	Epochs   int     // default as Steps says, or 1
	Steps    int     // where Epochs is 0: optimizer steps at least, in whole epochs
	Batch    int     // sequences a step; default 32
	Rate     float64 // learning rate, the peak for Cosine; default 5e-3
	Schedule Schedule
	WarmUp   float64 // fraction of all steps; default 0.1 for Cosine, negative for none
	Clip     float64 // bound of the global gradient norm; 0 for none
	Smooth   float64 // label smoothing, 0 … below 1
	Shift    int     // each image moves by up to so many pixels both ways, anew every time
	Noise    float64 // deviation of what is added to every feature, as the network takes it, anew every time
	Augment  Augment // what else happens to sequences
	Dropout  float64 // fraction of the units of every layer that are silent in a sequence, 0 … below 1
	// Average is how much of the moving average of the weights a step keeps, 0 … below 1. It is
	// the average that is validated and kept; 0 takes the weights themselves.
	Average float64
	Decay   float64 // weight decay, decoupled from Adam's gradient: the fraction of a weight that a step at learning rate 1 takes away
	// Carry has states go on from every sequence to the next, as in a device that nobody
	// resets: see carry.go. The validation part is judged in the same way.
	Carry bool
	// ClassWeights scale the loss of each class; nil means 1. They are used as given.
	ClassWeights []float64

	// Validation, where given, is evaluated after every epoch, and the network
	// with the smallest loss on it is the result. After Patience epochs without a
	// smaller one training ends; 0 means never.
	Validation *dataset.Set
	Patience   int

	// Reported, where given, is the part that the caller's figures will be of. It decides nothing
	// of the weights, but is known to a State: a run goes on only with the same one, so that what
	// was reported on is not trained on later, nor the other way round.
	Reported *dataset.Set

	Seed    uint64
	Workers int // goroutines; default GOMAXPROCS, at most 8. Does not change the result.

	// Save, where given, is called at the end of every epoch and when the context
	// ends. Resume goes on where a State was taken, under the same options.
	Save   func(*State) error
	Resume *State
}

// MaxLayers bounds the layers that are alike; a Stack may have more.
const MaxLayers = 3

// Bounds of sizes: beyond them a wrong number is likelier than a wish.
const (
	maxUnits  = 4096
	maxBatch  = 4096
	maxEpochs = 100000
	maxWindow = 64
	maxSteps  = 100_000_000
)

// withDefaults fills zero fields for a training part of so many sequences and checks the
// rest.
func (c Config) withDefaults(sequences int) (Config, error) {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.Units, 256)
	set(&c.Layers, 1)
	set(&c.Batch, 32)
	if c.Epochs == 0 {
		c.Epochs = 1
		if steps := (sequences + c.Batch - 1) / max(c.Batch, 1); steps > 0 && c.Steps > 0 {
			c.Epochs = min((c.Steps+steps-1)/steps, maxEpochs)
		}
	}
	set(&c.Workers, min(runtime.GOMAXPROCS(0), 8))
	if c.Rate == 0 {
		c.Rate = 5e-3
	}
	if c.WarmUp == 0 && c.Schedule == Cosine {
		c.WarmUp = 0.1
	}
	c.WarmUp = max(c.WarmUp, 0)
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Cell.Facts() != nil, "cell is %v, expected %s", c.Cell, nn.CellNames())
	check(c.Units >= 1 && c.Units <= maxUnits, "units is %d, expected 1 to %d", c.Units, maxUnits)
	check(c.Layers >= 1 && c.Layers <= MaxLayers, "layers is %d, expected 1 to %d", c.Layers, MaxLayers)
	check(c.Steps >= 0 && c.Steps <= maxSteps, "steps is %d, expected 1 to %d", c.Steps, maxSteps)
	check(c.Epochs >= 1 && c.Epochs <= maxEpochs, "epochs is %d, expected 1 to %d", c.Epochs, maxEpochs)
	check(c.Batch >= 1 && c.Batch <= maxBatch, "batch is %d, expected 1 to %d", c.Batch, maxBatch)
	check(c.Workers >= 1, "workers is %d, expected at least 1", c.Workers)
	check(c.Rate > 0 && !math.IsInf(c.Rate, 0), "learning rate is %v, expected a positive number", c.Rate)
	check(c.WarmUp <= 1, "warm-up is %v, expected a fraction of all steps, at most 1", c.WarmUp)
	check(c.Clip >= 0, "clip is %v, expected a positive bound or 0 for none", c.Clip)
	check(c.Smooth >= 0 && c.Smooth < 1, "label smoothing is %v, expected 0 … below 1", c.Smooth)
	check(c.Patience >= 0, "patience is %d epochs, expected 0 or more", c.Patience)
	check(c.Patience == 0 || c.Validation != nil, "patience is %d epochs, but there is no validation set to judge by", c.Patience)
	check(c.Noise >= 0 && !math.IsInf(c.Noise, 0), "noise is %v, expected a deviation, 0 or more", c.Noise)
	check(c.Average >= 0 && c.Average < 1, "average is %v, expected 0 to below 1", c.Average)
	check(c.Decay >= 0 && c.Decay*c.Rate < 1, "weight decay is %v at rate %v, expected 0 or more, and together less than 1", c.Decay, c.Rate)
	check(c.Dropout >= 0 && c.Dropout < 1, "dropout is %v, expected 0 … below 1", c.Dropout)
	check(c.Shift >= 0, "shift is %d pixels, expected 0 or more", c.Shift)
	check(c.Window >= 0 && c.Window <= maxWindow, "window is %d rows, expected 1 to %d", c.Window, maxWindow)
	if f := c.Cell.Facts(); f != nil {
		check(!c.OutputGate || f.OutputGate, "a %v cell has no output gate to switch on", c.Cell)
	}
	if c.Cell.Facts() != nil && c.Rank != 0 {
		err := (&nn.Layer{Cell: c.Cell, Units: c.Units, ResetAfter: !c.Classic, Rank: c.Rank}).CheckRank()
		check(err == nil, "%v", err)
	}
	if f := c.Cell.Facts(); f != nil && f.Trainable != nil {
		err := f.Trainable(&nn.Layer{Cell: c.Cell, Activation: c.Activation, ResetAfter: !c.Classic})
		check(err == nil, "%v", err)
	}
	check(!c.Classic || c.Cell == nn.GRU, "the classic variant is one of gru, not of %v", c.Cell)
	for i, w := range c.ClassWeights {
		check(w >= 0 && !math.IsInf(w, 0), "class weight %d is %v, expected 0 or more", i, w)
	}
	if len(errs) > 0 {
		return c, fmt.Errorf("training options: %w", errors.Join(errs...))
	}
	return c, nil
}

// network returns the untrained network for a set, with shapes but no values.
func (c Config) network(set *dataset.Set) (*nn.Network, error) {
	net := &nn.Network{Name: c.Name, Steps: set.Steps, Features: set.Features, Task: set.Task, PerStep: set.PerStep,
		Outputs: set.Outputs, Classes: set.Classes, Mean: set.Mean, Std: set.Std, Seed: c.Seed}
	if set.Origin != nil {
		net.Facts = &facts.Facts{Data: set.Origin, Audio: set.Audio}
	}
	if net.Name == "" && c.Stack != nil {
		net.Name = "stack"
	} else if net.Name == "" {
		net.Name = c.Cell.String()
	}
	if c.Stack != nil {
		net.Layers = append(net.Layers, c.Stack...)
		if err := net.Complete(); err != nil {
			return nil, err
		}
		return net, nil
	}
	features := set.Features
	for range c.Layers {
		net.Layers = append(net.Layers, nn.Layer{Cell: c.Cell, Features: features, Units: c.Units, Activation: c.Activation,
			ResetAfter: c.Cell == nn.GRU && !c.Classic, Window: c.Window, OutputGate: c.OutputGate, Rank: c.Rank})
		features = c.Units
	}
	return net, nil
}

// rateAt returns the learning rate of step n (from 0) of total steps.
func (c Config) rateAt(n, total int) float64 {
	warm := int(math.Round(c.WarmUp * float64(total)))
	if n < warm {
		return c.Rate * float64(n+1) / float64(warm)
	}
	if c.Schedule == Constant {
		return c.Rate
	}
	return c.Rate * 0.5 * (1 + math.Cos(math.Pi*float64(n-warm)/float64(max(total-warm, 1))))
}

// BalancedWeights returns class weights that give every class of a set the same
// share of the loss: rows / (classes in use * rows of the class), 0 for a class
// that is not in use.
func BalancedWeights(set *dataset.Set) []float64 {
	counts := set.Counts()
	rows, used := 0, 0
	for _, n := range counts {
		if rows += n; n > 0 {
			used++
		}
	}
	w := make([]float64, len(counts))
	for i, n := range counts {
		if n > 0 {
			w[i] = float64(rows) / float64(used*n)
		}
	}
	return w
}
