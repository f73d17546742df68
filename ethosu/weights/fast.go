// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"errors"
	"fmt"
)

// The stream of the fast decoder of the Ethos-U85: a header of 32 bytes with a table, and
// behind it an index or a byte for every weight, padded with zeros to whole 32 bytes.
const (
	fastHeader = 32
	fastTable  = 112 // bit of the first of 16 entries of 9 bits
	fastAdjust = 104 // bit of the number that is subtracted from bytes
	fastRaw    = 1   // bytes
	fastSmall  = 2   // indices of 2 bits instead of 4
)

// Fast reports whether the fast decoder may read weights of this layout.
func (l LayoutU85) Fast() bool { return l.Traversal != Depthwise }

// piece is the number of weights that the joined stream takes from a core's at a time.
func (l LayoutU85) piece() int {
	ifmUBlock, _, group := l.steps()
	return l.OFMUBlockDepth * ifmUBlock * group / l.Cores
}

// Join returns the streams of all cores as the one that the fast decoder reads.
func (l LayoutU85) Join(streams [][]int16) []int16 {
	if len(streams) == 1 {
		return streams[0]
	}
	n := l.piece()
	var out []int16
	for at := 0; at < len(streams[0]); at += n {
		for _, s := range streams {
			out = append(out, s[at:min(at+n, len(s))]...)
		}
	}
	return out
}

// Part is the inverse of Join. It is an error when the stream has another number of
// weights than the layout.
func (l LayoutU85) Part(joined []int16) ([][]int16, error) {
	total := l.Volume()
	if len(joined) != total*l.Cores {
		return nil, fmt.Errorf("fast weight stream has %d weights, expected %d", len(joined), total*l.Cores)
	}
	streams := make([][]int16, l.Cores)
	n := l.piece()
	for at := 0; at < total; at += n {
		for core := range streams {
			m := min(n, total-at)
			streams[core] = append(streams[core], joined[:m]...)
			joined = joined[m:]
		}
	}
	return streams, nil
}

// FastLength returns the bytes of a stream of n weights for the fast decoder, given how
// many of them are different; bytes asks for whole bytes.
func FastLength(n, different int, bytes bool) int {
	return fastHeader + roundUp((n*fastWidth(different, bytes)+7)/8, fastHeader)
}

func fastWidth(different int, bytes bool) int {
	switch {
	case bytes || different > 16:
		return 8
	case different <= 4:
		return 2
	}
	return 4
}

// EncodeFast returns a stream for the fast decoder of weights that are joined and have no
// zero point. bytes asks for whole bytes, as 2:4 sparse weights need. It is an error when
// there are no weights, when one is outside -255 to 255, or when bytes cannot hold them.
func EncodeFast(weights []int16, bytes bool) ([]byte, error) {
	if err := check(weights); err != nil {
		return nil, err
	}
	var table []int16
	index := map[int16]int{}
	lo, hi := weights[0], weights[0]
	for _, w := range weights {
		if _, ok := index[w]; !ok {
			index[w] = len(index)
			table = append(table, w)
		}
		lo, hi = min(lo, w), max(hi, w)
	}
	width := fastWidth(len(table), bytes)
	b := newBitWriter(FastLength(len(weights), len(table), bytes))
	mode, adjust := uint64(0), 0
	switch width {
	case 8:
		mode = fastRaw
		switch {
		case lo < -128:
			adjust = -128 - int(lo)
		case hi > 127:
			adjust = 127 - int(hi)
		}
		if hi-lo > 255 {
			return nil, fmt.Errorf("weights from %d to %d: the fast decoder has bytes for 256 values in a row", lo, hi)
		}
	case 2:
		mode = fastSmall
	}
	b.bits(mode, 8)
	for b.length() < fastAdjust {
		b.bits(0, 8)
	}
	b.bits(uint64(uint8(adjust)), 8)
	for i := range 16 {
		f := 0
		if i < len(table) {
			f = fold(table[i])
		}
		b.bits(uint64(f), 9)
	}
	for _, w := range weights {
		if width == 8 {
			b.bits(uint64(uint8(int(w)+adjust)), 8)
		} else {
			b.bits(uint64(index[w]), width)
		}
	}
	for b.length()%(8*fastHeader) != 0 {
		b.bits(0, 1)
	}
	return b.buf[:b.at:b.at], nil
}

// DecodeFast returns n weights of a stream for the fast decoder, joined. It is an error when
// the stream has other bytes than the header and n weights, filled up to whole 32 bytes.
// Errors are of type *StreamError.
func DecodeFast(stream []byte, n int) ([]int16, error) {
	fail := func(bit int, format string, args ...any) ([]int16, error) {
		return nil, &StreamError{bit, fmt.Sprintf(format, args...)}
	}
	if len(stream) < fastHeader || n < 0 {
		return fail(0, "%d bytes for %d weights, expected a header of %d", len(stream), n, fastHeader)
	}
	r := bitReader{buf: stream}
	mode := r.bits(8)
	if mode > fastRaw|fastSmall || mode == fastRaw|fastSmall {
		return fail(0, "mode %d, expected 0, 1 or 2", mode)
	}
	for r.pos < fastAdjust {
		if at := r.pos; r.bits(8) != 0 {
			return fail(at, "reserved bits are set, expected 0")
		}
	}
	adjust := int(int8(r.bits(8)))
	if adjust != 0 && mode != fastRaw {
		return fail(fastAdjust, "%d is subtracted from weights that are no bytes, expected 0", adjust)
	}
	var table [16]int16
	for i := range table {
		table[i] = unfold(int(r.bits(9)))
	}
	width := 4
	switch mode {
	case fastRaw:
		width = 8
	case fastSmall:
		width = 2
	}
	if have := 8 * (len(stream) - fastHeader); n > have/width {
		return fail(8*len(stream), "the stream ends behind %d weights, expected %d", have/width, n)
	}
	if want := fastHeader + roundUp((n*width+7)/8, fastHeader); len(stream) != want {
		return fail(8*min(want, len(stream)), "the stream has %d bytes, expected %d for %d weights of %d bits", len(stream), want, n, width)
	}
	out := make([]int16, n)
	for i := range out {
		v := r.bits(width)
		if mode == fastRaw {
			out[i] = int16(int(int8(v)) - adjust)
		} else {
			out[i] = table[v]
		}
	}
	for r.left() > 0 {
		if at := r.pos; r.bits(min(r.left(), 8)) != 0 {
			return fail(at, "bits behind the last weight are set, expected 0")
		}
	}
	return out, nil
}

// errFast is why a layout has no stream of the fast decoder.
var errFast = errors.New("the fast decoder reads no depthwise weights")
