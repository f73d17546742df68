// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// crossValidated is what training on all folds but one, each in turn, gave.
type crossValidated struct {
	Each      []float64 `json:"each"` // accuracy, or R², of every fold
	Mean      float64   `json:"mean"`
	Deviation float64   `json:"deviation"` // of the folds
	Sequences int       `json:"sequences"`
	what      string
	format    func(float64) string
	runs      []*runFile // of the folds, kept until all is done
}

// foldRun is the file that holds the run of a fold, beside those of the network that follows.
func (t *trainFlags) foldRun(out string, fold int) string {
	return fmt.Sprintf("%s.fold%d.run", cmp.Or(t.state, out), fold)
}

// done removes the runs of the folds, and what is left of those of more folds.
func (r *crossValidated) done(t *trainFlags, out string) error {
	if r == nil {
		return nil
	}
	for n := len(r.runs) + 1; ; n++ {
		f := &runFile{path: t.foldRun(out, n)}
		if _, err := os.Stat(f.path); err != nil {
			break
		}
		r.runs = append(r.runs, f)
	}
	for _, f := range r.runs {
		if err := f.done(); err != nil {
			return err
		}
	}
	return nil
}

// crossValidate trains a network for each fold, with the recipe and the options of the run that
// follows, and judges it by the fold. Their runs are kept beside out.
func (t *trainFlags) crossValidate(c *cli, set, test *dataset.Set, seed uint64, out string) (*crossValidated, error) {
	folds, err := dataset.Folds(set, test, t.folds, seed)
	if err != nil {
		return nil, fmt.Errorf("--folds %d: %w", t.folds, err)
	}
	r := &crossValidated{what: "accuracy", format: func(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }}
	if set.Task == nn.Regression {
		r.what, r.format = "R²", func(v float64) string { return fmt.Sprintf("%.4f", v) }
	}
	quiet := *c
	quiet.stderr = io.Discard
	for n, f := range folds {
		fold := *t // what one fold decides is not decided for the others
		cfg, err := fold.config(seed, recipeDefault)
		if err != nil {
			return nil, err
		}
		part, err := fold.fitTo(&quiet, &cfg, f.Train, f.Test, seed)
		if err != nil {
			return nil, err
		}
		run, err := keepIn(c, &cfg, &runFile{path: t.foldRun(out, n+1)})
		if err != nil {
			return nil, err
		}
		r.runs = append(r.runs, run)
		net, err := run.fit(c, &trainFlags{}, cfg, part) // the history is that of the network
		if err != nil {
			return nil, fmt.Errorf("fold %d: %w", n+1, err)
		}
		quality, _ := train.Evaluate(net, f.Test)
		if cfg.Carry {
			if quality, _, err = train.EvaluateCarried(net, f.Test); err != nil {
				return nil, err
			}
		}
		c.say("fold %d of %d: %s %s on %d sequences", n+1, len(folds), r.what, r.format(quality), f.Test.Len())
		r.Each = append(r.Each, quality)
		r.Mean += quality / float64(len(folds))
		r.Sequences += f.Test.Len()
	}
	for _, q := range r.Each {
		r.Deviation += (q - r.Mean) * (q - r.Mean) / float64(len(r.Each))
	}
	r.Deviation = math.Sqrt(r.Deviation)
	return r, nil
}

func (r *crossValidated) String() string {
	return fmt.Sprintf("%d folds: %s %s, deviation %s, each of %s sequences judged by a network that has not seen it",
		len(r.Each), r.what, r.format(r.Mean), r.format(r.Deviation), commas(r.Sequences))
}
