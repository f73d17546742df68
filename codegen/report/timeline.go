// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"strings"
)

// Sizes of the charts over time, in pixels.
const (
	timeLeft  = 92.0
	timeWidth = 1180.0
	rowHeight = 26.0
)

// timeScale maps shown cycles onto pixels.
func (s *stage) timeScale() scale { return scale{0, s.axis.total, timeLeft, timeWidth - 12} }

// drawTimeline draws what both engines do, with a row for the time in which kernels wait.
func (s *stage) drawTimeline() template.HTML {
	const top = 78.0
	height := top + 3*(rowHeight+8) + 34
	d := newDrawing(timeWidth, height, "zoom timeline", fmt.Sprintf("%sTimeline of %s cycles: kernels, transfers and waits", s.Title(), cycles(s.axis.cycles)))
	s.drawWhole(d)
	x := s.timeScale()
	row := func(n int) float64 { return top + float64(n)*(rowHeight+8) }
	for n, name := range []string{"kernels", "transfers", "waits"} {
		d.text("rowname", "end", timeLeft-8, row(n)+rowHeight-8, name)
		d.rect("lane", x.from, row(n), x.to-x.from, rowHeight, "")
	}
	s.drawWindows(d, x, top-20, row(3)-4, true)
	idle := 0.0 // until when a kernel has run
	for i := range s.ops {
		o := &s.ops[i]
		title := s.title(i)
		if o.DMA {
			s.bar(d, x, "r-dma", o.Begins, o.End, row(1), rowHeight, title)
			continue
		}
		start, work, stall := o.own()
		if o.Begins > idle+0.5 {
			s.bar(d, x, "wait", idle, o.Begins, row(2), rowHeight, fmt.Sprintf("no kernel runs for %s cycles: operation %d, %s, waits for a transfer", cycles(o.Begins-idle), i, o.Name))
		}
		s.bar(d, x, "r-overhead", o.Begins, o.Begins+start, row(0), rowHeight, title)
		s.bar(d, x, "r-"+o.Reason.String(), o.Begins+start, o.Begins+start+work, row(0), rowHeight, title)
		if stall > 0.5 {
			s.bar(d, x, "stall", o.End-stall, o.End, row(0), rowHeight, title)
			s.bar(d, x, "stall", o.End-stall, o.End, row(2), rowHeight, fmt.Sprintf("operation %d, %s, waits %s cycles for a busy memory port", i, o.Name, cycles(stall)))
		}
		idle = max(idle, o.End)
	}
	s.timeAxis(d, x, row(3)-4)
	return d.done()
}

// title tells of an operation what hovering shows.
func (s *stage) title(i int) string {
	o := &s.ops[i]
	var b strings.Builder
	fmt.Fprintf(&b, "operation %d, %s, %s: %s cycles", i, o.Name, o.Shape, cycles(o.End-o.Begins))
	if o.DMA {
		fmt.Fprintf(&b, " from cycle %s on", cycles(o.Begins))
	} else {
		start, work, stall := o.own()
		fmt.Fprintf(&b, " from cycle %s on, bound by %v", cycles(o.Begins), o.Reason)
		if o.Where != "" {
			fmt.Fprintf(&b, " (%s)", o.Where)
		}
		fmt.Fprintf(&b, "; start %s, work %s", cycles(start), cycles(work))
		if stall > 0.5 {
			fmt.Fprintf(&b, ", waiting for a port %s", cycles(stall))
		}
		if o.MACs > 0 {
			fmt.Fprintf(&b, "; %s multiplications", commas(o.MACs))
		}
	}
	if o.Source != "" {
		fmt.Fprintf(&b, "; of operator %s", o.Source)
	}
	return b.String()
}

// bar draws a stretch of time, wherever it is shown.
func (s *stage) bar(d *drawing, x scale, class string, from, to, y, h float64, title string) {
	if to <= from {
		return
	}
	for _, p := range s.axis.shown(from, to) {
		if p.To > p.From {
			d.rect(class, x.at(p.From), y, x.at(p.To)-x.at(p.From), h, title)
		}
	}
}

// drawWhole draws the whole stage to scale in one row, what repeats as often as it does.
func (s *stage) drawWhole(d *drawing) {
	x := scale{0, s.axis.cycles, timeLeft, timeWidth - 12}
	d.text("rowname", "end", timeLeft-8, 24, "whole call")
	for n, w := range s.axis.windows {
		class := [...]string{"part", "part other"}[n%2]
		if w.Count == 1 {
			d.rect(class, x.at(w.From), 8, x.at(w.To)-x.at(w.From), 22, fmt.Sprintf("%s, once: %s cycles", plural(w.Ops, "kernel"), cycles(w.To-w.From)))
			continue
		}
		title := fmt.Sprintf("%s, %d times: %s cycles each on average", plural(w.Ops, "kernel"), w.Count, cycles(w.Each))
		end := w.Begin + float64(w.Each*float64(w.Count))
		d.rect(class+" many", x.at(w.Begin), 8, x.at(end)-x.at(w.Begin), 22, title)
		if w.Count <= 400 {
			var marks strings.Builder
			for k := 1; k < w.Count; k++ {
				fmt.Fprintf(&marks, "M%s 8v22", num(x.at(w.Begin+float64(w.Each*float64(k)))))
			}
			d.path("seam", marks.String(), "")
		}
		if width := x.at(end) - x.at(w.Begin); width > 40 {
			d.text("inside", "middle", x.at(w.Begin)+width/2, 24, fmt.Sprintf("%d ×", w.Count))
		}
	}
}

// drawWindows marks what is drawn once for many.
func (s *stage) drawWindows(d *drawing, x scale, top, bottom float64, names bool) {
	for _, w := range s.axis.windows {
		if w.Count == 1 {
			continue
		}
		a, b := x.at(w.At), x.at(w.At+w.length())
		d.rect("fold", a, top, b-a, bottom-top, "")
		if names {
			text := fmt.Sprintf("one of %d", w.Count)
			if b-a > 150 {
				text = fmt.Sprintf("one of %d, %s cycles each", w.Count, cycles(w.Each))
				if w.Scale > 1.05 && b-a > 320 {
					text += fmt.Sprintf(", drawn %.3g times wider", w.Scale)
				}
			}
			if b-a > 60 {
				d.text("foldname", "start", a+4, top+14, text)
			}
		}
	}
}

// timeAxis writes cycles under a chart: of the stage, so that they jump where something is
// folded.
func (s *stage) timeAxis(d *drawing, x scale, y float64) {
	d.line("frame", x.from, y, x.to, y)
	taken := x.from - 100
	mark := func(shown, cycle float64) {
		if at := x.at(shown); at-taken >= 62 && at <= x.to+1 {
			d.line("grid", at, y, at, y+5)
			d.text("tick", "middle", at, y+19, short(cycle))
			taken = at
		}
	}
	for _, w := range s.axis.windows {
		mark(w.At, w.From)
		for _, v := range ticks(0, w.To-w.From, max(1, int((x.at(w.At+w.length())-x.at(w.At))/110))) {
			mark(w.at(w.From+v), w.From+v)
		}
	}
	d.text("name", "end", x.to, y+33, "cycle")
}
