// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// Curves are what the same network takes when it is compiled otherwise.
type Curves struct {
	Points []Point
	Fails  []string // sentences on what did not compile
}

// Point is one way to compile the network.
type Point struct {
	Name    string // the options that differ, as they are given
	Chosen  bool   // this is the subject's own
	Figures perf.Figures
}

// shares of the SRAM that the network takes without a budget.
var shares = []float64{0.75, 0.5, 0.25}

// call is what the subject's program is compiled from.
func (s *Subject) call() (compile.Call, compile.Options) {
	p := s.Programs[0]
	o := compile.Options{Accel: p.Accel, System: p.System, Mode: p.Mode}
	if p.Steps == 0 {
		return compile.Call{Whole: s.Graph}, o
	}
	c := compile.Call{Step: s.Graph, Form: compile.FormStep}
	c.Steps = p.Steps
	for i, b := range p.Outputs {
		state := slices.ContainsFunc(p.States, func(s ethosu.StatePair) bool { return s.Out == i })
		c.PerStep = c.PerStep || !state && b.Rows > 1
	}
	return c, o
}

// MeasureCurves compiles the network without a budget, under budgets of three quarters, a
// half and a quarter of the SRAM that it takes then, and with its constants in SRAM. It
// needs the operators; without them it does nothing.
func (s *Subject) MeasureCurves(ctx context.Context) error {
	if s.Graph == nil || len(s.Programs) != 1 {
		return nil
	}
	call, o := s.call()
	own, err := s.Figures()
	if err != nil {
		return err
	}
	c := &Curves{}
	try := func(name string, o compile.Options) (perf.Figures, error) {
		if err := ctx.Err(); err != nil {
			return perf.Figures{}, err
		}
		ch, err := compile.CompileCall(call, o)
		if err == nil {
			var f perf.Figures
			if f, err = perf.FiguresOf(ch.Program); err == nil {
				c.Points = append(c.Points, Point{Name: name, Figures: f})
				return f, nil
			}
		}
		c.Fails = append(c.Fails, fmt.Sprintf("%s does not compile: %v.", name, err))
		return perf.Figures{}, err
	}
	free := o
	free.SRAMBudget, free.WeightsInSRAM = 0, false
	most, err := try("no budget", free)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.NoSpan = c.Fails[0]
		return nil
	}
	for _, share := range shares {
		tight := free
		tight.SRAMBudget = int(share*float64(most.SRAMBytes)) &^ 15
		if _, err := try(fmt.Sprintf("--sram-budget %d", tight.SRAMBudget), tight); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			break // less will not do either
		}
	}
	copied := free
	copied.WeightsInSRAM = true
	if _, err := try("--weights sram", copied); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		copied.WeightsInSRAM = false
	}
	at := slices.IndexFunc(c.Points, func(p Point) bool {
		return p.Figures.SRAMBytes == own.SRAMBytes && p.Figures.Cycles == own.Cycles && p.Figures.FlashBytes == own.FlashBytes
	})
	if at < 0 {
		c.Points = append(c.Points, Point{Name: "as it is", Figures: own})
		at = len(c.Points) - 1
	}
	c.Points[at].Chosen = true
	s.Curves, s.NoSpan = c, ""
	return nil
}

// curve draws cycles over SRAM or flash.
func (c *Curves) curve(what string, of func(perf.Figures) int) template.HTML {
	d := newDrawing(520, 300, "curve", "Cycles over bytes of "+what)
	most := func(of func(perf.Figures) float64) float64 {
		m := 0.0
		for _, p := range c.Points {
			m = math.Max(m, of(p.Figures))
		}
		return m * 1.15
	}
	x := scale{0, most(func(f perf.Figures) float64 { return float64(of(f)) }), 64, 500}
	y := scale{0, most(func(f perf.Figures) float64 { return float64(f.Cycles) }), 250, 30}
	d.axes(x, y, "bytes of "+what, "cycles a call", short, short)
	points := slices.Clone(c.Points)
	slices.SortStableFunc(points, func(a, b Point) int { return of(a.Figures) - of(b.Figures) })
	best, front := int64(math.MaxInt64), ""
	for _, p := range points {
		if p.Figures.Cycles >= best {
			continue
		}
		px, py := x.at(float64(of(p.Figures))), y.at(float64(p.Figures.Cycles))
		if front == "" {
			front = fmt.Sprintf("M%s %s", num(px), num(py))
		} else {
			front += fmt.Sprintf("H%sV%s", num(px), num(py))
		}
		best = p.Figures.Cycles
	}
	d.path("front", front, "")
	for _, p := range points {
		class := "point"
		if p.Chosen {
			class += " chosen"
		}
		d.circle(class, x.at(float64(of(p.Figures))), y.at(float64(p.Figures.Cycles)), 6,
			fmt.Sprintf("%s: %s bytes of %s, %s cycles", p.Name, commas(of(p.Figures)), what, commas(p.Figures.Cycles)))
	}
	return d.done()
}
