// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Activation is the last stage of an operation as far as it costs cycles.
type Activation uint8

// Activations.
const (
	NoActivation Activation = iota
	Clip                    // a clamp tighter than the type
	Table                   // a lookup table, or the built-in tanh or sigmoid
)

// Place is a memory and the AXI port it is behind.
type Place struct {
	ethosu.Memory
	Port int
}

// Work is one block operation as far as its time depends on it.
type Work struct {
	block.Op
	Block      block.Shape
	Mode       int // of an elementwise operation: isa.ElemMul, ...
	OFMBits    int
	Acc40      bool // 40-bit accumulators
	Activation Activation

	IFMFormat, IFM2Format, OFMFormat isa.Format

	// Where everything lies. IFM2At counts when there is a second input, WeightsAt
	// and ScalesAt when there are weights.
	IFMAt, IFM2At, OFMAt, WeightsAt, ScalesAt Place

	// Of the Ethos-U85: operands that come from a chain or from a register, results that
	// go on in one, and weights for the fast decoder.
	ChainIn, ChainIn2, ChainOut bool
	ScalarIn                    bool
	Fast                        bool

	WeightBytes int // encoded, all cores
	ScaleBytes  int // with padding, all cores
}

// hasIFM2 reports whether the operation has a second operand of any kind.
func (w *Work) hasIFM2() bool { return w.IFM2 != (block.Shape{}) || w.Scalar }

// Chained reports whether the operation is part of a chain.
func (w *Work) Chained() bool { return w.ChainIn || w.ChainIn2 || w.ChainOut }

// Places maps a region to the memory that holds it.
type Places func(region int) Place

// PlacesOf returns the map of a compiled program's regions.
func PlacesOf(s ethosu.SystemConfig, m ethosu.MemoryMode) Places {
	return func(region int) Place {
		mem, port := ethosu.RegionMemory(s, m, region)
		return Place{mem, port}
	}
}

// Of returns the work of a block operation of a stream.
func Of(o *isa.Operation, at Places) Work {
	w := Work{OFMBits: 8}
	w.Op, w.Block = block.Of(o)
	ifm, ofm := o.IFM(), o.OFM()
	w.OFMBits = ofm.Type.Bits
	w.Acc40 = o.Block().Acc == isa.AccI40
	w.IFMFormat, w.OFMFormat = ifm.Format, ofm.Format
	w.IFMAt, w.OFMAt = at(ifm.Region), at(ofm.Region)
	w.IFM2Format, w.IFM2At = w.IFMFormat, w.IFMAt
	if o.Op == isa.OpElementwise {
		w.Mode = int(o.ElementwiseMode())
	}
	if o.HasIFM2() {
		f := o.IFM2()
		w.IFM2Format, w.IFM2At = f.Format, at(f.Region)
	}
	if o.HasWeights() {
		for core := range o.Cores() {
			weights, scales := o.Weights(core), o.Scales(core)
			w.WeightBytes += int(weights.End - weights.Start)
			w.ScaleBytes += int(scales.End - scales.Start)
			if core == 0 {
				w.WeightsAt, w.ScalesAt = at(weights.Region), at(scales.Region)
			}
		}
	}
	act := o.Activation()
	switch {
	case act.Function != isa.ActNone:
		w.Activation = Table
	case ofm.Type.Bits <= 16:
		lo, hi := ofm.Type.Limits()
		amin, amax := int64(ofm.Type.Extend(act.Min)), int64(ofm.Type.Extend(act.Max))
		if !ofm.Type.Signed && ofm.Type.Bits == 16 {
			// Compilers write the signed maximum for an unsigned type.
			hi = 1<<15 - 1
		}
		if amin > lo || amax < hi {
			w.Activation = Clip
		}
	}
	return w
}
