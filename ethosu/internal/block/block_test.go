// SPDX-License-Identifier: Apache-2.0

package block

import (
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// golden holds Vela 3.10's choices: accelerator, kind, OFM, IFM, IFM2, kernel
// (stride, dilation), bits, table, upscaling, block (P: planned part kernel first),
// IB_END, IFM2_IB_START, AB_START, accumulator bits.
const golden = `
u55-32	fc	1x1x768	1x1x256	-	1x1	8	-	-	1x1x128	4	-	12	32
u55-64	fc	1x1x768	1x1x256	-	1x1	8	-	-	1x1x128	4	-	12	32
u55-128	fc	1x1x768	1x1x256	-	1x1	8	-	-	1x2x128	6	-	14	32
u55-256	fc	1x1x768	1x1x256	-	1x1	8	-	-	2x2x128	10	-	30	32
u65-256	fc	1x1x768	1x1x256	-	1x1	8	-	-	2x2x128	10	-	30	32
u65-512	fc	1x1x768	1x1x256	-	1x1	8	-	-	2x2x128	10	-	30	32
u55-32	fc	1x1x768	1x1x28	-	1x1	8	-	-	1x1x128	4	-	12	32
u55-128	fc	1x1x768	1x1x28	-	1x1	8	-	-	1x2x128	6	-	14	32
u55-256	fc	1x1x768	1x1x28	-	1x1	8	-	-	2x2x128	10	-	30	32
u65-512	fc	1x1x768	1x1x28	-	1x1	8	-	-	2x2x128	10	-	30	32
u55-64	conv	28x1x768	28x1x28	-	1x1	8	-	-	28x1x48	4	-	4	32
u55-64	conv	1x28x768	1x28x28	-	1x1	8	-	-	1x28x48	4	-	4	32
u55-64	fc	1x28x768	1x28x28	-	1x1	8	-	-	1x13x112	4	-	4	32
u55-128	conv	28x1x768	28x1x28	-	1x1	8	-	-	28x2x32	6	-	6	32
u55-128	conv	1x28x768	1x28x28	-	1x1	8	-	-	1x28x64	6	-	6	32
u55-128	fc	1x28x768	1x28x28	-	1x1	8	-	-	1x14x128	6	-	6	32
u55-256	conv	28x1x768	28x1x28	-	1x1	8	-	-	28x2x64	10	-	14	32
u55-256	conv	1x28x768	1x28x28	-	1x1	8	-	-	2x28x128	10	-	14	32
u55-256	fc	1x28x768	1x28x28	-	1x1	8	-	-	2x8x128	10	-	30	32
u55-32	ew	1x1x256	1x1x256	1x1x256	1x1	8	-	-	1x1x128	16	4	16	32
u55-64	ew	1x1x256	1x1x256	1x1x256	1x1	8	-	-	1x1x128	16	4	16	32
u55-128	ew	1x1x256	1x1x256	1x1x256	1x1	8	-	-	1x2x128	22	6	22	32
u55-256	ew	1x1x256	1x1x256	1x1x256	1x1	8	-	-	2x2x128	46	10	46	32
u65-256	ew	1x1x256	1x1x256	1x1x256	1x1	8	-	-	2x2x128	46	10	46	32
u65-512	ew	1x1x256	1x1x256	1x1x256	1x1	8	-	-	2x2x128	46	10	46	32
u55-32	ew	1x1x512	1x1x512	1x1x512	1x1	8	yes	-	1x1x128	14	4	14	32
u55-64	ew	1x1x512	1x1x512	1x1x512	1x1	8	yes	-	1x1x128	14	4	14	32
u55-128	ew	1x1x512	1x1x512	1x1x512	1x1	8	yes	-	1x2x128	22	6	22	32
u55-256	ew	1x1x512	1x1x512	1x1x512	1x1	8	yes	-	2x2x128	46	10	46	32
u55-128	ew	1x1x256	1x1x256	1x1x1 scalar	1x1	8	-	-	1x2x128	22	-	22	32
u55-128	ew	1x1x256	1x1x256	-	1x1	8	yes	-	1x2x128	22	-	22	32
u55-128	ew	1x1x256	1x1x256	1x1x256	1x1	16	-	-	1x2x128	22	6	22	40
u55-128	ew	1x1x100	1x1x100	1x1x100	1x1	32	-	-	1x2x104	22	10	22	32
u55-128	pool	1x1x256	1x1x256	-	1x1	8	-	-	1x2x128	6	-	14	32
u55-128	rsum	1x1x1	1x1x100	-	1x1	32	-	-	1x2x8	10	-	14	32
u55-128	conv	32x32x64	64x64x32	-	3x3 s2,2	8	-	-	4x8x32	14	-	14	32
u55-128	conv	48x48x48	48x48x48	-	3x3	8	-	-	8x8x16	10	-	14	32
u55-128	conv	24x24x96	24x24x96	-	3x3 d2,2	8	-	-	8x8x16	14	-	14	32
u55-256	conv	64x64x32	64x64x16	-	3x3	8	-	-	8x16x32 P	10	-	14	32
u55-64	conv	16x16x40	16x16x24	-	3x3	16	-	-	6x8x16 P	8	-	8	40
u55-128	dw	24x24x96	24x24x96	-	5x5	8	-	-	8x8x16	10	-	14	32
u55-256	dw	1x30x40	1x32x40	-	1x3	8	-	-	2x30x16 P	10	-	30	32
u55-128	pool	16x16x64	32x32x64	-	2x2 s2,2	8	-	-	4x4x64	10	-	14	32
u55-128	conv	40x48x16	20x24x24	-	3x3	8	-	transpose	8x16x16	6	-	6	32
u55-128	pool	20x24x24	10x12x24	-	1x1	8	-	nearest	7x18x16	6	-	6	32
u55-32	conv	10x10x17	14x14x18	-	5x5	8	yes	-	5x10x16 P	6	-	6	32
`

func shape(t *testing.T, s string) (out Shape) {
	t.Helper()
	if s == "-" {
		return
	}
	if _, err := fmt.Sscanf(s, "%dx%dx%d", &out.H, &out.W, &out.D); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return
}

func TestVelaGolden(t *testing.T) {
	kinds := map[string]Kind{"conv": Conv, "fc": FullyConnected, "dw": Depthwise, "pool": AveragePool, "rsum": ReduceSum, "ew": Elementwise}
	for _, row := range strings.Split(strings.TrimSpace(golden), "\n") {
		c := strings.Split(row, "\t")
		a, err := ethosu.ParseAccelerator("ethos-" + c[0])
		if err != nil {
			t.Fatal(err)
		}
		op := Op{Kind: kinds[c[1]], OFM: shape(t, c[2]), IFM: shape(t, c[3]), Scalar: strings.HasSuffix(c[4], "scalar"),
			StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, LUT: c[7] == "yes",
			Upscale: map[string]Upscale{"-": UpscaleNone, "nearest": UpscaleNearest, "transpose": UpscaleZeros}[c[8]]}
		op.IFM2 = shape(t, strings.TrimSuffix(c[4], " scalar"))
		kernel := strings.Fields(c[5])
		fmt.Sscanf(kernel[0], "%dx%d", &op.KH, &op.KW)
		for _, f := range kernel[1:] {
			fmt.Sscanf(f, "s%d,%d", &op.StrideH, &op.StrideW)
			fmt.Sscanf(f, "d%d,%d", &op.DilationH, &op.DilationW)
		}
		fmt.Sscan(c[6], &op.IFMBits)
		blk, s, ok := Vela(a, op)
		if !ok {
			t.Errorf("%s: no block", row)
			continue
		}
		got := []string{blk.String(), fmt.Sprint(s.IBEnd), "-", fmt.Sprint(s.ABStart), fmt.Sprint(s.AccBits)}
		if PartKernelPlanned(op) {
			got[0] += " P"
		}
		if s.IFM2IBStart != 0 {
			got[2] = fmt.Sprint(s.IFM2IBStart)
		}
		if g, w := strings.Join(got, " | "), strings.Join(c[9:], " | "); g != w {
			t.Errorf("%s:\n got %s\nwant %s", strings.Join(c[:9], " | "), g, w)
		}
		op.PartKernel = PartKernelPlanned(op)
		if _, err := Fits(a, op, blk); err != nil {
			t.Errorf("%s: %v", row, err)
		}
	}
}

func TestLegal(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	op := Op{Kind: Conv, OFM: Shape{1, 28, 768}, IFM: Shape{1, 28, 28}, KH: 1, KW: 1, IFMBits: 8}
	seen := map[Shape]bool{}
	Legal(a, op, func(blk Shape, s SHRAM) bool {
		if s.IBEnd > s.ABStart {
			t.Errorf("block %v: IFM buffers end at %d, accumulators start at %d", blk, s.IBEnd, s.ABStart)
		}
		seen[blk] = true
		return true
	})
	for blk, want := range map[Shape]bool{
		{1, 28, 64}:  true,
		{1, 28, 128}: false, // accumulators
		{1, 27, 64}:  false, // micro-block
		{1, 2, 24}:   false, // neither the whole depth nor a multiple of 16
		{1, 2, 128}:  true,
	} {
		if seen[blk] != want {
			t.Errorf("block %v: legal %v, want %v", blk, seen[blk], want)
		}
		if _, err := Fits(a, op, blk); (err == nil) != want {
			t.Errorf("block %v: %v", blk, err)
		}
	}
	n := 0
	Legal(a, op, func(Shape, SHRAM) bool { n++; return false })
	if n != 1 {
		t.Errorf("%d calls after the first said stop", n-1)
	}
}

// On configurations without reserved banks a table operation has two banks less.
func TestLayoutTables(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-64")
	if err != nil {
		t.Fatal(err)
	}
	op := Op{Kind: Elementwise, OFM: Shape{1, 1, 128}, IFM: Shape{1, 1, 128}, KH: 1, KW: 1, IFMBits: 8}
	plain, _ := Layout(a, op, Shape{1, 1, 128})
	op.LUT = true
	table, _ := Layout(a, op, Shape{1, 1, 128})
	op.LUT, op.KeepTables = false, true
	kept, _ := Layout(a, op, Shape{1, 1, 128})
	if plain.IBEnd != 16 || table.IBEnd != 14 || kept.IBEnd != 14 {
		t.Errorf("IB_END %d, %d, %d; want 16 without a table, 14 with one or with its banks kept", plain.IBEnd, table.IBEnd, kept.IBEnd)
	}
}
