// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"fmt"
	"math/bits"
)

// StreamError says where and why a weight stream is not legal.
type StreamError struct {
	Bit int // position in the stream
	Msg string
}

func (e *StreamError) Error() string {
	return fmt.Sprintf("weight stream, bit %d: %s", e.Bit, e.Msg)
}

// Decode returns the weights of a stream in stream order. Work and memory are
// bounded by the length of the stream: no byte yields more than 64 weights.
// Errors are of type *StreamError.
func Decode(stream []byte) ([]int16, error) {
	d := decoder{r: bitReader{buf: stream}}
	err := d.run()
	return d.out, err
}

// Slices returns the slice headers of a stream and the position of the end marker
// behind the last, for inspection.
func Slices(stream []byte) (slices []Slice, endBit int, err error) {
	d := decoder{r: bitReader{buf: stream}, keep: true, endBit: -1}
	err = d.run()
	return d.slices, d.endBit, err
}

type decoder struct {
	r   bitReader
	out []int16

	// Palette state. table maps every index to its weight.
	dirofs, palbits int
	palette         []uint16
	table           [maxIndex + 1]int16

	// One slice's quotients, turned into values as the remainders arrive.
	w []uint16
	z []int

	keep   bool
	slices []Slice
	endBit int
}

func (d *decoder) fail(bit int, format string, args ...any) error {
	d.out = nil
	return &StreamError{bit, fmt.Sprintf(format, args...)}
}

func (d *decoder) run() error {
	mustPalette := true
	zprev := zdivOff
	for {
		at := d.r.pos
		if d.r.left() < 3 {
			return d.fail(at, "the stream ends without an end marker")
		}
		zdiv := int(d.r.bits(3))
		if zdiv == zdivEnd {
			// Padding after the end reads as further end markers.
			if d.endBit < 0 || !mustPalette {
				d.endBit = at
			}
			d.r.pos = (d.r.pos + 7) &^ 7
			mustPalette = true
			if d.r.left() == 0 {
				return nil
			}
			continue
		}
		if d.r.left() < 20 {
			return d.fail(at, "the stream ends inside a slice header")
		}
		if zdiv > 3 && zdiv != zdivOff {
			return d.fail(at, "ZDIV is %d: expected 0 to 3, 6 or 7", zdiv)
		}
		s := Slice{Bit: at, ZDIV: zdiv}
		s.Len = int(d.r.bits(15)) + 1
		s.WDIV = int(d.r.bits(3))
		s.Trunc = d.r.bits(1) == 1
		s.NewPalette = d.r.bits(1) == 1
		switch {
		case s.WDIV == 6:
			return d.fail(at+18, "WDIV is 6: expected 0 to 5 or 7")
		case !s.NewPalette && mustPalette:
			return d.fail(at+22, "the first slice has no palette fields")
		case !s.NewPalette && (zdiv == zdivOff) != (zprev == zdivOff):
			return d.fail(at, "zero runs are switched from ZDIV %d to %d without new palette fields", zprev, zdiv)
		}
		if s.NewPalette {
			if err := d.readPalette(); err != nil {
				return err
			}
		}
		mustPalette, zprev = false, zdiv
		if d.keep {
			s.DirOfs, s.PalBits, s.Palette = d.dirofs, d.palbits, d.palette
			d.slices = append(d.slices, s)
		}
		if err := d.slice(s); err != nil {
			return err
		}
	}
}

func (d *decoder) readPalette() error {
	at := d.r.pos
	if d.r.left() < 13 {
		return d.fail(at, "the stream ends inside the palette fields")
	}
	d.dirofs = int(d.r.bits(5))
	n := int(d.r.bits(5))
	if n > 0 {
		n++
	}
	d.palbits = int(d.r.bits(3)) + 2
	if d.r.left() < n*d.palbits {
		return d.fail(d.r.pos, "the stream ends inside a palette of %d entries", n)
	}
	d.palette = make([]uint16, n)
	for i := range d.palette {
		d.palette[i] = uint16(d.r.bits(d.palbits))
		d.table[i] = unfold(int(d.palette[i]))
	}
	for i := n; i <= maxIndex; i++ {
		// A folded value past 511 is refused when an index reaches it.
		d.table[i] = unfold(i - n + d.dirofs)
	}
	return nil
}

// slice decodes the chunks of one slice. In each chunk the unary parts come first
// and the remainders of the values completed in the chunk before come last.
func (d *decoder) slice(s Slice) error {
	r := &d.r
	raw := s.WDIV == wdivRaw
	k := s.WDIV
	slots := 12
	if raw {
		if k = rawBits(len(d.palette), d.palbits); k > 5 {
			slots = 8
		}
	}
	runs := s.ZDIV != zdivOff
	nw, nz := s.Len, 0
	zlen := 0
	if runs {
		nz = s.Len
		if s.NewPalette {
			nz++
		}
		if zlen = 12; s.ZDIV == 3 {
			zlen = 8
		}
	}
	d.w, d.z = grow(d.w, nw), grow(d.z, nz)
	w, z := d.w, d.z
	wq, zq := 0, 0 // quotients complete
	wr, zr := 0, 0 // values complete
	cw, cz := 0, 0
	for {
		wdone, zdone := wq, zq
		balance := 0
		if runs {
			balance = wdone - zdone
		}
		wEnable := wdone < nw && balance < 8
		zEnable := runs && zdone < nz && balance >= 0

		at := r.pos
		var u0, uz, u1 uint64
		need := 0
		if wEnable && !raw {
			need += 12
		}
		if zEnable {
			need += zlen
		}
		if r.left() < need {
			return d.fail(at, "the stream ends inside a slice of %d weights, after %d", nw, wdone)
		}
		if wEnable && !raw {
			u0 = r.bits(12)
		}
		if zEnable {
			uz = r.bits(zlen)
		}
		ones := bits.OnesCount64(u0)
		rem := (wdone-wr)*k + (zdone-zr)*s.ZDIV
		if r.left() < ones+rem {
			return d.fail(at, "the stream ends inside a slice of %d weights, after %d", nw, wdone)
		}
		u1 = r.bits(ones)
		if wEnable {
			if raw {
				for end := min(wq+slots, nw); wq < end; wq++ {
					w[wq] = 0
				}
			} else {
				for i := 0; i < 12 && wq < nw; i++ {
					c := int(u0 >> i & 1)
					if c != 0 {
						c += int(u1 & 1)
						u1 >>= 1
					}
					cw += c
					if c < 2 || s.Trunc {
						if cw > maxQuot {
							return d.fail(at, "weight %d of the slice has quotient %d: expected at most %d", wq, cw, maxQuot)
						}
						w[wq] = uint16(cw)
						wq++
						cw = 0
					}
				}
				if cw > maxQuot {
					return d.fail(at, "weight %d of the slice has a quotient above %d", wq, maxQuot)
				}
			}
		}
		if zEnable {
			for i := 0; i < zlen && zq < nz; i++ {
				if uz>>i&1 != 0 {
					cz++
				} else {
					z[zq] = cz
					zq++
					cz = 0
				}
			}
		}
		for ; wr < wdone; wr++ {
			v := int(w[wr])<<k + int(r.bits(k))
			if v > maxIndex {
				return d.fail(r.pos-k, "weight %d of the slice has index %d: expected at most %d", wr, v, maxIndex)
			}
			w[wr] = uint16(v)
		}
		if s.ZDIV > 0 && runs {
			for ; zr < zdone; zr++ {
				z[zr] = z[zr]<<s.ZDIV + int(r.bits(s.ZDIV))
			}
		} else {
			zr = zdone
		}
		if !wEnable && !zEnable {
			break
		}
	}
	return d.emit(s, w, z)
}

// emit appends the slice's weights with the zero runs between them.
func (d *decoder) emit(s Slice, w []uint16, z []int) error {
	limit := uint16(maxIndex + 1) // first index whose folded value would pass 511
	if over := len(d.palette) - d.dirofs; over < 0 {
		limit = uint16(maxIndex + 1 + over)
	}
	for i, v := range w {
		if v >= limit && int(v) >= len(d.palette) {
			return d.fail(s.Bit, "weight %d of the slice has index %d, which with direct offset %d is past folded value %d", i, v, d.dirofs, maxIndex)
		}
	}
	if s.ZDIV == zdivOff {
		at := len(d.out)
		d.out = append(d.out, make([]int16, len(w))...)
		for i, v := range w {
			d.out[at+i] = d.table[v&maxIndex]
		}
		return nil
	}
	if s.NewPalette {
		d.out = append(d.out, make([]int16, z[0])...)
		z = z[1:]
	}
	for i, v := range w {
		d.out = append(d.out, d.table[v&maxIndex])
		for n := z[i]; n > 0; {
			step := min(n, len(zeros))
			d.out = append(d.out, zeros[:step]...)
			n -= step
		}
	}
	return nil
}

var zeros [256]int16

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
