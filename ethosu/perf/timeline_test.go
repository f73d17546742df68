// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// A stream of a long transfer and an elementwise operation shows what overlaps.
func TestTimeline(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	at := PlacesOf(ethosu.DefaultSystemConfig(a), ethosu.DefaultMemoryMode())
	set := []isa.Command{
		{Code: isa.SetDMA0Len, Payload: 16000},
		{Code: isa.SetDMA0DstRegion, Param: 1},
		{Code: isa.SetIFMRegion, Param: 1}, {Code: isa.SetOFMRegion, Param: 1},
		{Code: isa.SetOFMDepthM1, Param: 255}, {Code: isa.SetIFMDepthM1, Param: 255},
		{Code: isa.SetOFMBLKDepthM1, Param: 127}, {Code: isa.SetOFMBLKWidthM1, Param: 1},
		{Code: isa.SetIFM2Broadcast, Param: 128},
		{Code: isa.SetActivationMin, Param: 0}, {Code: isa.SetActivationMax, Param: 255},
	}
	dma, mul, stop := isa.Command{Code: isa.OpDMAStart}, isa.Command{Code: isa.OpElementwise}, isa.Command{Code: isa.OpStop}
	dmaWait, kernelWait := isa.Command{Code: isa.OpDMAWait}, isa.Command{Code: isa.OpKernelWait}
	run := func(ops ...isa.Command) Report {
		var words []uint32
		for _, cmd := range append(append(set[:len(set):len(set)], ops...), stop) {
			words = cmd.Append(words)
		}
		r, err := Stream(a, at, words)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	transfer, kernel := run(dma).Total, run(mul).Total
	if transfer < 13000 || transfer > 15000 || kernel < 192+kernelStart || kernel > 400 {
		t.Errorf("a transfer takes %d cycles, a kernel %d", transfer, kernel)
	}
	for _, c := range []struct {
		name string
		ops  []isa.Command
		want int64
	}{
		{"kernel under transfer", []isa.Command{dma, mul}, transfer},
		{"kernel after transfer", []isa.Command{dma, dmaWait, mul}, transfer + kernel},
		{"transfer after kernel", []isa.Command{mul, kernelWait, dma}, transfer + kernel},
		{"transfer beside kernel", []isa.Command{mul, dma}, transfer},
		{"one transfer at a time", []isa.Command{dma, dma, mul}, 2 * transfer},
		{"second transfer holds the kernel", []isa.Command{dma, dma, dmaWait, mul}, 2*transfer + kernel},
		{"kernels in order", []isa.Command{mul, mul, mul}, 3*kernel + 2*(32+32)},
	} {
		r := run(c.ops...)
		// Credit of the flash, and what kernels ask of the ports, move it a little.
		if off := float64(r.Total-c.want) / float64(c.want); off < -0.05 || off > 0.05 {
			t.Errorf("%s: %d cycles, want %d (%v)", c.name, r.Total, c.want, r.ByName())
		}
		if r.By[DMA]+r.By[Elementwise]+r.By[Overhead] != r.Total {
			t.Errorf("%s: %v, want elementwise, overhead and dma to add up to %d", c.name, r.ByName(), r.Total)
		}
	}
}

func TestStreamErrors(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	at := PlacesOf(ethosu.DefaultSystemConfig(a), ethosu.DefaultMemoryMode())
	for _, words := range [][]uint32{nil, {0x3FF}, {uint32(isa.OpElementwise)}} {
		if r, err := Stream(a, at, words); err == nil {
			t.Errorf("%08x: estimated %d cycles", words, r.Total)
		}
	}
}

// TestBadMemories: a file may say of its memories what it likes.
func TestBadMemories(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u65-256")
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []func(m *ethosu.Memory){
		func(m *ethosu.Memory) { m.ClockScale = 0 },
		func(m *ethosu.Memory) { m.ClockScale = math.NaN() },
		func(m *ethosu.Memory) { m.ClockScale = math.Inf(1) },
		func(m *ethosu.Memory) { m.ReadLatency = -1 },
		func(m *ethosu.Memory) { m.MaxReads = -1 },
		func(m *ethosu.Memory) { m.Window = -1 },
	} {
		s := ethosu.DefaultSystemConfig(a)
		damage(&s.Axi1)
		if r, err := Stream(a, PlacesOf(s, ethosu.DefaultMemoryMode()), isa.PutStop(0xffff).Append(nil)); err == nil || !strings.Contains(err.Error(), `"Dram"`) {
			t.Errorf("%+v: estimated %d cycles, %v", s.Axi1, r.Total, err)
		}
	}
}

// TestRandomBits: whatever a stream says, the estimate ends, and adds up.
func TestRandomBits(t *testing.T) {
	words := stream(t, testdata.Shared(t, "data", "models", "gru16_t4.vela51he-u65-256.tflite"))
	a, err := ethosu.ParseAccelerator("ethos-u65-256")
	if err != nil {
		t.Fatal(err)
	}
	mode, err := ethosu.ParseMemoryMode("Dedicated_Sram")
	if err != nil {
		t.Fatal(err)
	}
	at := PlacesOf(ethosu.DefaultSystemConfig(a), mode)
	rng := rand.New(rand.NewPCG(7, 8))
	estimated := 0
	for range 400 {
		damaged := slices.Clone(words)
		for range 1 + rng.IntN(4) {
			damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(32)
		}
		r, err := Stream(a, at, damaged)
		if err != nil {
			continue
		}
		estimated++
		sum := int64(0)
		for _, n := range r.By {
			sum += n
		}
		if r.Total <= 0 || sum != r.Total {
			t.Fatalf("%d cycles, reasons add up to %d", r.Total, sum)
		}
	}
	if estimated < 50 {
		t.Errorf("only %d of 400 damaged streams were estimated", estimated)
	}
}
