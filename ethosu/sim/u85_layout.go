// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// checkBlockU85 checks the OFM block and the microblock: what the accelerator has, what
// the operation may use, and that input and accumulators fit their memories once.
// Source: the Vela compiler's rules, which none of its streams breaks.
func (b *builder) checkBlockU85(h *header, k *kernelU85) error {
	micro := microblock(b.accel, k.Acc.Micro)
	if micro == nil || !b.mayUse(k, micro) {
		return h.fault(IllegalBlock, "microblock %v, which %s does not have for this operation with %d-bit input", k.Acc.Micro, b.accel.Name, k.IFM.Type.Bits)
	}
	if err := b.checkExtents(h, k, micro); err != nil {
		return err
	}
	if k.Op == isa.OpElementwise || k.Op == isa.OpResize || k.passes() {
		return nil
	}
	return b.checkMemories(h, k, micro)
}

// checkExtents checks the multiples and limits of a block.
func (b *builder) checkExtents(h *header, k *kernelU85, micro *ethosu.MicroBlock) error {
	axes, _ := k.Transpose.Axes()
	size := [3]int{k.H, k.W, k.D}
	most := [3]int{128, 128, 1024}
	for i, axis := range axes {
		if size[axis] > most[i] {
			return h.fault(IllegalBlock, "OFM block %dx%dx%d (HxWxD), transposed %v: expected at most 128x128x1024 as it is written", k.H, k.W, k.D, k.Transpose)
		}
	}
	depth := min(micro.D, 16) // multiples of it
	if k.Op == isa.OpConv {
		depth = micro.D
	}
	high := micro.H
	if k.Op == isa.OpResize {
		high = 1
	}
	if k.H%high != 0 || k.W%micro.W != 0 || k.D%depth != 0 || k.D < k.OFM.C && k.D%16 != 0 || k.Op == isa.OpResize && k.H != 1 {
		return h.fault(IllegalBlock, "OFM block %dx%dx%d (HxWxD), expected multiples of %dx%dx%d, of 16 in a depth below the OFM's %d, and one row for RESIZE",
			k.H, k.W, k.D, high, micro.W, depth, k.OFM.C)
	}
	if k.Transpose != isa.TransposeHWC && k.OFM.Format == isa.NHCWB16 && size[axes[2]]%16 != 0 {
		return h.fault(IllegalBlock, "OFM block %dx%dx%d transposed %v to NHCWB16: expected a multiple of 16 on the axis that becomes the depth", k.H, k.W, k.D, k.Transpose)
	}
	if k.Reverse == isa.ReverseC && k.D > 16 {
		return h.fault(IllegalBlock, "OFM block depth %d with a reversed depth, expected at most 16", k.D)
	}
	return nil
}

// mayUse reports whether an operation may have a microblock of the accelerator.
func (b *builder) mayUse(k *kernelU85, m *ethosu.MicroBlock) bool {
	bits := k.IFM.Type.Bits
	if k.passes() {
		bits = 8
	}
	deep := m.D == 16 // of the two kinds of 128 and 256
	multiplies := k.Op == isa.OpConv
	pool := k.Op == isa.OpPool || k.Op == isa.OpResize
	reduces := k.Op == isa.OpPool && k.Pool == isa.PoolReduceSum
	least := k.Op == isa.OpPool && (k.Pool == isa.PoolMin || k.Pool == isa.PoolMax)
	switch {
	case k.Op == isa.OpElementwise:
		return true
	case bits >= 32 && !reduces && !least && k.Op != isa.OpResize:
		return false
	case b.accel.MACs <= 256 && k.Op == isa.OpResize:
		return true
	case b.accel.MACs <= 256 && (multiplies || reduces):
		w := &k.Window
		one := w.H == 1 && w.W == 1 && !w.PartKernelFirst
		return !deep || multiplies && bits == 16 && one && !k.MatMul
	case b.accel.MACs <= 256:
		return deep == (bits == 8)
	case b.accel.MACs == 512:
		return true
	case k.MatMul:
		return !deep
	}
	return deep || multiplies && !pool
}

// unit is what the input memory is handed out in: height, width, and depth in groups of
// 16 bytes; by the depth of the input block in bits: up to 128, up to 256, and more.
type unit struct{ h, w, d int }

func (b *builder) inputUnit(m *ethosu.MicroBlock, bits int) unit {
	flat := m.H == 1 && m.W == 4
	kinds := [3]unit{{2, 2, 1}, {1, 2, 2}, {1, 1, 4}} // 256 and 512
	switch {
	case b.accel.MACs == 128:
		kinds = [3]unit{{1, 2, 1}, {1, 1, 2}, {1, 1, 2}}
	case b.accel.MACs <= 512 && flat:
		kinds[0] = unit{1, 4, 1}
	case b.accel.MACs == 1024:
		kinds = [3]unit{{2, 4, 1}, {2, 2, 2}, {1, 2, 4}}
		if flat {
			kinds[1] = unit{1, 4, 2}
		}
	case b.accel.MACs == 2048:
		kinds = [3]unit{{4, 4, 1}, {2, 4, 2}, {2, 2, 4}}
		if flat {
			kinds[2] = unit{1, 4, 4}
		}
	}
	switch {
	case bits <= 128:
		return kinds[0]
	case bits <= 256:
		return kinds[1]
	}
	return kinds[2]
}

// inputDepth is the depth of an input block.
func (b *builder) inputDepth(k *kernelU85, m *ethosu.MicroBlock) int {
	bits := k.IFM.Type.Bits
	switch {
	case !k.SumsDepth():
		return k.D
	case k.Op == isa.OpConv && k.Window.PartKernelFirst:
		return 16
	case bits == 32, b.accel.MACs <= 256 && m.D == 16 && !k.Sparse:
		return 32
	case k.Sparse && bits == 8:
		return 128
	}
	return 64
}

// checkMemories checks that input and accumulators of a block fit once.
func (b *builder) checkMemories(h *header, k *kernelU85, m *ethosu.MicroBlock) error {
	w, bits := &k.Window, k.IFM.Type.Bits
	depth := b.inputDepth(k, m)
	u := b.inputUnit(m, depth*bits)
	groups := u.d * 128 / bits // elements
	near := 0
	if k.Upscale == isa.UpscaleNearest {
		near = 1
	}
	extent := func(blk, stride, kernel, to int) int {
		f := k.Factor()
		return up(((blk-1)*stride+min(kernel, 8)+near+f-1)/f, to)
	}
	used := depth
	if k.SumsDepth() {
		used = min(depth, k.IFM.C)
	}
	block := extent(k.H, w.StrideY, w.DilatedH, u.h) * extent(k.W, w.StrideX, w.DilatedW, u.w) * up(used, groups) * bits / 8
	whole := up(k.IFM.H, u.h) * up(k.IFM.W, u.w) * up(k.IFM.C, groups) * bits / 8
	if in := min(block, whole); in > b.accel.U85.Inputs {
		return h.fault(IllegalBlock, "the input of an OFM block of %dx%dx%d takes %d bytes of the input memory, which has %d", k.H, k.W, k.D, in, b.accel.U85.Inputs)
	}
	width := 4
	if k.Acc.Format == isa.AccI48 {
		width = 8
	}
	if acc := k.H * k.W * up(k.D, 16) * width; acc > b.accel.U85.Accumulators {
		return h.fault(IllegalBlock, "an OFM block of %dx%dx%d takes %d bytes of the accumulator memory, which has %d", k.H, k.W, k.D, acc, b.accel.U85.Accumulators)
	}
	return nil
}
