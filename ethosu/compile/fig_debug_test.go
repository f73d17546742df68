package compile_test

import (
	"os"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/tflite"
)

func TestFig(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv("FIG")) {
		data, _ := os.ReadFile(name)
		g, err := tflite.Read(name, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []config{{"ethos-u55-128", "", ""}, {"ethos-u55-256", "", ""}, {"ethos-u55-32", "", ""}, {"ethos-u65-256", "", ""}, {"ethos-u65-512", "", ""}} {
			for _, in := range []bool{false, true} {
				o := c.options(t)
				o.WeightsInSRAM = in
				if s := os.Getenv("SKIP"); s != "" {
					o.Skip = strings.Fields(s)
				}
				p, err := compile.Compile(g, o)
				if err != nil {
					t.Fatal(err)
				}
				f, err := perf.FiguresOf(p)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s %s insram %v: cycles %d flash %d sram %d ops %d stream %d weights %d %v", name[strings.LastIndex(name, "/")+1:], c.accel, in, f.Cycles, f.FlashBytes, f.SRAMBytes, f.NPUOps, f.StreamBytes, f.WeightBytes, f.CyclesBy)
				if os.Getenv("OPS") != "" && c.accel == "ethos-u55-128" && !in {
					r, _ := perf.Estimate(p)
					for i, o := range r.Ops {
						if i > 60 {
							break
						}
						t.Logf("%s %v %v %v npu %v", o.Name, o.Start, o.End, o.Cycles, o.NPU)
					}
				}
			}
		}
	}
}
