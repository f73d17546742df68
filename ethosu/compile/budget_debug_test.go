package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
	"os"
)

func TestAgainstVela(t *testing.T) {
	for _, m := range models {
		if f := os.Getenv("MODEL"); f != "" && f != m.name {
			continue
		}
		g, rec, data := readModel(t, m)
		for _, c := range []struct {
			cfg  config
			file string
		}{
			{config{"ethos-u55-128", "", ""}, ".vela51-u55-128"},
			{config{"ethos-u55-256", "", ""}, ".vela51-u55-256"},
			{config{"ethos-u65-256", "Ethos_U65_Embedded", ""}, ".vela51-u65-256"},
			{config{"ethos-u65-256", "", ""}, ".vela51he-u65-256"},
			{config{"ethos-u55-128", "", ""}, ".vela-u55-128"},
		} {
			b, err := os.ReadFile(testdata.Shared(t, "data", "models") + "/" + m.name + c.file + ".tflite")
			if err != nil {
				continue
			}
			v, err := vela.Read(m.name, b)
			if err != nil {
				t.Fatal(err)
			}
			o := c.cfg.options(t)
			v.System, v.Mode = o.System, o.Mode
			fv, err := perf.FiguresOf(v)
			if err != nil {
				t.Fatal(err)
			}
			p0, err := compile.Compile(g, o)
			if err != nil {
				t.Fatal(err)
			}
			f0, _ := perf.FiguresOf(p0)
			o.SRAMBudget = fv.SRAMBytes
			p, err := compile.Compile(g, o)
			if err != nil {
				t.Errorf("%s%s: %v (free: %d)", m.name, c.file, err, f0.SRAMBytes)
				continue
			}
			f, _ := perf.FiguresOf(p)
			if os.Getenv("OPS") != "" {
				for _, q := range []*ethosu.Program{p, v} {
					r, _ := perf.Estimate(q)
					for _, o := range r.Ops {
						t.Logf("%s %v %v %v npu %v %v", o.Name, o.Start, o.End, o.Cycles, o.NPU, o.Access)
					}
				}
			}
			mark := ""
			if f.Cycles > fv.Cycles || f.FlashBytes > fv.FlashBytes {
				mark = " <<<<<"
			}
			t.Logf("%s%s: vela cycles %d flash %d sram %d ops %d | budget: %d %d %d %d | free %d %d %d %d%s", m.name, c.file, fv.Cycles, fv.FlashBytes, fv.SRAMBytes, fv.NPUOps,
				f.Cycles, f.FlashBytes, f.SRAMBytes, f.NPUOps, f0.Cycles, f0.FlashBytes, f0.SRAMBytes, f0.NPUOps, mark)
			if rec.Count > 2 {
				rec.Count = 2
			}
			if os.Getenv("RUN") != "" {
				if err := replay(p, rec, data); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
