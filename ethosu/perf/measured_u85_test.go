// SPDX-License-Identifier: Apache-2.0

package perf_test

import (
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// TestMeasuredU85 compares the estimate with what somebody measured of Vela's streams on
// an Ethos-U85 of 256 MACs: RNNoise with several latencies of the external memory, and
// MicroNet-M, a CNN that the MAC array bounds, with a memory that nobody tells.
func TestMeasuredU85(t *testing.T) {
	for _, c := range []struct {
		file     string
		external int // latency, -1: as the system has it
		cycles   float64
	}{
		{"rnnoise_int8", 0, 21086}, {"rnnoise_int8", 125, 26086}, {"rnnoise_int8", 250, 36086}, {"rnnoise_int8", 500, 62086}, {"rnnoise_int8", 1000, 116086},
		{"kws_micronet_m", -1, 218718},
	} {
		p, err := vela.Read(c.file, testdata.ReadShared(t, "data", "u85", c.file+".vela51-u85-256.tflite"))
		if err != nil {
			t.Fatal(err)
		}
		if p.System, err = ethosu.ParseSystemConfig("Ethos_U85_SYS_DRAM_Low"); err != nil {
			t.Fatal(err)
		}
		if p.Mode, err = ethosu.ParseMemoryMode("Dedicated_Sram"); err != nil {
			t.Fatal(err)
		}
		if c.external >= 0 {
			p.System.Axi1.ReadLatency, p.System.Axi1.WriteLatency = c.external, c.external
		}
		r, err := perf.Estimate(p)
		if err != nil {
			t.Fatal(err)
		}
		off := float64(r.Total)/c.cycles - 1
		t.Logf("%-16s external latency %4d: measured %6.0f, estimated %6d, %+.1f %%", c.file, c.external, c.cycles, r.Total, 100*off)
		if math.Abs(off) > perf.AccuracyU85 {
			t.Errorf("%s with latency %d: %d cycles, measured %.0f: off by %.1f %%, at most %g %%", c.file, c.external, r.Total, c.cycles, 100*off, 100*perf.AccuracyU85)
		}
	}
}
