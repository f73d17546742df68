// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"sync"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim/internal/mac"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// matrix is a decoded weight stream: one row for each output channel, taps in the
// order kernel row, kernel column, input channel.
type matrix struct {
	w      []int16
	rows   int
	n      int   // weights in a row
	stride int   // n padded to the vector length
	absSum int64 // largest sum of absolute weights of a row

	// For the byte kernel, when there is one and the weights fit: the same rows and
	// their sums.
	w8      []int8
	rowSum  []int64
	stride8 int
}

// narrow fills the byte form, unless a weight needs nine bits.
func (m *matrix) narrow() {
	if !mac.HaveBytes() || m.absSum > 1<<22 {
		return
	}
	m.stride8 = (m.n + mac.ByteStep - 1) / mac.ByteStep * mac.ByteStep
	w8, sums := make([]int8, m.rows*m.stride8), make([]int64, m.rows)
	for r := range m.rows {
		for i, v := range m.w[r*m.stride:][:m.n] {
			if v != int16(int8(v)) {
				return
			}
			w8[r*m.stride8+i] = int8(v)
			sums[r] += int64(v)
		}
	}
	m.w8, m.rowSum = w8, sums
}

// records are the decoded bias and scale records.
type records struct {
	bias    []int64
	scalers []scaler // one for all channels when they are equal
	maxBias int64    // largest absolute bias
}

// weightStore keeps decoded streams by content, so that a stream is decoded once
// wherever it lies and however many operations read it.
type weightStore struct {
	mu       sync.Mutex
	matrices map[matrixKey]*matrix
	recs     map[recordKey]*records
	late     map[keyU85]*matrix
}

type matrixKey struct {
	layouts [2]weights.Layout
	bytes   [2]string
}

type recordKey struct {
	channels, cores int
	mode            isa.RoundMode
	global          isa.Scale
	bytes           [2]string
}

func newWeightStore() *weightStore {
	return &weightStore{matrices: map[matrixKey]*matrix{}, recs: map[recordKey]*records{}, late: map[keyU85]*matrix{}}
}

// matrix returns the decoded weights of all cores.
func (s *weightStore) matrix(h *header, layouts []weights.Layout, streams [2][]byte) (*matrix, error) {
	key := matrixKey{bytes: [2]string{string(streams[0]), string(streams[1])}}
	copy(key.layouts[:], layouts)
	s.mu.Lock()
	m := s.matrices[key]
	s.mu.Unlock()
	if m != nil {
		return m, nil
	}
	l := layouts[0]
	n := l.KH * l.KW * l.I
	rows := 0
	for _, c := range layouts {
		rows += c.O
	}
	m = &matrix{rows: rows, n: n, stride: mac.Pad(n)}
	for core, l := range layouts {
		decoded, err := weights.Decode(streams[core])
		if err != nil {
			return nil, h.fault(CorruptWeights, "stream of core %d, %d bytes: %v", core, len(streams[core]), err)
		}
		if v := weights.Volume(l); len(decoded) != v {
			return nil, h.fault(WeightCount, "stream of core %d has %d weights, expected %d for %d outputs, kernel %dx%d, %d inputs, block depth %d, %v",
				core, len(decoded), v, l.O, l.KH, l.KW, l.I, l.OFMBlockDepth, l.Traversal)
		}
		ohwi, err := weights.Restore(decoded, l)
		if err != nil {
			return nil, h.fault(WeightCount, "stream of core %d: %v", core, err)
		}
		if m.w == nil {
			m.w = make([]int16, m.rows*m.stride)
		}
		for o := range l.O {
			row := ohwi[o*n : (o+1)*n]
			copy(m.w[(o*len(layouts)+core)*m.stride:], row)
			var sum int64
			for _, v := range row {
				sum += max(int64(v), -int64(v))
			}
			m.absSum = max(m.absSum, sum)
		}
	}
	m.narrow()
	s.mu.Lock()
	s.matrices[key] = m
	s.mu.Unlock()
	return m, nil
}

// records returns the decoded records of all cores. With a global scale only the
// biases come from them.
func (s *weightStore) records(h *header, channels, cores int, mode isa.RoundMode, global *isa.Scale, streams [2][]byte) (*records, error) {
	key := recordKey{channels: channels, cores: cores, mode: mode, bytes: [2]string{string(streams[0]), string(streams[1])}}
	if global != nil {
		key.global = *global
		key.mode |= 4
	}
	s.mu.Lock()
	r := s.recs[key]
	s.mu.Unlock()
	if r != nil {
		return r, nil
	}
	r = &records{bias: make([]int64, channels), scalers: make([]scaler, channels)}
	uniform := true
	for core := range cores {
		n := weights.CoreChannels(channels, cores, core)
		list, err := weights.UnpackRecords(streams[core], n)
		if err != nil {
			return nil, h.fault(CorruptWeights, "bias and scale records of core %d: %v", core, err)
		}
		for i, rec := range list {
			c := i*cores + core
			r.bias[c] = rec.Bias
			r.maxBias = max(r.maxBias, rec.Bias, -rec.Bias)
			sc := isa.Scale{Value: rec.Scale, Shift: int(rec.Shift)}
			if global != nil {
				sc = *global
			}
			r.scalers[c] = newScaler(sc, mode, 0)
			uniform = uniform && r.scalers[c] == r.scalers[0]
		}
	}
	if uniform {
		r.scalers = r.scalers[:1:1]
	}
	s.mu.Lock()
	s.recs[key] = r
	s.mu.Unlock()
	return r, nil
}

// origin says that bytes in a writable region are a copy of constant ones, at this
// point of the stream.
type origin struct {
	to   isa.Span
	from []byte
}

type origins []origin

// record notes a plain copy out of a constant region.
func (o *origins) record(d *dmaPlan, regions *Regions) {
	if d.SrcInternal || d.DstInternal || d.SrcStride != 0 || d.DstStride != 0 {
		return
	}
	if from := regions[d.SrcRegion].Content; from != nil {
		to := isa.Span{Region: d.DstRegion, Start: int64(d.Dst), End: int64(d.Dst + d.Length)}
		*o = append(*o, origin{to, from[d.Src:][:d.Length]})
	}
}

// forget drops what a write makes stale and keeps the parts around it.
func (o *origins) forget(w isa.Span) {
	var out origins
	for _, e := range *o {
		if !e.to.Overlaps(w) {
			out = append(out, e)
			continue
		}
		if n := w.Start - e.to.Start; n > 0 {
			out = append(out, origin{isa.Span{Region: e.to.Region, Start: e.to.Start, End: w.Start}, e.from[:n]})
		}
		if n := e.to.End - w.End; n > 0 {
			out = append(out, origin{isa.Span{Region: e.to.Region, Start: w.End, End: e.to.End}, e.from[int64(len(e.from))-n:]})
		}
	}
	*o = out
}

// constant returns the bytes of a span when they are known before the run.
func (b *builder) constant(s isa.Span) ([]byte, bool) {
	if c := b.regions[s.Region].Content; c != nil {
		return c[s.Start:s.End], true
	}
	for _, e := range b.origin {
		if e.to.Region == s.Region && s.Start >= e.to.Start && s.End <= e.to.End {
			return e.from[s.Start-e.to.Start : s.End-e.to.Start], true
		}
	}
	return nil, s.Start == s.End
}

// weightReader gives an operation its weights and records.
type weightReader interface {
	// known returns what is known before the run, nil otherwise.
	known() (*matrix, *records)
	// get returns them for a run.
	get(c *context, store *weightStore, h *header) (*matrix, *records, error)
}

func (s *weightSource) known() (*matrix, *records) { return s.matrix, s.records }

// weightSource is where an operation finds its weights and records.
type weightSource struct {
	layouts  []weights.Layout
	w, r     [2]isa.Span
	channels int
	mode     isa.RoundMode
	global   *isa.Scale
	matrix   *matrix  // nil: decoded from memory at each run, through the store
	records  *records // likewise
}

// source checks the weight and scale registers and decodes what is known.
func (b *builder) source(p *blockPlan, o *isa.Operation, depthwise bool) (*weightSource, error) {
	h, k, ofm := &p.header, p.kernel, &p.ofm
	l := weights.Layout{Traversal: weights.DepthFirst, IFMBits: p.ifm.Type.Bits, OFMBlockDepth: o.Block().D, OFMUBlockDepth: b.accel.UBlockD,
		KH: k.H, KW: k.W, DilationH: k.DilationY, DilationW: k.DilationX, O: ofm.C, I: p.ifm.C}
	if depthwise {
		l.Traversal, l.I = weights.Depthwise, 1
		if k.PartKernelFirst {
			return nil, h.fault(Contradiction, "part-kernel-first weights with DEPTHWISE, expected weight_order 0")
		}
	} else if k.PartKernelFirst {
		l.Traversal = weights.PartKernelFirst
	}
	cores := 1
	if b.accel.ParallelMode {
		cores = min(o.Cores(), b.accel.Cores)
	}
	sc := o.Scaling()
	src := &weightSource{layouts: weights.CoreLayouts(l, cores), channels: ofm.C, mode: sc.OFMRound}
	for _, c := range src.layouts {
		if err := c.Check(); err != nil {
			return nil, h.fault(IllegalBlock, "%v", err)
		}
	}
	if sc.Global {
		if !o.Regs.IsSet(isa.SetOFMScale) {
			return nil, h.fault(UnsetRegister, "the stream never writes NPU_SET_OFM_SCALE, which OFM_PRECISION scale_mode 1 reads")
		}
		src.global = &sc.OFM
	}
	known := true
	var ws, rs [2][]byte
	for core := range src.layouts {
		src.w[core], src.r[core] = o.Weights(core), o.Scales(core)
		if err := b.checkStreams(p, core, src.w[core], src.r[core]); err != nil {
			return nil, err
		}
		var ok1, ok2 bool
		ws[core], ok1 = b.constant(src.w[core])
		rs[core], ok2 = b.constant(src.r[core])
		known = known && ok1 && ok2
	}
	if !known {
		return src, nil
	}
	var err error
	if src.matrix, err = b.store.matrix(h, src.layouts, ws); err != nil {
		return nil, err
	}
	src.records, err = b.store.records(h, src.channels, len(src.layouts), src.mode, src.global, rs)
	return src, err
}

func (b *builder) checkStreams(p *blockPlan, core int, w, r isa.Span) error {
	if err := b.checkStream(p, "WEIGHT", core, w, ChannelWeights); err != nil {
		return err
	}
	if err := b.checkStream(p, "SCALE", core, r, ChannelScales); err != nil {
		return err
	}
	if w.End == w.Start {
		return p.fault(WeightCount, "WEIGHT_LENGTH of core %d is 0, the operation has channels on that core", core)
	}
	return nil
}

// checkStream checks where a stream lies and notes that it is read.
func (b *builder) checkStream(p *blockPlan, name string, core int, s isa.Span, channel uint8) error {
	if s.Start%16 != 0 || (s.End-s.Start)%16 != 0 {
		return p.fault(Misaligned, "%s stream of core %d at 0x%X has %d bytes, expected multiples of 16", name, core, s.Start, s.End-s.Start)
	}
	if err := b.checkSpan(&p.header, name+" stream", s, false); err != nil {
		return err
	}
	p.touch(channel, s)
	return nil
}

// get returns the weights and records for this run.
func (s *weightSource) get(c *context, store *weightStore, h *header) (*matrix, *records, error) {
	if s.matrix != nil && s.records != nil && !c.fetch {
		return s.matrix, s.records, nil
	}
	var ws, rs [2][]byte
	for core := range s.layouts {
		ws[core] = c.mem[s.w[core].Region][s.w[core].Start:s.w[core].End]
		rs[core] = c.mem[s.r[core].Region][s.r[core].Start:s.r[core].End]
	}
	m, err := store.matrix(h, s.layouts, ws)
	if err != nil {
		return nil, nil, err
	}
	r, err := store.records(h, s.channels, len(s.layouts), s.mode, s.global, rs)
	return m, r, err
}
