// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/figures"
)

// drawing builds an SVG element. Colours come from the page's style sheet by class, so that
// a drawing is for light, dark and paper alike.
type drawing struct {
	b             strings.Builder
	width, height float64
}

// newDrawing begins a drawing with its name for screen readers. More classes than the
// drawing's own are "zoom", for what the page lets people zoom into.
func newDrawing(width, height float64, class, name string) *drawing {
	d := &drawing{width: width, height: height}
	fmt.Fprintf(&d.b, `<svg class="chart %s" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">`,
		class, num(width), num(height), num(width), num(height), html.EscapeString(name))
	return d
}

func (d *drawing) done() template.HTML {
	d.b.WriteString("</svg>")
	return template.HTML(d.b.String())
}

// num writes a coordinate to a tenth.
func num(v float64) string { return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64) }

// fine writes a coordinate to a hundredth, for what is drawn thousands of times as wide
// when it is zoomed into.
func fine(v float64) string { return strconv.FormatFloat(math.Round(100*v)/100, 'f', -1, 64) }

// rect draws a box; title is what hovering says, if anything.
func (d *drawing) rect(class string, x, y, w, h float64, title string) {
	fmt.Fprintf(&d.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"`, class, fine(x), num(y), fine(w), num(h))
	d.titled("rect", title)
}

func (d *drawing) path(class, data, title string) {
	fmt.Fprintf(&d.b, `<path class="%s" d="%s"`, class, data)
	d.titled("path", title)
}

func (d *drawing) circle(class string, x, y, r float64, title string) {
	fmt.Fprintf(&d.b, `<circle class="%s" cx="%s" cy="%s" r="%s"`, class, num(x), num(y), num(r))
	d.titled("circle", title)
}

func (d *drawing) titled(element, title string) {
	if title == "" {
		d.b.WriteString("/>")
		return
	}
	fmt.Fprintf(&d.b, "><title>%s</title></%s>", html.EscapeString(title), element)
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&d.b, `<path class="%s" d="M%s %sL%s %s"/>`, class, num(x1), num(y1), num(x2), num(y2))
}

// text writes at a point; anchor is start, middle or end.
func (d *drawing) text(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(&d.b, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, num(x), num(y), html.EscapeString(s))
}

// scale maps values onto pixels.
type scale struct{ lo, hi, from, to float64 }

func (s scale) at(v float64) float64 {
	if s.hi == s.lo {
		return s.from
	}
	// The conversion keeps compilers from fusing product and sum: the same on every machine.
	return s.from + float64((v-s.lo)/(s.hi-s.lo)*(s.to-s.from))
}

// ticks returns round values from lo to hi, about n of them.
func ticks(lo, hi float64, n int) []float64 {
	if !(hi > lo) || n < 1 {
		return []float64{lo}
	}
	raw := (hi - lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= raw {
			step *= m
			break
		}
	}
	var list []float64
	// The count is bounded: beyond 2^53 one more is the same number.
	for k := math.Ceil(lo/step - 1e-9); k*step <= float64(hi*(1+1e-9)) && len(list) <= 2*n; k++ {
		list = append(list, k*step+0) // never -0
	}
	return list
}

// axes draws the frame of a chart with its ticks and names.
func (d *drawing) axes(x, y scale, xName, yName string, xText, yText func(float64) string) {
	for _, v := range ticks(y.lo, y.hi, 5) {
		d.line("grid", x.from, y.at(v), x.to, y.at(v))
		d.text("tick", "end", x.from-6, y.at(v)+4, yText(v))
	}
	for _, v := range ticks(x.lo, x.hi, 7) {
		d.line("grid", x.at(v), y.from, x.at(v), y.from+4)
		d.text("tick", "middle", x.at(v), y.from+18, xText(v))
	}
	d.line("frame", x.from, y.from, x.to, y.from)
	d.text("name", "end", x.to, y.from+36, xName)
	d.text("name", "start", x.from-44, y.to-10, yName)
}

// commas formats n with thousands separators.
func commas[T int | int64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short writes a large number for a tick: 20k, 1.5M.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return figures.Short(v/1e6) + "M"
	case a >= 1e4:
		return figures.Short(v/1e3) + "k"
	}
	return figures.Short(v)
}

func cycles(v float64) string { return commas(int64(math.Round(v))) }

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return commas(n) + " " + word + "s"
}
