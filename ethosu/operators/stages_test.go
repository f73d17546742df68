// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"

	_ "github.com/unroll-npu/unroll/lower/finetune" // its table
	"github.com/unroll-npu/unroll/lower/graph"
	_ "github.com/unroll-npu/unroll/lower/quantize" // its table
)

// TestStages walks all operator kinds and all stages: what a stage does not do has a
// reason, and the table of both is what the golden file says.
func TestStages(t *testing.T) {
	stages := graph.Stages()
	if len(stages) < 6 {
		t.Fatalf("%d stages are registered, expected those of integer arithmetic, the interpreter, float execution, quantization, fine-tuning and the compiler", len(stages))
	}
	slices.SortFunc(stages, func(a, b graph.StageInfo) int { return strings.Compare(a.Name(), b.Name()) })
	var text strings.Builder
	fmt.Fprintln(&text, "What every stage does with every operator kind: \"own\" has a function of its own, \"common\" follows from the")
	fmt.Fprintln(&text, "kind's description, a number is a reason below, and \"-\" does not concern the stage.")
	fmt.Fprintln(&text, "Reading a file removes what is \"removed\", and reading one of float32 writes what is \"written\" with other operators.")
	fmt.Fprintf(&text, "\n%-30s %-10s", "", "file")
	for _, s := range stages {
		fmt.Fprintf(&text, " %-15s", column(s.Name()))
	}
	fmt.Fprintln(&text)
	var reasons []string
	for _, k := range graph.Kinds() {
		d := graph.Describe(k)
		file := "own"
		switch {
		case d.Class == graph.Structural:
			file = "removed"
		case d.Class == graph.Written:
			file = "written"
		case d.File.Fields == nil && k == graph.Custom:
			file = "ethos-u"
		case d.File.Fields == nil:
			t.Errorf("%v: no form in a file", k)
		}
		fmt.Fprintf(&text, "%-30v %-10s", k, file)
		for _, s := range stages {
			cell := "-"
			if s.Concerns(k) {
				own, common, reason := s.Holds(k)
				switch {
				case own:
					cell = "own"
				case common:
					cell = "common"
				case reason == "":
					t.Errorf("%s has neither a function for %v nor a reason", s.Name(), k)
					cell = "HOLE"
				default:
					at := slices.Index(reasons, reason)
					if at < 0 {
						at = len(reasons)
						reasons = append(reasons, reason)
					}
					cell = fmt.Sprint(at + 1)
				}
			}
			fmt.Fprintf(&text, " %-15s", cell)
		}
		fmt.Fprintln(&text)
	}
	fmt.Fprintln(&text)
	for i, r := range reasons {
		fmt.Fprintf(&text, "%2d  %s\n", i+1, r)
	}
	var lines []string
	for _, l := range strings.Split(text.String(), "\n") {
		lines = append(lines, strings.TrimRight(l, " "))
	}
	testdata.Recorded(t, "stages.txt", strings.Join(lines, "\n"), *update)
}

// column shortens the name of a stage to the width of its column.
func column(name string) string {
	name = strings.TrimPrefix(name, "the ")
	return name[:min(len(name), 15)]
}
