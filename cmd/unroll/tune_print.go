// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/train/tune"
)

// tuned is what tune prints with --json, unless it is one trial's result.
type tuned struct {
	Study    string        `json:"study"`  // its folder
	Trials   int           `json:"trials"` // of the plan
	Rungs    []rung        `json:"rungs"`
	Done     int           `json:"done"`
	RuledOut int           `json:"ruled_out"` // candidates that were never trained
	Judged   string        `json:"judged_by"` // accuracy or r2
	Front    []tune.Result `json:"front"`
	Best     *tune.Result  `json:"best"` // null where no network of the last rung keeps all bounds
}

// rung are the trials that can run at one time, when those of the rung before are done.
type rung struct {
	First  int `json:"first"` // trial
	Last   int `json:"last"`
	Epochs int `json:"epochs"` // of each
}

// print tells what came of the study so far.
func (s *studyFolder) print(c *cli, t *tuneFlags) error {
	results, err := s.study.All(s.result)
	if err != nil {
		return err
	}
	plan := s.study.Plan()
	trials := plan.Trials()
	r := tuned{Study: s.dir, Trials: trials, Done: len(results), RuledOut: len(s.study.RuledOut), Judged: s.study.Judged, Front: s.study.Front(results)}
	for n := range plan.Rungs {
		r.Rungs = append(r.Rungs, rung{plan.First(n), plan.First(n+1) - 1, plan.EpochsAt(n)})
	}
	if r.Front == nil {
		r.Front = []tune.Result{}
	}
	best, found := s.study.Best(results)
	if found {
		r.Best = &best
	}
	failed := len(results) == trials && !found
	if t.json {
		if err := printJSON(c.stdout, r); err != nil || !failed {
			return err
		}
		return errReported
	}
	done := make([]int, plan.Rungs)
	for _, r := range results {
		done[r.Rung]++
	}
	s.tell(c, &r, done)
	if failed {
		return errReported
	}
	return nil
}

// tell is print for people. done are the trials with a result, of each rung.
func (s *studyFolder) tell(c *cli, r *tuned, done []int) {
	fmt.Fprintf(c.stdout, "%s: %d of %d %s, %d %s, %d ruled out untrained\n", s.dir, r.Done, r.Trials, plural(r.Trials, "trial"),
		len(s.study.Candidates), plural(len(s.study.Candidates), "candidate"), r.RuledOut)
	for n, rung := range r.Rungs {
		if done[n] <= rung.Last-rung.First {
			fmt.Fprintf(c.stdout, "rung %d: trials %d to %d, %d %s each\n", n, rung.First, rung.Last, rung.Epochs, plural(rung.Epochs, "epoch"))
		}
	}
	if r.Done > 0 {
		fmt.Fprintln(c.stdout, "\nfor none of these is another one at least as exact with no more cycles, flash and SRAM:")
		s.table(c.stdout, r.Front)
		within := 0.0
		for i := range r.Front {
			if a, err := ethosu.ParseAccelerator(r.Front[i].Accelerator); err == nil {
				within = max(within, perf.AccuracyOf(a))
			}
		}
		if within > 0 {
			fmt.Fprintf(c.stdout, "cycles are estimates, within %.0f %% where they were measured\n", 100*within)
		}
	}
	report := command("report", s.dir, "-o", "study.html")
	switch {
	case r.Best != nil:
		fmt.Fprintf(c.stdout, "\nbest: %s\nlook: %s\nnext: %s\n", s.line(r.Best), report, r.Best.Command)
	case r.Done < r.Trials:
		fmt.Fprintf(c.stdout, "\nnext: %s\n      or each trial alone, anywhere: %s to %d\n", command("tune", "--study", s.dir), command("tune", "--study", s.dir, "--trial", "0"), r.Trials-1)
	default:
		fmt.Fprintf(c.stdout, "\nno network of the last rung keeps all bounds\nlook: %s\n", report)
	}
}

// quality writes an accuracy, or an R².
func (s *studyFolder) quality(v float64) string {
	if s.study.Judged == tune.ByR2 {
		return fmt.Sprintf("R² %.4f", v)
	}
	return inPercent(v)
}

// line tells of one result.
func (s *studyFolder) line(r *tune.Result) string {
	what := fmt.Sprintf("trial %d, %d %s, %s: ", r.Trial, r.Epochs, plural(r.Epochs, "epoch"), s.study.Asked.Space.Name(r.Values))
	if r.Failed != "" {
		return what + r.Failed
	}
	what += fmt.Sprintf("%s (test part %s), %s cycles, %s bytes of flash, %s of SRAM", s.quality(r.Accuracy), s.quality(r.Test), commas(r.Sequence), commas(r.Flash), commas(r.SRAM))
	if !s.study.Asked.Bounds.Fits(r.Figures) {
		what += "; above a bound"
	}
	return what
}

// table lists results.
func (s *studyFolder) table(out io.Writer, list []tune.Result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "validation\ttest\tcycles\tms\tflash\tSRAM\tepochs\ttrial\t")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%s\t%s\t%d\t%d\t  %s\n", s.quality(r.Accuracy), s.quality(r.Test), commas(r.Sequence), r.Milliseconds,
			commas(r.Flash), commas(r.SRAM), r.Epochs, r.Trial, s.study.Asked.Space.Name(r.Values))
	}
	w.Flush()
}
