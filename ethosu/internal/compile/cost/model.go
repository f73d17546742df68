// SPDX-License-Identifier: Apache-2.0

// Package cost is what the cycle model of ethosu/perf says of one kernel or one transfer
// of a schedule: the decisions of the compiler rest on it.
package cost

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/memory"
	"github.com/unroll-npu/unroll/ethosu/internal/target"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Time is how long a kernel or a transfer takes: alone, and beside others.
type Time struct {
	Cycles float64 // alone, where nothing else uses the memories

	perf.Load // of a kernel that reads nothing of the one before

	// What depends on the neighbours of a kernel: latencies of a kernel that reads what the one before
	// wrote, as IFM and as IFM2, and of its own write; and the part of its time in which a
	// next one that reads nothing of it computes already.
	Reads [2]float64
	Write float64
	Drain float64
}

// Model estimates for one accelerator and its memories. It remembers what it was asked.
type Model struct {
	Target target.Target
	Memory *memory.Map

	places  []perf.Place // of all works, each once
	times   map[workKey]Time
	choices map[blockKey]Choice
}

// workKey is a work with the numbers of its places in their stead: as many works are asked
// for as there are kernels and ways to read what they need, and five places are most of each.
type workKey struct {
	op                      block.Op
	block                   block.Shape
	mode, ofmBits           int
	weightBytes, scaleBytes int
	ifm, ifm2, ofm          isa.Format
	activation              perf.Activation
	at                      [5]uint8
	acc40, scalarIn, fast   bool
	chain, chain2, chainOut bool
}

func (m *Model) key(w *perf.Work) workKey {
	return workKey{
		op: w.Op, block: w.Block, mode: w.Mode, ofmBits: w.OFMBits, weightBytes: w.WeightBytes, scaleBytes: w.ScaleBytes,
		ifm: w.IFMFormat, ifm2: w.IFM2Format, ofm: w.OFMFormat, activation: w.Activation,
		at:    [5]uint8{m.number(&w.IFMAt), m.number(&w.IFM2At), m.number(&w.OFMAt), m.number(&w.WeightsAt), m.number(&w.ScalesAt)},
		acc40: w.Acc40, scalarIn: w.ScalarIn, fast: w.Fast, chain: w.ChainIn, chain2: w.ChainIn2, chainOut: w.ChainOut,
	}
}

// number returns the number of a place. A model is asked about those of one memory map.
func (m *Model) number(p *perf.Place) uint8 {
	for i := range m.places {
		if m.places[i] == *p {
			return uint8(i)
		}
	}
	if len(m.places) > math.MaxUint8 {
		panic("BUG: a cost model is asked about more memories than a stream has regions")
	}
	m.places = append(m.places, *p)
	return uint8(len(m.places) - 1)
}

// NewModel returns a model that was asked nothing yet.
func NewModel(t target.Target, m *memory.Map) *Model {
	return &Model{Target: t, Memory: m, times: map[workKey]Time{}, choices: map[blockKey]Choice{}}
}

// Constants is how a kernel reads its weights and its records of bias and scale.
type Constants struct {
	WeightBytes, RecordBytes         int
	WeightsResident, RecordsResident bool // from copies in the fast memory
}

// Work returns a kernel as the block rules and the cycle model see it, but for its
// block. The constants are nil for a kernel without.
func (m *Model) Work(k *kernel.Kernel, c *Constants) perf.Work {
	w := perf.Work{
		Op: block.Op{
			OFM: extent(k.OFM), IFM: extent(k.IFM), IFMBits: k.IFM.Bits(), Scalar: k.Scalar,
			KH: k.KH, KW: k.KW, StrideH: k.StrideH, StrideW: k.StrideW, DilationH: k.DilH, DilationW: k.DilW,
			PartKernel: k.PartKernel, LUT: k.UsesTable(), Unscaled: !k.Acc40,
		},
		Mode: k.Mode, OFMBits: k.OFM.Bits(), Acc40: k.Acc40, Activation: activation(k),
		IFMFormat: format(k.IFM), IFM2Format: isa.NHWC, OFMFormat: format(k.OFM),
		IFMAt: *m.Memory.Home(k.IFM.Buf), OFMAt: *m.Memory.Home(k.OFM.Buf),
	}
	w.IFM2At = w.IFMAt
	switch k.Kind {
	case kernel.Conv:
		w.Kind = block.Conv
	case kernel.Depthwise:
		w.Kind = block.Depthwise
	case kernel.Pool:
		w.Kind = [...]block.Kind{block.MaxPool, block.AveragePool, block.ReduceSum}[k.Mode]
	case kernel.Elementwise:
		w.Kind = block.Elementwise
	}
	switch {
	case k.Scalar:
		w.IFM2 = block.Shape{H: 1, W: 1, D: 1}
	case k.IFM2 != nil:
		w.IFM2, w.IFM2At, w.IFM2Format = extent(k.IFM2), *m.Memory.Home(k.IFM2.Buf), format(k.IFM2)
	}
	if m.Target.Accelerator().OwnMemories {
		w.OutBits = w.OFMBits
		w.UBlock = m.Target.Micro(w.Op)
	}
	if c != nil {
		slow, fast := m.Memory.Place(ethosu.RegionConstants), m.Memory.Place(m.Memory.Fast())
		w.WeightBytes, w.ScaleBytes = c.WeightBytes, c.RecordBytes
		w.WeightsAt, w.ScalesAt = *slow, *slow
		if c.WeightsResident {
			w.WeightsAt = *fast
		}
		if c.RecordsResident {
			w.ScalesAt = *fast
		}
	}
	return w
}

func format(f *kernel.Map) isa.Format {
	if f.Bricks() {
		return isa.NHCWB16
	}
	return isa.NHWC
}

func extent(f *kernel.Map) block.Shape { return block.Shape{H: f.H, W: f.W, D: f.C} }

// activation is what the output stage does behind scaling, as far as it costs cycles.
func activation(k *kernel.Kernel) perf.Activation {
	lo, hi := kernel.TypeRange(graph.Int8)
	if k.OFM.Bits() > 8 {
		lo, hi = kernel.TypeRange(graph.Int16)
	}
	switch {
	case k.Fn != kernel.FnNone:
		return perf.Table
	case k.OFM.Bits() < 32 && (k.Lo > lo || k.Hi < hi):
		return perf.Clip
	}
	return perf.NoActivation
}

// Kernel returns the time of a kernel, given with its block.
func (m *Model) Kernel(w perf.Work) Time {
	key := m.key(&w)
	if t, ok := m.times[key]; ok {
		return t
	}
	c := m.Target.Kernel(&w)
	t := Time{Cycles: alone(&c), Load: c.Apart(), Drain: c.Drain,
		Reads: [2]float64{float64(w.IFMAt.ReadLatency), float64(w.IFM2At.ReadLatency)}, Write: float64(w.OFMAt.WriteLatency)}
	commands := float64(kernelCommands)
	if m.Target.Accelerator().OwnMemories {
		commands = commands85(&w)
	}
	t.Fetch(m.Target.Accelerator(), m.Memory.Place(ethosu.RegionConstants), commands)
	m.times[key] = t
	return t
}

// The command stream comes through the port of the constants. How many bytes the commands
// of an operation take shows only when they are written; these are means over networks.
const (
	kernelCommands     = 60
	transferCommands   = 20
	transferCommands85 = 28
)

// commands85 returns the bytes of the commands of a kernel of the Ethos-U85. The kernels of
// a chain and the one behind it are told again where their operands lie: the last one of the
// chain counts both.
func commands85(w *perf.Work) float64 {
	inside := w.ChainIn || w.ChainIn2
	switch {
	case inside && !w.ChainOut:
		return 90 + 36
	case inside:
		return 90
	case w.Kind == block.Elementwise:
		return 72
	}
	return 92
}

// alone returns the cycles of a kernel when nothing runs beside it: memories behind
// one port wait for each other.
func alone(c *perf.Cost) float64 {
	var load [2]float64
	for i := range c.Access {
		load[c.Access[i].Port] += c.Access[i].Cycles
	}
	return max(c.Cycles, load[0], load[1])
}

// Transfer returns the time of moving bytes between memories; a nil place is the table
// memory.
func (m *Model) Transfer(bytes int, from, to *perf.Place) Time {
	c := m.Target.Transfer(bytes, from, to)
	t := Time{Cycles: c.Cycles, Load: c.Load()}
	commands := float64(transferCommands)
	if m.Target.Accelerator().OwnMemories {
		commands = transferCommands85
	}
	t.Fetch(m.Target.Accelerator(), m.Memory.Place(ethosu.RegionConstants), commands)
	return t
}

// Copy is Transfer from the constants to where kernels read copies of them.
func (m *Model) Copy(bytes int) Time {
	slow, fast := m.Memory.Place(ethosu.RegionConstants), m.Memory.Place(m.Memory.Fast())
	return m.Transfer(bytes, slow, fast)
}
