// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// Two engines that ask for the same channel share it: each gets half, or what it asks
// for when that is less. Done is what is left undone of the longer one, by hand.
func TestShares(t *testing.T) {
	load := func(own float64, q ...float64) *Load {
		l := &Load{Own: own}
		copy(l.Channel[:], q)
		return l
	}
	for _, c := range []struct {
		name             string
		kernel, transfer *Load
		now              float64
		ended            [engines]bool
		done             [engines]float64
	}{
		{"kernel alone", load(100, 40), nil, 100, [engines]bool{true, false}, [engines]float64{}},
		{"transfer alone, bound by its channel", nil, load(10, 0, 50), 50, [engines]bool{false, true}, [engines]float64{}},
		{"both at once", load(100, 40), load(100, 60), 100, [engines]bool{true, true}, [engines]float64{}},
		{"different channels", load(10, 100), load(10, 0, 80), 80, [engines]bool{false, true}, [engines]float64{0.8, 0}},
		{"halves", load(10, 100), load(10, 80), 160, [engines]bool{false, true}, [engines]float64{0.8, 0}},
		{"the kernel asks for little", load(100, 20), load(10, 100), 100, [engines]bool{true, false}, [engines]float64{0, 0.8}},
		{"the transfer asks for little", load(10, 100), load(100, 20), 100, [engines]bool{false, true}, [engines]float64{0.8, 0}},
		{"a quarter and all", load(100, 25, 5), load(50, 100, 1), 100, [engines]bool{true, false}, [engines]float64{0, 0.75}},
		{"exactly half", load(100, 50), load(10, 100), 100, [engines]bool{true, false}, [engines]float64{0, 0.5}},
		{"nothing to do", load(0), nil, 1e-3, [engines]bool{true, false}, [engines]float64{}},
	} {
		p := Ports{peak: [channels]float64{1, 1, 1, 1}}
		s := p.Start()
		ended := p.Advance(&s, c.kernel, c.transfer)
		if math.Abs(s.Now-c.now) > 1e-6 || ended != c.ended || math.Abs(s.Done[0]-c.done[0])+math.Abs(s.Done[1]-c.done[1]) > 1e-6 {
			t.Errorf("%s: %+v, ended %v, want %g, %v and %v done", c.name, s, ended, c.now, c.ended, c.done)
		}
	}
}

// A memory that delivers ahead is faster until its credit is spent, and gains credit while
// nobody asks, up to its most. Four times as fast with 30 cycles of credit: it takes three
// more than it gives a cycle, so that the credit lasts 10 cycles.
func TestCredit(t *testing.T) {
	p := Ports{peak: [channels]float64{4, 1, 1, 1}, most: [channels]float64{30, 0, 0, 0}, deep: true}
	s := p.Start()
	l := &Load{Channel: [channels]float64{100}}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	if ended := p.Advance(&s, l, nil); ended != [engines]bool{} {
		t.Errorf("ended %v when the credit did", ended)
	}
	near("the end of the credit", s.Now, 10)
	near("what is done", s.Done[Kernels], 0.4)
	near("the credit", s.Credit[0], 0)
	if ended := p.Advance(&s, l, nil); !ended[Kernels] {
		t.Error("the kernel does not end")
	}
	near("the end", s.Now, 70)
	near("the credit of a memory that is asked for all", s.Credit[0], 0)
	idle := &Load{Own: 20}
	p.Advance(&s, idle, nil)
	near("the end", s.Now, 90)
	near("the credit after 20 idle cycles", s.Credit[0], 20)
	p.Advance(&s, idle, nil)
	near("the most credit", s.Credit[0], 30)
	half := &Load{Own: 10, Channel: [channels]float64{5}}
	s.Credit[0] = 10
	p.Advance(&s, nil, half)
	near("the credit of a memory that is asked for half", s.Credit[0], 15)
}

// Rates by hand: 64 bytes in transactions of which two are under way, at a latency of 64
// cycles, on a port of 8 bytes: 2*64/(64+8+8) = 1.6 bytes a cycle.
func TestRates(t *testing.T) {
	a, _ := machine(t, "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram")
	for _, c := range []struct {
		name                  string
		bytes, under, latency int
		want                  float64
	}{
		{"the sweep's", 64, 2, 64, 1.6},
		{"short ones", 16, 2, 64, 32. / 74},
		{"one byte", 1, 1, 7, 1. / 16},
		{"none", 0, 1, 7, 1. / 16},
		{"many under way", 64, 100, 64, 8},
		{"no limit", 64, 0, 64, 8},
		{"no latency", 64, 1, 0, 8},
		{"a latency of one", 64, 1, 1, 64. / 17},
	} {
		if got := channel(a, c.bytes, c.under, c.latency, 1); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %g bytes a cycle, want %g", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ burst, run, want int }{{0, 100, 64}, {0, 10, 10}, {1, 100, 64}, {2, 100, 4}, {16, 100, 32}, {16, 20, 20}, {64, 100, 64}} {
		if got := mapTransaction(a, ethosu.Memory{Burst: c.burst}, c.run); got != c.want {
			t.Errorf("burst %d, run %d: transactions of %d bytes, want %d", c.burst, c.run, got, c.want)
		}
	}
	// 0.0625 of 8 bytes for 400 cycles are 200 bytes: four whole transactions.
	for _, c := range []struct {
		m    ethosu.Memory
		want float64
	}{
		{ethosu.Memory{ClockScale: 0.0625, Window: 400}, 256. / 400}, {ethosu.Memory{ClockScale: 0.0625}, 0.5},
		{ethosu.Memory{ClockScale: 1, Window: 10}, 8}, {ethosu.Memory{ClockScale: 0.5, Window: 16}, 4},
	} {
		if got := sustained(a, c.m); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: %g bytes a cycle, want %g", c.m, got, c.want)
		}
	}
	p := Place{ethosu.Memory{ClockScale: 1, ReadLatency: 64, MaxReads: 2, WriteLatency: 32, MaxWrites: 1}, 0}
	if r, w := p.ReadCycles(a, 160), p.WriteCycles(a, 128); math.Abs(r-100) > 1e-9 || math.Abs(w-96) > 1e-9 {
		t.Errorf("160 bytes are read in %g cycles, 128 written in %g, want 100 and 96", r, w)
	}
	r := Report{Total: 500}
	if s := r.Seconds(1000); s != 0.5 {
		t.Errorf("500 cycles at 1 kHz are %g seconds", s)
	}
}

// A transfer costs what its slower side takes, behind the latency of its first read.
func TestTransferCost(t *testing.T) {
	a, at := machine(t, "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram")
	flash, sram := at(ethosu.RegionConstants), at(ethosu.RegionArena)
	for _, c := range []struct {
		name          string
		from, to      *Place
		start, cycles float64
		accesses      int
	}{
		// 448 bytes of flash in a window of 400 cycles; the SRAM has 8 bytes a cycle.
		{"flash to SRAM", &flash, &sram, 64, 64 + 400, 2},
		{"flash to SHRAM", &flash, nil, 64, 64 + 400, 1},
		{"SHRAM to SRAM", nil, &sram, 0, 448. / 8, 1},
		{"inside", nil, nil, 0, 0, 0},
	} {
		k := Transfer(a, 448, c.from, c.to)
		if math.Abs(k.Start-c.start)+math.Abs(k.Cycles-c.cycles) > 1e-9 || len(k.Access) != c.accesses || k.Reason != DMA {
			t.Errorf("%s: %+v, want %g of %g cycles before it begins", c.name, k, c.start, c.cycles)
		}
	}
	// The waits, by hand: 100 bytes of stream come through the port of the constants.
	l := Load{}
	l.Fetch(a, &flash, 112)
	if math.Abs(l.Channel[flash.Port]-100) > 1e-9 || l.Alone() != l.Channel[flash.Port] {
		t.Errorf("112 bytes of stream: %+v", l)
	}
	l.Own = 200
	if l.Alone() != 200 {
		t.Errorf("%g cycles alone", l.Alone())
	}
}
