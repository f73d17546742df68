// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// Recipe sets the fields of c that a named recipe fixes and leaves the others:
//
//	guide    one epoch, Adam at a constant 1e-3, as the guide trains its model
//	default  one epoch, peak 5e-3, 10 % warm-up, cosine
//	small    2000 steps in as many epochs as that takes, peak 3e-3, 10 % warm-up, cosine, clip 1, noise 0.2, label smoothing 0.1
//	numbers  as small for regressions: peak 6e-3, noise 0.1, weight decay 0.5, no smoothing, weights averaged over some 200 steps
//	curves   the same for numbers of every step: peak 3e-3, since errors of all steps come together in a gradient
//	parallel two epochs, peak 4e-3, 10 % warm-up, cosine, clip 1, for cells without a recurrent matrix
//	best     three epochs, peak 3e-3, 5 % warm-up, cosine, images shifted by up to one pixel
func Recipe(name string, c Config) (Config, error) {
	c.Batch = 32
	switch name {
	case "guide":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Shift = 1, 1e-3, Constant, 0, 0
	case "default":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Shift = 1, 5e-3, Cosine, 0.1, 0
	case "small", "numbers", "curves":
		c.Epochs, c.Steps, c.Rate, c.Schedule, c.WarmUp, c.Clip, c.Shift = 0, smallSteps, 3e-3, Cosine, 0.1, 1, 0
		if c.Noise, c.Smooth = 0.2, 0.1; name != "small" {
			// Noise of the input is an error of the output there: less of it, and small
			// weights, which carry less on. The error of weights in motion differs from step to
			// step by more than that of their average, which is also what a validation can tell.
			c.Noise, c.Decay, c.Smooth, c.Average = 0.1, 0.5, 0, 0.995
		}
		if name == "numbers" {
			c.Rate = 6e-3
		}
	case "parallel":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Clip, c.Shift = 2, 4e-3, Cosine, 0.1, 1, 0
	case "best":
		c.Epochs, c.Rate, c.Schedule, c.WarmUp, c.Shift = 4, 3e-3, Cosine, 0.05, 1
	default:
		return c, fmt.Errorf("unknown recipe %q: expected guide, default, small, numbers, curves, parallel or best", name)
	}
	return c, nil
}

// smallSteps are the optimizer steps of recipe small; a set of at most smallSet sequences,
// which would see far fewer in one epoch, is one for it.
const (
	smallSteps = 2000
	smallSet   = 8000
)

// UnitsFor returns the units that fit a recipe's configuration: fewer where it is made
// for little data.
func UnitsFor(c Config) int {
	if c.Steps > 0 {
		return 64
	}
	return 256
}

// RecipeFor returns the recipe that fits a training part and a cell.
func RecipeFor(set *dataset.Set, kind nn.Cell) string {
	switch {
	case set.Len() > smallSet && !carriesByMatrix(kind):
		return "parallel"
	case set.Len() > smallSet:
		return "default"
	case set.Task == nn.Regression && set.PerStep:
		return "curves"
	case set.Task == nn.Regression:
		return "numbers"
	}
	return "small"
}

// CellOf returns the cell that a recipe goes by: the classic one of a stack where it has
// one, else the MinGRU, or the cell itself where there is no stack.
func CellOf(c Config) nn.Cell {
	if c.Stack == nil {
		return c.Cell
	}
	kind := nn.MinGRU
	for _, l := range c.Stack {
		if l.Kind == nn.Recurrent && carriesByMatrix(l.Cell) {
			kind = l.Cell
		}
	}
	return kind
}

// carriesByMatrix reports whether a cell multiplies its state by a matrix.
func carriesByMatrix(kind nn.Cell) bool {
	l := &nn.Layer{Cell: kind, Features: 1, Units: 1}
	return slices.ContainsFunc(cell.Of(l).Layout(l).Matrices, func(p cell.Part) bool { return p.Source == cell.FromState })
}
