// SPDX-License-Identifier: Apache-2.0

// Package timeline estimates how long a list of kernels takes with transfers beside them,
// and looks for the places of the transfers that make it shortest. It knows neither what
// is computed nor what is moved; how kernels and transfers share the memories is that of
// ethosu/perf, which judges the finished stream.
package timeline

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/cost"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// Kernel is one kernel of a timeline.
type Kernel struct {
	perf.Load
	Needs []int // transfers that must have ended, as indices
}

// Transfer is a DMA that the search may place.
type Transfer struct {
	cost.Time
	After int  // kernel that must have ended first, or -1
	From  int  // it stands in front of no kernel before this one
	Use   int  // first kernel that needs it
	Pos   int  // it stands in front of this kernel
	Alone bool // it waits for the ones before it to end
	Fixed bool // at a place of its own that no search improves
}

// earliest returns the first kernel that a transfer may stand in front of.
func (x *Transfer) earliest() int { return max(x.After+1, x.From) }

// Timeline estimates the length of a stream: kernels and transfers run beside
// each other, each serial within itself, sharing the memories.
type Timeline struct {
	Kernels    []Kernel
	Transfers  []*Transfer // in the order in which they are due and of position
	MaxDMA     int         // transfers that may be outstanding
	MaxKernels int

	ports perf.Ports

	// What the estimate had come to before every kernel, for the places that transfers had
	// last, and in the end.
	settled []moment
	total   float64
	due     later // what the moments from one on still have to be moved by
	atOnce  int   // see there

	// What loads come to when they are alone, as far as it was asked for: they do not change
	// once the timeline has run.
	kernelRates, transferRates []perf.Rates

	places []int // memory for those that a search goes back to
}

// moment is how far the engines have come when the command processor is at a command.
type moment struct {
	perf.State
	kernels, transfers progress
}

// progress is that of one engine.
type progress struct{ issued, ended int32 }

// New returns a timeline of so many kernels and no transfers.
func New(kernels, maxDMA, maxKernels int, ports perf.Ports) *Timeline {
	return &Timeline{Kernels: make([]Kernel, kernels), MaxDMA: maxDMA, MaxKernels: maxKernels, ports: ports, atOnce: atOnce,
		settled: make([]moment, kernels), kernelRates: make([]perf.Rates, kernels)}
}

// SetTransfers replaces the transfers.
func (tl *Timeline) SetTransfers(list []*Transfer) {
	tl.Transfers, tl.transferRates = list, make([]perf.Rates, len(list))
}

// Bound returns cycles that the stream takes at least, wherever its transfers are.
func (tl *Timeline) Bound() float64 {
	var kernels, transfers perf.Load
	for i := range tl.Kernels {
		add(&kernels, &tl.Kernels[i].Load)
	}
	for _, x := range tl.Transfers {
		add(&transfers, &x.Load)
	}
	kernels.Own = max(kernels.Own, transfers.Own)
	for c, q := range transfers.Channel {
		kernels.Channel[c] += q
	}
	return tl.ports.Bound(&kernels)
}

func add(sum, l *perf.Load) {
	sum.Own += max(l.Own, l.Pace)
	for c, q := range l.Channel {
		sum.Channel[c] += q
	}
}

// Run returns the estimated cycles of the stream.
func (tl *Timeline) Run() float64 { return tl.estimate(0, len(tl.Transfers), true) }

// estimate returns the cycles with the transfers where they are. Those with an index
// above last are where they were settled, and so are all that were and are in front of
// kernel from. What is kept is settled.
//
// It does not look at what did not change: it starts with the moment before kernel from,
// and ends where all goes on as it was settled, though it be earlier or later.
func (tl *Timeline) estimate(from, last int, keep bool) float64 {
	at := moment{State: tl.ports.Start()}
	if from > 0 {
		at = tl.settled[from]
		at.Now = tl.now(from)
	}
	for i := from; i < len(tl.Kernels); i++ {
		if i > from && int(at.transfers.issued) > last && at.like(&tl.settled[i]) {
			shift := at.Now - tl.now(i)
			if keep {
				tl.move(i, shift)
				tl.total += shift
				return tl.total
			}
			return tl.total + shift
		}
		if keep {
			tl.settle(i, at)
		}
		for int(at.transfers.issued) < len(tl.Transfers) && tl.Transfers[at.transfers.issued].Pos <= i {
			tl.transfer(&at)
		}
		tl.kernel(&at, i)
	}
	total := tl.finish(&at)
	if keep {
		tl.total = total
	}
	return total
}

// like reports whether the engines go on alike from two moments.
func (at *moment) like(o *moment) bool {
	if at.kernels != o.kernels || at.transfers != o.transfers {
		return false
	}
	for i, d := range at.Done {
		if math.Abs(d-o.Done[i]) > 1e-6 {
			return false
		}
	}
	for c, q := range at.Credit {
		if math.Abs(q-o.Credit[c]) > 1e-3 {
			return false
		}
	}
	return true
}

// transfer issues the next transfer, as soon as it may be.
func (tl *Timeline) transfer(at *moment) {
	x := tl.Transfers[at.transfers.issued]
	for int(at.kernels.ended) <= x.After || tl.blocked(at, x) {
		tl.advance(at)
	}
	at.transfers.issued++
}

// blocked reports whether a transfer waits for others.
func (tl *Timeline) blocked(at *moment, x *Transfer) bool {
	n := int(at.transfers.issued - at.transfers.ended)
	return n >= tl.MaxDMA || n > 0 && x.Alone
}

// kernel issues kernel i, as soon as it may be.
func (tl *Timeline) kernel(at *moment, i int) {
	for int(at.kernels.issued-at.kernels.ended) >= tl.MaxKernels {
		tl.advance(at)
	}
	for _, n := range tl.Kernels[i].Needs {
		for int(at.transfers.ended) <= n {
			tl.advance(at)
		}
	}
	at.kernels.issued++
}

// finish runs what is under way and returns the time.
func (tl *Timeline) finish(at *moment) float64 {
	for at.kernels.issued > at.kernels.ended || at.transfers.issued > at.transfers.ended {
		tl.advance(at)
	}
	return at.Now
}

// advance lets the engines go on to the next end of something.
func (tl *Timeline) advance(at *moment) {
	var k, x *perf.Load
	var kp, xp *perf.Rates
	if at.kernels.issued > at.kernels.ended {
		k, kp = &tl.Kernels[at.kernels.ended].Load, &tl.kernelRates[at.kernels.ended]
	}
	if at.transfers.issued > at.transfers.ended {
		x, xp = &tl.Transfers[at.transfers.ended].Load, &tl.transferRates[at.transfers.ended]
	}
	if k == nil && x == nil {
		panic("BUG: a command of the timeline waits for what was not issued")
	}
	ended := tl.ports.AdvanceAt(&at.State, k, x, kp, xp)
	if ended[perf.Kernels] {
		at.kernels.ended++
	}
	if ended[perf.Transfers] {
		at.transfers.ended++
	}
}
