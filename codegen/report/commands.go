// SPDX-License-Identifier: Apache-2.0

package report

import (
	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/projectfile"
)

// ProjectCommands are what people do in the folder of a project.
func ProjectCommands(m *codegen.Manifest) []Command {
	model := "model/" + m.Prefix + ".npu.tflite"
	var list []Command
	if m.Files[projectfile.Name] != "" {
		list = append(list, Command{"Do all of it again, from the folder that paths in " + projectfile.Name + " start at:", "unroll build -f " + projectfile.Name + " -o again"})
	}
	return append(list, []Command{
		{"Prove on the simulator that the program gives the golden vectors, inside a Go module that requires unroll:", "go test ."},
		{"Build the C with the host's compiler and run it behind the simulator, or on a Cortex-M55 in QEMU:", "unroll run . --on host\nunroll run . --on qemu"},
		{"Figures, cycles of every operation, memory map and disassembly:", "unroll inspect " + model + " --ops --memory\nunroll inspect " + model + " --disassemble"},
		{"Prove that every access, wait and block of the stream is legal:", "unroll verify " + model},
		{"Tell whether the folder is as it was generated:", "unroll generate --check ."},
		{"This page:", "unroll report . -o " + codegen.ReportName + " --force"},
	}...)
}
