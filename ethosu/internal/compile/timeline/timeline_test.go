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
