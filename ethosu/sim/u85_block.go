// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// blockU85 checks what all block operations of the U85 share and builds the plan of the
// kind. It also reports whether the operation goes on with the chain before it.
func (b *builder) blockU85(h header, o *isa.Operation) (st step, join bool, err error) {
	k := newKernelU85(o)
	if err := checkOperationU85(&h, o, k); err != nil {
		return nil, false, err
	}
	work := float64(k.OFM.H) * float64(k.OFM.W) * float64(k.OFM.C) * float64(k.Window.H) * float64(k.Window.W)
	if k.SumsDepth() {
		work *= float64(k.IFM.C)
	}
	if err := b.spend(&h, work); err != nil {
		return nil, false, err
	}
	p := blockPlan{base: base{header: h}, kernel: k.Window, upscale: k.Upscale, factor: k.Factor()}
	p.hv, p.wv = k.InputExtent()
	if join, err = b.chain.join(&h, k); err != nil {
		return nil, false, err
	}
	written, err := b.outputU85(&p, k)
	if err != nil {
		return nil, false, err
	}
	two, err := b.inputsU85(&p, k)
	if err != nil {
		return nil, false, err
	}
	if !chained(&k.OFM) {
		if err := b.checkMap(&p.base, "OFM", &written, ChannelOFM); err != nil {
			return nil, false, err
		}
	}
	if !b.opts.SkipLayout {
		if err := b.checkBlockU85(&h, k); err != nil {
			return nil, false, err
		}
	}
	if p.stage, err = newStageU85(&h, k.Activation, &p.ofm); err != nil {
		return nil, false, err
	}
	if err := b.useTableU85(&p); err != nil {
		return nil, false, err
	}
	p.aliases(two, k.Op == isa.OpElementwise)
	if st, err = b.planU85(p, k); err != nil {
		return nil, false, err
	}
	if p.ofm.Region == turnRegion {
		t := &turn{step: st, from: newFmap(p.ofm.FeatureMap), to: newFmap(written), kernel: k.KernelU85}
		if k.one != nil && overlaps(&p.ifm, &t.to) || two && overlaps(&p.ifm2, &t.to) {
			return nil, false, h.fault(Unknown, "the transposed or reversed OFM overlaps an input: in which order blocks are read and written is not known")
		}
		st = t
	}
	st.head().job = b.jobU85(&p, k, &written, two)
	return st, join, b.chain.done(&h, k, &p.ofm)
}

func (b *builder) planU85(p blockPlan, k *kernelU85) (step, error) {
	switch k.Op {
	case isa.OpConv:
		if k.MatMul {
			return b.matmulU85(p, k)
		}
		return b.convU85(p, k)
	case isa.OpDepthwise:
		return b.depthwiseU85(p, k)
	case isa.OpPool:
		return b.poolingU85(p, k)
	case isa.OpResize:
		return b.resizeU85(p, k)
	}
	return b.elementwiseU85(p, k)
}

// outputU85 decides where the plan writes, and returns what lies in memory in the end.
func (b *builder) outputU85(p *blockPlan, k *kernelU85) (isa.FeatureMap, error) {
	written := k.Written().FeatureMap
	_, ok := k.Transpose.Axes()
	turns := k.Transpose != isa.TransposeHWC || k.Reverse != isa.ReverseNone
	p.output = &written
	switch {
	case !ok:
		return written, p.fault(BadCommand, "OFM_PRECISION transpose %d has no meaning", int(k.Transpose))
	case chained(&k.OFM) && turns, k.Transpose != isa.TransposeHWC && k.Reverse != isa.ReverseNone:
		return written, p.fault(Contradiction, "OFM_PRECISION transpose %v, reverse %v and storage %v exclude one another", k.Transpose, k.Reverse, k.OFM.Storage)
	case k.Transpose != isa.TransposeHWC && (k.Op == isa.OpResize || k.OFM.Type.Bits == 64),
		k.Op == isa.OpElementwise && (k.Reverse != isa.ReverseNone || k.Transpose != isa.TransposeHWC && k.Transpose != isa.TransposeHCW && k.Transpose != isa.TransposeCHW):
		return written, p.fault(Unknown, "OFM_PRECISION transpose %v and reverse %v with %s and OFM type %v: no compiler writes it", k.Transpose, k.Reverse, p.name, k.OFM.Type)
	case chained(&k.OFM):
		p.ofm = newFmap(inside(k.OFM.FeatureMap, firstChain+k.OFM.Buffer))
		p.output = &p.ofm.FeatureMap
	case turns:
		p.ofm = newFmap(inside(k.OFM.FeatureMap, turnRegion))
	default:
		p.ofm = newFmap(written)
	}
	var spans []isa.Span
	if !chained(&k.OFM) {
		spans = written.Spans()
	}
	if n := p.ofm.Region - firstChain; n >= 0 {
		size := int64(p.ofm.H) * p.ofm.StrideY
		if size > maxInside {
			return written, p.fault(TooMuchWork, "an OFM of %d bytes in a chaining buffer, transposed or reversed: at most %d", size, maxInside)
		}
		b.inner[n] = max(b.inner[n], int(size))
	}
	if b.opts.Tensor != nil || b.opts.Output != nil {
		p.tensor = b.opts.outputOf(p.word, spans)
	}
	return written, nil
}

// maxInside bounds the bytes of an output that the simulator keeps itself.
const maxInside = 1 << 28

// inside is a dense map in a region inside the NPU.
func inside(f isa.FeatureMap, region int) isa.FeatureMap {
	e := int64(f.Type.Bytes())
	return isa.FeatureMap{Region: region, Height0: f.H, Height1: f.H, Width0: f.W, H: f.H, W: f.W, C: f.C,
		StrideY: int64(f.W) * int64(f.C) * e, StrideX: int64(f.C) * e, ZeroPoint: f.ZeroPoint, Type: f.Type}
}

// inputsU85 checks the inputs and puts them into the plan; p.ifm is the only map of an
// elementwise operation with a scalar. It reports whether p.ifm2 is one, too.
func (b *builder) inputsU85(p *blockPlan, k *kernelU85) (two bool, err error) {
	place := func(name string, x *isa.MapU85) (fmap, error) {
		if chained(x) {
			f, err := b.chain.take(&p.header, name, x, k)
			return newFmap(f), err
		}
		f := newFmap(x.FeatureMap)
		if err := b.chain.input(&p.header, &f); err != nil {
			return f, err
		}
		return f, b.checkMap(&p.base, name, &x.FeatureMap, ChannelIFM)
	}
	if k.one != nil {
		if p.ifm, err = place("IFM", k.one); err != nil {
			return false, err
		}
	}
	if k.two == nil {
		return false, nil
	}
	f, err := place("IFM2", k.two)
	if err != nil {
		return false, err
	}
	if k.scalarFirst() {
		p.ifm = f
		return false, nil
	}
	p.ifm2 = f
	return true, nil
}

// useTableU85 checks that the table of the operation is loaded.
func (b *builder) useTableU85(p *blockPlan) error {
	n := p.stage.tableBytes()
	if n == 0 {
		return nil
	}
	at := p.stage.at
	if at+n > b.inside() {
		return p.fault(OutsideRegion, "table %d of %d bytes reaches past the end of the LUT memory, %d bytes", at/n, n, b.inside())
	}
	from, to := p.stage.tableUsed()
	if miss := b.shram.missing(at+from, at+to); miss >= 0 {
		return p.fault(TableMissing, "the table at 0x%X of the LUT memory (%d bytes) is not loaded at 0x%X", at, n, miss)
	}
	p.touch(ChannelIFM, isa.Span{Region: SHRAM, Start: int64(at + from), End: int64(at + to)})
	return nil
}
