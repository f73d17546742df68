package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
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
	if m.accel.ParallelMode {
		w.set(isa.SetParallelMode, m.accel.Cores-1)
	}
	for _, o := range m.ops {
		if err := m.emitOp(w, o); err != nil {
			return fmt.Errorf("%s (output %q): %v", o.Name, o.Source, err)
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
	if o.dma {
		m.emitDMA(w, o)
		return nil
	}
	if err := o.check(); err != nil {
		return err
	}
	elem := o.Kind == kernel.Elementwise
	if elem {
		if o.Mode == kernel.Add || o.Mode == kernel.Sub {
			w.write(isa.SetOPAScale, uint16(o.OPA.Shift), o.OPA.Mul)
			w.set32(isa.SetOPBScale, int(o.OPB))
		}
		w.write(isa.SetOFMScale, uint16(o.Out.Shift), o.Out.Mul)
	}
	m.emitMap(w, o.IFM, ifmCodes)
	w.set(isa.SetIFMDepthM1, o.IFM.C-1)
	w.set(isa.SetIFMZeroPoint, o.IFM.Zero)
	w.set(isa.SetIFMPrecision, precision(o.IFM, 2)|o.OperandMode<<8)
	w.set(isa.SetIFMUpscale, 0)
	if !elem {
		w.set(isa.SetIFMPadTop, o.PadTop)
		w.set(isa.SetIFMPadLeft, o.PadLeft)
		w.set(isa.SetIFMPadBottom, o.PadBottom)
		w.set(isa.SetIFMPadRight, o.PadRight)
	}
	m.emitMap(w, o.OFM, ofmCodes)
	w.set(isa.SetOFMHeightM1, o.OFM.H-1)
	w.set(isa.SetOFMWidthM1, o.OFM.W-1)
	w.set(isa.SetOFMDepthM1, o.OFM.C-1)
	w.set(isa.SetOFMZeroPoint, o.OFM.Zero)
	global := 0
	if o.Global {
		global = 1 << 8
	}
	w.set(isa.SetOFMPrecision, precision(o.OFM, 1)|global|o.Round<<14)
	if !elem {
		w.set(isa.SetKernelHeightM1, (o.KH-1)*o.DilH)
		w.set(isa.SetKernelWidthM1, (o.KW-1)*o.DilW)
		w.set(isa.SetKernelStride, o.kernelStride())
	}
	if o.stream != nil {
		m.emitStreams(w, o)
	}
	act := int(o.Fn)
	if o.UsesTable() {
		act += o.slot
		if o.OFM.Bits() == 32 {
			act |= 3 << 12 // clip the table index to int8
		}
	}
	w.set(isa.SetActivation, act)
	w.set(isa.SetActivationMin, o.Lo)
	w.set(isa.SetActivationMax, o.Hi)
	w.set(isa.SetOFMBLKHeightM1, o.block.H-1)
	w.set(isa.SetOFMBLKWidthM1, o.block.W-1)
	w.set(isa.SetOFMBLKDepthM1, o.block.D-1)
	w.set(isa.SetIFMIBEnd, o.ibEnd)
	w.set(isa.SetABStart, o.abStart)
	if elem && o.IFM2 != nil && !o.Scalar {
		w.set(isa.SetIFM2IBStart, o.ib2Start)
	}
	acc := 0
	if o.Acc40 || (elem && o.IFM.Bits() == 16) {
		acc = 1
	}
	w.set(isa.SetACCFormat, acc)
	if o.Kind == kernel.Pool {
		w.write(isa.SetOFMScale, uint16(o.Out.Shift), o.Out.Mul)
	}
	if elem && o.IFM2 != nil {
		m.emitIFM2(w, o)
	}
	w.set(isa.SetBlockdep, o.blockdep)
	m.emitWaits(w, o)
	switch o.Kind {
	case kernel.Conv:
		o.word = w.op(isa.OpConv, 0)
	case kernel.Depthwise:
		o.word = w.op(isa.OpDepthwise, 0)
	case kernel.Pool:
		o.word = w.op(isa.OpPool, o.Mode)
	default:
		o.word = w.op(isa.OpElementwise, o.Mode)
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
	for _, f := range []*kernel.Map{o.IFM, o.OFM} {
		for _, n := range []int{f.H, f.W, f.C} {
			if n < 1 || n > 65536 {
				return fmt.Errorf("tensor %q: an extent of %d is beyond the NPU's 1 to 65536", f.Name, n)
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
func (m *module) emitMap(w *writer, f *kernel.Map, c mapCodes) {
	region, addr := at(f.Buf, f.Off)
	w.set(c.region, region)
	h0, low := f.H, 0
	if f.Low != nil {
		h0 = 1
		_, low = at(f.Low, f.LowOff)
	}
	unit := f.Type.Size() // of addresses and strides
	if f.Bricks() {
		unit = 16
	}
	w.set32(c.base[0], addr)
	w.idle32(false, unit, c.base[1], 0)
	w.idle32(f.Low != nil, unit, c.base[2], low)
	w.idle32(false, unit, c.base[3], 0)
	w.set(c.height0, h0-1)
	w.set(c.height1, h0-1)
	w.set(c.wid0, f.W-1)
	// NHWC has no bricks, and a pixel here has one; aligned strides suit both formats.
	w.idle32(false, unit, c.strideC, 16*f.Type.Size())
	w.idle32(max(h0, f.H-h0) > 1, unit, c.strideY, f.StrideY)
	w.idle32(f.W > 1, unit, c.strX, f.StrideX)
}

func (m *module) emitIFM2(w *writer, o *op) {
	f := o.IFM2
	if !o.Scalar {
		m.emitMap(w, f, ifm2Codes)
	}
	w.set(isa.SetIFM2ZeroPoint, f.Zero)
	w.set(isa.SetIFM2Precision, precision(f, 2))
	b := 0
	if o.Swapped {
		b |= 1 << 6
	}
	if o.Scalar {
		w.set(isa.SetIFM2Broadcast, b|1<<7)
		w.set(isa.SetIFM2Scalar, o.ScalarValue)
		return
	}
	if f.H == 1 && o.OFM.H > 1 {
		b |= 1
	}
	if f.W == 1 && o.OFM.W > 1 {
		b |= 2
	}
	if f.C == 1 && o.OFM.C > 1 {
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
	x, y := o.StrideW-1, o.StrideH-1
	v := x&1 | y&1<<1 | x>>1<<6 | y>>1<<9 | (o.DilW-1)<<3 | (o.DilH-1)<<4
	if o.PartKernel {
		v |= 1 << 2
	}
	return v
}

// precision is the type, precision and format field, whose precision starts at the
// given bit.
func precision(f *kernel.Map, bit int) int {
	p := 0
	switch f.Type.Size() {
	case 2:
		p = 1
	case 4:
		p = 2
	}
	p <<= bit
	if f.Bricks() {
		p |= 1 << 6
	}
	if f.Type != graph.Uint8 {
		p |= 1
	}
	return p
}
