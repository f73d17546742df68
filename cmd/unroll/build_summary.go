// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/lower"
)

// built is what build prints at the end, and with --json.
type built struct {
	accuracies
	Compared   int              `json:"compared"` // distinct calls
	Mismatches int              `json:"mismatches"`
	carried    int              // of Compared
	Detection  *lower.Detection `json:"detection,omitempty"`
	sequenceFigures
	Windows int    `json:"windows,omitempty"` // of a call, where there are several
	Output  string `json:"output"`
}

func (b *buildFlags) summary(c *cli, r *built) error {
	exact := "yes"
	if r.Mismatches > 0 {
		exact = fmt.Sprintf("NO, %d differ", r.Mismatches)
	}
	stream := "proven by the verifier"
	if n := len(r.Unproven); n > 0 {
		stream = fmt.Sprintf("%d %s unproven", n, plural(n, "place"))
	}
	var rows [][2]string
	rows = append(rows, r.accuracies.rows()...)
	if r.Detection != nil {
		rows = append(rows, [2]string{"detection", detectionText(r.Detection)})
	}
	rows = append(rows, [][2]string{
		{"bit-exact", fmt.Sprintf("%s, over %s different calls (simulator against reference, %s with carried state)", exact, commas(r.Compared), commas(r.carried))},
		{"accelerator", r.Accelerator},
		{"operations", fmt.Sprintf("%s on the NPU, %d on the CPU", commas(r.NPUOps), r.CPUOps)},
		{"command stream", fmt.Sprintf("%s bytes, %s %s a call, %s", commas(r.StreamBytes), commas(r.WakeUps), plural(r.WakeUps, "start"), stream)},
		{"weights", commas(r.WeightBytes) + " bytes encoded"},
		{"flash", commas(r.FlashBytes) + " bytes (stream and constants)"},
		{"SRAM", commas(r.SRAMBytes) + " bytes"},
		{"estimated cycles", b.lower.windows.cycles(r.Cycles) + fmt.Sprintf(", within %.0f %% where they were measured", 100*r.CyclesWithin)},
		{"written to", b.out},
	}...)
	fmt.Fprintln(c.stdout)
	for _, row := range rows {
		fmt.Fprintf(c.stdout, "%-17s %s\n", row[0], row[1])
	}
	c.printCurve(r.curve)
	dir := filepath.ToSlash(b.out)
	pkg := dir
	if !filepath.IsAbs(b.out) {
		pkg = "./" + dir
	}
	runs := ""
	for _, line := range b.generate.next(dir) {
		runs += "      " + line + "\n"
	}
	_, err := fmt.Fprintf(c.stdout, `
look: %s
next: go test %s            (inside a Go module that requires unroll)
%s      %s
`, quoted(filepath.ToSlash(filepath.Join(b.out, codegen.ReportName))), quoted(pkg), runs, command("inspect", operand(b.compiledFile())))
	return err
}

// compiledFile is the compiled model in the project.
func (b *buildFlags) compiledFile() string {
	return filepath.ToSlash(b.out) + "/model/" + b.generate.prefix + ".npu.tflite"
}
