package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

func ru(a, b int) int { return (a + b - 1) / b * b }
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
func (m *module) home(b *buffer) perf.Place {
	if b == nil {
		return m.memory(ethosu.RegionArena)
	}
	return m.memory(m.regionOf(b))
}

func (f *fmap) format() isa.Format {
	if f.bricks() {
		return isa.NHCWB16
	}
	return isa.NHWC
}

func (f *fmap) extent() block.Shape { return block.Shape{H: f.h, W: f.w, D: f.c} }

// work returns a kernel as the block rules and the cycle model see it, but for its
// block. Before weights are encoded their size is an estimate.
func (m *module) work(o *op) perf.Work {
	w := perf.Work{
		Op: block.Op{
			OFM: o.ofm.extent(), IFM: o.ifm.extent(), IFMBits: o.ifm.bits(), Scalar: o.scalar,
			KH: o.kh, KW: o.kw, StrideH: o.strideH, StrideW: o.strideW, DilationH: o.dilH, DilationW: o.dilW,
			PartKernel: o.partKernel, LUT: o.usesTable(), Unscaled: !o.acc40,
		},
		Mode: o.mode, OFMBits: o.ofm.bits(), Acc40: o.acc40, Activation: o.activation(),
		IFMFormat: o.ifm.format(), IFM2Format: isa.NHWC, OFMFormat: o.ofm.format(),
		IFMAt: m.home(o.ifm.buf), OFMAt: m.home(o.ofm.buf),
	}
	w.IFM2At = w.IFMAt
	switch o.kind {
	case opConv:
		w.Kind = block.Conv
	case opDepthwise:
		w.Kind = block.Depthwise
	case opPool:
		w.Kind = [...]block.Kind{block.MaxPool, block.AveragePool, block.ReduceSum}[o.mode]
	case opElementwise:
		w.Kind = block.Elementwise
	}
	switch {
	case o.scalar:
		w.IFM2 = block.Shape{H: 1, W: 1, D: 1}
	case o.ifm2 != nil:
		w.IFM2, w.IFM2At, w.IFM2Format = o.ifm2.extent(), m.home(o.ifm2.buf), o.ifm2.format()
	}
	if o.weights != nil {
		w.WeightBytes, w.ScaleBytes = m.weightBytes(o), o.recBuf.total()
		w.WeightsAt = m.memory(ethosu.RegionConstants)
		w.ScalesAt = w.WeightsAt
		mode := m.copies[o.weights]
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
	lo, hi := typeRange(graph.Int8)
	if o.ofm.bits() > 8 {
		lo, hi = typeRange(graph.Int16)
	}
	switch {
	case o.fn != fnNone:
		return perf.Table
	case o.ofm.bits() < 32 && (o.lo > lo || o.hi < hi):
		return perf.Clip
	}
	return perf.NoActivation
}
