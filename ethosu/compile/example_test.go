// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"log"
	"os"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// A model of somebody else's, compiled, verified and written as a .tflite that the runtimes
// of Vela's files take.
func ExampleCompile() {
	name := "model.tflite"
	file, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	graph, err := tflite.Read(name, file)
	if err != nil {
		log.Fatal(err)
	}
	accel, err := ethosu.ParseAccelerator("ethos-u65-256")
	if err != nil {
		log.Fatal(err)
	}
	program, err := compile.Compile(graph, compile.Options{Accel: accel})
	if err != nil {
		log.Fatal(err)
	}
	report := verify.Program(program)
	figures, err := perf.FiguresOf(program)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(report.Findings), "findings;", len(report.Unproven), "unproven;", figures.Cycles, "cycles")
	compiled, err := vela.Write(program)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("model.npu.tflite", compiled, 0o666); err != nil {
		log.Fatal(err)
	}
}
