// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite the recorded estimates")

// drawn returns a block operation of random properties. It need not be legal: an estimate
// takes what a stream says.
func drawn(r *rand.Rand, at Places) Work {
	pick := func(list ...int) int { return list[r.IntN(len(list))] }
	w := Work{OFMBits: pick(8, 16, 32), Acc40: r.IntN(2) == 0, Activation: Activation(r.IntN(3)),
		IFMFormat: isa.Format(r.IntN(2)), IFM2Format: isa.Format(r.IntN(2)), OFMFormat: isa.Format(r.IntN(2)),
		WeightBytes: 16 * (1 + r.IntN(400)), ScaleBytes: 16 * (1 + r.IntN(60)), Mode: r.IntN(10)}
	w.Kind = block.Kind(r.IntN(int(block.Elementwise) + 1))
	w.OFM = block.Shape{H: pick(1, 1, 2, 7, 16), W: pick(1, 2, 3, 16, 21), D: pick(1, 8, 24, 96, 200)}
	w.Block = block.Shape{H: pick(1, 2, 4, 6), W: pick(1, 2, 4, 12), D: pick(8, 16, 64, 128)}
	w.KH, w.KW, w.StrideH, w.StrideW, w.DilationH, w.DilationW = 1, 1, 1, 1, 1, 1
	if w.Kind != block.Elementwise {
		w.KH, w.KW = pick(1, 1, 2, 3, 8, 9, 17), pick(1, 1, 3, 5, 10)
		w.StrideH, w.StrideW, w.DilationH, w.DilationW = pick(1, 1, 2, 3), pick(1, 1, 2), pick(1, 1, 2), pick(1, 2)
		w.PartKernel = r.IntN(3) == 0
		w.Upscale = block.Upscale(pick(0, 0, 1, 2))
	}
	w.IFMBits = pick(8, 16, 32)
	w.IFM = block.Shape{H: (w.OFM.H-1)*w.StrideH + w.KH, W: (w.OFM.W-1)*w.StrideW + w.KW, D: pick(1, 8, 40, 70, 130)}
	if w.Kind == block.Elementwise {
		w.IFM = w.OFM
		switch r.IntN(3) {
		case 0:
			w.IFM2 = w.OFM
		case 1:
			w.IFM2 = w.OFM
			w.IFM2.H, w.Scalar = 1, r.IntN(2) == 0
		}
	}
	w.IFMAt, w.IFM2At, w.OFMAt = at(pick(1, 1, 2)), at(pick(1, 2, 0)), at(pick(1, 1, 2))
	w.WeightsAt, w.ScalesAt = at(pick(0, 1)), at(pick(0, 2))
	return w
}

// drawnU85 is drawn for the Ethos-U85, with chains, scalars and the fast decoder.
func drawnU85(r *rand.Rand, a *ethosu.Accelerator, at Places) Work {
	w := drawn(r, at)
	m := a.U85.MicroBlocks[r.IntN(len(a.U85.MicroBlocks))]
	w.UBlock = block.Shape{H: m.H, W: m.W, D: m.D}
	w.Fast, w.Acc40 = r.IntN(3) == 0, r.IntN(3) == 0
	if w.Kind == block.Elementwise {
		w.ChainIn, w.ChainIn2, w.ScalarIn = r.IntN(3) == 0, r.IntN(4) == 0, r.IntN(5) == 0
	}
	w.ChainOut = r.IntN(4) == 0
	return w
}

// TestRecordedCosts: what a kernel of any kind costs, and why.
func TestRecordedCosts(t *testing.T) {
	var b strings.Builder
	r := rand.New(rand.NewPCG(61, 62))
	for _, c := range [][3]string{
		{"ethos-u55-32", "Ethos_U55_Deep_Embedded", "Shared_Sram"},
		{"ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"},
		{"ethos-u55-256", "Ethos_U55_High_End_Embedded", "Sram_Only"},
		{"ethos-u65-256", "Ethos_U65_Embedded", "Shared_Sram"},
		{"ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram"},
	} {
		a, at := machine(t, c[0], c[1], c[2])
		fmt.Fprintf(&b, "%s %s %s\n", c[0], c[1], c[2])
		for range 120 {
			costs(&b, a, drawn(r, at))
		}
	}
	testdata.Recorded(t, "costs.txt", b.String(), *update)
}

// TestRecordedCostsU85 is TestRecordedCosts for the Ethos-U85, with the bytes that its
// weights come to.
func TestRecordedCostsU85(t *testing.T) {
	b := testdata.NewRecording(t, "costs_u85.txt", *update)
	r := rand.New(rand.NewPCG(63, 64))
	for _, c := range [][3]string{
		{"ethos-u85-128", "Ethos_U85_SYS_DRAM_Low", "Shared_Sram"}, {"ethos-u85-256", "Ethos_U85_SYS_Flash_Low", "Sram_Only"}, {"ethos-u85-512", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram"},
		{"ethos-u85-1024", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram"}, {"ethos-u85-2048", "Ethos_U85_SYS_Flash_High", "Shared_Sram"},
	} {
		a, at := machine(t, c[0], c[1], c[2])
		fmt.Fprintf(b, "%s %s %s\n", c[0], c[1], c[2])
		for range 120 {
			w := drawnU85(r, a, at)
			if w.Kind.MAC() {
				fmt.Fprintf(b, "%d weights; ", WeightsU85(a, &w))
			}
			costs(b, a, w)
			b.Part()
		}
	}
	b.End()
}

// costs writes a line on what an operation costs.
func costs(b io.Writer, a *ethosu.Accelerator, w Work) {
	k := Kernel(a, &w)
	fmt.Fprintf(b, "%v ofm %v/%d/%v block %v k %dx%d: %.9g drain %.9g start %.9g = %.9g %v %q macs %d", w.Kind, w.OFM, w.OFMBits, w.OFMFormat, w.Block, w.KH, w.KW,
		k.NPU, k.Drain, k.Start, k.Cycles, k.Reason, k.Where, k.MACs)
	for _, m := range k.Access {
		fmt.Fprintf(b, "; %s %.9g+%.9g in %.9g (%.9g)", m.Name, m.Read, m.Write, m.Cycles, m.weights)
	}
	own := k.Apart()
	fmt.Fprintf(b, "; apart %.9g %.9g\n", own.Own, own.Channel)
}

func machine(t *testing.T, accel, system, mode string) (*ethosu.Accelerator, Places) {
	t.Helper()
	a, err := ethosu.ParseAccelerator(accel)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ethosu.ParseSystemConfig(system)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ethosu.ParseMemoryMode(mode)
	if err != nil {
		t.Fatal(err)
	}
	return a, PlacesOf(s, m)
}
