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
