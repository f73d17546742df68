// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train/tune"
)

// Files of a study's folder, beside a file for every trial in the folder of trials.
const (
	studyFile   = "study.json"
	trialsFile  = "trials.jsonl" // the results so far, a line each
	trialFolder = "trials"
)

// studyFolder is a study and the folder that holds it. Everything in it is written whole
// under a final name, and is the same bytes whoever writes it, so that nobody locks anything.
type studyFolder struct {
	dir   string
	study *tune.Study
	data  tunedData
}

// openStudy reads the study of a folder.
func openStudy(dir string) (*studyFolder, error) {
	name := filepath.Join(dir, studyFile)
	b, err := budget.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := &studyFolder{dir: dir}
	s.study, err = tune.Decode(name, b)
	return s, err
}

// begin reads the study, or draws it where there is none yet. Flags that describe a study
// must describe the one that is there.
func (s *studyFolder) begin(c *cli, t *tuneFlags) error {
	name := filepath.Join(s.dir, studyFile)
	b, err := budget.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	found := err == nil
	if found {
		if s.study, err = tune.Decode(name, b); err != nil {
			return err
		}
		if !t.describes() {
			return nil
		}
	} else if t.set.Changed("study") && !t.describes() && (t.set.Changed("trial") || t.set.Changed("wait")) {
		return fmt.Errorf("there is no study in %s: begin one with %s and the data, bounds and values to try", s.dir, command("tune", "--study", s.dir, "--plan"))
	}
	asked, err := t.asked()
	if err != nil {
		return err
	}
	if found {
		return s.sameAs(asked)
	}
	if err := checkFolder(filepath.Join(s.dir, trialFolder)); err != nil {
		return err
	}
	if err := s.noOrphans(); err != nil {
		return err
	}
	return s.draw(c, asked)
}

// noOrphans refuses results of a study that is gone: on other data they would be taken for those of
// the new one.
func (s *studyFolder) noOrphans() error {
	dir := filepath.Join(s.dir, trialFolder)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(files) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s holds %s of a study whose %s is gone: remove the folder of trials, or give another folder", dir, files[0].Name(), studyFile)
}

// sameAs refuses flags of another study.
func (s *studyFolder) sameAs(asked tune.Asked) error {
	was, err := json.Marshal(s.study.Asked)
	if err != nil {
		return err
	}
	is, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	if !bytes.Equal(was, is) {
		return fmt.Errorf("%s holds a study of other flags, %s; expected %s: give the same flags, none but --study, or another folder", s.dir, was, is)
	}
	return nil
}

// draw draws the candidates and writes the study.
func (s *studyFolder) draw(c *cli, asked tune.Asked) error {
	s.study = &tune.Study{Asked: asked}
	if err := s.data.open(c, s.study); err != nil {
		return err
	}
	p := newProgress(c.stderr)
	drawn := 0
	study, err := tune.Draw(c.ctx, asked, s.data.print, s.data.judged, func(ctx context.Context, v tune.Candidate) (tune.Figures, error) {
		if err := ctx.Err(); err != nil {
			return tune.Figures{}, err
		}
		drawn++
		p.tell(drawn, fmt.Sprintf("drawing candidates: %d compiled untrained", drawn))
		return s.data.untrained(c, s.study, v)
	})
	p.finish()
	if err != nil {
		return err
	}
	s.study = study
	b, err := s.study.Encode()
	if err != nil {
		return err
	}
	trials := study.Plan().Trials()
	c.say("%d %s of %d that were drawn; %d were ruled out untrained; %d %s", len(study.Candidates), plural(len(study.Candidates), "candidate"), drawn, len(study.RuledOut), trials, plural(trials, "trial"))
	if n := asked.Plan.Candidates; len(study.Candidates) < n {
		c.say("note: no more were found in the space; %d were asked for", n)
	}
	return writeFile(filepath.Join(s.dir, studyFile), b, true)
}

func (s *studyFolder) trialFile(n int) string {
	return filepath.Join(s.dir, trialFolder, fmt.Sprintf("%04d.json", n))
}

// result finds the result of a trial.
func (s *studyFolder) result(n int) (*tune.Result, error) {
	name := s.trialFile(n)
	b, err := budget.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := s.study.DecodeResult(name, n, b)
	if err != nil {
		return nil, err
	}
	if want := commandOf(s.study, tune.Trial{Number: n, Values: r.Values, Epochs: r.Epochs}); r.Command != want {
		return nil, fmt.Errorf("%s: is what %q gives, expected %q: it is of another study; remove it", name, r.Command, want)
	}
	return r, nil
}

// one runs the trial of --trial, unless its result is there.
func (s *studyFolder) one(c *cli, t *tuneFlags) error {
	until := time.Now().Add(t.wait)
	p, told := newProgress(c.stderr), false
	for {
		r, err := s.try(c, t.trial)
		var waiting *tune.WaitingError
		switch {
		case errors.As(err, &waiting) && time.Now().Before(until):
			if !told && !p.tty {
				c.say("waiting for %d trials of rung %d", len(waiting.Missing), waiting.Rung-1)
			}
			told = true
			p.tell(0, fmt.Sprintf("waiting for %d trials of rung %d", len(waiting.Missing), waiting.Rung-1))
			select {
			case <-c.ctx.Done():
				return c.ctx.Err()
			case <-time.After(min(time.Second, time.Until(until))):
			}
			continue
		case err != nil:
			p.finish()
			return err
		}
		p.finish()
		if t.json {
			return printJSON(c.stdout, r)
		}
		_, err = fmt.Fprintln(c.stdout, s.line(r))
		return err
	}
}

// try returns the result of a trial, which it runs where there is none.
func (s *studyFolder) try(c *cli, n int) (*tune.Result, error) {
	trial, err := s.study.Trial(n, s.result)
	if err != nil {
		return nil, err
	}
	if r, err := s.result(n); r != nil || err != nil {
		return r, err
	}
	r, err := s.data.trained(c, s.study, trial, s.trialFile(n))
	if err != nil {
		if errors.Is(err, context.Canceled) {
			c.say("interrupted in trial %d; the same command goes on", n)
		}
		return nil, err
	}
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	return r, writeFile(s.trialFile(n), b, true)
}

// all runs what is left of the study, and shows the front as it grows.
func (s *studyFolder) all(c *cli) error {
	plan := s.study.Plan()
	for n := range plan.Trials() {
		before, err := s.result(n)
		if err != nil {
			return err
		}
		if before != nil {
			continue
		}
		r, err := s.try(c, n)
		if err != nil {
			return err
		}
		c.say("%s", s.line(r))
		results, err := s.study.All(s.result)
		if err != nil {
			return err
		}
		if err := s.collect(results); err != nil {
			return err
		}
		if rung, _ := plan.At(n); n+1 == plan.First(rung+1) && n+1 < plan.Trials() {
			c.say("the front after rung %d:", rung)
			s.table(c.stderr, s.study.Front(results))
		}
	}
	results, err := s.study.All(s.result)
	if err != nil {
		return err
	}
	return s.collect(results)
}

// collect writes the results so far into one file.
func (s *studyFolder) collect(results []tune.Result) error {
	var lines []byte
	for _, r := range results {
		b, err := r.Encode()
		if err != nil {
			return err
		}
		lines = append(lines, b...)
	}
	return writeFile(filepath.Join(s.dir, trialsFile), lines, true)
}
