// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

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
	chosen.Validation, chosen.Patience, chosen.Reported = cfg.Validation, cfg.Patience, test
	*cfg = chosen
	dataset.Describe(set, cfg.Validation, test, func(line string) { c.say("%s", line) })
	if t.validation != 0 && cfg.Validation == set.Validation() {
		c.say("  note: the files have a validation part: --validation %v divides none off", t.validation)
	}
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

// split sets the validation part aside, when one is asked for. One that the files have is the one.
func (t *trainFlags) split(cfg *train.Config, set *dataset.Set, seed uint64) (*dataset.Set, error) {
	rest, aside, err := dataset.Held(set, t.validation, seed)
	if err == nil && aside == nil && t.patience > 0 {
		return nil, usagef("--patience %d: add --validation, the fraction to judge by", t.patience)
	}
	if aside != nil {
		cfg.Validation, cfg.Patience = aside, t.patience
	}
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
