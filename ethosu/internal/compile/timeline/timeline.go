// SPDX-License-Identifier: Apache-2.0

// Package timeline estimates how long a list of kernels takes with transfers beside them,
// and looks for the places of the transfers that make it shortest. It knows neither what
// is computed nor what is moved.
package timeline

import "github.com/unroll-npu/unroll/ethosu/internal/compile/cost"

// Kernel is one kernel of a timeline.
type Kernel struct {
	cost.Time
	Needs []int // transfers that must have ended, as indices
}

// Transfer is a DMA that the search may place.
type Transfer struct {
	cost.Time
	After int  // kernel that must have ended first, or -1
	Use   int  // first kernel that needs it
	Pos   int  // it stands in front of this kernel
	Fixed bool // at a place of its own that no search improves

	// Early says that it is due before Use already, in front of kernel Start.
	Early bool
	Start int
}

// Due returns the kernel that transfers are ordered by.
func (x *Transfer) Due() int {
	if x.Early {
		return x.Start
	}
	return x.Use
}

// Timeline estimates the length of a stream: kernels and transfers run beside
// each other, each serial within itself, sharing the memories.
type Timeline struct {
	Kernels    []Kernel
	Transfers  []*Transfer // in the order in which they are due and of position
	MaxDMA     int         // transfers that may be outstanding
	MaxKernels int

	settled settled
	now     ends
}

// ends is when kernels and transfers end, in cycles from the start.
type ends struct{ kernel, transfer []float64 }

// settled is the estimate for the places that transfers had last: what the estimate for
// others begins with, and meets again where they make no difference any more.
type settled struct {
	ends
	before   []moment // before every kernel
	minAfter []int    // least After of the transfers from one on, for those that have one
	total    float64
}

// moment is what an estimate has come to before a kernel.
type moment struct {
	host, kernel, transfer float64 // when the next command is read, the last kernel and the last transfer end
	free                   [cost.Ports]float64
	issued                 int // transfers that have started
}

// New returns a timeline of so many kernels and no transfers.
func New(kernels, maxDMA, maxKernels int) *Timeline {
	tl := &Timeline{Kernels: make([]Kernel, kernels), MaxDMA: maxDMA, MaxKernels: maxKernels}
	tl.now.kernel, tl.settled.kernel = make([]float64, kernels), make([]float64, kernels)
	tl.settled.before = make([]moment, kernels)
	return tl
}

// SetTransfers replaces the transfers.
func (tl *Timeline) SetTransfers(list []*Transfer) {
	tl.Transfers = list
	tl.now.transfer, tl.settled.transfer = make([]float64, len(list)), make([]float64, len(list))
	tl.settled.minAfter = make([]int, len(list)+1)
	tl.settled.minAfter[len(list)] = len(tl.Kernels)
	for j := len(list) - 1; j >= 0; j-- {
		tl.settled.minAfter[j] = tl.settled.minAfter[j+1]
		if a := list[j].After; a >= 0 {
			tl.settled.minAfter[j] = min(tl.settled.minAfter[j], a)
		}
	}
}

// Run returns the estimated cycles of the stream.
func (tl *Timeline) Run() float64 { return tl.estimate(0, len(tl.Transfers), true) }

// estimate returns the cycles with the transfers where they are. Those with an index
// above last are where they were settled, and so are all that were and are in front of
// kernel from. What is kept is settled.
//
// It does not look at what did not change: it starts with the moment before kernel from,
// and ends where all that can still have an effect is as it was settled.
func (tl *Timeline) estimate(from, last int, keep bool) float64 {
	var at moment
	if from > 0 {
		at = tl.settled.before[from]
	}
	first, total, differs, i := at.issued, 0.0, -1, from
	for ; i < len(tl.Kernels); i++ {
		if i > from && at.issued > last && tl.meets(&at, i, from, first, differs) {
			total = tl.settled.total
			break
		}
		if keep {
			tl.settled.before[i] = at
		}
		for ; at.issued < len(tl.Transfers) && tl.Transfers[at.issued].Pos <= i; at.issued++ {
			x, j := tl.Transfers[at.issued], at.issued
			if x.After >= 0 {
				at.host = max(at.host, tl.now.kernel[x.After])
			}
			if j >= tl.MaxDMA {
				at.host = max(at.host, tl.now.transfer[j-tl.MaxDMA])
			}
			at.transfer = at.busy(max(at.host, at.transfer), &x.Time)
			tl.now.transfer[j] = at.transfer
		}
		k := &tl.Kernels[i]
		if i >= tl.MaxKernels {
			at.host = max(at.host, tl.now.kernel[i-tl.MaxKernels])
		}
		for _, n := range k.Needs {
			at.host = max(at.host, tl.now.transfer[n])
		}
		at.kernel = at.busy(max(at.host, at.kernel), &k.Time)
		if at.kernel != tl.settled.kernel[i] {
			differs = i
		}
		tl.now.kernel[i] = at.kernel
	}
	if i == len(tl.Kernels) {
		total = max(at.kernel, at.transfer)
	}
	to, of := &tl.now, &tl.settled.ends
	if keep {
		to, of, tl.settled.total = of, to, total
	}
	copy(to.kernel[from:i], of.kernel[from:i])
	copy(to.transfer[first:at.issued], of.transfer[first:at.issued])
	return total
}

// busy takes what a kernel or a transfer takes of the memories, from start on, and
// returns its end.
func (at *moment) busy(start float64, t *cost.Time) float64 {
	end := start + t.Cycles
	for k, q := range t.Load {
		if q > 0 {
			s := max(start, at.free[k])
			at.free[k] = s + q
			end = max(end, s+q)
		}
	}
	return end
}

// meets reports whether an estimate that began before kernel from, when first transfers
// had started, goes on before kernel i as the settled one did. The last kernel that ended
// at another time is differs.
func (tl *Timeline) meets(at *moment, i, from, first, differs int) bool {
	if *at != tl.settled.before[i] || differs >= i-tl.MaxKernels || differs >= tl.settled.minAfter[at.issued] {
		return false
	}
	for j := at.issued - 1; j >= first; j-- {
		if tl.now.transfer[j] != tl.settled.transfer[j] && (j >= at.issued-tl.MaxDMA || tl.Transfers[j].Use >= i) {
			return false
		}
	}
	return true
}
