// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestExpectedIsEstimated holds the timeline that scheduling decides by to the estimate of
// the finished stream: where they drift apart, what is chosen is not what is best. The
// stream's own bytes are all that scheduling can only guess.
func TestExpectedIsEstimated(t *testing.T) {
	var sum, sum85 float64
	n, n85 := 0, 0
	for _, name := range []string{"gru16_t4", "gru32x40_stream", "rnn64_mnist", "lstm64_mnist_state", "rnnoise_int8", "tflm_mnist_lstm20_int8", "gru256_mnist"} {
		g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range [][3]string{
			{"ethos-u55-32", "Ethos_U55_High_End_Embedded", "Shared_Sram"}, {"ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"},
			{"ethos-u55-256", "Ethos_U55_High_End_Embedded", "Sram_Only"}, {"ethos-u65-256", "Ethos_U65_High_End", "Shared_Sram"},
			{"ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram"},
			{"ethos-u85-128", "Ethos_U85_SYS_DRAM_Low", "Dedicated_Sram"}, {"ethos-u85-256", "Ethos_U85_SYS_DRAM_Low", "Dedicated_Sram"},
			{"ethos-u85-1024", "Ethos_U85_SYS_DRAM_Low", "Dedicated_Sram"},
		} {
			var o Options
			if o.Accel, err = ethosu.ParseAccelerator(c[0]); err == nil {
				if o.System, err = ethosu.ParseSystemConfig(c[1]); err == nil {
					o.Mode, err = ethosu.ParseMemoryMode(c[2])
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			e, err := newExplorer(g, &o, places{})
			if err != nil {
				t.Fatal(err)
			}
			r := e.explore(Strategy, Variant{Room: -1})
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			off := r.result.plan.Expected/float64(r.cycles()) - 1
			t.Logf("%-24s %-14s %-14s %8.0f %8d %+5.1f %%", name, c[0], c[2], r.result.plan.Expected, r.cycles(), 100*off)
			// On an Ethos-U85 every word of the stream counts.
			most := 0.05
			if o.Accel.OwnMemories {
				most = 0.08
			}
			if math.Abs(off) > most {
				t.Errorf("%s on %s, %s: scheduling expects %.0f cycles, the stream takes %d", name, c[0], c[2], r.result.plan.Expected, r.cycles())
			}
			if o.Accel.OwnMemories {
				sum85 += math.Abs(off)
				n85++
				continue
			}
			sum += math.Abs(off)
			n++
		}
	}
	if mean := sum / float64(n); mean > 0.012 {
		t.Errorf("scheduling is off by %.2f %% on average, expected 1.2 %% at most", 100*mean)
	}
	if mean := sum85 / float64(n85); mean > 0.02 {
		t.Errorf("scheduling for the U85 is off by %.2f %% on average, expected 2 %% at most", 100*mean)
	}
}
