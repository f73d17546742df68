package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

func cd(a, b int) int { return (a + b - 1) / b }

// memory returns the memory behind a region.
func (m *module) memory(region int) perf.Place {
	if in, ok := m.places.memory[region]; ok {
		region = in
	}
	mem, port := ethosu.RegionMemory(m.opt.System, m.opt.Mode, region)
	return perf.Place{Memory: mem, Port: port}
}

// home returns the memory that a buffer will lie in.
func (m *module) home(b *kernel.Buffer) perf.Place {
	if b == nil {
		return m.memory(ethosu.RegionArena)
	}
	return m.memory(m.regionOf(b))
}

func format(f *kernel.Map) isa.Format {
	if f.Bricks() {
		return isa.NHCWB16
	}
	return isa.NHWC
}

func extent(f *kernel.Map) block.Shape { return block.Shape{H: f.H, W: f.W, D: f.C} }

// work returns a kernel as the block rules and the cycle model see it, but for its
// block. Before weights are encoded their size is an estimate.
func (m *module) work(o *op) perf.Work {
	w := perf.Work{
		Op: block.Op{
			OFM: extent(o.OFM), IFM: extent(o.IFM), IFMBits: o.IFM.Bits(), Scalar: o.Scalar,
			KH: o.KH, KW: o.KW, StrideH: o.StrideH, StrideW: o.StrideW, DilationH: o.DilH, DilationW: o.DilW,
			PartKernel: o.PartKernel, LUT: o.UsesTable(), Unscaled: !o.Acc40,
		},
		Mode: o.Mode, OFMBits: o.OFM.Bits(), Acc40: o.Acc40, Activation: o.activation(),
		IFMFormat: format(o.IFM), IFM2Format: isa.NHWC, OFMFormat: format(o.OFM),
		IFMAt: m.home(o.IFM.Buf), OFMAt: m.home(o.OFM.Buf),
	}
	w.IFM2At = w.IFMAt
	switch o.Kind {
	case kernel.Conv:
		w.Kind = block.Conv
	case kernel.Depthwise:
		w.Kind = block.Depthwise
	case kernel.Pool:
		w.Kind = [...]block.Kind{block.MaxPool, block.AveragePool, block.ReduceSum}[o.Mode]
	case kernel.Elementwise:
		w.Kind = block.Elementwise
	}
	switch {
	case o.Scalar:
		w.IFM2 = block.Shape{H: 1, W: 1, D: 1}
	case o.IFM2 != nil:
		w.IFM2, w.IFM2At, w.IFM2Format = extent(o.IFM2), m.home(o.IFM2.Buf), format(o.IFM2)
	}
	if o.Weights != nil {
		w.WeightBytes, w.ScaleBytes = m.weightBytes(o), o.recBuf.total()
		w.WeightsAt = m.memory(ethosu.RegionConstants)
		w.ScalesAt = w.WeightsAt
		mode := m.copies[o.Weights]
		if mode != readDirect {
			w.WeightsAt = m.memory(m.fastRegion())
		}
		if mode == copyBoth || o.fetchRecords {
			w.ScalesAt = m.memory(m.fastRegion())
		}
	}
	return w
}

// activation is what the output stage does behind scaling, as far as it costs cycles.
func (o *op) activation() perf.Activation {
	lo, hi := kernel.TypeRange(graph.Int8)
	if o.OFM.Bits() > 8 {
		lo, hi = kernel.TypeRange(graph.Int16)
	}
	switch {
	case o.Fn != kernel.FnNone:
		return perf.Table
	case o.OFM.Bits() < 32 && (o.Lo > lo || o.Hi < hi):
		return perf.Clip
	}
	return perf.NoActivation
}
