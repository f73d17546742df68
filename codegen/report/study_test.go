// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/train/tune"
)

// study makes a study whose networks learn by their size, with the results of its first
// trials; one of them diverged.
func study(t *testing.T, judged string, done int) (*tune.Study, []tune.Result) {
	t.Helper()
	asked := tune.Asked{Flags: []string{}, Validation: 0.2, Objective: tune.Cycles, Seed: 1, Plan: tune.Plan{Candidates: 9, Rungs: 2, Keep: 3, Epochs: 6},
		Bounds: tune.Bounds{Cycles: 40000, Flash: 90000, SRAM: 5000, Milliseconds: 1, Accuracy: 0.9},
		Space:  tune.Space{{Flag: "cell", Values: []string{"gru", "<rnn>"}}, {Flag: "units", Values: []string{"4", "8", "16", "24", "32", "39", "64"}}}}
	figures := func(c tune.Candidate, epochs int) tune.Figures {
		n, err := strconv.Atoi(c["units"])
		if err != nil {
			t.Fatal(err)
		}
		return tune.Figures{Accuracy: 1 - 1/(1+float64(n*epochs)), Test: 0.5, Cycles: int64(1050 * n), Calls: 1, Sequence: int64(1050 * n), Milliseconds: float64(n) / 100,
			Flash: 900 * n, SRAM: 64 * n, Accelerator: "ethos-u55-128"}
	}
	s, err := tune.Draw(t.Context(), asked, "", judged, func(_ context.Context, c tune.Candidate) (tune.Figures, error) { return figures(c, 0), nil })
	if err != nil {
		t.Fatal(err)
	}
	var list []tune.Result
	find := func(n int) (*tune.Result, error) {
		if n < len(list) {
			return &list[n], nil
		}
		return nil, nil
	}
	for n := range min(done, s.Plan().Trials()) {
		trial, err := s.Trial(n, find)
		if err != nil {
			t.Fatal(err)
		}
		r := tune.Result{Trial: n, Rung: trial.Rung, Candidate: trial.Candidate, Values: trial.Values, Epochs: trial.Epochs, Figures: figures(trial.Values, trial.Epochs),
			Command: fmt.Sprintf("unroll build --units=%s -o out/trial-%04d", trial.Values["units"], n)}
		if n == 3 {
			r.Figures = tune.Figures{Failed: "training diverged: <loss>"}
		}
		list = append(list, r)
	}
	return s, list
}

func studyPage(t *testing.T, judged string, done int) string {
	t.Helper()
	s, list := study(t, judged, done)
	b, err := WriteStudy("test", "my study", s, list, []Command{{Does: "The study:", Line: "unroll tune --study 'my study'"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestStudy: the page has the front, the best, what failed and what was ruled out, a mark for
// every network in every chart, and loads nothing.
func TestStudy(t *testing.T) {
	whole := studyPage(t, tune.ByAccuracy, 100)
	s, list := study(t, tune.ByAccuracy, 100)
	best, ok := s.Best(list)
	if !ok {
		t.Fatal("the study has no best network")
	}
	networks := 0
	for _, r := range tune.Latest(list) {
		if r.Failed == "" {
			networks++
		}
	}
	for what, want := range map[string]int{
		`<circle class="point`:                          3 * networks,
		`<circle class="point chosen"`:                  3,
		`<path class="bound"`:                           6, // accuracy and cost in each
		`<tr class="best">`:                             2, // in the front and among all
		"training diverged: &lt;loss&gt;":               1,
		"cell &lt;rnn&gt;":                              -1,
		"12 of 12 trials: 9 for 2 epochs, then 3 for 6": 1,
		"unroll tune --study &#39;my study&#39;":        1,
		"of a sequence are more than":                   -1, // why something was ruled out
		">" + best.Command + "<":                        1,
		"at most 40,000 cycles of a sequence":           1,
	} {
		if n := strings.Count(whole, what); n != want && (want >= 0 || n == 0) {
			t.Errorf("%q is there %d times, expected %d", what, n, want)
		}
	}
	if m := regexp.MustCompile(`(?i)(src|href)="(https?:)?//|@import|<script[^>]|<rnn>`).FindString(whole); m != "" {
		t.Errorf("the page has %q", m)
	}
	if whole != studyPage(t, tune.ByAccuracy, 100) {
		t.Error("the same study gives another page")
	}
	for done, want := range map[int]string{0: "no trial has a network yet", 5: "The study goes on", 9: "The study goes on"} {
		if page := studyPage(t, tune.ByAccuracy, done); !strings.Contains(page, want) {
			t.Errorf("after %d trials the page does not say %q", done, want)
		}
	}
	if page := studyPage(t, tune.ByR2, 100); !strings.Contains(page, "R² on the validation part") || strings.Contains(page, "least 90.00 %") {
		t.Error("a regression is not told by R²")
	}
}
