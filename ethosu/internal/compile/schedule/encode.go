// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/target"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// streamKey is what ties an encoded weight stream to the operations that can read it.
type streamKey struct {
	w          *kernel.Weights
	blockDepth int
	part       bool
	ifmBits    int
	micro      block.Shape // of the Ethos-U85
	fast       bool        // for its fast decoder
}

// Coded is a constant with one part for each core, and perhaps a copy in SRAM.
type Coded struct {
	Off, Len [cores]int // of the parts, in bytes

	buf  *kernel.Buffer // in the constants
	copy *kernel.Buffer // resident copy, or nil
	made []byte         // all of the copy, where only a part of it is in the constants
}

// cores is the most that an accelerator has.
const cores = 4

// Home returns the buffer that operations read.
func (c *Coded) Home() *kernel.Buffer {
	if c.copy != nil {
		return c.copy
	}
	return c.buf
}

// Stream is an encoded weight tensor.
type Stream struct {
	Coded
	Fast bool // for the fast decoder of the Ethos-U85
	w    *kernel.Weights
}

// encodings is what was encoded and packed so far, and what else is taken for its size.
type encodings struct {
	streams map[streamKey]*Stream
	list    []*Stream
	records map[*kernel.Buffer]*Coded
	packed  map[recordKey]*Coded
	repeats map[*Coded]*repeats     // nil of records that do not
	guesses map[*kernel.Weights]int // bytes of a stream, before it is encoded
	fast    map[*kernel.Weights]int // bytes of a stream for the fast decoder
}

func newEncodings() encodings {
	return encodings{streams: map[streamKey]*Stream{}, records: map[*kernel.Buffer]*Coded{}, packed: map[recordKey]*Coded{}, repeats: map[*Coded]*repeats{}, guesses: map[*kernel.Weights]int{}, fast: map[*kernel.Weights]int{}}
}

// recordKey is the records of some channels of a kernel, which nothing changes, and what
// their bytes depend on beside.
type recordKey struct {
	first *weights.Record
	n     int
	wide  bool
	depth int // of the micro-block
}

// Total returns the bytes of all parts.
func (c *Coded) Total() (n int) {
	for _, size := range c.Len {
		n += size
	}
	return n
}

// EncodeWeights encodes every distinct weight tensor once.
func EncodeWeights(pl *Plan) error {
	pl.alignChains()
	for _, o := range pl.Ops {
		if o.Weights == nil {
			continue
		}
		key := pl.streamKey(o)
		s := pl.coded.streams[key]
		if s == nil {
			var err error
			if s, err = pl.encode(o, key); err != nil {
				return fmt.Errorf("%s (output %q): weights %q: %v", o.Name, o.Source, o.Weights.Name, err)
			}
			pl.coded.streams[key] = s
			pl.coded.list = append(pl.coded.list, s)
		}
		o.Stream = s
	}
	return nil
}

// streamKey returns what ties weights to a kernel.
func (pl *Plan) streamKey(o *Op) streamKey {
	key := streamKey{w: o.Weights, part: o.PartKernel, ifmBits: o.IFM.Bits(), fast: pl.fast[o.Weights]}
	if pl.Accel.OwnMemories {
		key.micro, key.blockDepth = o.Micro, min(o.Block.D, kernel.RoundUp(o.Weights.O, o.Micro.D))
	} else {
		key.blockDepth = min(o.Block.D, kernel.RoundUp(o.Weights.O, pl.Accel.UBlockD*pl.Accel.Cores))
	}
	return key
}

// codedKey is all that the bytes of a weight stream depend on.
type codedKey struct {
	values int // their number among those that were seen
	coding target.Coding
	accel  string // of the Ethos-U85, where more than the cores differs
	cores  int
}

// Streams remembers encoded weights, by all that their bytes depend on.
type Streams struct {
	values map[string]int
	coded  map[codedKey]codedStream
	bytes  int
}

// NewStreams returns one that remembers nothing yet.
func NewStreams() *Streams {
	return &Streams{values: map[string]int{}, coded: map[codedKey]codedStream{}}
}

// Bytes returns the size of all that is remembered.
func (s *Streams) Bytes() int { return s.bytes }

// number returns the number of some values.
func (s *Streams) number(values []byte) int {
	n, ok := s.values[string(values)]
	if !ok {
		n = len(s.values)
		s.values[string(values)] = n
		s.bytes += len(values)
	}
	return n
}

// codedStream is the parts of a weight stream or of records, one for each core. Nothing
// changes them.
type codedStream struct {
	off, len [cores]int
	blob     []byte
}

func (pl *Plan) encode(o *Op, key streamKey) (*Stream, error) {
	w := o.Weights
	l := weights.Layout{Traversal: weights.DepthFirst, IFMBits: key.ifmBits, OFMBlockDepth: o.Block.D, OFMUBlockDepth: pl.Accel.UBlockD,
		KH: w.KH, KW: w.KW, DilationH: o.DilH, DilationW: o.DilW, O: w.O, I: w.I}
	switch {
	case w.Depthwise:
		l.Traversal = weights.Depthwise
	case key.part:
		l.Traversal = weights.PartKernelFirst
	}
	k := codedKey{values: pl.Memo.streams.number(w.Values), coding: target.Coding{Layout: l}, cores: pl.Accel.Cores}
	if pl.Accel.OwnMemories {
		k.coding.OFMUBlockDepth, k.accel = o.Micro.D, pl.Accel.Name
		k.coding.StrideH, k.coding.StrideW, k.coding.Fast = o.StrideH, o.StrideW, key.fast
	}
	c, ok := pl.Memo.streams.coded[k]
	if !ok {
		var err error
		if c, err = k.encode(pl.Memo.Cost.Target, w.Values, w.KH*w.KW*w.I); err != nil {
			return nil, err
		}
		pl.Memo.streams.coded[k] = c
		pl.Memo.streams.bytes += len(c.blob)
	}
	return &Stream{w: w, Fast: key.fast, Coded: Coded{Off: c.off, Len: c.len, buf: pl.mod.Constants.Intern(w.Name, c.blob, 16)}}, nil
}

// encode encodes int8 weights of so many values a channel.
func (k *codedKey) encode(t target.Target, weights []byte, per int) (codedStream, error) {
	values := make([]int16, len(weights))
	for i, v := range weights {
		values[i] = int16(int8(v))
	}
	streams, err := t.Weights(k.coding, values, per)
	if err != nil {
		return codedStream{}, err
	}
	for c, b := range streams {
		streams[c] = append(b, make([]byte, kernel.Align(len(b))-len(b))...)
	}
	return parts(streams), nil
}

// parts joins what is for each core.
func parts(list [][]byte) (s codedStream) {
	if len(list) == 1 {
		return codedStream{len: [cores]int{len(list[0])}, blob: list[0]}
	}
	for c, b := range list {
		s.off[c], s.len[c] = len(s.blob), len(b)
		s.blob = append(s.blob, b...)
	}
	return s
}

// PackRecords packs the records of every convolution, equal ones once.
func PackRecords(pl *Plan) error {
	for _, o := range pl.Ops {
		if o.Weights != nil {
			o.Scales = pl.packRecords(o.Weights.Name+" records", o)
		}
	}
	return nil
}

// packRecords interns the bias and scale records of an operation, dealt to the cores.
func (pl *Plan) packRecords(name string, o *Op) *Coded {
	rec := o.Records
	key := recordKey{first: &rec[0], n: len(rec)}
	if pl.Accel.OwnMemories {
		key.wide, key.depth = o.Acc40, pl.Memo.Cost.Work(&o.Kernel, nil).UBlock.D
	}
	if c, ok := pl.coded.packed[key]; ok {
		return c
	}
	p, ok := pl.Memo.packed[key]
	if !ok {
		p = parts(pl.Memo.Cost.Target.Records(rec, key.wide, key.depth))
		pl.Memo.packed[key] = p
	}
	c := &Coded{Off: p.off, Len: p.len, buf: pl.mod.Constants.Intern(name, p.blob, 16)}
	if old, ok := pl.coded.records[c.buf]; ok {
		c = old
	}
	pl.coded.records[c.buf], pl.coded.packed[key] = c, c
	return c
}
