// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/perf"
)

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
	v.StateNames = p.Carried()
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
