// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"sync"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
)

// TestCyclesShare: graphs that share encoded weights, and goroutines that share the
// function, get the cycles of the program that is compiled for each alone.
func TestCyclesShare(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	o := compile.Options{Accel: a}
	cycles := compile.Cycles(o)
	var wg sync.WaitGroup
	for _, name := range []string{"gru32x40_stream", "gru32x40_stream", "gru16_t4"} {
		g, _, _ := readModel(t, model{name, name})
		want := figuresOf(t, g, o).Cycles
		wg.Go(func() {
			got, err := cycles(g)
			if err != nil || got != float64(want) {
				t.Errorf("%s: %v cycles, %v; expected %d", name, got, err, want)
			}
		})
	}
	wg.Wait()
}
