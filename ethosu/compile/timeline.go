package compile

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// transfer is a DMA that the schedule may place: a table upload or a copy to SRAM.
type transfer struct {
	op      *op     // of a table; a copy gets its own when it has its place
	after   int     // kernel that must have ended first, or -1
	use     int     // first kernel that needs it
	pos     int     // it stands in front of this kernel
	fixed   bool    // at a place of its own that no search improves
	t       float64 // duration
	load    [ports]float64
	w       *kernel.Weights // the weights it copies, nil for records and tables
	records bool            // it copies the records of one kernel
	start   int             // of records: the kernel in front of which they should start
	with    []*transfer     // further ones that follow it in the same DMA
}

// due returns the kernel that transfers are ordered by.
func (x *transfer) due() int {
	if x.records {
		return x.start
	}
	return x.use
}

// ports is the number of AXI ports; what lies behind one of them competes.
const ports = 2

// kernelTime is how long a kernel takes alone and what it takes from each memory.
type kernelTime struct {
	t     float64
	load  [ports]float64
	needs []int // transfers that must have ended, as indices
}

// timeline estimates the length of a stream: kernels and transfers run beside
// each other, each serial within itself, sharing the memories.
type timeline struct {
	kernels    []kernelTime
	transfers  []*transfer // in the order in which they are due and of position
	maxDMA     int
	maxKernels int
	end        []float64 // of kernels, scratch
	done       []float64 // of transfers, scratch
}

// run returns the estimated cycles of the stream.
func (tl *timeline) run() float64 {
	var tc, tk, td float64
	var free [ports]float64
	busy := func(start, t float64, load *[ports]float64) float64 {
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
	for i := range tl.kernels {
		for ; j < len(tl.transfers) && tl.transfers[j].pos <= i; j++ {
			x := tl.transfers[j]
			if x.after >= 0 {
				tc = math.Max(tc, tl.end[x.after])
			}
			if j >= tl.maxDMA {
				tc = math.Max(tc, tl.done[j-tl.maxDMA])
			}
			td = busy(math.Max(tc, td), x.t, &x.load)
			tl.done[j] = td
		}
		k := &tl.kernels[i]
		if i >= tl.maxKernels {
			tc = math.Max(tc, tl.end[i-tl.maxKernels])
		}
		for _, n := range k.needs {
			tc = math.Max(tc, tl.done[n])
		}
		tk = busy(math.Max(tc, tk), k.t, &k.load)
		tl.end[i] = tk
	}
	return math.Max(tk, td)
}

// transferTime returns the duration and port demands of moving bytes between
// memories; a nil place is the table memory.
func (m *module) transferTime(bytes int, from, to *perf.Place) (t float64, load [ports]float64) {
	for _, p := range []*perf.Place{from, to} {
		if p != nil {
			load[p.Port] += float64(bytes) / p.Bandwidth(m.accel)
		}
	}
	return perf.DMACycles(m.accel, int64(bytes), from, to), load
}

// copyTime is transferTime from the constants to where kernels read them.
func (m *module) copyTime(bytes int) (t float64, load [ports]float64) {
	slow, fast := m.memory(ethosu.RegionConstants), m.memory(m.fastRegion())
	return m.transferTime(bytes, &slow, &fast)
}

// kernelTimeOf returns the time of a kernel, given where its weights are copied to.
func (m *module) kernelTimeOf(o *op) kernelTime {
	w := m.work(o)
	w.Block = o.block
	if k, ok := m.times[w]; ok {
		return k
	}
	c := perf.Kernel(m.accel, &w)
	k := alone(&c)
	m.times[w] = k
	return k
}

// alone returns the time of a kernel when nothing runs beside it: memories behind
// one port wait for each other.
func alone(c *perf.Cost) kernelTime {
	k := kernelTime{t: c.Cycles}
	for i := range c.Access {
		k.load[c.Access[i].Port] += c.Access[i].Cycles
	}
	k.t = max(k.t, k.load[0], k.load[1])
	return k
}
