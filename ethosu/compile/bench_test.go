// SPDX-License-Identifier: Apache-2.0

//go:build unix

package compile_test

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/testdata"
)

// BenchmarkSteps compiles random steps unrolled more and more often, with an output at
// every step and with the last alone. What it takes for a step should stay what it is.
func BenchmarkSteps(b *testing.B) {
	acc, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		b.Fatal(err)
	}
	for _, perStep := range []bool{false, true} {
		for _, steps := range []int{100, 400, 1600} {
			b.Run(fmt.Sprintf("perstep=%t/steps=%d", perStep, steps), func(b *testing.B) {
				g := randomStep(5)
				start := testdata.CPUSeconds()
				for b.Loop() {
					call := compile.Call{Step: g, SequenceOptions: compile.SequenceOptions{Steps: steps, PerStep: perStep}, Form: compile.FormUnrolled}
					if _, err := compile.CompileCall(call, compile.Options{Accel: acc}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(1e6*(testdata.CPUSeconds()-start)/float64(b.N*steps), "cpu-µs/step")
			})
		}
	}
}
