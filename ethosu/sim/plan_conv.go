// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim/internal/mac"
)

// convPlan is NPU_OP_CONV: for each output position a patch of the input is gathered
// once and multiplied with every row of the weight matrix.
type convPlan struct {
	blockPlan
	src   weightReader
	store *weightStore
	limit int64 // accumulators must stay below it
	maxX  int64 // largest absolute input after the zero point
	slow  bool
	loads bool // the accumulators of the U85 start from IFM2

	bias8   []int64 // not nil: run bytes
	flip    uint8   // turns an element into an unsigned byte
	padByte uint8   // the byte that stands for 0
}

func (b *builder) conv(p blockPlan, o *isa.Operation) (step, error) {
	c := &convPlan{blockPlan: p, store: b.store, limit: accLimit(o), maxX: p.ifm.maxAbs(), slow: b.opts.slow}
	src, err := b.source(&c.blockPlan, o, false)
	if err != nil {
		return nil, err
	}
	c.src = src
	c.prepareBytes()
	return c, nil
}

// prepareBytes decides whether the byte kernel will do. It multiplies the unsigned
// bytes q+128 or q; what that adds to each sum, for the zero point too, goes into the
// bias.
func (p *convPlan) prepareBytes() {
	m, r := p.src.known()
	if p.slow || p.loads || m == nil || r == nil || m.w8 == nil || p.ifm.elem != 1 || !p.canFinish8() || m.absSum*p.maxX+r.maxBias > bounded || m.absSum*p.maxX >= p.limit {
		return
	}
	offset := int64(p.ifm.zp)
	if p.ifm.Type.Signed {
		offset, p.flip = offset+128, 0x80
	}
	if offset < 0 || offset > 255 {
		return
	}
	p.padByte = uint8(offset)
	p.bias8 = make([]int64, m.rows)
	for i := range p.bias8 {
		p.bias8[i] = r.bias[i] - offset*m.rowSum[i]
	}
}

// accLimit returns 2^31 or 2^39: what an accumulator holds.
func accLimit(o *isa.Operation) int64 {
	if o.Block().Acc == isa.AccI40 {
		return 1 << 39
	}
	return 1 << 31
}

// maxAbs bounds the absolute value of an element after its zero point.
func (f *fmap) maxAbs() int64 {
	lo, hi := f.Type.Limits()
	return max(hi-int64(f.zp), int64(f.zp)-lo)
}

func (p *convPlan) run(c *context) error {
	m, r, err := p.src.get(c, p.store, &p.header)
	if err != nil {
		return err
	}
	if p.bias8 != nil && !c.fetch {
		p.bytes(c)
		return nil
	}
	if !p.loads && p.maxX <= 255 && m.stride <= mac.MaxLen && m.absSum*p.maxX < p.limit {
		return p.narrow(c, m, r)
	}
	return p.exact(c, m, r)
}

// narrow is the fast way: 9-bit inputs, sums that provably fit 32 bits.
func (p *convPlan) narrow(c *context, m *matrix, r *records) error {
	buf := p.input(c, 0, &p.ifm)
	x, acc, v := sized(&c.x, m.stride), sized(&c.acc, m.rows), sized(&c.v, m.rows)
	clear(x[m.n:])
	short := !p.slow && p.canFinish8() && m.absSum*p.maxX+r.maxBias <= bounded
	var f finish8
	if short {
		f = p.finisher(r.scalers[0], c.shram)
	}
	out := c.mem[p.ofm.Region]
	for y := range p.ofm.H {
		for col := range p.ofm.W {
			p.gather16(x, buf, y, col)
			mac.MatVec(acc, x, m.w, m.stride)
			if short {
				for ch := 0; ch < m.rows; {
					n := p.ofm.runLen(ch, m.rows-ch)
					at := p.ofm.at(y, col, ch)
					if len(r.scalers) == 1 {
						f.sums(out[at:at+n], acc[ch:ch+n], r.bias[ch:])
					} else {
						f.channels(out[at:at+n], acc[ch:ch+n], r.bias[ch:], r.scalers[ch:])
					}
					ch += n
				}
				continue
			}
			for i, a := range acc {
				v[i] = r.scalers[min(i, len(r.scalers)-1)].round(int64(a) + r.bias[i])
			}
			if err := p.emit(c, y, col, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// bytes is narrow on the byte kernel.
func (p *convPlan) bytes(c *context) {
	m, r := p.src.known()
	buf, out := p.input(c, 0, &p.ifm), c.mem[p.ofm.Region]
	x, acc := sized(&c.bytes, m.stride8), sized(&c.acc, m.rows)
	clear(x[m.n:])
	f := p.finisher(r.scalers[0], c.shram)
	for y := range p.ofm.H {
		for col := range p.ofm.W {
			p.gather8(x, buf, y, col)
			mac.MatVecBytes(acc, x, m.w8, m.stride8)
			for ch := 0; ch < m.rows; {
				n := p.ofm.runLen(ch, m.rows-ch)
				at := p.ofm.at(y, col, ch)
				if len(r.scalers) == 1 {
					f.sums(out[at:at+n], acc[ch:ch+n], p.bias8[ch:])
				} else {
					f.channels(out[at:at+n], acc[ch:ch+n], p.bias8[ch:], r.scalers[ch:])
				}
				ch += n
			}
		}
	}
}

// gather8 is gather16 for the byte kernel.
func (p *convPlan) gather8(x, buf []byte, oy, ox int) {
	n := p.ifm.C
	for ty := range p.kernel.H {
		for tx := range p.kernel.W {
			part := x[:n:n]
			x = x[n:]
			y, col, ok := p.tap(oy, ox, ty, tx)
			if !ok {
				for i := range part {
					part[i] = p.padByte
				}
				continue
			}
			for ch := 0; ch < n; {
				l := p.ifm.runLen(ch, n-ch)
				at := p.ifm.at(y, col, ch)
				flipBytes(part[ch:ch+l], buf[at:at+l], p.flip)
				ch += l
			}
		}
	}
}

// flipBytes copies src with a bit pattern flipped, eight bytes at a time.
func flipBytes(dst, src []byte, flip uint8) {
	src = src[:len(dst)]
	pattern := uint64(flip) * 0x0101010101010101
	for len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^pattern)
		dst, src = dst[8:], src[8:]
	}
	for i, v := range src {
		dst[i] = v ^ flip
	}
}

// exact sums in 64 bits and reports accumulators that overflow.
func (p *convPlan) exact(c *context, m *matrix, r *records) error {
	buf, start := p.input(c, 0, &p.ifm), []byte(nil)
	if p.loads {
		start = p.input(c, 1, &p.ifm2)
	}
	x, v := sized(&c.wide, m.n), sized(&c.v, m.rows)
	for y := range p.ofm.H {
		for col := range p.ofm.W {
			p.gather(x, buf, y, col)
			if clear(v); p.loads {
				p.ifm2.wide(v, start, y, col)
			}
			for o := range v {
				sum := v[o] + dot(x, m.w[o*m.stride:][:m.n])
				if sum >= p.limit || sum < -p.limit {
					return p.fault(Overflow, "accumulator of output (%d,%d,%d) is %d: what hardware does is unknown", y, col, o, sum)
				}
				sc := &r.scalers[min(o, len(r.scalers)-1)]
				v[o] = sc.round(sum + r.bias[o])
			}
			if err := p.emit(c, y, col, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func dot(x []int32, w []int16) int64 {
	w = w[:len(x)]
	var a, b int64
	for len(x) >= 4 {
		p, q := (*[4]int32)(x), (*[4]int16)(w)
		a += int64(p[0])*int64(q[0]) + int64(p[1])*int64(q[1])
		b += int64(p[2])*int64(q[2]) + int64(p[3])*int64(q[3])
		x, w = x[4:], w[4:]
	}
	for i, v := range x {
		a += int64(v) * int64(w[i])
	}
	return a + b
}

// emit finishes the channels of one output position and stores them.
func (p *blockPlan) emit(c *context, y, x int, v []int64) error {
	q := sized(&c.q, len(v))
	if err := p.stage.finish(&p.header, q, v, c.shram); err != nil {
		return err
	}
	out := c.mem[p.ofm.Region]
	for ch := 0; ch < len(q); {
		n := p.ofm.runLen(ch, len(q)-ch)
		p.ofm.store(out, p.ofm.at(y, x, ch), q[ch:ch+n])
		ch += n
	}
	return nil
}

// source maps a tap of an output to the stored input element; ok is false for
// padding and for the zeros that upscaling inserts.
func (p *blockPlan) tap(oy, ox, ty, tx int) (y, x int, ok bool) {
	k := &p.kernel
	y, x = oy*k.StrideY+ty*k.DilationY-k.Top, ox*k.StrideX+tx*k.DilationX-k.Left
	if y < 0 || x < 0 || y >= p.hv || x >= p.wv {
		return 0, 0, false
	}
	switch p.upscale {
	case isa.UpscaleNearest:
		return y >> 1, x >> 1, true
	case isa.UpscaleZeros:
		return y >> 1, x >> 1, y&1 == 0 && x&1 == 0
	}
	return y, x, true
}

// gather16 fills the patch of one output: kernel row, kernel column, channel.
func (p *blockPlan) gather16(x []int16, buf []byte, oy, ox int) {
	n := p.ifm.C
	for ty := range p.kernel.H {
		for tx := range p.kernel.W {
			part := x[:n:n]
			x = x[n:]
			y, col, ok := p.tap(oy, ox, ty, tx)
			if !ok {
				clear(part)
				continue
			}
			for ch := 0; ch < n; {
				l := p.ifm.runLen(ch, n-ch)
				p.ifm.load16(part[ch:ch+l], buf, p.ifm.at(y, col, ch))
				ch += l
			}
		}
	}
}

// gather is gather16 for inputs of any width.
func (p *blockPlan) gather(x []int32, buf []byte, oy, ox int) {
	n := p.ifm.C
	for ty := range p.kernel.H {
		for tx := range p.kernel.W {
			part := x[:n:n]
			x = x[n:]
			y, col, ok := p.tap(oy, ox, ty, tx)
			if !ok {
				clear(part)
				continue
			}
			p.loadAll(part, &p.ifm, buf, y, col, 0)
		}
	}
}

// loadAll reads len(dst) channels of one position, from channel c on.
func (p *blockPlan) loadAll(dst []int32, f *fmap, buf []byte, y, x, c int) {
	for i := 0; i < len(dst); {
		n := f.runLen(c+i, len(dst)-i)
		f.load(dst[i:i+n], buf, f.at(y, x, c+i))
		i += n
	}
}

// load16 is load for values that fit 16 bits after the zero point.
func (f *fmap) load16(dst []int16, buf []byte, at int) {
	zp := int16(f.zp)
	switch {
	case f.elem == 1 && f.Type.Signed:
		src := buf[at : at+len(dst)]
		for i, v := range src {
			dst[i] = int16(int8(v)) - zp
		}
	case f.elem == 1:
		src := buf[at : at+len(dst)]
		for i, v := range src {
			dst[i] = int16(v) - zp
		}
	default:
		for i := range dst {
			dst[i] = int16(binary.LittleEndian.Uint16(buf[at+2*i:])) - zp
		}
	}
}
