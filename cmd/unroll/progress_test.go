// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

// TestProgress: short work says nothing, long work a line now and then.
func TestProgress(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b)
	p.tell("at once")
	p.start = p.start.Add(-2 * time.Second)
	p.tell("first")
	p.tell("too soon")
	p.last = p.last.Add(-time.Minute)
	p.tell("second")
	p.update(4, 4, "whole") // the end is always told
	p.finish()
	if got, want := b.String(), "first\nsecond\nwhole (100%)\n"; got != want {
		t.Errorf("%q, expected %q", got, want)
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
