// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestProgress: what stays in a log depends on the work, not on the time that it takes.
func TestProgress(t *testing.T) {
	log := func(wait time.Duration) string {
		var b strings.Builder
		p := newProgress(&b)
		work := func(steps int) {
			p.parts, p.level = 0, 0
			for i := range steps {
				p.start, p.last = p.start.Add(-wait), p.last.Add(-wait)
				p.update(i+1, steps, fmt.Sprint("step ", i+1))
			}
		}
		work(loggedSteps - 1)
		work(1000)
		work(5000)
		for n := range 100 {
			p.tell(n, fmt.Sprint("choice ", n))
		}
		p.tell(0, "nobody counts")
		p.finish()
		return b.String()
	}
	want := "step 250 (25%)\nstep 500 (50%)\nstep 750 (75%)\nstep 1000 (100%)\n" +
		"step 500 (10%)\nstep 1000 (20%)\nstep 1250 (25%)\nstep 2000 (40%)\nstep 2500 (50%)\nstep 3750 (75%)\nstep 4000 (80%)\nstep 5000 (100%)\nchoice 16\nchoice 32\nchoice 64\n"
	for _, wait := range []time.Duration{0, time.Minute} {
		if got := log(wait); got != want {
			t.Errorf("steps of %v: %q, expected %q", wait, got, want)
		}
	}
}

func TestCutTo(t *testing.T) {
	for _, test := range []struct {
		line  string
		width int
		want  string
	}{{"abcdef", 6, "abcdef"}, {"abcdef", 4, "abc…"}, {"größer", 5, "größ…"}, {"abc", 0, "abc"}} {
		if got := cutTo(test.line, test.width); got != test.want {
			t.Errorf("cutTo(%q, %d) = %q, expected %q", test.line, test.width, got, test.want)
		}
	}
}
