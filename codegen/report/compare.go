// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
)

// comparison shows subjects side by side.
type comparison struct {
	Names []string
	Rows  []compareRow
	Bars  []compareBar
}

type compareRow struct {
	Name  string
	Cells []string
	Best  int // -1 where none is best
}

// compareBar is the cycles of a subject by reason, to the scale of all.
type compareBar struct {
	Name  string
	Total string
	Parts []reasonRow
}

func compare(views []*view) *comparison {
	c := &comparison{}
	most := int64(1)
	for _, v := range views {
		c.Names = append(c.Names, v.Name)
		most = max(most, v.Figures.Cycles)
	}
	numbers := func(name string, unit string, of func(*view) int64) {
		row := compareRow{Name: name, Best: -1}
		best := int64(0)
		for i, v := range views {
			n := of(v)
			row.Cells = append(row.Cells, commas(n)+unit)
			switch {
			case i == 0 || n < best:
				best, row.Best = n, i
			case n == best:
				row.Best = -1
			}
		}
		c.Rows = append(c.Rows, row)
	}
	texts := func(name string, of func(*view) string) {
		row := compareRow{Name: name, Best: -1}
		for _, v := range views {
			row.Cells = append(row.Cells, of(v))
		}
		c.Rows = append(c.Rows, row)
	}
	texts("accelerator", func(v *view) string { return v.Figures.Accelerator })
	texts("memories", func(v *view) string { return v.System + ", " + v.Mode })
	texts("accuracy", func(v *view) string {
		q, f, ok := v.headline()
		if !ok {
			return "unknown"
		}
		return q + " (" + f + ")"
	})
	numbers("cycles a call", "", func(v *view) int64 { return v.Figures.Cycles })
	texts("time a call", func(v *view) string { return v.Milli })
	numbers("SRAM", " B", func(v *view) int64 { return int64(v.Figures.SRAMBytes) })
	numbers("flash", " B", func(v *view) int64 { return int64(v.Figures.FlashBytes) })
	numbers("stream", " B", func(v *view) int64 { return int64(v.Figures.StreamBytes) })
	numbers("weights", " B", func(v *view) int64 { return int64(v.Figures.WeightBytes) })
	numbers("NPU operations", "", func(v *view) int64 { return int64(v.Figures.NPUOps) })
	numbers("CPU operations", "", func(v *view) int64 { return int64(v.Figures.CPUOps) })
	numbers("starts a call", "", func(v *view) int64 { return int64(v.Figures.WakeUps) })
	texts("states", func(v *view) string { return or(strings.Join(v.StateNames, ", "), "none declared") })
	for _, v := range views {
		b := compareBar{Name: v.Name, Total: commas(v.Figures.Cycles)}
		for _, r := range v.By {
			r.Share = 100 * float64(r.Cycles) / float64(most)
			b.Parts = append(b.Parts, r)
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}
