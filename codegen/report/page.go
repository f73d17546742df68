// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower"
)

//go:embed page
var files embed.FS

// MostBytes bounds a page: what is larger is a fault.
const MostBytes = 2 << 20

// TooLargeError says that a page would be larger than MostBytes.
type TooLargeError struct{ Bytes int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the report has %s bytes, more than %s: give fewer models at once", commas(e.Bytes), commas(MostBytes))
}

// Write returns the page of one subject, or of several to be compared. version is that of
// the tool.
func Write(version string, subjects []*Subject) ([]byte, error) {
	p := pageView{Version: version}
	names := distinct(subjects)
	for n, s := range subjects {
		v, err := s.view(n)
		if err != nil {
			return nil, err
		}
		v.Name = names[n]
		p.Subjects = append(p.Subjects, v)
	}
	if len(subjects) == 0 {
		return nil, fmt.Errorf("BUG: a report of nothing")
	}
	p.Title = strings.Join(names, ", ")
	if len(subjects) > 1 {
		p.Comparison = compare(p.Subjects)
	}
	for name, to := range map[string]*string{"style.css": &p.styleText, "script.js": &p.scriptText} {
		b, err := files.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("BUG: %w", err)
		}
		*to = string(b)
	}
	p.Style, p.Script = template.CSS(p.styleText), template.JS(p.scriptText)
	t, err := template.New("page.tmpl").Funcs(funcs).ParseFS(files, "page/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, &p); err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	if b.Len() > MostBytes {
		return nil, &TooLargeError{b.Len()}
	}
	return b.Bytes(), nil
}

// distinct names subjects: where several have one name, with their folders, files or numbers.
func distinct(subjects []*Subject) []string {
	names := make([]string, len(subjects))
	for i, s := range subjects {
		names[i] = s.Name
	}
	for _, more := range []func(i int) string{
		func(i int) string { return or(subjects[i].Folder, subjects[i].File) },
		func(i int) string { return fmt.Sprint(i + 1) },
	} {
		count := map[string]int{}
		for _, n := range names {
			count[n]++
		}
		for i, n := range names {
			if count[n] > 1 {
				names[i] = fmt.Sprintf("%s (%s)", n, more(i))
			}
		}
	}
	return names
}

type pageView struct {
	Title, Version        string
	Subjects              []*view
	Comparison            *comparison
	Style                 template.CSS
	Script                template.JS
	styleText, scriptText string
}

// view is a subject as the template shows it.
type view struct {
	*Subject
	Name        string
	Number      int
	Figures     perf.Figures
	Clock       float64 // Hz
	System      string
	Mode        string
	Tiles       []tile
	About       [][2]string
	By          []reasonRow
	Traffic     []perf.MemoryUse
	Accuracy    *accuracyView
	Training    template.HTML
	Quantized   *quantizedView
	Drift       template.HTML
	Graph       graphView
	Stages      []stageView
	CPU         [][3]string // operators of the CPU: kind, output, why
	Flash       []flashView
	SRAMCurve   template.HTML
	FlashCurve  template.HTML
	Milli       string
	StateNames  []string
	UnknownWhat string // what would tell what nobody measured
}

// tile is a figure that people look for first.
type tile struct{ Name, Value, More string }

// reasonRow is a share of the cycles.
type reasonRow struct {
	Reason, Why string
	Cycles      int64
	Share       float64 // percent
}

// reasonTexts say what cycles of a reason went to.
var reasonTexts = map[string]string{
	"mac":         "the multipliers, or their output stage",
	"weights":     "weights on their way to the multipliers",
	"axi":         "feature maps on their way from and to memory",
	"elementwise": "element by element arithmetic",
	"lut":         "table lookups",
	"dma":         "waiting for transfers",
	"overhead":    "starts of kernels and short blocks",
	"cpu":         "the CPU, between the streams of a call",
}

// stageView is a stream of the program.
type stageView struct {
	Title    string
	Times    int
	Cycles   string
	Folded   bool
	Timeline template.HTML
	Rows     []opRow
	More     int // rows that are left out
	Memory   []memoryView
}

type opRow struct {
	Number                        int
	Name, Shape, Reason, Operator string
	Begins, Cycles                string
	Times                         int
}

type memoryView struct {
	Name, Peak, Top string
	During          string
	Drawing         template.HTML
	Rows            []valueRow
	More            int
}

type valueRow struct {
	Name, Role, Address, Bytes string
	First, Last                int
}

type flashView struct {
	Title   string
	Drawing template.HTML
	Stream  int
	Pieces  []piece
	More    int
}

// Bounds of tables: what is beyond them is counted.
const (
	mostOpRows    = 400
	mostValueRows = 60
	mostPieces    = 60
)

func (s *Subject) view(number int) (*view, error) {
	v := &view{Subject: s, Number: number}
	var err error
	if v.Figures, err = s.Figures(); err != nil {
		return nil, err
	}
	stages, err := s.stages()
	if err != nil {
		return nil, err
	}
	p := s.Programs[0]
	v.Clock, v.System, v.Mode = p.System.Clock, p.System.Name, p.Mode.Name
	v.Milli = milliseconds(v.Figures.Cycles, v.Clock)
	v.StateNames = p.StateNames()
	v.UnknownWhat = "lower the network with unroll lower --report --json > evidence.json and give --evidence evidence.json, or report on a project that unroll build made"
	for _, reason := range perf.Reasons() {
		name := reason.String()
		if n := v.Figures.CyclesBy[name]; n > 0 {
			v.By = append(v.By, reasonRow{name, reasonTexts[name], n, 100 * float64(n) / float64(max(v.Figures.Cycles, 1))})
		}
	}
	v.traffic()
	if e := s.Evidence; e != nil {
		v.Accuracy = accuracyOf(e, s.Facts)
		v.Training = drawTraining(e.Training)
		v.Quantized = quantizedOf(e)
		v.Drift = drawDrift(e.Drift)
	}
	v.Graph = s.drawGraph(stages)
	for _, st := range stages {
		v.Stages = append(v.Stages, st.view())
	}
	for n, p := range s.Programs {
		var own []*stage
		for _, st := range stages {
			if st.program == p {
				own = append(own, st)
			}
		}
		for _, o := range p.CPUOps() {
			v.CPU = append(v.CPU, [3]string{o.Kind().String(), o.Output(), or(o.Why, "the file does not say")})
		}
		f := flashView{Pieces: flashPieces(p, own)}
		if len(s.Programs) > 1 {
			f.Title = fmt.Sprintf("Program %d", n)
		}
		for _, st := range own {
			f.Stream += 4 * len(st.Commands)
		}
		f.Drawing = drawFlash(f.Pieces, f.Stream)
		slices.SortStableFunc(f.Pieces, func(a, b piece) int { return int(b.Size - a.Size) })
		if f.More = len(f.Pieces) - mostPieces; f.More > 0 {
			f.Pieces = f.Pieces[:mostPieces]
		}
		v.Flash = append(v.Flash, f)
	}
	if c := s.Curves; c != nil {
		v.SRAMCurve = c.curve("SRAM", func(f perf.Figures) int { return f.SRAMBytes })
		v.FlashCurve = c.curve("flash", func(f perf.Figures) int { return f.FlashBytes })
	}
	v.about()
	v.tiles()
	return v, nil
}

func (v *view) traffic() {
	for _, p := range v.Programs {
		r, err := perf.Estimate(p)
		if err != nil {
			continue // figures have read the same streams
		}
		for _, m := range r.Memory {
			at := slices.IndexFunc(v.Traffic, func(u perf.MemoryUse) bool { return u.Name == m.Name })
			if at < 0 {
				v.Traffic = append(v.Traffic, perf.MemoryUse{Name: m.Name})
				at = len(v.Traffic) - 1
			}
			v.Traffic[at].Read += m.Read
			v.Traffic[at].Write += m.Write
			v.Traffic[at].Cycles += m.Cycles
		}
	}
}

// about lists what the network and the target are.
func (v *view) about() {
	add := func(name, value string) { v.About = append(v.About, [2]string{name, value}) }
	unknown := "unknown: the file does not say"
	add("accelerator", v.Figures.Accelerator)
	memories := v.System + ", " + v.Mode
	if !v.MapKnown && v.Manifest == nil {
		memories += " (assumed: the file does not say for which memories it was compiled)"
	}
	add("memories", memories)
	add("file", fmt.Sprintf("%s, %s bytes, SHA-256 %s", v.File, commas(v.Bytes), v.SHA256))
	if m := v.Manifest; m != nil {
		add("written by", m.Tool+" "+m.Version)
		if m.Source != "" {
			add("compiled from", m.Source+", SHA-256 "+or(m.SourceSHA256, "unknown"))
		}
		var settings []string
		for _, k := range sortedKeys(m.Settings) {
			if m.Settings[k] != "" {
				settings = append(settings, k+" "+m.Settings[k])
			}
		}
		if len(settings) > 0 {
			add("settings", strings.Join(settings, ", "))
		}
	}
	states := strings.Join(v.StateNames, ", ")
	add("states, carried from call to call", or(states, "none declared"))
	var in, out []string
	for _, p := range v.Programs {
		for _, b := range p.Inputs {
			in = append(in, fmt.Sprintf("%s %v %s", b.Name, b.Type, shapeText(b.Shape)))
		}
		for _, b := range p.Outputs {
			out = append(out, fmt.Sprintf("%s %v %s", b.Name, b.Type, shapeText(b.Shape)))
		}
	}
	add("inputs", strings.Join(in, "; "))
	add("outputs", strings.Join(out, "; "))
	f := v.Facts
	if f == nil {
		add("task, classes, data", unknown)
		return
	}
	add("task", or(f.Task, unknown))
	if len(f.Classes) > 0 {
		add("classes", strings.Join(f.Classes, ", "))
	}
	if f.Steps > 0 {
		steps := fmt.Sprintf("sequences of %d steps", f.Steps)
		if f.PerStep {
			steps += ", a decision at each"
		}
		add("trained on", steps)
	}
	if d := f.Data; d != nil {
		add("data", fmt.Sprintf("%s, seed %d, SHA-256 of the training part %s", base(d.Source), d.Seed, or(d.SHA256, "unknown")))
	} else {
		add("data", unknown)
	}
	if c := f.Calibration; c != nil {
		add("calibration", fmt.Sprintf("%s from %s, SHA-256 %s", plural(c.Sequences, "sequence"), or(base(c.Source), "an unnamed set"), or(c.SHA256, "unknown")))
	}
	if f.Mean != nil {
		add("standardization", fmt.Sprintf("mean and deviation of %s", plural(len(f.Mean), "feature")))
	}
	for _, a := range f.Assumed {
		add("assumed", a)
	}
}

// base is the last part of a path of any system: pages hold no folders of machines.
func base(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

func (v *view) tiles() {
	add := func(name, value, more string) { v.Tiles = append(v.Tiles, tile{name, value, more}) }
	if quantized, float, ok := v.headline(); ok {
		add("accuracy", quantized, float)
	} else {
		add("accuracy", "unknown", "nobody measured it")
	}
	add("cycles a call", commas(v.Figures.Cycles), fmt.Sprintf("an estimate, within %.0f %% where it was measured", 100*v.Figures.CyclesWithin))
	add("time a call", v.Milli, fmt.Sprintf("at %s MHz", strconv.FormatFloat(v.Clock/1e6, 'g', 6, 64)))
	add("SRAM", commas(v.Figures.SRAMBytes)+" B", "arena, scratch and copied weights")
	add("flash", commas(v.Figures.FlashBytes)+" B", commas(v.Figures.StreamBytes)+" B of it are stream")
	add("NPU operations", commas(v.Figures.NPUOps), fmt.Sprintf("%s on the CPU; %s a call", plural(v.Figures.CPUOps, "operator"), plural(v.Figures.WakeUps, "start")))
}

// headline is the accuracy of the quantized network and what it compares with.
func (v *view) headline() (quantized, more string, ok bool) {
	if e := v.Evidence; e != nil && e.Evaluation != nil {
		q, f := &e.Evaluation.Quantized, &e.Evaluation.Float
		switch {
		case q.Accuracy != nil && f.Accuracy != nil:
			return percent(*q.Accuracy), "float " + percent(*f.Accuracy), true
		case q.R2 != nil && f.R2 != nil:
			return fmt.Sprintf("R² %.4f", *q.R2), fmt.Sprintf("float R² %.4f", *f.R2), true
		}
	}
	if v.Facts != nil {
		more := "float unknown"
		if a, ok := v.Facts.Figures["float_accuracy"]; ok {
			more = "float " + percent(a)
		}
		if a, ok := v.Facts.Figures["quantized_accuracy"]; ok {
			return percent(a), more, true
		}
		if a, ok := v.Facts.Figures["r2"]; ok {
			return fmt.Sprintf("R² %.4f", a), "float unknown", true
		}
	}
	if e := v.Evidence; e != nil && len(e.Errors) > 0 {
		worst := 0.0
		for _, o := range e.Errors {
			worst = max(worst, o.Relative)
		}
		return percent(worst), "error of outputs against float", true
	}
	return "", "", false
}

func (s *stage) view() stageView {
	v := stageView{Title: s.Name, Times: s.Times, Cycles: commas(s.report.Total), Folded: s.axis.folded(), Timeline: s.drawTimeline()}
	for _, w := range s.axis.windows {
		for i := range s.ops {
			o := &s.ops[i]
			if o.Begins < w.From || o.Begins >= w.To && w.To > w.From {
				continue
			}
			if len(v.Rows) == mostOpRows {
				v.More++
				continue
			}
			reason := o.Reason.String()
			if o.DMA {
				reason = "transfer"
			} else if o.Where != "" {
				reason += ", " + o.Where
			}
			v.Rows = append(v.Rows, opRow{i, o.Name, o.Shape, reason, o.Source, cycles(o.Begins), cycles(o.End - o.Begins), w.Count})
		}
	}
	for _, region := range s.regions() {
		u := s.usage(region)
		m := memoryView{Name: s.regionName(region), Peak: commas(u.Peak), Top: commas(u.Top), Drawing: s.drawMemory(region)}
		if u.At < len(s.ops) {
			m.During = fmt.Sprintf("operation %d, %s", u.At, s.ops[u.At].Name)
		}
		list := slices.DeleteFunc(slices.Clone(s.values), func(v value) bool { return v.Region != region || v.role == constant })
		slices.SortStableFunc(list, func(a, b value) int { return b.Size - a.Size })
		for i, x := range list {
			if i == mostValueRows {
				m.More = len(list) - i
				break
			}
			m.Rows = append(m.Rows, valueRow{x.Name, roleNames[x.role], fmt.Sprintf("%#x", x.Offset), commas(x.Size), x.First, x.Last})
		}
		v.Memory = append(v.Memory, m)
	}
	return v
}

// milliseconds writes the duration of cycles at a clock in Hz.
func milliseconds(n int64, clock float64) string {
	if !(clock > 0) {
		return "unknown"
	}
	return strconv.FormatFloat(1e3*float64(n)/clock, 'f', 3, 64) + " ms"
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) + " %" }

var funcs = template.FuncMap{
	"percent": func(v *float64) string {
		if v == nil {
			return "–"
		}
		return percent(*v)
	},
	"number": func(v *float64) string {
		if v == nil {
			return "–"
		}
		return strconv.FormatFloat(*v, 'g', 4, 64)
	},
	"commas":   func(v any) string { return commasOf(v) },
	"share":    func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) },
	"css":      func(v float64) template.CSS { return template.CSS(strconv.FormatFloat(v, 'f', 2, 64)) },
	"ms":       milliseconds,
	"fraction": percent,
	"float":    func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) },
	"half":     func(v float64) bool { return v > 0.5 },
	"mhz":      func(clock float64) string { return strconv.FormatFloat(clock/1e6, 'g', 6, 64) + " MHz" },
	"reasons": func() []string {
		var names []string
		for _, r := range perf.Reasons() {
			names = append(names, r.String())
		}
		return names
	},
}

func commasOf(v any) string {
	switch v := v.(type) {
	case int:
		return commas(v)
	case int64:
		return commas(v)
	case float64:
		return commas(int64(math.Round(v)))
	}
	panic(fmt.Sprintf("BUG: commas of %T", v))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// className names class k.
func className(m *lower.Metrics, k int) string {
	if k >= 0 && k < len(m.Classes) && m.Classes[k].Name != "" {
		return m.Classes[k].Name
	}
	return strconv.Itoa(k)
}
