// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"maps"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Figures are the numbers that a compiled program is judged by. The JSON names are a
// contract with scripts.
type Figures struct {
	Accelerator string `json:"accelerator"`
	NPUOps      int    `json:"npu_ops"` // block operations; transfers do not count
	CPUOps      int    `json:"cpu_ops"` // operators left to the CPU, whose cycles are not counted
	StreamBytes int    `json:"stream_bytes"`
	WeightBytes int    `json:"weight_bytes"` // encoded weights with their bias and scale records, stored once
	SRAMBytes   int    `json:"sram_bytes"`   // of the arena, the fast scratch and copied constants, as far as they lie there
	FlashBytes  int    `json:"flash_bytes"`  // stream and constants
	Cycles      int64  `json:"cycles"`       // of one call
	WakeUps     int    `json:"wake_ups"`     // of the CPU in one call: a stream's end each

	// CyclesBy splits Cycles by what bounds them.
	CyclesBy map[string]int64 `json:"cycles_by"`

	// CyclesWithin is Accuracy, or AccuracyU85.
	CyclesWithin float64 `json:"cycles_within"`
}

// Accuracy is the share by which estimates are off at most where somebody measured:
// networks of which most cycles go to other things may be off by more.
const Accuracy = 0.08

// AccuracyU85 is Accuracy of the Ethos-U85, of which somebody measured two networks on one
// configuration, one of them with several latencies of the external memory.
const AccuracyU85 = 0.15

// AccuracyOf returns the share by which estimates for an accelerator are off at most where
// somebody measured.
func AccuracyOf(a *ethosu.Accelerator) float64 {
	if a.OwnMemories {
		return AccuracyU85
	}
	return Accuracy
}

// Add returns the figures of a file of several programs and operators for the CPU, which
// run one after the other. Cycles are those of the NPU alone.
func Add(list []Figures, cpuOps int) Figures {
	sum := list[0]
	sum.CyclesBy = maps.Clone(sum.CyclesBy)
	for _, f := range list[1:] {
		sum.NPUOps += f.NPUOps
		sum.StreamBytes += f.StreamBytes
		sum.WeightBytes += f.WeightBytes
		sum.SRAMBytes = max(sum.SRAMBytes, f.SRAMBytes) // the arena is one for all
		sum.FlashBytes += f.FlashBytes
		sum.Cycles += f.Cycles
		sum.WakeUps += f.WakeUps
		for k, n := range f.CyclesBy {
			sum.CyclesBy[k] += n
		}
	}
	sum.CPUOps = cpuOps
	return sum
}

// FiguresOf measures a program.
func FiguresOf(p *ethosu.Program) (Figures, error) {
	r, err := Estimate(p)
	if err != nil {
		return Figures{}, err
	}
	return r.Figures(p)
}

// Figures measures a program of which the report is the estimate.
func (r *Report) Figures(p *ethosu.Program) (Figures, error) {
	f := Figures{
		Accelerator: p.Accel.Name,
		SRAMBytes:   p.SRAM(),
		FlashBytes:  len(p.Constants),
		Cycles:      r.Total,
		CyclesBy:    r.ByName(),

		CyclesWithin: AccuracyOf(p.Accel),
		WakeUps:      p.WakeUps(),
		CPUOps:       len(p.CPUOps()),
	}
	for _, s := range p.Stages {
		f.StreamBytes += 4 * len(s.Commands)
		f.FlashBytes += 4 * len(s.Commands)
	}
	var err error
	f.WeightBytes, f.NPUOps, err = weightBytes(p)
	return f, err
}

// weightBytes returns the bytes of the constants that weights and records take, each
// byte counted once however often it is used, and the number of block operations of
// one call. Weights that reach the NPU by way of a buffer are counted where the
// transfer reads, those of a resident copy where they were copied from.
func weightBytes(p *ethosu.Program) (bytes, kernels int, err error) {
	var spans []isa.Span
	for i := range p.Stages {
		s := &p.Stages[i]
		if s.CPU != nil {
			continue
		}
		list, n, err := stageWeights(p.Accel.Product, s)
		if err != nil {
			return 0, 0, err
		}
		kernels += n * s.Times
		if n > 0 { // else it does nothing but copy
			spans = append(spans, list...)
		}
	}
	slices.SortFunc(spans, func(a, b isa.Span) int { return int(a.Start - b.Start) })
	var end int64
	for _, s := range spans {
		if s.End > end {
			bytes += int(s.End - max(s.Start, end))
			end = s.End
		}
	}
	return bytes, kernels, nil
}

// stageWeights returns the spans of the constants that a stream reads as weights and
// records, and its block operations.
func stageWeights(product isa.Product, s *ethosu.Stage) (spans []isa.Span, kernels int, err error) {
	var base int64
	for _, w := range s.Windows {
		if w.Region == ethosu.RegionConstants && w.In == ethosu.RegionConstants {
			base = int64(w.Offset)
		}
	}
	add := func(s isa.Span) {
		if s.Region == ethosu.RegionConstants && s.End > s.Start {
			s.Start, s.End = s.Start+base, s.End+base
			spans = append(spans, s)
		}
	}
	err = product.Walk(s.Commands, func(op *isa.Operation) error {
		switch {
		case product == isa.U85 && op.IsBlock():
			kernels++
			k := op.KernelU85()
			for _, w := range k.Weights {
				add(w)
			}
			add(k.Records)
		case product == isa.U85 && op.IsDMA():
			if d := op.DMAU85(); !d.DstInternal && !d.SrcInternal && !d.Gather && !d.Scatter {
				add(isa.Span{Region: d.SrcRegion, Start: int64(d.Src), End: int64(d.Src) + int64(d.Length)*int64(d.Rows)})
			}
		case op.IsBlock():
			kernels++
			if op.HasWeights() {
				for core := range op.Cores() {
					add(op.Weights(core))
					add(op.Scales(core))
				}
			}
		case op.IsDMA():
			if d := op.DMA(); !d.DstInternal && !d.SrcInternal {
				rows := max(d.Rows, 1)
				if d.SrcStride == 0 && d.DstStride == 0 {
					rows = 1
				}
				add(isa.Span{Region: d.SrcRegion, Start: int64(d.Src), End: int64(d.Src) + int64(d.Length)*int64(rows)})
			}
		}
		return nil
	})
	return spans, kernels, err
}
