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
	acc uint64
	n   uint // bits in acc, always < 8 between calls
}

// bits appends the low n bits of v, n <= 56; higher bits of v must be zero.
func (w *bitWriter) bits(v uint64, n int) {
	w.acc |= v << w.n
	w.n += uint(n)
	if w.n >= 8 {
		whole := w.n >> 3
		w.buf = binary.LittleEndian.AppendUint64(w.buf, w.acc)
		w.buf = w.buf[:len(w.buf)-8+int(whole)]
		w.acc >>= 8 * whole
		w.n &= 7
	}
}

// finish appends the end marker and pads with ones to a multiple of 16 bytes.
func (w *bitWriter) finish() []byte {
	w.bits(7, 3)
	if w.n > 0 {
		w.bits(1<<(8-w.n)-1, int(8-w.n))
	}
	for len(w.buf)%16 != 0 {
		w.buf = append(w.buf, 0xFF)
	}
	return w.buf
}
