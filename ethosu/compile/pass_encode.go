package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// streamKey is what ties an encoded weight stream to the operations that can read it.
type streamKey struct {
	w          *kernel.Weights
	blockDepth int
	part       bool
	ifmBits    int
}

// coded is a constant with one part for each core, and perhaps a copy in SRAM.
type coded struct {
	buf  *kernel.Buffer // in the constants
	copy *kernel.Buffer // resident copy, or nil
	off  [2]int
	len  [2]int
}

// home returns the buffer that operations read.
func (c *coded) home() *kernel.Buffer {
	if c.copy != nil {
		return c.copy
	}
	return c.buf
}

func (c *coded) total() int { return c.len[0] + c.len[1] }

// stream is an encoded weight tensor.
type stream struct {
	coded
	w *kernel.Weights
}

// encodeWeights encodes every distinct weight tensor once.
func encodeWeights(m *module) error {
	for _, o := range m.ops {
		if o.Weights == nil {
			continue
		}
		key := streamKey{o.Weights, min(o.block.D, kernel.RoundUp(o.Weights.O, m.accel.UBlockD*m.accel.Cores)), o.PartKernel, o.IFM.Bits()}
		s := m.streams[key]
		if s == nil {
			var err error
			if s, err = m.encode(o, key); err != nil {
				return fmt.Errorf("%s (output %q): weights %q: %v", o.Name, o.Source, o.Weights.Name, err)
			}
			m.streams[key] = s
			m.streamList = append(m.streamList, s)
		}
		o.stream = s
	}
	return nil
}

func (m *module) encode(o *op, key streamKey) (*stream, error) {
	w := o.Weights
	per := w.KH * w.KW * w.I
	values := make([]int16, len(w.Values))
	for i, b := range w.Values {
		values[i] = int16(int8(b))
	}
	l := weights.Layout{Traversal: weights.DepthFirst, IFMBits: key.ifmBits, OFMBlockDepth: o.block.D, OFMUBlockDepth: m.accel.UBlockD,
		KH: w.KH, KW: w.KW, DilationH: o.DilH, DilationW: o.DilW, O: w.O, I: w.I}
	switch {
	case w.Depthwise:
		l.Traversal = weights.Depthwise
	case key.part:
		l.Traversal = weights.PartKernelFirst
	}
	layouts := weights.CoreLayouts(l, m.accel.Cores)
	parts := weights.SplitCores(values, per, m.accel.Cores)
	s := &stream{w: w}
	var blob []byte
	for c, cl := range layouts {
		if err := cl.Check(); err != nil {
			return nil, err
		}
		b, err := weights.Encode(weights.Reorder(parts[c], cl))
		if err != nil {
			return nil, err
		}
		b = append(b, make([]byte, kernel.Align(len(b))-len(b))...)
		s.off[c], s.len[c] = len(blob), len(b)
		blob = append(blob, b...)
	}
	s.buf = m.low.Constants.Intern(w.Name, blob, 16)
	return s, nil
}

// packAllRecords packs the records of every convolution, equal ones once.
func packAllRecords(m *module) error {
	for _, o := range m.ops {
		if o.Weights != nil {
			o.recBuf = m.packRecords(o.Weights.Name+" records", o.Records)
		}
	}
	return nil
}

// packRecords interns the bias and scale records of an operation, dealt to the cores.
func (m *module) packRecords(name string, rec []weights.Record) *coded {
	c := &coded{}
	var blob []byte
	for core, part := range weights.SplitCores(rec, 1, m.accel.Cores) {
		b := weights.PackRecords(part)
		c.off[core], c.len[core] = len(blob), len(b)
		blob = append(blob, b...)
	}
	c.buf = m.low.Constants.Intern(name, blob, 16)
	if old, ok := m.records[c.buf]; ok {
		return old
	}
	m.records[c.buf] = c
	return c
}
