// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim/internal/mac"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// streamsU85 says how the weight streams of an operation are to be read.
type streamsU85 struct {
	order  orderU85
	fast   bool // one stream of the fast decoder
	sparse bool
}

// lists returns the weights of every core's stream.
func (s *streamsU85) lists(streams [][]byte) ([][]int16, error) {
	volume := s.order.volume()
	if s.fast {
		all, err := decodeFast(streams[0], volume*s.order.streams)
		if err != nil {
			return nil, err
		}
		return s.deal(all), nil
	}
	var lists [][]int16
	for core, stream := range streams {
		list, err := weights.Decode(stream)
		if err != nil {
			return nil, fmt.Errorf("stream of core %d, %d bytes: %v", core, len(stream), err)
		}
		if len(list) != volume {
			return nil, &countError{fmt.Sprintf("stream of core %d has %d weights, expected %d", core, len(list), volume)}
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// countError is a stream with another number of weights than the operation has.
type countError struct{ what string }

func (e *countError) Error() string { return e.what }

// deal gives the cores their parts of the fast decoder's stream, in turn.
func (s *streamsU85) deal(all []int16) [][]int16 {
	o := &s.order
	n := o.micro * o.inMicro * o.group / o.streams
	lists := make([][]int16, o.streams)
	for core := 0; len(all) > 0; core = (core + 1) % o.streams {
		k := min(n, len(all))
		lists[core] = append(lists[core], all[:k]...)
		all = all[k:]
	}
	return lists
}

// decodeFast reads a stream of the fast decoder: a header of 32 bytes, then weights of
// equal width, as they are or by their place in a table of 16.
func decodeFast(stream []byte, count int) ([]int16, error) {
	const header = 32
	if len(stream) < header {
		return nil, fmt.Errorf("a stream of the fast decoder has %d bytes, expected a header of %d", len(stream), header)
	}
	raw, small := stream[0]&1 != 0, stream[0]&2 != 0
	bits := 4
	switch {
	case raw && small:
		return nil, fmt.Errorf("the header of the fast decoder asks for bytes and for a small table")
	case raw:
		bits = 8
	case small:
		bits = 2
	}
	for i, b := range stream[:13] {
		if i == 0 && b>>2 != 0 || i > 0 && b != 0 {
			return nil, fmt.Errorf("byte %d of the fast decoder's header is 0x%02X, expected reserved bits to be 0", i, b)
		}
	}
	if want := header + up(count*bits, 256)/8; len(stream) != want {
		return nil, &countError{fmt.Sprintf("a stream of the fast decoder has %d bytes, expected %d for %d weights of %d bits", len(stream), want, count, bits)}
	}
	adjust := int16(int8(stream[13]))
	if !raw && adjust != 0 {
		return nil, fmt.Errorf("the header of the fast decoder shifts the entries of a table by %d, expected 0", adjust)
	}
	var table [16]int16
	for i := range table {
		at := 9 * i
		v := binary.LittleEndian.Uint32(append(append([]byte{}, stream[14+at/8:min(18+at/8, header)]...), 0, 0, 0, 0)) >> (at % 8) & 0x1FF
		if table[i] = int16(v >> 1); v&1 != 0 {
			table[i] = -table[i]
		}
	}
	out := make([]int16, count)
	for i := range out {
		at := i * bits
		v := stream[header+at/8] >> (at % 8) & (1<<bits - 1)
		if raw {
			out[i] = int16(int8(v)) - adjust
		} else {
			out[i] = table[v]
		}
	}
	return out, nil
}

// matrixU85 decodes the streams, or finds them decoded.
func (s *weightStore) matrixU85(h *header, r *streamsU85, streams [][]byte) (*matrix, error) {
	key := keyU85{streamsU85: *r}
	for i, b := range streams {
		key.bytes[i] = string(b)
	}
	s.mu.Lock()
	m := s.late[key]
	s.mu.Unlock()
	if m != nil {
		return m, nil
	}
	lists, err := r.lists(streams)
	if err != nil {
		cause := CorruptWeights
		if _, ok := err.(*countError); ok {
			cause = WeightCount
		}
		l := &r.order
		return nil, h.fault(cause, "%v; %d outputs, kernel %dx%d, %d inputs, block depth %d, microblock depth %d", err, l.outputs, l.kh, l.kw, l.inputs, l.block, l.micro)
	}
	if m, err = r.matrix(lists); err != nil {
		return nil, h.fault(CorruptWeights, "%v", err)
	}
	s.mu.Lock()
	s.late[key] = m
	s.mu.Unlock()
	return m, nil
}

type keyU85 struct {
	streamsU85
	bytes [4]string
}

// matrix puts the weights in their places.
func (s *streamsU85) matrix(lists [][]int16) (*matrix, error) {
	l := &s.order
	n := l.kh * l.kw * l.inputs
	m := &matrix{rows: l.outputs, n: n, stride: mac.Pad(n), w: make([]int16, l.outputs*mac.Pad(n))}
	for core, list := range lists {
		at, zeros := 0, 0
		var bad error
		l.visit(core, func(o, y, x, i int) {
			v := list[at]
			switch {
			case o >= 0:
				m.w[o*m.stride+(y*l.kw+x)*l.inputs+i] = v
			case v != 0 && bad == nil:
				bad = fmt.Errorf("weight %d of core %d only pads and is %d, expected 0", at, core, v)
			}
			if zeros += flagOf(v == 0); at%4 == 3 {
				if s.sparse && zeros < 2 && bad == nil {
					bad = fmt.Errorf("weights %d to %d of core %d hold %d zeros, expected 2 of every 4 for 2:4 sparsity", at-3, at, core, zeros)
				}
				zeros = 0
			}
			at++
		})
		if bad != nil {
			return nil, bad
		}
	}
	for o := range m.rows {
		var sum int64
		for _, v := range m.w[o*m.stride:][:n] {
			sum += abs(int64(v))
		}
		m.absSum = max(m.absSum, sum)
	}
	m.narrow()
	return m, nil
}

func flagOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// recordsU85 decodes bias and scale of the channels, for all cores.
func recordsU85(h *header, k *kernelU85, data []byte) (*records, error) {
	r := &records{bias: make([]int64, k.OFM.C), scalers: make([]scaler, k.OFM.C)}
	uniform := true
	for c := range r.bias {
		b := data[10*c:][:10]
		s := isa.ScaleU85{Value: binary.LittleEndian.Uint32(b[4:]), Shift: int(b[8]), Double: k.OFMScale.Double, Round: k.OFMScale.Round}
		r.bias[c] = int64(int32(binary.LittleEndian.Uint32(b)))
		limit := uint32(1)<<31 - 1
		if k.Acc.Format == isa.AccI48 {
			r.bias[c] = int64(binary.LittleEndian.Uint64(b)) << 16 >> 16
			s.Value, limit = uint32(binary.LittleEndian.Uint16(b[6:])), 1<<15-1
		}
		if s.Value > limit || s.Shift > 63 || b[9] != 0 {
			return nil, h.fault(CorruptWeights, "record of channel %d has scale %d, shift %d and a last byte of %d, expected at most %d, 63 and 0", c, s.Value, s.Shift, b[9], limit)
		}
		r.scalers[c] = newScalerU85(s)
		r.maxBias = max(r.maxBias, abs(r.bias[c]))
		uniform = uniform && r.scalers[c] == r.scalers[0]
	}
	if uniform {
		r.scalers = r.scalers[:1:1]
	}
	return r, nil
}

// microblock returns the accelerator's row of a microblock, nil when it has none.
func microblock(a *ethosu.Accelerator, m isa.Microblock) *ethosu.MicroBlock {
	h, w := m.Size()
	for i := range a.U85.MicroBlocks {
		if b := &a.U85.MicroBlocks[i]; b.H == h && b.W == w {
			return b
		}
	}
	return nil
}
