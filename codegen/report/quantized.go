// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/figures"
)

// quantizedView is the section on what quantization did.
type quantizedView struct {
	Report   *lower.Report
	Drift    *lower.Drift
	Bars     template.HTML // SQNR by role
	Heat     template.HTML // SQNR by role and step
	Ranges   template.HTML
	Widths   *Widths
	Widened  []string
	Told     bool // Widened was said
	Sentence string
}

func quantizedOf(e *Evidence) *quantizedView {
	if e.Report == nil && e.Drift == nil && e.Widths == nil && e.Widened == nil {
		return nil
	}
	v := &quantizedView{Report: e.Report, Drift: e.Drift, Widths: e.Widths, Widened: e.Widened, Told: e.Widened != nil}
	if r := e.Report; r != nil && len(r.Tensors) > 0 {
		v.Sentence = fmt.Sprintf("Calibrated on %s in %s.", plural(r.Samples, "sample"), plural(r.Rounds, "round"))
		v.Ranges = drawRanges(r)
		if r.Sequences > 0 {
			v.Sentence += fmt.Sprintf(" SQNR over %s.", plural(r.Sequences, "sequence"))
			v.Bars, v.Heat = drawBars(r), drawHeat(r)
		}
	}
	return v
}

// quality sorts a ratio of signal to noise into classes for its colour.
func quality(db float64) string {
	switch {
	case db < 10:
		return "q0"
	case db < 20:
		return "q1"
	case db < 30:
		return "q2"
	case db < 40:
		return "q3"
	}
	return "q4"
}

const roleWidth = 190.0

// drawBars draws the SQNR of every role.
func drawBars(r *lower.Report) template.HTML {
	height := float64(22*len(r.Tensors)) + 60
	d := newDrawing(760, height, "curve", "Ratio of signal to quantization noise by value, in dB")
	most := 10.0
	for _, t := range r.Tensors {
		most = max(most, min(t.SQNR, 80))
	}
	x := scale{0, most, roleWidth, 700}
	for _, v := range ticks(0, most, 8) {
		d.line("grid", x.at(v), 8, x.at(v), height-44)
		d.text("tick", "middle", x.at(v), height-28, short(v))
	}
	for i, t := range r.Tensors {
		y := 10 + float64(22*i)
		d.text("tick", "end", roleWidth-8, y+13, cut(t.Role, 26))
		worst := ""
		if w, ok := t.Worst(); ok {
			worst = fmt.Sprintf("; worst %.1f dB at %s", w.SQNR, w.Tensor)
		}
		w := math.Max(x.at(max(0, min(t.SQNR, most)))-x.from, 1)
		d.rect(quality(t.SQNR), x.from, y, w, 16, fmt.Sprintf("%s, %s: %.1f dB%s", t.Role, t.Type, t.SQNR, worst))
		d.text("tick", "start", x.from+w+6, y+13, fmt.Sprintf("%.1f", t.SQNR))
	}
	d.text("name", "end", 700, height-8, "SQNR, dB")
	return d.done()
}

// drawHeat draws the SQNR of every role at every step: nothing where the network has one step.
func drawHeat(r *lower.Report) template.HTML {
	last := 0
	var rows []lower.TensorReport
	for _, t := range r.Tensors {
		if len(t.Steps) > 1 {
			rows = append(rows, t)
		}
		for _, s := range t.Steps {
			last = max(last, s.Last)
		}
	}
	if last < 1 || last > 512 || len(rows) == 0 {
		return ""
	}
	height := float64(18*len(rows)) + 56
	d := newDrawing(980, height, "curve", "Ratio of signal to quantization noise by value and time step, in dB")
	x := scale{0, float64(last + 1), roleWidth, 970}
	for i, t := range rows {
		y := 8 + float64(18*i)
		d.text("tick", "end", roleWidth-8, y+13, cut(t.Role, 26))
		for _, s := range t.Steps {
			a, b := x.at(float64(s.First)), x.at(float64(s.Last+1))
			d.rect(quality(s.SQNR), a, y, b-a-0.5, 17, fmt.Sprintf("%s: %.1f dB", s.Tensor, s.SQNR))
		}
	}
	y := height - 46
	for _, v := range ticks(0, float64(last), 14) {
		if v == math.Trunc(v) {
			d.text("tick", "middle", x.at(v+0.5), y+16, short(v))
		}
	}
	d.text("name", "end", 970, y+36, "time step")
	at := roleWidth
	for n, name := range []string{"below 10 dB", "10 to 20", "20 to 30", "30 to 40", "40 and more"} {
		d.rect(fmt.Sprintf("q%d", n), at, y+25, 12, 12, "")
		d.text("tick", "start", at+17, y+35, name)
		at += 104
	}
	return d.done()
}

// drawRanges draws of every role what was seen in calibration within what its integers hold.
func drawRanges(r *lower.Report) template.HTML {
	height := float64(22*len(r.Tensors)) + 40
	d := newDrawing(760, height, "curve", "Range of every value: seen in calibration, and held by its integers")
	x := scale{-1, 1, roleWidth, 740}
	d.line("frame", x.at(0), 4, x.at(0), height-28)
	for i, t := range r.Tensors {
		y := 8 + float64(22*i)
		most := float64(max(abs(t.Low), abs(t.High), abs(t.Min), abs(t.Max)))
		if most == 0 {
			most = 1
		}
		at := func(v float32) float64 { return x.at(float64(v) / most) }
		d.text("tick", "end", roleWidth-8, y+13, cut(t.Role, 26))
		title := fmt.Sprintf("%s: seen %s to %s, held %s to %s, scale %s", t.Role, short32(t.Min), short32(t.Max), short32(t.Low), short32(t.High), short32(t.Scale))
		d.rect("held", at(t.Low), y+1, at(t.High)-at(t.Low), 15, title)
		d.rect("seen", at(t.Min), y+5, math.Max(at(t.Max)-at(t.Min), 1), 7, title)
	}
	d.rect("held", roleWidth, height-18, 22, 12, "")
	d.text("tick", "start", roleWidth+28, height-8, "held by the integers")
	d.rect("seen", roleWidth+190, height-16, 22, 7, "")
	d.text("tick", "start", roleWidth+218, height-8, "seen in calibration; each row to its own scale")
	return d.done()
}

func abs(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}

// drawDrift draws the error of the states over a long stream.
func drawDrift(t *lower.Drift) template.HTML {
	if t == nil || len(t.StateRMSE) < 2 {
		return ""
	}
	d := newDrawing(720, 250, "curve", "Error of the states over a stream without a reset")
	x := scale{0, float64(t.Steps), 70, 700}
	y := scale{0, max(slices.Max(t.StateRMSE)*1.2, 1e-9), 200, 30}
	d.axes(x, y, "steps of the stream", "error of the states, root mean square", short, short)
	data := ""
	for i, e := range t.StateRMSE {
		part := float64(t.Steps) / float64(len(t.StateRMSE))
		at := x.at(float64(part * (float64(i) + 0.5)))
		draw := "L"
		if i == 0 {
			draw = "M"
		}
		data += fmt.Sprintf("%s%s %s", draw, num(at), num(y.at(e)))
		d.circle("dot s0", at, y.at(e), 4, fmt.Sprintf("tenth %d of the stream: %s", i+1, figures.Short(e)))
	}
	d.path("series s0", data, "")
	return d.done()
}

func short32(v float32) string { return figures.Short(float64(v)) }
