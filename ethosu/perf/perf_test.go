// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// golden holds estimates of Vela 3.10: accelerator, system, operation, OFM, IFM,
// kernel and stride, bits, activation, formats, memory of constants, block, NPU
// cycles. What it adds for memory latencies is not in rows whose blocks keep the MAC
// array busy.
const golden = `
u55-128	HE	fc	1x1x768	1x1x256	1x1 s1	8	none	b16/b16	Flash	1x2x128	25701
u55-128	HE	fc	1x1x768	1x1x256	1x1 s1	8	none	b16/b16	Sram	1x2x128	25661
u55-32	HE	fc	1x1x768	1x1x256	1x1 s1	8	none	b16/b16	Flash	1x1x128	25706
u55-256	HE	fc	1x1x768	1x1x256	1x1 s1	8	none	b16/b16	Flash	2x2x128	25701
u65-512	U65HE	fc	1x1x768	1x1x256	1x1 s1	8	none	b16/b16	Dram	2x2x128	17048
u55-128	HE	fc	1x28x768	1x28x28	1x1 s1	8	none	nhwc/b16	Flash	1x14x128	11264
u55-128	HE	conv	1x28x768	1x28x28	1x1 s1	8	none	nhwc/b16	Flash	1x28x64	11200
u55-128	HE	ew add	1x1x256	1x1x256	1x1 s1	8	none	b16/b16	-	1x2x128	384
u55-128	HE	ew add	1x1x256	1x1x256	1x1 s1	8	lut	b16/b16	-	1x2x128	384
u55-128	HE	ew mul	1x1x256	1x1x256	1x1 s1	8	none	b16/b16	-	1x2x128	192
u55-128	HE	ew add	1x1x512	1x1x512	1x1 s1	8	lut	nhwc/b16	-	1x2x128	768
u55-256	HE	ew add	1x1x256	1x1x256	1x1 s1	8	lut	b16/b16	-	2x2x128	256
u55-32	HE	ew mul	1x1x256	1x1x256	1x1 s1	8	none	b16/b16	-	1x1x128	768
u55-128	HE	ew mul	1x1x256	1x1x256	1x1 s1	16	none	nhwc/nhwc	-	1x2x128	192
u55-128	HE	pool	1x1x256	1x1x256	1x1 s1	8	none	b16/b16	-	1x2x128	192
u55-128	HE	conv	32x32x64	64x64x32	3x3 s2	8	none	b16/b16	Sram	4x8x32	148370
u55-64	HE	conv	16x16x40	16x16x24	3x3 s1	16	relu	nhwc/b16	Flash	6x8x16 P	140528
u55-256	HE	dw	24x24x96	24x24x96	5x5 s1	8	none	b16/b16	Sram	12x12x16	49248
u55-128	HE	conv	20x20x16	29x29x12	10x10 s1	8	none	nhwc/nhwc	Flash	3x20x16 P	87406
`

func TestGolden(t *testing.T) {
	kinds := map[string]block.Kind{"conv": block.Conv, "fc": block.FullyConnected, "dw": block.Depthwise, "pool": block.AveragePool, "ew": block.Elementwise}
	systems := map[string]string{"HE": "Ethos_U55_High_End_Embedded", "U65HE": "Ethos_U65_High_End"}
	format := map[string]isa.Format{"b16": isa.NHCWB16, "nhwc": isa.NHWC}
	for _, row := range strings.Split(strings.TrimSpace(golden), "\n") {
		c := strings.Split(row, "\t")
		a, err := ethosu.ParseAccelerator("ethos-" + c[0])
		if err != nil {
			t.Fatal(err)
		}
		sys, err := ethosu.ParseSystemConfig(systems[c[1]])
		if err != nil {
			t.Fatal(err)
		}
		sram, constants := Place{sys.Axi0, 0}, Place{sys.Axi1, 1}
		if c[9] == "Sram" {
			constants = sram
		}
		var w Work
		kind, mode, _ := strings.Cut(c[2], " ")
		w.Kind = kinds[kind]
		w.Mode = map[string]int{"": 0, "mul": isa.ElemMul, "add": isa.ElemAdd}[mode]
		fmt.Sscanf(c[3], "%dx%dx%d", &w.OFM.H, &w.OFM.W, &w.OFM.D)
		fmt.Sscanf(c[4], "%dx%dx%d", &w.IFM.H, &w.IFM.W, &w.IFM.D)
		if w.Kind == block.Elementwise {
			w.IFM2 = w.IFM
		}
		fmt.Sscanf(c[5], "%dx%d s%d", &w.KH, &w.KW, &w.StrideH)
		w.StrideW = w.StrideH
		fmt.Sscan(c[6], &w.IFMBits)
		w.OFMBits = w.IFMBits
		w.Acc40 = block.AccBits(w.Op) == 40
		w.Activation = map[string]Activation{"none": NoActivation, "lut": Table, "relu": Clip}[c[7]]
		in, out, _ := strings.Cut(c[8], "/")
		w.IFMFormat, w.IFM2Format, w.OFMFormat = format[in], format[in], format[out]
		w.IFMAt, w.IFM2At, w.OFMAt, w.WeightsAt, w.ScalesAt = sram, sram, sram, constants, constants
		fmt.Sscanf(c[10], "%dx%dx%d", &w.Block.H, &w.Block.W, &w.Block.D)
		w.PartKernel = strings.HasSuffix(c[10], " P")

		var npu float64
		if w.Kind == block.Elementwise {
			npu, _ = ElementwiseCycles(a, &w)
		} else {
			g := geometry(a, &w)
			dpu, out, _ := blockCycles(a, &w, &g)
			blocks := float64(g.blocks.Elements())
			npu = math.Floor(max(dpu, out)*blocks + min(dpu, out))
		}
		want, err := strconv.ParseFloat(c[11], 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := npu; math.Abs(got/want-1) > 0.003 {
			t.Errorf("%s:\n got %.0f\nwant %.0f", strings.Join(c[:11], " | "), got, want)
		}
	}
}
