// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/cost"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// plainRun estimates the whole stream, without what was settled before: the definition.
func plainRun(tl *Timeline) float64 {
	fresh := New(len(tl.Kernels), tl.MaxDMA, tl.MaxKernels, tl.ports)
	copy(fresh.Kernels, tl.Kernels)
	fresh.SetTransfers(tl.Transfers)
	return fresh.Run()
}

// same reports whether two estimates are equal but for the order of their sums.
func same(a, b float64) bool { return math.Abs(a-b) < 1e-3 }

// random returns a timeline as schedules have them: transfers in the order of their
// places, some behind a kernel, each needed by its first use and perhaps again later.
func random(rng *rand.Rand) *Timeline {
	n, m := 4+rng.IntN(60), rng.IntN(20)
	load := func() perf.Load {
		l := perf.Load{Own: float64(rng.IntN(2000))}
		for c := range l.Channel {
			if rng.IntN(3) == 0 {
				l.Channel[c] = float64(rng.IntN(1500))
			}
		}
		return l
	}
	accels := ethosu.Of(ethosu.U55, ethosu.U65)
	a := accels[rng.IntN(len(accels))]
	ports := perf.PortsOf(a, perf.PlacesOf(ethosu.DefaultSystemConfig(a), ethosu.DefaultMemoryMode()))
	tl := New(n, 1+rng.IntN(2), 1+rng.IntN(3), ports)
	for i := range tl.Kernels {
		tl.Kernels[i].Load = load()
	}
	var list []*Transfer
	use := 0
	for range m {
		use = min(n-1, use+rng.IntN(1+2*n/m))
		x := &Transfer{Time: cost.Time{Load: load()}, After: -1, Use: use, Pos: use}
		if rng.IntN(4) == 0 {
			x.After = rng.IntN(use+1) - 1
		}
		list = append(list, x)
		for _, i := range []int{use, use + rng.IntN(n-use)} {
			tl.Kernels[i].Needs = append(tl.Kernels[i].Needs, len(list)-1)
		}
	}
	tl.SetTransfers(list)
	return tl
}

// TestEstimateFromSettled moves transfers one by one and several together: an estimate
// that begins and ends with what was settled is the one of the whole stream.
func TestEstimateFromSettled(t *testing.T) {
	met := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 5))
		tl := random(rng)
		tl.atOnce = rng.IntN(80) // few of what a program has, or all
		if got, want := tl.Run(), plainRun(tl); !same(got, want) {
			t.Fatalf("seed %d: %g, expected %g", seed, got, want)
		}
		for range 40 {
			if len(tl.Transfers) == 0 {
				break
			}
			j := rng.IntN(len(tl.Transfers))
			lo, hi := 0, tl.Transfers[j].Use
			if j > 0 {
				lo = tl.Transfers[j-1].Pos
			}
			lo = max(lo, tl.Transfers[j].After+1)
			if j+1 < len(tl.Transfers) {
				hi = min(hi, tl.Transfers[j+1].Pos)
			}
			if hi < lo {
				continue
			}
			old := tl.Transfers[j].Pos
			tl.Transfers[j].Pos = lo + rng.IntN(hi-lo+1)
			from := min(old, tl.Transfers[j].Pos)
			keep := rng.IntN(2) == 0
			got, want := tl.estimate(from, j, keep), plainRun(tl)
			if !same(got, want) {
				t.Fatalf("seed %d, transfer %d from %d to %d: %g, expected %g", seed, j, old, tl.Transfers[j].Pos, got, want)
			}
			if same(got, tl.total) {
				met++
			}
			if !keep {
				tl.Transfers[j].Pos = old
			}
		}
		if got, want := tl.Search(), plainRun(tl); !same(got, want) {
			t.Fatalf("seed %d: the search says %g of what takes %g", seed, got, want)
		}
	}
	if met < 1000 {
		t.Errorf("%d estimates that make no difference: the test has lost what it is for", met)
	}
}

// TestBound compares what a timeline takes at least with what it takes with its transfers
// in front of their uses and at the best places.
func TestBound(t *testing.T) {
	tight := 0
	for seed := range uint64(400) {
		tl := random(rand.New(rand.NewPCG(seed, 6)))
		least := tl.Bound()
		for what, got := range map[string]float64{"late": tl.Run(), "searched": tl.Search()} {
			if got < least-1e-3 {
				t.Fatalf("seed %d: %s it takes %g, less than the bound %g", seed, what, got, least)
			}
			if least > 0.75*got {
				tight++
			}
		}
	}
	if tight < 100 {
		t.Errorf("%d timelines near their bound: it says little", tight)
	}
}

// TestRepeat searches a timeline, the same again, and such as differ in one thing.
func TestRepeat(t *testing.T) {
	for seed := range uint64(100) {
		again := func() *Timeline { return random(rand.New(rand.NewPCG(seed, 7))) }
		found, cycles := again().Find()
		tl := again()
		if got, ok := tl.Repeat(found); !ok || got != cycles {
			t.Fatalf("seed %d: %g, %v, expected the %g of the first search", seed, got, ok, cycles)
		}
		if got := plainRun(tl); !same(got, cycles) {
			t.Fatalf("seed %d: %g with the places of the first search, which says %g", seed, got, cycles)
		}
		if n := len(tl.Transfers); n > 0 && !same(tl.estimate(tl.Transfers[n-1].Pos, n-1, true), cycles) {
			t.Fatalf("seed %d: what was settled is not that of the first search", seed)
		}
		for what, change := range map[string]func(*Timeline){
			"own":     func(tl *Timeline) { tl.Kernels[1].Own++ },
			"channel": func(tl *Timeline) { tl.Kernels[1].Channel[2]++ },
			"needs":   func(tl *Timeline) { tl.Kernels[0].Needs = append(tl.Kernels[0].Needs, 0) },
			"DMA":     func(tl *Timeline) { tl.MaxDMA++ },
			"kernels": func(tl *Timeline) { tl.MaxKernels++ },
			"fewer":   func(tl *Timeline) { tl.Kernels = tl.Kernels[1:] },
		} {
			tl := again()
			if change(tl); !reject(tl, found) {
				t.Errorf("seed %d: taken for one with other %s", seed, what)
			}
		}
		if len(tl.Transfers) == 0 {
			continue
		}
		for what, change := range map[string]func(*Transfer){
			"own":   func(x *Transfer) { x.Own++ },
			"after": func(x *Transfer) { x.After-- },
			"from":  func(x *Transfer) { x.From++ },
			"use":   func(x *Transfer) { x.Use++ },
			"fixed": func(x *Transfer) { x.Fixed = true },
		} {
			tl := again()
			if change(tl.Transfers[0]); !reject(tl, found) {
				t.Errorf("seed %d: taken for one with other %s of a transfer", seed, what)
			}
		}
	}
}

func reject(tl *Timeline, f *Found) bool {
	_, ok := tl.Repeat(f)
	return !ok
}
