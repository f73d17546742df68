// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// of85 is Of for a stream of the Ethos-U85.
func of85(a *ethosu.Accelerator, k *isa.KernelU85, at Places) Work {
	n := &k.Window
	w := Work{
		Op: block.Op{
			Kind: kind85(k), OFM: extentOf(&k.OFM), IFM: extentOf(&k.IFM), IFMBits: k.IFM.Type.Bits, OutBits: k.OFM.Type.Bits,
			KH: n.H, KW: n.W, StrideH: n.StrideY, StrideW: n.StrideX, DilationH: n.DilationY, DilationW: n.DilationX,
			Upscale: block.Upscale(k.Upscale), PartKernel: n.PartKernelFirst, LUT: k.Activation.Function != isa.FuncNone,
			Unscaled: k.Acc.Format == isa.AccI32, UBlock: micro85(a, k.Acc.Micro),
		},
		Block: block.Shape{H: k.H, W: k.W, D: k.D}, Mode: int(k.Elem), OFMBits: k.OFM.Type.Bits, Acc40: k.Acc.Format == isa.AccI48,
		IFMFormat: k.IFM.Format, IFM2Format: k.IFM.Format, OFMFormat: k.OFM.Format, Fast: k.Format == isa.WeightsFWD,
		ChainIn: k.IFM.Storage == isa.Chained, ScalarIn: k.IFM.Storage == isa.NoStorage, ChainOut: k.OFM.Storage == isa.Chained,
		IFMAt: at(ethosu.RegionArena), OFMAt: at(ethosu.RegionArena),
	}
	if k.IFM.InMemory() {
		w.IFMAt = at(k.IFM.Region)
	}
	if k.OFM.InMemory() {
		w.OFMAt = at(k.OFM.Region)
	}
	w.IFM2At = w.IFMAt
	if k.HasIFM2() {
		f := &k.IFM2
		w.IFM2, w.IFM2Format, w.ChainIn2, w.Scalar = extentOf(f), f.Format, f.Storage == isa.Chained, f.Storage == isa.NoStorage
		if f.InMemory() {
			w.IFM2At = at(f.Region)
		}
	}
	for i, s := range k.Weights {
		w.WeightBytes += int(s.End - s.Start)
		if i == 0 && s.End > s.Start {
			w.WeightsAt = at(s.Region)
		}
	}
	if k.HasRecords() {
		w.ScaleBytes, w.ScalesAt = int(k.Records.End-k.Records.Start), at(k.Records.Region)
	}
	switch {
	case k.Activation.Function != isa.FuncNone:
		w.Activation = Table
	case k.Activation.Clip && k.OFM.Type.Bits <= 16:
		lo, hi := k.OFM.Type.Limits()
		if int64(k.OFM.Type.Extend(k.Activation.Min)) > lo || int64(k.OFM.Type.Extend(k.Activation.Max)) < hi {
			w.Activation = Clip
		}
	}
	return w
}

func extentOf(m *isa.MapU85) block.Shape { return block.Shape{H: m.H, W: m.W, D: m.C} }

// kind85 returns the kind of an operation. What only moves or picks values costs as a
// maximum does.
func kind85(k *isa.KernelU85) block.Kind {
	switch k.Op {
	case isa.OpConv:
		return block.Conv
	case isa.OpDepthwise:
		return block.Depthwise
	case isa.OpPool:
		switch k.Pool {
		case isa.PoolReduceSum:
			return block.ReduceSum
		case isa.PoolAverage, isa.PoolSum:
			return block.AveragePool
		}
		return block.MaxPool
	}
	return block.Elementwise
}

// micro85 returns the micro-block of an accelerator that has the given height and width;
// where it has none the stream is not for it, and the first one serves.
func micro85(a *ethosu.Accelerator, m isa.Microblock) block.Shape {
	h, w := m.Size()
	for _, u := range a.U85.MicroBlocks {
		if u.H == h && u.W == w {
			return block.Shape{H: u.H, W: u.W, D: u.D}
		}
	}
	u := a.U85.MicroBlocks[0]
	return block.Shape{H: u.H, W: u.W, D: u.D}
}
