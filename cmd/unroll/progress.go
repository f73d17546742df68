// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress reports long work: a line that is redrawn on a terminal, a plain line
// now and then elsewhere.
type progress struct {
	w     io.Writer
	tty   bool
	start time.Time
	last  time.Time
	drawn bool
	shown bool
}

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
	if !p.due(done >= total) {
		return
	}
	eta := ""
	if done > 0 && done < total {
		left := time.Duration(float64(p.last.Sub(p.start)) / float64(done) * float64(total-done))
		eta = fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	p.show(fmt.Sprintf("%s (%d%%%s)", text, 100*done/max(total, 1), eta))
}

// tell shows what is being done where nobody knows how much of it is left.
func (p *progress) tell(text string) {
	if p.due(false) {
		p.show(text)
	}
}

// due reports whether it is time to show something.
func (p *progress) due(last bool) bool {
	every := 5 * time.Second
	if p.tty {
		every = 100 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(p.start) < time.Second && !p.shown {
		return false // what is done at once needs no progress
	}
	if now.Sub(p.last) < every && !last {
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
