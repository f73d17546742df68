package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

// writer builds a command stream. It remembers the registers and leaves out
// writes that change nothing.
type writer struct {
	words []uint32
	regs  map[isa.Code]uint64
}

func (w *writer) set(c isa.Code, param int) {
	w.write(c, uint16(param), 0)
}

// set32 writes a register with a payload; addresses wider than 32 bits go on in the parameter.
func (w *writer) set32(c isa.Code, v int) {
	w.write(c, uint16(v>>32)&0xff, uint32(v))
}

// idle32 is set32 for a register that has no effect unless it is used, but must have been
// set, to a multiple of the unit in which the map has addresses.
func (w *writer) idle32(used bool, unit int, c isa.Code, v int) {
	if old, ok := w.regs[c]; used || !ok || old%uint64(unit) != 0 {
		w.set32(c, v)
	}
}

func (w *writer) write(c isa.Code, param uint16, payload uint32) {
	v := uint64(param)<<32 | uint64(payload)
	if old, ok := w.regs[c]; ok && old == v {
		return
	}
	w.regs[c] = v
	w.words = isa.Command{Code: c, Param: param, Payload: payload}.Append(w.words)
}

func (w *writer) op(c isa.Code, param int) int {
	at := len(w.words)
	w.words = isa.Command{Code: c, Param: uint16(param)}.Append(w.words)
	return at
}

// emit writes the command stream.
func emit(m *module) error {
	w := &writer{regs: map[isa.Code]uint64{}}
	if m.accel.U65 {
		w.set(isa.SetParallelMode, m.accel.Cores-1)
	}
	for _, o := range m.ops {
		if err := m.emitOp(w, o); err != nil {
			return fmt.Errorf("%s (output %q): %v", o.name, o.source, err)
		}
	}
	w.op(isa.OpStop, 0xffff)
	if len(w.words)*4 >= 1<<24 {
		return fmt.Errorf("the command stream has %d bytes, the limit is 16 MiB: unroll fewer steps", len(w.words)*4)
	}
	m.words = w.words
	return nil
}

func (m *module) emitOp(w *writer, o *op) error {
	if o.kind == opDMA {
		m.emitDMA(w, o)
		return nil
	}
	if err := o.check(); err != nil {
		return err
	}
	elem := o.kind == opElementwise
	if elem {
		if o.mode == ewAdd || o.mode == ewSub {
			w.write(isa.SetOPAScale, uint16(o.opa.shift), o.opa.mul)
			w.set32(isa.SetOPBScale, int(o.opb))
		}
		w.write(isa.SetOFMScale, uint16(o.out.shift), o.out.mul)
	}
	m.emitMap(w, o.ifm, ifmCodes)
	w.set(isa.SetIFMDepthM1, o.ifm.c-1)
	w.set(isa.SetIFMZeroPoint, o.ifm.zp)
	w.set(isa.SetIFMPrecision, precision(o.ifm, 2)|o.operandMode<<8)
	w.set(isa.SetIFMUpscale, 0)
	if !elem {
		w.set(isa.SetIFMPadTop, o.padTop)
		w.set(isa.SetIFMPadLeft, o.padLeft)
		w.set(isa.SetIFMPadBottom, o.padBottom)
		w.set(isa.SetIFMPadRight, o.padRight)
	}
	m.emitMap(w, o.ofm, ofmCodes)
	w.set(isa.SetOFMHeightM1, o.ofm.h-1)
	w.set(isa.SetOFMWidthM1, o.ofm.w-1)
	w.set(isa.SetOFMDepthM1, o.ofm.c-1)
	w.set(isa.SetOFMZeroPoint, o.ofm.zp)
	global := 0
	if o.global {
		global = 1 << 8
	}
	w.set(isa.SetOFMPrecision, precision(o.ofm, 1)|global|o.round<<14)
	if !elem {
		w.set(isa.SetKernelHeightM1, (o.kh-1)*o.dilH)
		w.set(isa.SetKernelWidthM1, (o.kw-1)*o.dilW)
		w.set(isa.SetKernelStride, o.kernelStride())
	}
	if o.stream != nil {
		m.emitStreams(w, o)
	}
	act := int(o.fn)
	if o.usesTable() {
		act += o.slot
		if o.ofm.bits() == 32 {
			act |= 3 << 12 // clip the table index to int8
		}
	}
	w.set(isa.SetActivation, act)
	w.set(isa.SetActivationMin, o.lo)
	w.set(isa.SetActivationMax, o.hi)
	w.set(isa.SetOFMBLKHeightM1, o.block.H-1)
	w.set(isa.SetOFMBLKWidthM1, o.block.W-1)
	w.set(isa.SetOFMBLKDepthM1, o.block.D-1)
	w.set(isa.SetIFMIBEnd, o.ibEnd)
	w.set(isa.SetABStart, o.abStart)
	if elem && o.ifm2 != nil && !o.scalar {
		w.set(isa.SetIFM2IBStart, o.ib2Start)
	}
	acc := 0
	if o.acc40 || (elem && o.ifm.bits() == 16) {
		acc = 1
	}
	w.set(isa.SetACCFormat, acc)
	if o.kind == opPool {
		w.write(isa.SetOFMScale, uint16(o.out.shift), o.out.mul)
	}
	if elem && o.ifm2 != nil {
		m.emitIFM2(w, o)
	}
	w.set(isa.SetBlockdep, o.blockdep)
	m.emitWaits(w, o)
	switch o.kind {
	case opConv:
		o.word = w.op(isa.OpConv, 0)
	case opDepthwise:
		o.word = w.op(isa.OpDepthwise, 0)
	case opPool:
		o.word = w.op(isa.OpPool, o.mode)
	default:
		o.word = w.op(isa.OpElementwise, o.mode)
	}
	return nil
}

func (m *module) emitWaits(w *writer, o *op) {
	if o.kernelWait >= 0 {
		w.op(isa.OpKernelWait, o.kernelWait)
	}
	if o.dmaWait >= 0 {
		w.op(isa.OpDMAWait, o.dmaWait)
	}
}

func (m *module) emitDMA(w *writer, o *op) {
	r, a := at(o.src, o.srcOff)
	w.set(isa.SetDMA0SrcRegion, r)
	w.set32(isa.SetDMA0Src, a)
	if o.toLUT {
		w.set(isa.SetDMA0DstRegion, shram)
		w.set32(isa.SetDMA0Dst, o.dstOff)
	} else {
		r, a = at(o.dst, o.dstOff)
		w.set(isa.SetDMA0DstRegion, r)
		w.set32(isa.SetDMA0Dst, a)
	}
	w.set32(isa.SetDMA0Len, o.length)
	m.emitWaits(w, o)
	o.word = w.op(isa.OpDMAStart, 0)
}

// check stops an operation that the register fields cannot hold.
func (o *op) check() error {
	for _, f := range []*fmap{o.ifm, o.ofm} {
		for _, n := range []int{f.h, f.w, f.c} {
			if n < 1 || n > 65536 {
				return fmt.Errorf("tensor %q: an extent of %d is beyond the NPU's 1 to 65536", f.name, n)
			}
		}
	}
	return nil
}

// mapCodes are the registers of one feature map.
type mapCodes struct {
	region                 isa.Code
	base                   [4]isa.Code
	height0, height1, wid0 isa.Code
	strideC, strideY, strX isa.Code
}

var (
	ifmCodes = mapCodes{isa.SetIFMRegion, [4]isa.Code{isa.SetIFMBase0, isa.SetIFMBase1, isa.SetIFMBase2, isa.SetIFMBase3},
		isa.SetIFMHeight0M1, isa.SetIFMHeight1M1, isa.SetIFMWidth0M1, isa.SetIFMStrideC, isa.SetIFMStrideY, isa.SetIFMStrideX}
	ifm2Codes = mapCodes{isa.SetIFM2Region, [4]isa.Code{isa.SetIFM2Base0, isa.SetIFM2Base1, isa.SetIFM2Base2, isa.SetIFM2Base3},
		isa.SetIFM2Height0M1, isa.SetIFM2Height1M1, isa.SetIFM2Width0M1, isa.SetIFM2StrideC, isa.SetIFM2StrideY, isa.SetIFM2StrideX}
	ofmCodes = mapCodes{isa.SetOFMRegion, [4]isa.Code{isa.SetOFMBase0, isa.SetOFMBase1, isa.SetOFMBase2, isa.SetOFMBase3},
		isa.SetOFMHeight0M1, isa.SetOFMHeight1M1, isa.SetOFMWidth0M1, isa.SetOFMStrideC, isa.SetOFMStrideY, isa.SetOFMStrideX}
)

// emitMap writes the registers of one feature map. Those that no access needs, such as
// the stride between rows of a map of one row, keep what they have.
func (m *module) emitMap(w *writer, f *fmap, c mapCodes) {
	region, addr := at(f.buf, f.off)
	w.set(c.region, region)
	h0, low := f.h, 0
	if f.low != nil {
		h0 = 1
		_, low = at(f.low, f.lowOff)
	}
	unit := f.dt.Size() // of addresses and strides
	if f.bricks() {
		unit = 16
	}
	w.set32(c.base[0], addr)
	w.idle32(false, unit, c.base[1], 0)
	w.idle32(f.low != nil, unit, c.base[2], low)
	w.idle32(false, unit, c.base[3], 0)
	w.set(c.height0, h0-1)
	w.set(c.height1, h0-1)
	w.set(c.wid0, f.w-1)
	// NHWC has no bricks, and a pixel here has one; aligned strides suit both formats.
	w.idle32(false, unit, c.strideC, 16*f.dt.Size())
	w.idle32(max(h0, f.h-h0) > 1, unit, c.strideY, f.sy)
	w.idle32(f.w > 1, unit, c.strX, f.sx)
}

func (m *module) emitIFM2(w *writer, o *op) {
	f := o.ifm2
	if !o.scalar {
		m.emitMap(w, f, ifm2Codes)
	}
	w.set(isa.SetIFM2ZeroPoint, f.zp)
	w.set(isa.SetIFM2Precision, precision(f, 2))
	b := 0
	if o.swapped {
		b |= 1 << 6
	}
	if o.scalar {
		w.set(isa.SetIFM2Broadcast, b|1<<7)
		w.set(isa.SetIFM2Scalar, o.scalarValue)
		return
	}
	if f.h == 1 && o.ofm.h > 1 {
		b |= 1
	}
	if f.w == 1 && o.ofm.w > 1 {
		b |= 2
	}
	if f.c == 1 && o.ofm.c > 1 {
		b |= 4
	}
	w.set(isa.SetIFM2Broadcast, b)
}

func (m *module) emitStreams(w *writer, o *op) {
	emit := func(c *coded, region isa.Code, base, length [2]isa.Code) {
		r, a := at(c.home(), 0)
		w.set(region, r)
		w.set32(base[0], a+c.off[0])
		w.set32(length[0], c.len[0])
		if m.accel.Cores == 2 {
			w.set32(base[1], a+c.off[1])
			w.set32(length[1], c.len[1])
		}
	}
	emit(&o.stream.coded, isa.SetWeightRegion, [2]isa.Code{isa.SetWeightBase, isa.SetWeight1Base}, [2]isa.Code{isa.SetWeightLength, isa.SetWeight1Length})
	emit(o.recBuf, isa.SetScaleRegion, [2]isa.Code{isa.SetScaleBase, isa.SetScale1Base}, [2]isa.Code{isa.SetScaleLength, isa.SetScale1Length})
}

func (o *op) kernelStride() int {
	x, y := o.strideW-1, o.strideH-1
	v := x&1 | y&1<<1 | x>>1<<6 | y>>1<<9 | (o.dilW-1)<<3 | (o.dilH-1)<<4
	if o.partKernel {
		v |= 1 << 2
	}
	return v
}

// precision is the type, precision and format field, whose precision starts at the
// given bit.
func precision(f *fmap, bit int) int {
	p := 0
	switch f.dt.Size() {
	case 2:
		p = 1
	case 4:
		p = 2
	}
	p <<= bit
	if f.bricks() {
		p |= 1 << 6
	}
	if f.dt != graph.Uint8 {
		p |= 1
	}
	return p
}
