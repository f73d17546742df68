// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// sourceU85 is where an operation of the U85 finds its weights and records.
type sourceU85 struct {
	kernel  *kernelU85
	streams streamsU85
	w       []isa.Span // of every core, or that of the fast decoder
	r       isa.Span
	matrix  *matrix  // nil: decoded from memory at each run, through the store
	records *records // likewise
}

func (b *builder) sourceU85(p *blockPlan, k *kernelU85) (*sourceU85, error) {
	micro := microblock(b.accel, k.Acc.Micro)
	s := &sourceU85{kernel: k, r: k.Records, w: k.Weights[:b.accel.Cores], streams: streamsU85{fast: k.Format == isa.WeightsFWD, sparse: k.Sparse}}
	switch {
	case micro == nil:
		return nil, p.fault(IllegalBlock, "microblock %v, which %s does not have", k.Acc.Micro, b.accel.Name)
	case k.Global:
		return nil, p.fault(Unknown, "OFM_PRECISION scale_mode 1 with weight streams: whether the records' biases count then is not known")
	case k.Op == isa.OpDepthwise && (s.streams.fast || s.streams.sparse || k.Window.PartKernelFirst):
		return nil, p.fault(Contradiction, "DEPTHWISE with WEIGHT_FORMAT %v, sparsity %d, weight_order %d: expected SWD, 0 and 0", k.Format, flagOf(k.Sparse), flagOf(k.Window.PartKernelFirst))
	case s.streams.fast:
		s.w = k.Weights[:1]
	}
	s.streams.order = newOrderU85(b.accel, k, micro)
	known := true
	constants := make([][]byte, len(s.w))
	for core, w := range s.w {
		if err := b.checkStream(p, "WEIGHT", core, w, ChannelWeights); err != nil {
			return nil, err
		}
		if w.End == w.Start {
			return nil, p.fault(WeightCount, "WEIGHT_LENGTH of core %d is 0, every core has a stream", core)
		}
		c, ok := b.constant(w)
		constants[core], known = c, known && ok
	}
	if err := b.checkStream(p, "SCALE", 0, s.r, ChannelScales); err != nil {
		return nil, err
	}
	if n := up(10*up(k.OFM.C, up(micro.D, 16)), 16); s.r.End-s.r.Start != int64(n) {
		return nil, p.fault(Contradiction, "SCALE_LENGTH is %d, expected %d for %d channels of a microblock %d deep", s.r.End-s.r.Start, n, k.OFM.C, micro.D)
	}
	recs, ok := b.constant(s.r)
	if !known || !ok {
		return s, nil
	}
	var err error
	if s.matrix, err = b.store.matrixU85(&p.header, &s.streams, constants); err != nil {
		return nil, err
	}
	s.records, err = recordsU85(&p.header, k, recs)
	return s, err
}

func (s *sourceU85) known() (*matrix, *records) { return s.matrix, s.records }

// get returns the weights and records for this run.
func (s *sourceU85) get(c *context, store *weightStore, h *header) (*matrix, *records, error) {
	if s.matrix != nil && s.records != nil && !c.fetch {
		return s.matrix, s.records, nil
	}
	streams := make([][]byte, len(s.w))
	for core, w := range s.w {
		streams[core] = c.mem[w.Region][w.Start:w.End]
	}
	m, err := store.matrixU85(h, &s.streams, streams)
	if err != nil {
		return nil, nil, err
	}
	r, err := recordsU85(h, s.kernel, c.mem[s.r.Region][s.r.Start:s.r.End])
	return m, r, err
}

func (b *builder) convU85(p blockPlan, k *kernelU85) (step, error) {
	c := &convPlan{blockPlan: p, store: b.store, limit: k.accLimit(), maxX: p.ifm.maxAbs(), slow: b.opts.slow, loads: k.Acc.Input == isa.AccIFM2}
	src, err := b.sourceU85(&c.blockPlan, k)
	if err != nil {
		return nil, err
	}
	c.src = src
	c.prepareBytes()
	return c, nil
}

func (b *builder) depthwiseU85(p blockPlan, k *kernelU85) (step, error) {
	d := &depthwisePlan{blockPlan: p, store: b.store, limit: k.accLimit()}
	src, err := b.sourceU85(&d.blockPlan, k)
	if err != nil {
		return nil, err
	}
	d.src = src
	return d, nil
}
