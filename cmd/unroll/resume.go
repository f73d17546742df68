// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// A training run is kept in a file while it lasts, so that the same command goes on after
// Ctrl-C, a signal or a failure of what follows: the one of --state, which stays, or one
// beside the output, which goes when all is done.
type runFile struct {
	path  string
	stays bool
	saved time.Time

	// curve, where it is not nil, is told of the training, and goes on with it.
	curve *report.Evidence
	watch func(train.Progress) // nil, or told of the training besides
}

// saveEvery is the time between two savings of a file that does not stay. It decides how much
// is done again, never what comes out.
const saveEvery = 10 * time.Second

// keepRun has the configuration keep its run in a file and go on from it where it is there.
// output is the file or folder that the verb writes.
func (t *trainFlags) keepRun(c *cli, cfg *train.Config, output string) (*runFile, error) {
	f := &runFile{path: t.state, stays: t.state != ""}
	if !f.stays {
		f.path = output + ".run"
	}
	return keepIn(c, cfg, f)
}

// keepIn has the configuration keep its run in a file, and go on from it.
func keepIn(c *cli, cfg *train.Config, f *runFile) (*runFile, error) {
	cfg.Save = func(s *train.State) error {
		if now := time.Now(); !f.stays && !s.Done && c.ctx.Err() == nil && now.Sub(f.saved) < saveEvery {
			return nil
		} else {
			f.saved = now
		}
		if f.curve != nil {
			var err error
			if s.Note, err = f.curve.Curve(); err != nil {
				return err
			}
		}
		var b bytes.Buffer
		if err := checkpoint.WriteState(&b, s); err != nil {
			return err
		}
		return writeFile(f.path, b.Bytes(), true)
	}
	f.saved = time.Now()
	b, err := budget.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if cfg.Resume, err = checkpoint.ReadState(f.path, bytes.NewReader(b), int64(len(b))); err != nil && !f.stays {
		c.say("%v: begun anew", err)
		err = nil
	}
	return f, err
}

// fit trains, going on from the file where the run in it is of the same options.
func (f *runFile) fit(c *cli, t *trainFlags, cfg train.Config, set *dataset.Set) (*nn.Network, error) {
	history := &history{file: t.history}
	if err := history.open(cfg.Resume); err != nil {
		return nil, err
	}
	watch := func(p train.Progress) {
		history.add(p)
		if f.curve != nil {
			f.curve.Learn(p)
		}
		if f.watch != nil {
			f.watch(p)
		}
	}
	if cfg.Resume != nil && f.curve != nil {
		if err := f.curve.Resume(cfg.Resume.Note); err != nil {
			return nil, err
		}
	}
	if cfg.Resume != nil {
		c.say("going on from %s, after %d steps", f.path, cfg.Resume.Step)
	}
	net, err := fit(c, cfg, set, watch)
	var other *train.OtherOptions
	if errors.As(err, &other) && !f.stays {
		kept := f.path + ".old"
		if err := os.Rename(f.path, kept); err != nil {
			return nil, err
		}
		c.say("%s is of another run: %s; begun anew, the other is kept as %s", f.path, other.Differ, kept)
		cfg.Resume = nil
		if f.curve != nil {
			_ = f.curve.Resume("") // of no text it cannot fail
		}
		if err := history.open(nil); err != nil {
			return nil, err
		}
		net, err = fit(c, cfg, set, watch)
	}
	return net, errors.Join(err, history.err)
}

// done removes a file that does not stay.
func (f *runFile) done() error {
	if f.stays {
		return nil
	}
	if err := os.Remove(f.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ofRun reports whether a file is the network that an interrupted run wrote: the run is there, and
// the file has a network of its name.
func ofRun(state, file string) bool {
	if _, err := os.Stat(state); err != nil {
		return false
	}
	was, err := checkpoint.Open(file)
	if err != nil {
		return false
	}
	run, err := checkpoint.Open(state)
	return err == nil && run.Name == was.Name
}

// history writes a line of JSON for every epoch. It has no times in it: the same run gives
// the same file, whether it was interrupted or not.
type history struct {
	file  string
	lines []byte
	err   error // of the first line that could not be written
}

// epochLine is what the history says of an epoch. Its names are stable.
type epochLine struct {
	Epoch      int      `json:"epoch"`
	Step       int      `json:"step"`
	Sequences  int      `json:"sequences"`
	Rate       float64  `json:"rate"`
	Loss       float64  `json:"loss"`
	Accuracy   *float64 `json:"accuracy,omitempty"` // of classes
	Validation *float64 `json:"validation_loss,omitempty"`
	Judged     *float64 `json:"validation_accuracy,omitempty"` // R² of a regression
	Best       bool     `json:"best,omitempty"`
}

// open takes over the lines of the epochs that a resumed run has behind it.
func (h *history) open(resume *train.State) error {
	h.lines = nil
	if h.file == "" || resume == nil {
		return nil
	}
	b, err := budget.ReadFile(h.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range bytes.Lines(b) {
		var e epochLine
		if json.Unmarshal(line, &e) != nil || e.Step > resume.Step {
			break
		}
		h.lines = append(h.lines, line...)
	}
	return nil
}

// add writes the line of an epoch that is done.
func (h *history) add(p train.Progress) {
	if h.file == "" || !p.EpochDone || h.err != nil {
		return
	}
	e := epochLine{Epoch: p.Epoch, Step: p.Step, Sequences: p.Sequences, Rate: p.Rate, Loss: p.Loss, Best: p.Best}
	if !p.Regression {
		e.Accuracy = &p.Accuracy
	}
	if p.Validated {
		e.Validation, e.Judged = &p.ValidationLoss, &p.ValidationAccuracy
	}
	line, err := json.Marshal(e)
	if err == nil {
		h.lines = append(append(h.lines, line...), '\n')
		err = writeFile(h.file, h.lines, true)
	}
	h.err = err
}
