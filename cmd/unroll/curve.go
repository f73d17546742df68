// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// curvePoint is one way to run the compiled network, as --json prints it.
type curvePoint struct {
	SRAMBytes  int    `json:"sram_bytes"`
	FlashBytes int    `json:"flash_bytes"`
	Cycles     int64  `json:"cycles"`
	Flags      string `json:"flags"` // to type for it, besides those that were given; empty for what was compiled
}

// curve is what a network would take with other amounts of SRAM, and what of it is cheap.
type curve struct {
	Points []curvePoint `json:"curve,omitempty"`
	Hint   string       `json:"hint,omitempty"`
}

// cheap is the part of the cycles from which on other flags are worth telling of.
const cheap = 0.8

// curveOf compiles the network of a choice, which has the given figures, with other
// amounts of SRAM.
func curveOf(ch *compile.Choice, f perf.Figures) (curve, error) {
	list, err := ch.Curve(f)
	if err != nil {
		return curve{}, err
	}
	var c curve
	for _, p := range list {
		q := curvePoint{SRAMBytes: p.SRAM, FlashBytes: p.Flash, Cycles: p.Cycles}
		switch {
		case p.WeightsInSRAM:
			q.Flags = "--weights sram"
			if float64(p.Cycles) < cheap*float64(f.Cycles) {
				c.Hint = fmt.Sprintf("%s: %s instead of %s cycles a call, for %s bytes of SRAM", q.Flags, commas(p.Cycles), commas(f.Cycles), commas(p.SRAM))
			}
		case p.Budget > 0:
			q.Flags = fmt.Sprintf("--sram-budget %d", p.Budget)
		}
		c.Points = append(c.Points, q)
	}
	return c, nil
}

// printCurve shows the points, the one that was compiled among them.
func (c *cli) printCurve(v curve) {
	if len(v.Points) < 2 {
		return
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nSRAM\tflash\tcycles a call\t")
	for _, p := range v.Points {
		with := "  " + p.Flags
		if p.Flags == "" {
			with = "  <- this one"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", commas(p.SRAMBytes), commas(p.FlashBytes), commas(p.Cycles), with)
	}
	w.Flush()
	if v.Hint != "" {
		fmt.Fprintf(c.stdout, "cheap: %s\n", v.Hint)
	}
}
