// SPDX-License-Identifier: Apache-2.0

package weights

import "encoding/binary"

// bitReader reads fields from a byte string, lowest bit of the lowest byte first.
type bitReader struct {
	buf []byte
	pos int // bits
}

func (r *bitReader) left() int { return len(r.buf)*8 - r.pos }

// bits returns the next n bits, n <= 57. Past the end it reads zeros; callers
// check left first.
func (r *bitReader) bits(n int) uint64 {
	at := r.pos >> 3
	var v uint64
	if at+8 <= len(r.buf) {
		v = binary.LittleEndian.Uint64(r.buf[at:])
	} else {
		for i := min(len(r.buf)-at, 8) - 1; i >= 0; i-- {
			v = v<<8 | uint64(r.buf[at+i])
		}
	}
	v >>= uint(r.pos & 7)
	r.pos += n
	return v & (1<<uint(n) - 1)
}

// bitWriter is the inverse of bitReader.
type bitWriter struct {
	buf []byte
	at  int // bytes written
	acc uint64
	n   uint // bits in acc, always < 8 between calls
}

// newBitWriter returns a writer with room for size bytes; it grows by itself.
func newBitWriter(size int) *bitWriter { return &bitWriter{buf: make([]byte, size+32)} }

// bits appends the low n bits of v, n <= 56; higher bits of v must be zero.
func (w *bitWriter) bits(v uint64, n int) {
	w.acc |= v << w.n
	w.n += uint(n)
	if w.n >= 8 {
		if w.at+8 > len(w.buf) {
			w.buf = append(w.buf, make([]byte, len(w.buf)+64)...)
		}
		binary.LittleEndian.PutUint64(w.buf[w.at:], w.acc)
		w.at += int(w.n >> 3)
		w.acc >>= w.n &^ 7
		w.n &= 7
	}
}

// length returns the number of bits written.
func (w *bitWriter) length() int { return w.at*8 + int(w.n) }

// finish appends the end marker and pads with ones to a multiple of 16 bytes.
func (w *bitWriter) finish() []byte {
	w.bits(7, 3)
	if w.n > 0 {
		w.bits(1<<(8-w.n)-1, int(8-w.n))
	}
	for w.at%16 != 0 {
		w.bits(0xFF, 8)
	}
	return w.buf[:w.at:w.at]
}
