package perf

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Op is one operation on the timeline.
type Op struct {
	Cost
	Word       int    // offset of the NPU_OP word in the stream
	Index      int    // among the block operations and DMAs
	Name       string // what the program says, or the kind of operation
	DMA        bool
	Start, End float64 // cycles from the start of the stream
	Bytes      int64   // moved by a DMA
}

// MemoryUse is the traffic of one memory over the whole stream, in bytes as the
// network asks for them plus what short bursts add.
type MemoryUse struct {
	Name        string
	Read, Write float64
	Cycles      float64 // that the memory is busy
}

// Report is the estimate of a stream.
type Report struct {
	Total  int64 // cycles of the timeline
	Serial int64 // sum of every kernel's own cycles, as Vela adds them up
	NPU    int64 // sum of the kernels' NPU cycles
	MACs   int64
	By     [reasons]int64 // Total, by reason
	Ops    []Op
	Memory []MemoryUse // in order of first use
}

// Seconds returns the duration at a clock in Hz.
func (r *Report) Seconds(clock float64) float64 { return float64(r.Total) / clock }

// ByName returns the cycles of every reason that occurs.
func (r *Report) ByName() map[string]int64 {
	m := map[string]int64{}
	for _, reason := range Reasons() {
		if n := r.By[reason]; n != 0 {
			m[reason.String()] = n
		}
	}
	return m
}

// Stream returns the cycles of a command stream for an accelerator, given the
// memories behind its regions. It is an error when the stream cannot be decoded;
// whether it is legal is for others to say.
func Stream(a *ethosu.Accelerator, at Places, words []uint32) (Report, error) {
	if err := a.Check(); err != nil {
		return Report{}, fmt.Errorf("cycle estimate: %w", err)
	}
	t := timeline{a: a, at: at}
	err := isa.Walk(words, func(o *isa.Operation) error {
		switch {
		case o.Op == isa.OpKernelWait:
			t.wait(t.kernels, o.Outstanding())
		case o.Op == isa.OpDMAWait:
			t.wait(t.dmas, o.Outstanding())
		case o.IsDMA():
			t.dma(o)
		case o.IsBlock():
			if h, w := o.InputExtent(); h < 1 || w < 1 {
				return fmt.Errorf("word %d: %s: the registers give an input of %d x %d", o.Word, o.Op, h, w)
			}
			t.kernel(o)
		}
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("cycle estimate: %w", err)
	}
	return t.report(), nil
}

// timeline holds the state of the three engines: the command processor, the block
// pipeline and the DMA. Kernels run one after another, transfers too; a memory
// port serves one demand after the other.
type timeline struct {
	a  *ethosu.Accelerator
	at Places

	now                 float64 // command processor
	lastKernel, lastDMA float64 // ends
	free                [2]float64
	kernels, dmas       []float64 // ends, in order of issue

	r Report
}

// wait holds the command processor until at most n of the operations are under way.
func (t *timeline) wait(ends []float64, n int) {
	if i := len(ends) - 1 - n; i >= 0 {
		t.now = max(t.now, ends[i])
	}
}

// issue places an operation of the given duration and port demands.
func (t *timeline) issue(start, duration float64, access []Access) float64 {
	var demand [2]float64
	for i := range access {
		m := &access[i]
		demand[m.Port&1] += m.Cycles
		use := t.memory(m.Name)
		use.Read += m.Read
		use.Write += m.Write
		use.Cycles += m.Cycles
	}
	end := start + duration
	for p, q := range demand {
		if q == 0 {
			continue
		}
		from := max(start, t.free[p])
		t.free[p] = from + q
		end = max(end, from+q)
	}
	return end
}

func (t *timeline) memory(name string) *MemoryUse {
	for i := range t.r.Memory {
		if t.r.Memory[i].Name == name {
			return &t.r.Memory[i]
		}
	}
	t.r.Memory = append(t.r.Memory, MemoryUse{Name: name})
	return &t.r.Memory[len(t.r.Memory)-1]
}

func (t *timeline) dma(o *isa.Operation) {
	d := o.DMA()
	bytes := int64(d.Length)
	if max(d.SrcStride, d.DstStride) > 0 {
		bytes *= int64(d.Rows)
	}
	if max(d.SrcStride, d.DstStride) > 1 {
		bytes *= int64(d.Planes)
	}
	var from, to *Place
	var access []Access
	if !d.SrcInternal {
		p := t.at(d.SrcRegion)
		from = &p
		access = append(access, Access{Place: p, Read: float64(bytes), Cycles: float64(bytes) / p.Bandwidth(t.a)})
	}
	name := "DMA to SHRAM"
	if !d.DstInternal {
		p := t.at(d.DstRegion)
		to = &p
		access = append(access, Access{Place: p, Write: float64(bytes), Cycles: float64(bytes) / p.Bandwidth(t.a)})
		name = "DMA to " + p.Name
	}
	t.wait(t.dmas, t.a.MaxDMA-1)
	start := max(t.now, t.lastDMA)
	cycles := DMACycles(t.a, bytes, from, to)
	end := t.issue(start, cycles, access)
	t.lastDMA = end
	t.dmas = append(t.dmas, end)
	t.r.Ops = append(t.r.Ops, Op{Cost: Cost{Cycles: cycles, Reason: DMA, Access: access}, Word: o.Word, Index: o.Index, Name: name, DMA: true, Start: start, End: end, Bytes: bytes})
}

func (t *timeline) kernel(o *isa.Operation) {
	w := Of(o, t.at)
	c := Kernel(t.a, &w)
	t.wait(t.kernels, t.a.MaxKernels-1)
	start := max(t.now, t.lastKernel)
	end := t.issue(start, c.Cycles, c.Access)
	t.lastKernel = end
	t.kernels = append(t.kernels, end)
	t.r.Ops = append(t.r.Ops, Op{Cost: c, Word: o.Word, Index: o.Index, Name: w.Kind.String(), Start: start, End: end})
}

// report adds up. Every cycle goes to the kernel that runs in it: its own time to
// its reason, what it waits for a busy port to DMA; and where no kernel runs, to
// DMA.
func (t *timeline) report() Report {
	r := t.r
	var by [reasons]float64
	var serial, npu, at float64
	for i := range r.Ops {
		o := &r.Ops[i]
		if o.DMA {
			continue
		}
		by[DMA] += max(0, o.Start-at)
		own := min(o.Cycles, o.End-o.Start)
		by[o.Reason] += own
		by[DMA] += o.End - o.Start - own
		at = o.End
		serial += o.Cycles
		npu += o.NPU
		r.MACs += o.MACs
	}
	total := max(t.lastKernel, t.lastDMA)
	by[DMA] += total - at
	r.Total, r.Serial, r.NPU = int64(math.Round(total)), int64(math.Round(serial)), int64(npu)
	// Round so that the reasons add up to the total.
	sum, done := 0.0, int64(0)
	for i, c := range by {
		sum += c
		r.By[i] = int64(math.Round(sum)) - done
		done += r.By[i]
	}
	return r
}
