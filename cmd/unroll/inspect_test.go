// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// TestInspected: every operation of a compiled file is listed once, in an order in which
// kernels do not overlap, and within the cycles of the whole.
func TestInspected(t *testing.T) {
	const name = "gru16_t4.vela51-u55-128.tflite"
	p, err := vela.Read(name, testdata.ReadShared(t, "data", "models", name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := perf.Estimate(p)
	if err != nil {
		t.Fatal(err)
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		t.Fatal(err)
	}
	in := inspectedOf(p, &r, f)
	kernels, end := 0, 0.0
	for _, o := range in.Operations {
		if o.Reason == perf.DMA.String() {
			continue
		}
		if kernels++; o.Begins < end-0.2 || o.Begins+o.Cycles > float64(in.Cycles)+1 {
			t.Errorf("operation at word %d runs from %g for %g cycles, the one before ends at %g, all take %d", o.Word, o.Begins, o.Cycles, end, in.Cycles)
		}
		end = o.Begins + o.Cycles
	}
	if kernels != in.NPUOps || kernels == 0 {
		t.Errorf("%d kernels listed, expected %d", kernels, in.NPUOps)
	}
}
