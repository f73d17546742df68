// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"

	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/figures"
)

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
		return figures.Short(*v)
	},
	"commas":   func(v any) string { return commasOf(v) },
	"share":    func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) },
	"css":      func(v float64) template.CSS { return template.CSS(strconv.FormatFloat(v, 'f', 2, 64)) },
	"ms":       milliseconds,
	"fraction": percent,
	"float":    figures.Short,
	"half":     func(v float64) bool { return v > 0.5 },
	"mhz":      func(clock float64) string { return figures.Digits(clock/1e6, 6) + " MHz" },
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
