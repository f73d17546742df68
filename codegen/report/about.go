// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/lower/figures"
)

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
	add("time a call", v.Milli, fmt.Sprintf("at %s MHz", figures.Digits(v.Clock/1e6, 6)))
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
