// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/figures"
)

// mostClasses bounds the confusion matrices that are shown whole.
const mostClasses = 40

// accuracyView is the section on what the test part says.
type accuracyView struct {
	Sequences int
	Sums      [][3]string // figure, float, quantized
	Changed   string
	Matrices  []matrix
	Classes   []classRow
	Outputs   []outputRow
	Worst     []worstView
	Errors    []lower.OutputError
	Warning   string
	Proof     *Proof
	Measured  bool // there is a labelled evaluation
}

type matrix struct {
	Title string
	Names []string
	Rows  []matrixRow
}

type matrixRow struct {
	Name  string
	Cells []cell
}

type cell struct {
	N     int
	Share float64 // of the row
	Right bool
	What  string
}

type classRow struct {
	Name             string
	Support          int
	Float, Quantized lower.ClassMetrics
}

type outputRow struct {
	Number           int
	Float, Quantized lower.OutputMetrics
}

type worstView struct {
	Sample
	LabelName, NamedName, FloatName string
	Where                           string
	Picture                         template.HTML
}

func accuracyOf(e *Evidence, _ *facts.Facts) *accuracyView {
	v := &accuracyView{Errors: e.Errors, Proof: e.Proof}
	ev := e.Evaluation
	if ev == nil {
		if v.Errors == nil && v.Proof == nil {
			return nil
		}
		return v
	}
	v.Measured, v.Sequences, v.Warning = true, ev.Sequences, ev.Warning()
	sum := func(name string, of func(*lower.Metrics) *float64, show func(float64) string) {
		f, q := of(&ev.Float), of(&ev.Quantized)
		if f == nil && q == nil {
			return
		}
		text := func(v *float64) string {
			if v == nil {
				return "–"
			}
			return show(*v)
		}
		v.Sums = append(v.Sums, [3]string{name, text(f), text(q)})
		if ev.FloatCarried != nil && ev.QuantizedCarried != nil {
			if f, q := of(ev.FloatCarried), of(ev.QuantizedCarried); f != nil || q != nil {
				v.Sums = append(v.Sums, [3]string{name + ", state carried from sequence to sequence", text(f), text(q)})
			}
		}
	}
	four := figures.Short
	sum("accuracy", func(m *lower.Metrics) *float64 { return m.Accuracy }, percent)
	sum("RMSE", func(m *lower.Metrics) *float64 { return m.RMSE }, four)
	sum("R²", func(m *lower.Metrics) *float64 { return m.R2 }, four)
	if m := ev.Quantized.Majority; m != nil {
		v.Sums = append(v.Sums, [3]string{"always the most frequent class", percent(*m), percent(*m)})
	}
	if ev.Quantized.Accuracy != nil {
		v.Changed = fmt.Sprintf("Quantization changed %s of %s decisions.", commas(ev.Decisions), commas(ev.Quantized.Decisions))
	}
	for _, m := range []struct {
		name string
		m    *lower.Metrics
	}{{"float", &ev.Float}, {"quantized", &ev.Quantized}} {
		if n := len(m.m.Classes); n > 0 && n <= mostClasses {
			v.Matrices = append(v.Matrices, matrixOf(m.name, m.m))
		}
	}
	for k, c := range ev.Quantized.Classes {
		if k < len(ev.Float.Classes) {
			v.Classes = append(v.Classes, classRow{className(&ev.Quantized, k), c.Support, ev.Float.Classes[k], c})
		}
	}
	for k, o := range ev.Quantized.Outputs {
		if k < len(ev.Float.Outputs) {
			v.Outputs = append(v.Outputs, outputRow{k, ev.Float.Outputs[k], o})
		}
	}
	for _, s := range e.Worst {
		w := worstView{Sample: s, LabelName: className(&ev.Quantized, s.Label), NamedName: className(&ev.Quantized, s.Named), FloatName: className(&ev.Quantized, s.Float), Picture: s.draw()}
		w.Where = fmt.Sprintf("sequence %d", s.Sequence)
		if s.Step >= 0 {
			w.Where += fmt.Sprintf(", step %d", s.Step)
		}
		v.Worst = append(v.Worst, w)
	}
	return v
}

func matrixOf(title string, m *lower.Metrics) matrix {
	x := matrix{Title: title}
	for k := range m.Classes {
		x.Names = append(x.Names, className(m, k))
	}
	for r, row := range m.Confusion {
		all := 0
		for _, n := range row {
			all += n
		}
		line := matrixRow{Name: x.Names[r]}
		for c, n := range row {
			share := 0.0
			if all > 0 {
				share = float64(n) / float64(all)
			}
			line.Cells = append(line.Cells, cell{n, share, r == c, fmt.Sprintf("%s named %s: %d", x.Names[r], x.Names[c], n)})
		}
		x.Rows = append(x.Rows, line)
	}
	return x
}

// draw shows a sequence: as lines where it has few features, as a picture with a column for
// each step where it has many.
func (s *Sample) draw() template.HTML {
	name := fmt.Sprintf("Input of sequence %d: %d steps of %d features", s.Sequence, s.Steps, s.Features)
	if s.Features <= 6 {
		d := newDrawing(140, 84, "sample", name)
		for k := range s.Features {
			var b strings.Builder
			for t := range s.Steps {
				x := scale{0, float64(max(s.Steps-1, 1)), 4, 136}.at(float64(t))
				y := scale{0, 255, 80, 4}.at(float64(s.Values[t*s.Features+k]))
				fmt.Fprintf(&b, "%s%s %s", map[bool]string{true: "M", false: "L"}[t == 0], num(x), num(y))
			}
			d.path(fmt.Sprintf("series s%d", k), b.String(), "")
		}
		return d.done()
	}
	img := image.NewGray(image.Rect(0, 0, s.Features, s.Steps))
	for t := range s.Steps {
		for k := range s.Features {
			img.SetGray(k, t, color.Gray{s.Values[t*s.Features+k]})
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
		panic(fmt.Sprintf("BUG: a picture of %d × %d does not encode: %v", s.Features, s.Steps, err))
	}
	return template.HTML(fmt.Sprintf(`<img class="sample" width="84" height="84" alt="%s" src="data:image/png;base64,%s">`, name, base64.StdEncoding.EncodeToString(b.Bytes())))
}

// drawTraining draws the loss over the training.
func drawTraining(list []Progress) template.HTML {
	if len(list) < 2 {
		return ""
	}
	d := newDrawing(720, 270, "curve", fmt.Sprintf("Loss of the training over %d batches", list[len(list)-1].Step))
	lo, hi := math.Inf(1), 0.0
	for _, p := range list {
		lo, hi = min(lo, p.Loss), max(hi, p.Loss)
		if v := p.ValidationLoss; v != nil {
			lo, hi = min(lo, *v), max(hi, *v)
		}
	}
	x := scale{0, float64(list[len(list)-1].Step), 60, 700}
	y := scale{min(0, lo), hi, 220, 30}
	d.axes(x, y, "batches", "loss", short, short)
	var train, valid strings.Builder
	first := true
	for i, p := range list {
		draw := "L"
		if i == 0 || p.Epoch != list[i-1].Epoch {
			draw = "M" // the mean begins anew with every epoch
		}
		fmt.Fprintf(&train, "%s%s %s", draw, num(x.at(float64(p.Step))), num(y.at(p.Loss)))
		if v := p.ValidationLoss; v != nil {
			draw = "L"
			if first {
				draw, first = "M", false
			}
			fmt.Fprintf(&valid, "%s%s %s", draw, num(x.at(float64(p.Step))), num(y.at(*v)))
			d.circle("dot s1", x.at(float64(p.Step)), y.at(*v), 3, fmt.Sprintf("epoch %d: validation loss %s", p.Epoch, figures.Short(*v)))
		}
	}
	d.path("series s0", train.String(), "")
	if !first {
		d.path("series s1", valid.String(), "")
		d.text("key k1", "end", 700, 24, "validation, at the end of an epoch")
	}
	d.text("key k0", "end", 420, 24, "training, mean of the epoch so far")
	return d.done()
}
