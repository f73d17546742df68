// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/figures"
	"github.com/unroll-npu/unroll/train/tune"
)

// studyView is a study as its page shows it.
type studyView struct {
	Title, Version string
	Style          template.CSS
	Script         template.JS
	Judged         string
	Done, Trials   int
	Drawn          int
	Plan           string
	Bounds         []string
	Tiles          []tile
	Charts         []studyChart
	Front, All     []studyRow
	RuledOut       []ruledRow
	Commands       []Command
}

type studyChart struct {
	Name    string
	Drawing template.HTML
}

type studyRow struct {
	Name, Accuracy, Test, Cycles, Milli, Flash, SRAM string
	Accelerator, Command, Failed                     string
	Trial, Epochs                                    int
	Best, Over                                       bool
}

type ruledRow struct{ Name, Why string }

// WriteStudy returns the page of a search: the front as charts and as a table, every
// candidate by its highest rung, and the commands that give each network. folder is the name
// that the study is shown under, version that of the tool.
func WriteStudy(version, folder string, s *tune.Study, results []tune.Result, again []Command) ([]byte, error) {
	plan := s.Plan()
	v := studyView{Title: folder, Version: version, Judged: "accuracy", Done: len(results), Trials: plan.Trials(),
		Drawn: len(s.Candidates) + len(s.RuledOut), Commands: again}
	if s.Judged == tune.ByR2 {
		v.Judged = "R²"
	}
	var rungs []string
	for r := range plan.Rungs {
		rungs = append(rungs, fmt.Sprintf("%d for %s", plan.Size(r), plural(plan.EpochsAt(r), "epoch")))
	}
	v.Plan = strings.Join(rungs, ", then ")
	v.bounds(s.Asked.Bounds)
	best, found := s.Best(results)
	row := func(r tune.Result) studyRow {
		return studyRow{Name: s.Asked.Space.Name(r.Values), Accuracy: v.quality(r.Accuracy), Test: v.quality(r.Test), Cycles: commas(r.Sequence),
			Milli: fmt.Sprintf("%.3f", r.Milliseconds), Flash: commas(r.Flash), SRAM: commas(r.SRAM), Accelerator: r.Accelerator, Command: r.Command,
			Failed: r.Failed, Trial: r.Trial, Epochs: r.Epochs, Best: found && r.Trial == best.Trial, Over: r.Failed == "" && !s.Asked.Bounds.Fits(r.Figures)}
	}
	front := s.Front(results)
	for _, r := range front {
		v.Front = append(v.Front, row(r))
	}
	all := tune.Latest(results)
	slices.SortStableFunc(all, func(a, b tune.Result) int { return cmp.Or(b.Rung-a.Rung, cmp.Compare(b.Accuracy, a.Accuracy)) })
	for _, r := range all {
		v.All = append(v.All, row(r))
	}
	for _, r := range s.RuledOut {
		v.RuledOut = append(v.RuledOut, ruledRow{s.Asked.Space.Name(r.Values), r.Why})
	}
	if found {
		b := row(best)
		v.Tiles = []tile{{v.Judged, b.Accuracy, "on the validation part; " + b.Test + " on the test part"}, {"cycles", b.Cycles, b.Milli + " ms, of a whole sequence"},
			{"flash", b.Flash, "bytes, stream and constants"}, {"SRAM", b.SRAM, "bytes"}}
	}
	for _, c := range []struct {
		name  string
		of    func(tune.Figures) int64
		bound int64
	}{
		{"cycles", func(f tune.Figures) int64 { return f.Sequence }, s.Asked.Bounds.Cycles},
		{"flash", func(f tune.Figures) int64 { return int64(f.Flash) }, int64(s.Asked.Bounds.Flash)},
		{"SRAM", func(f tune.Figures) int64 { return int64(f.SRAM) }, int64(s.Asked.Bounds.SRAM)},
	} {
		v.Charts = append(v.Charts, studyChart{c.name, v.chart(s, all, c.name, c.of, c.bound, best, found)})
	}
	return v.page()
}

func (v *studyView) bounds(b tune.Bounds) {
	add := func(given bool, format string, value any) {
		if given {
			v.Bounds = append(v.Bounds, fmt.Sprintf(format, value))
		}
	}
	add(b.Cycles > 0, "at most %s cycles of a sequence", commas(b.Cycles))
	add(b.Milliseconds > 0, "at most %v ms of a sequence", b.Milliseconds)
	add(b.Flash > 0, "at most %s bytes of flash", commas(b.Flash))
	add(b.SRAM > 0, "at most %s bytes of SRAM", commas(b.SRAM))
	add(b.Accuracy > 0, "at least %s", v.quality(b.Accuracy))
}

func (v *studyView) quality(q float64) string {
	if v.Judged == "accuracy" {
		return percent(q)
	}
	return fmt.Sprintf("%.4f", q)
}

// chart draws every candidate at its highest rung; the line joins what none beats in the two
// figures of the chart. Filled is the best of the study, pale what is above a bound.
func (v *studyView) chart(s *tune.Study, all []tune.Result, what string, of func(tune.Figures) int64, bound int64, best tune.Result, found bool) template.HTML {
	d := newDrawing(520, 300, "curve", v.Judged+" over "+what)
	unit := what
	if what != "cycles" {
		unit = "bytes of " + what
	}
	lo, most := 1.0, 0.0
	var list []tune.Result
	for _, r := range all {
		if r.Failed == "" {
			list = append(list, r)
			lo, most = math.Min(lo, r.Accuracy), math.Max(most, float64(of(r.Figures)))
		}
	}
	if list == nil {
		d.text("name", "start", 64, 150, "no trial has a network yet")
		return d.done()
	}
	if q := s.Asked.Bounds.Accuracy; q > 0 {
		lo = math.Min(lo, q-0.01) // the bound is within the chart
	}
	x := scale{0, math.Max(most, float64(bound)) * 1.08, 64, 500}
	y := scale{math.Max(math.Floor(lo*20)/20, -1), 1, 250, 30}
	if y.lo == y.hi {
		y.lo -= 0.05
	}
	tick := func(q float64) string { return figures.Short(100*q) + " %" }
	if v.Judged != "accuracy" {
		tick = figures.Short
	}
	d.axes(x, y, unit, v.Judged+" on the validation part", short, tick)
	if bound > 0 {
		d.line("bound", x.at(float64(bound)), y.from, x.at(float64(bound)), y.to)
	}
	if q := s.Asked.Bounds.Accuracy; q > 0 {
		d.line("bound", x.from, y.at(q), x.to, y.at(q))
	}
	slices.SortStableFunc(list, func(a, b tune.Result) int {
		return cmp.Or(cmp.Compare(of(a.Figures), of(b.Figures)), cmp.Compare(b.Accuracy, a.Accuracy))
	})
	top, front := math.Inf(-1), ""
	for _, r := range list {
		if r.Accuracy <= top || !s.Asked.Bounds.Fits(r.Figures) {
			continue
		}
		px, py := x.at(float64(of(r.Figures))), y.at(r.Accuracy)
		if top = r.Accuracy; front == "" {
			front = fmt.Sprintf("M%s %s", num(px), num(py))
		} else {
			front += fmt.Sprintf("H%sV%s", num(px), num(py))
		}
	}
	if front != "" {
		d.path("front", front, "")
	}
	for _, r := range list {
		class := "point"
		switch {
		case found && r.Trial == best.Trial:
			class += " chosen"
		case !s.Asked.Bounds.Fits(r.Figures):
			class += " over"
		}
		d.circle(class, x.at(float64(of(r.Figures))), y.at(math.Max(r.Accuracy, y.lo)), 3+1.2*float64(min(r.Rung, 3)),
			fmt.Sprintf("trial %d, %s: %s after %s, %s %s", r.Trial, s.Asked.Space.Name(r.Values), v.quality(r.Accuracy), plural(r.Epochs, "epoch"), commas(of(r.Figures)), unit))
	}
	return d.done()
}

func (v *studyView) page() ([]byte, error) {
	style, err := files.ReadFile("page/style.css")
	if err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	script, err := files.ReadFile("page/script.js")
	if err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	v.Style, v.Script = template.CSS(style), template.JS(script)
	t, err := template.New("study.tmpl").Funcs(funcs).ParseFS(files, "page/study.tmpl")
	if err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	if b.Len() > MostBytes {
		return nil, fmt.Errorf("the page of the study has %s bytes, more than %s: it has %d candidates; unroll tune --json tells of them", commas(b.Len()), commas(MostBytes), v.Drawn)
	}
	return b.Bytes(), nil
}
