// SPDX-License-Identifier: Apache-2.0

package weights

// sliceCode is the coding choice of one slice.
type sliceCode struct {
	zdiv  int // 0..3, or zdivOff
	wdiv  int // 0..5, or wdivRaw
	trunc bool
}

// palette is the palette state of a section and what follows from it: the index
// of every folded value.
type palette struct {
	dirofs  int
	bits    int
	entries []uint16 // folded values
	index   [maxIndex + 1]int16
}

// header writes a slice header.
func (b *bitWriter) header(c sliceCode, n int, p *palette) {
	b.bits(uint64(c.zdiv), 3)
	b.bits(uint64(n-1), 15)
	b.bits(uint64(c.wdiv), 3)
	trunc, fresh := uint64(0), uint64(0)
	if c.trunc {
		trunc = 1
	}
	if p != nil {
		fresh = 1
	}
	b.bits(trunc, 1)
	b.bits(fresh, 1)
	if p == nil {
		return
	}
	b.bits(uint64(p.dirofs), 5)
	b.bits(uint64(max(len(p.entries)-1, 0)), 5)
	b.bits(uint64(p.bits-2), 3)
	for _, e := range p.entries {
		b.bits(uint64(e), p.bits)
	}
}

// chunks writes the body of a slice: weight indices w and, with zero runs, run
// lengths z. raw is the width of a plain index.
//
// The two kinds share the stream chunk by chunk, kept in step by counting
// completed values; remainders follow one chunk later.
func (b *bitWriter) chunks(c sliceCode, w []uint16, z []int, raw int) {
	plain := c.wdiv == wdivRaw
	runs := c.zdiv != zdivOff
	k, slots := c.wdiv, 12
	if plain {
		k = raw
		if k > 5 {
			slots = 8
		}
	}
	if plain && !runs {
		for _, v := range w {
			b.bits(uint64(v), k)
		}
		return
	}
	zlen := 12
	if c.zdiv == 3 {
		zlen = 8
	}
	mask := uint64(1)<<k - 1
	wpos, zpos := 0, 0
	q, zq := -1, -1      // what is left of the quotient in progress
	wfrom, zfrom := 0, 0 // first value whose remainder is not written
	for {
		balance := 0
		if runs {
			balance = wpos - zpos
		}
		wEnable := wpos < len(w) && balance < 8
		zEnable := runs && zpos < len(z) && balance >= 0
		wdone, zdone := wpos, zpos

		if wEnable && plain {
			wpos = min(wpos+slots, len(w))
		} else if wEnable {
			var u0, u1 uint64
			ones := 0
			for i := 0; i < 12; i++ {
				if q < 0 {
					if wpos == len(w) {
						break
					}
					q = int(w[wpos] >> k)
				}
				switch {
				case q == 0:
					q, wpos = -1, wpos+1
				case q == 1:
					u0 |= 1 << i
					ones++
					q, wpos = -1, wpos+1
				default:
					u0 |= 1 << i
					u1 |= 1 << ones
					ones++
					if q -= 2; c.trunc {
						q, wpos = -1, wpos+1
					}
				}
			}
			b.bits(u0, 12)
			if zEnable {
				zpos, zq = b.zeroRuns(c.zdiv, zlen, z, zpos, zq)
			}
			b.bits(u1, ones)
		}
		if zEnable && (plain || !wEnable) {
			zpos, zq = b.zeroRuns(c.zdiv, zlen, z, zpos, zq)
		}
		if k > 0 {
			for _, v := range w[wfrom:wdone] {
				b.bits(uint64(v)&mask, k)
			}
		}
		wfrom = wdone
		if runs && c.zdiv > 0 {
			for _, v := range z[zfrom:zdone] {
				b.bits(uint64(v)&(1<<c.zdiv-1), c.zdiv)
			}
		}
		zfrom = zdone
		if !wEnable && !zEnable {
			return
		}
	}
}

// zeroRuns writes the unary part of one chunk's zero runs and returns how many
// runs are complete and what is left of the one in progress.
func (b *bitWriter) zeroRuns(zdiv, zlen int, z []int, zpos, zq int) (int, int) {
	var u uint64
	for i := 0; i < zlen; i++ {
		if zq < 0 {
			if zpos == len(z) {
				break
			}
			zq = z[zpos] >> zdiv
		}
		if zq > 0 {
			u |= 1 << i
			zq--
		} else {
			zq, zpos = -1, zpos+1
		}
	}
	b.bits(u, zlen)
	return zpos, zq
}
