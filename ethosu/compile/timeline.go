package compile

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
)

// transfer is a DMA that the schedule may place: a table upload or a weight copy.
type transfer struct {
	op    *op
	after int     // kernel that must have ended first, or -1
	use   int     // first kernel that needs it
	pos   int     // it stands in front of this kernel
	t     float64 // duration
	load  [memoryKinds]float64
	w     *kernelWeights // the weights it copies, nil for a table
	with  []*transfer    // further ones that follow it in the same DMA
}

// Memories that compete are those behind one AXI port: SRAM, and what is as fast
// beside it, on the first, flash and DRAM on the second.
const memoryKinds = 2

func memoryKind(m ethosu.Memory) int {
	if m.Name == ethosu.Sram || m.Name == ethosu.OnChipFlash {
		return 0
	}
	return 1
}

// kernelTime is how long a kernel takes alone and what it takes from each memory.
type kernelTime struct {
	t     float64
	load  [memoryKinds]float64
	needs []int // transfers that must have ended, as indices
}

// timeline estimates the length of a stream: kernels and transfers run beside
// each other, each serial within itself, sharing the memories.
type timeline struct {
	kernels    []kernelTime
	transfers  []*transfer // in order of use and of position
	maxDMA     int
	maxKernels int
	end        []float64 // of kernels, scratch
	done       []float64 // of transfers, scratch
}

// run returns the estimated cycles of the stream.
func (tl *timeline) run() float64 {
	var tc, tk, td float64
	var free [memoryKinds]float64
	busy := func(start, t float64, load *[memoryKinds]float64) float64 {
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

// transferTime returns the duration and memory load of moving bytes.
func (m *module) transferTime(bytes int, from, to ethosu.Memory, toLUT bool) (t float64, load [memoryKinds]float64) {
	b := float64(bytes)
	q := b / from.Bandwidth(m.accel)
	t = math.Floor(q) + float64(from.ReadLatency)
	load[memoryKind(from)] += q
	if !toLUT {
		q = b / to.Bandwidth(m.accel)
		t = math.Max(t, math.Floor(q))
		load[memoryKind(to)] += q
	}
	return t, load
}

// kernelTimeOf returns the time of a kernel, given where its weights are copied to.
func (m *module) kernelTimeOf(o *op) kernelTime {
	mem := m.memoriesOf(o)
	wb, sb := 0, 0
	if o.weights != nil {
		wb, sb = m.weightBytes(o), o.recBuf.total()
		if o.stream != nil {
			wb = o.stream.total()
		}
	}
	key := timeKey{o.costKey(m, mem, wb, sb), o.block}
	if k, ok := m.times[key]; ok {
		return k
	}
	npu, access, demand := o.costOf(m.accel, o.block, mem, wb, sb)
	k := kernelTime{t: math.Max(npu, access), load: demand}
	m.times[key] = k
	return k
}

type timeKey struct {
	k     costKey
	block [3]int
}
