// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/lower/figures"
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
	Outputs     []train.Output  `json:"outputs,omitempty"`   // of a regression, each by itself
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
		if cross, err = flags.crossValidate(c, whole, test, d.seed, out); err != nil {
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
	quality, loss, outputs := train.EvaluateOutputs(net, test)
	carried := ""
	if cfg.Carry {
		q, _, carryErr := train.EvaluateCarried(net, test)
		if carryErr != nil {
			return errors.Join(err, carryErr)
		}
		if !math.IsInf(q, 0) && !math.IsNaN(q) { // which it is where the targets are all alike
			r.Carried = &q
		}
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
		figure = "r2"
		told = fmt.Sprintf("R² without meaning, for the targets are all alike, and root mean square error %s", figures.Short(math.Sqrt(loss)))
		if !math.IsInf(quality, 0) && !math.IsNaN(quality) {
			r.RSquared = &quality
			told = fmt.Sprintf("R² %.4f and root mean square error %s", quality, figures.Short(math.Sqrt(loss)))
		}
		if r.Outputs = outputs; len(outputs) > 1 {
			told += ", " + byOutput(outputs) + ","
		}
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
		if err := errors.Join(run.done(), cross.done(t, out)); err != nil {
			return err
		}
	}
	if asJSON {
		if err := printJSON(c.stdout, r); err != nil || interrupted {
			return err
		}
		return c.done()
	}
	if interrupted {
		fmt.Fprintln(c.stdout, "interrupted: what follows is the network so far; the same command goes on with it")
	}
	if cross != nil {
		fmt.Fprintln(c.stdout, cross)
	}
	fmt.Fprintf(c.stdout, "%s parameters, %s on %s%s\nwrote %s\nnext: %s\n",
		commas(r.Parameters), told, stepsOf(test.Judged(), test.Len(), test.PerStep), carried, out, command("lower", out))
	if interrupted {
		return nil
	}
	return c.done()
}
