// Package timeline estimates how long a list of kernels takes with transfers beside them,
// and looks for the places of the transfers that make it shortest. It knows neither what
// is computed nor what is moved.
package timeline

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu/compile/cost"
)

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

// New returns a timeline of so many kernels and no transfers.
func New(kernels, maxDMA, maxKernels int) *Timeline {
	return &Timeline{Kernels: make([]Kernel, kernels), MaxDMA: maxDMA, MaxKernels: maxKernels, end: make([]float64, kernels)}
}

// Timeline estimates the length of a stream: kernels and transfers run beside
// each other, each serial within itself, sharing the memories.
type Timeline struct {
	Kernels    []Kernel
	Transfers  []*Transfer // in the order in which they are due and of position
	MaxDMA     int         // transfers that may be outstanding
	MaxKernels int
	end        []float64 // of kernels, scratch
	done       []float64 // of transfers, scratch
}

// SetTransfers replaces the transfers.
func (tl *Timeline) SetTransfers(list []*Transfer) {
	tl.Transfers, tl.done = list, make([]float64, len(list))
}

// Run returns the estimated cycles of the stream.
func (tl *Timeline) Run() float64 {
	var tc, tk, td float64
	var free [cost.Ports]float64
	busy := func(start, t float64, load *[cost.Ports]float64) float64 {
		end := start + t
		for k, q := range load {
			if q > 0 {
				s := math.Max(start, free[k])
				free[k] = s + q
				end = math.Max(end, s+q)
			}
		}
		return end
	}
	j := 0
	for i := range tl.Kernels {
		for ; j < len(tl.Transfers) && tl.Transfers[j].Pos <= i; j++ {
			x := tl.Transfers[j]
			if x.After >= 0 {
				tc = math.Max(tc, tl.end[x.After])
			}
			if j >= tl.MaxDMA {
				tc = math.Max(tc, tl.done[j-tl.MaxDMA])
			}
			td = busy(math.Max(tc, td), x.Cycles, &x.Load)
			tl.done[j] = td
		}
		k := &tl.Kernels[i]
		if i >= tl.MaxKernels {
			tc = math.Max(tc, tl.end[i-tl.MaxKernels])
		}
		for _, n := range k.Needs {
			tc = math.Max(tc, tl.done[n])
		}
		tk = busy(math.Max(tc, tk), k.Cycles, &k.Load)
		tl.end[i] = tk
	}
	return math.Max(tk, td)
}
