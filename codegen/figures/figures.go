// SPDX-License-Identifier: Apache-2.0

// Package figures holds a network to the figures that it had: what build and compile print with
// --json, or what unroll check wrote, against what it is now.
//
// In come a committed file (Read) and the figures of today (Of); out go the changes
// (Compare), each with whether it is for the worse.
package figures

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// Set is the figures of a network by name, as JSON has them.
type Set struct {
	Accelerator string
	Values      map[string]float64
}

// direction says what is better of a figure.
type direction int

const (
	less direction = iota
	more
)

// known are the figures that are compared, in the order of reports. What is not in it, such
// as numbers of operations, may change without being worse.
var known = []struct {
	name   string
	better direction
}{
	{"cycles", less}, {"flash_bytes", less}, {"sram_bytes", less}, {"stream_bytes", less}, {"weight_bytes", less}, {"cpu_ops", less}, {"wake_ups", less},
	{"quantized_accuracy", more}, {"accuracy_carried", more}, {"r2", more}, {"r2_carried", more}, {"rmse", less}, {"rmse_carried", less},
}

// Of returns the figures of a subject: of its programs, and what was measured of it, as far
// as it is known.
func Of(s *report.Subject) (Set, error) {
	f, err := s.Figures()
	if err != nil {
		return Set{}, err
	}
	set := ofPerf(f)
	if s.Facts != nil {
		for _, k := range known {
			if v, ok := s.Facts.Figures[k.name]; ok {
				set.Values[k.name] = v
			}
		}
	}
	return set, nil
}

func ofPerf(f perf.Figures) Set {
	return Set{f.Accelerator, map[string]float64{
		"cycles": float64(f.Cycles), "flash_bytes": float64(f.FlashBytes), "sram_bytes": float64(f.SRAMBytes), "stream_bytes": float64(f.StreamBytes),
		"weight_bytes": float64(f.WeightBytes), "cpu_ops": float64(f.CPUOps), "wake_ups": float64(f.WakeUps),
	}}
}

// Encode writes the figures as Read takes them.
func (s Set) Encode() ([]byte, error) {
	out := map[string]any{"accelerator": s.Accelerator}
	for k, v := range s.Values {
		out[k] = v
	}
	b, err := json.MarshalIndent(out, "", "  ")
	return append(b, '\n'), err
}

// Read takes the figures out of a JSON object: what Encode wrote, or what unroll build,
// compile, lower or inspect printed with --json. name says in errors where b came from.
func Read(name string, b []byte) (Set, error) {
	var all map[string]json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&all); err != nil {
		return Set{}, fmt.Errorf("%s: expected one JSON object of figures: %w", name, err)
	}
	s := Set{Values: map[string]float64{}}
	if raw, ok := all["accelerator"]; ok {
		if err := json.Unmarshal(raw, &s.Accelerator); err != nil {
			return s, fmt.Errorf("%s: accelerator: %w", name, err)
		}
	}
	if raw, ok := all["int8_accuracy"]; ok && all["quantized_accuracy"] == nil {
		all["quantized_accuracy"] = raw // the name of old
	}
	for _, k := range known {
		raw, ok := all[k.name]
		if !ok || string(raw) == "null" {
			continue
		}
		var v float64
		if err := json.Unmarshal(raw, &v); err != nil {
			return s, fmt.Errorf("%s: %s: expected a number: %w", name, k.name, err)
		}
		s.Values[k.name] = v
	}
	if len(s.Values) == 0 {
		return s, fmt.Errorf("%s: holds no figure that can be compared", name)
	}
	return s, nil
}

// Change is a figure then and now.
type Change struct {
	Name      string   `json:"name"`
	Was       float64  `json:"was"`
	Is        *float64 `json:"is"` // null: not known any more
	Regressed bool     `json:"regressed"`
}

func (c Change) String() string {
	text := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	if c.Is == nil {
		return fmt.Sprintf("%s: was %s, is not known any more", c.Name, text(c.Was))
	}
	percent := ""
	if c.Was != 0 && c.Was != *c.Is {
		percent = fmt.Sprintf(" (%+.2f %%)", 100*(*c.Is-c.Was)/c.Was)
	}
	return fmt.Sprintf("%s: was %s, is %s%s", c.Name, text(c.Was), text(*c.Is), percent)
}

// Compare returns every figure of before as it is now. A figure regresses when it is worse by
// more than the share tolerance of what it was, or not known any more. Accuracies are
// compared to the four digits that files have. Figures of different accelerators are an error.
func Compare(before, now Set, tolerance float64) ([]Change, error) {
	if before.Accelerator != "" && before.Accelerator != now.Accelerator {
		return nil, fmt.Errorf("the figures are of %s, this is for %s: compile for the same accelerator, or write them anew with --update", before.Accelerator, now.Accelerator)
	}
	var list []Change
	for _, k := range known {
		was, ok := before.Values[k.name]
		if !ok {
			continue
		}
		c := Change{Name: k.name, Was: was, Regressed: true}
		if is, ok := now.Values[k.name]; ok {
			c.Is = &is
			worse := is - was
			if k.better == more {
				worse = was - is
			}
			c.Regressed = worse > max(tolerance*math.Abs(was), digits(was))
		}
		list = append(list, c)
	}
	return list, nil
}

// digits is half a unit of the last of the four digits that files keep of fractions.
func digits(v float64) float64 {
	if v == math.Trunc(v) {
		return 0
	}
	return math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-3) / 2
}

// Regressed reports whether one of the changes is for the worse.
func Regressed(list []Change) bool {
	return slices.ContainsFunc(list, func(c Change) bool { return c.Regressed })
}
