// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"golang.org/x/term"
)

// progress reports long work. On a terminal a line is redrawn as time goes on. Elsewhere, where
// lines stay, they depend on the work alone, so that two logs of one work are equal.
type progress struct {
	w     io.Writer
	tty   bool
	start time.Time
	last  time.Time
	drawn bool
	shown bool
	parts int // of the work that the log has …
	level int // … and how often the steps that it has have doubled
}

// What is in logs: of work of so many steps at least the parts, and so many steps, twice as
// many and so on; of work without a known end the counts from this one on that are powers of two.
const (
	loggedParts = 4
	loggedSteps = 500
	loggedCount = 16
)

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, start: time.Now()}
	if f, ok := w.(*os.File); ok {
		p.tty = term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
	}
	return p
}

// update shows text; done and total give the estimate of the time left. Calls may be
// as frequent as the work likes.
func (p *progress) update(done, total int, text string) {
	percent := 100 * done / max(total, 1)
	if !p.tty {
		part, level := loggedParts*done/max(total, 1), 0
		for n := loggedSteps; n <= done && n <= math.MaxInt/2; n *= 2 {
			level++
		}
		if total >= loggedSteps && (part > p.parts || level > p.level) {
			p.parts, p.level = max(part, p.parts), max(level, p.level)
			p.show(fmt.Sprintf("%s (%d%%)", text, percent))
		}
		return
	}
	if !p.due(done >= total) {
		return
	}
	eta := ""
	if done > 0 && done < total {
		left := time.Duration(float64(p.last.Sub(p.start)) / float64(done) * float64(total-done))
		eta = fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	p.show(fmt.Sprintf("%s (%d%%%s)", text, percent, eta))
}

// tell shows what is being done where nobody knows how much of it is left; n is how much is
// done, 0 where nothing is counted, which only terminals see.
func (p *progress) tell(n int, text string) {
	if p.tty && p.due(false) || !p.tty && n >= loggedCount && n&(n-1) == 0 {
		p.show(text)
	}
}

// due reports whether it is time to show something on a terminal.
func (p *progress) due(last bool) bool {
	now := time.Now()
	if now.Sub(p.start) < time.Second && !p.shown {
		return false // what is done at once needs no progress
	}
	if now.Sub(p.last) < 100*time.Millisecond && !last {
		return false
	}
	p.shown = true
	p.last = now
	return true
}

func (p *progress) show(line string) {
	if p.tty {
		if f, ok := p.w.(*os.File); ok {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil {
				line = cutTo(line, width-1) // a line that wraps could not be drawn over
			}
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.drawn = true
		return
	}
	fmt.Fprintln(p.w, line)
}

// finish ends the redrawn line, so that what follows starts on a new one.
func (p *progress) finish() {
	if p.drawn {
		fmt.Fprintln(p.w)
		p.drawn = false
	}
}

// cutTo shortens a line to so many characters.
func cutTo(line string, width int) string {
	r := []rune(line)
	if width < 1 || len(r) <= width {
		return line
	}
	return string(r[:width-1]) + "…"
}
