// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// classU85 is a kind of operation, as far as micro-blocks are concerned.
type classU85 int

const (
	convU85 classU85 = iota
	matmulU85
	depthwiseU85
	poolU85
	reduceSumU85
	minMaxU85 // pools by MIN and MAX, which also have 32 bits
	argmaxU85
	elementwiseU85
	resizeU85
)

func (k *kernelU85) class() classU85 {
	switch k.Op {
	case isa.OpConv:
		if k.MatMul {
			return matmulU85
		}
		return convU85
	case isa.OpDepthwise:
		return depthwiseU85
	case isa.OpElementwise:
		return elementwiseU85
	case isa.OpResize:
		return resizeU85
	}
	switch k.Pool {
	case isa.PoolReduceSum:
		return reduceSumU85
	case isa.PoolMax, isa.PoolMin:
		return minMaxU85
	case isa.PoolArgmaxX, isa.PoolArgmaxY:
		return argmaxU85
	}
	return poolU85
}

// mayHave reports whether an operation may run with a micro-block of a depth. Source: the
// Vela compiler's description of the architecture.
func (k *kernelU85) mayHave(a *ethosu.Accelerator, depth int) bool {
	class := k.class()
	small, wide := a.MACs <= 256, k.IFM.Type.Bits > 16
	switch {
	case class == elementwiseU85:
		return true
	case wide && (class == convU85 || class == matmulU85 || class == depthwiseU85):
		return true // with a type that they cannot have, which is reported as such
	case wide && class != reduceSumU85 && class != minMaxU85 && class != resizeU85:
		return false
	case small && depth == 8:
		return wide || k.IFM.Type.Bits == 16 || class == convU85 || class == matmulU85 || class == reduceSumU85 || class == resizeU85
	case small && class == convU85:
		return k.IFM.Type.Bits == 16 && k.Window.H == 1 && k.Window.W == 1 && !k.Window.PartKernelFirst
	case small:
		if class == resizeU85 {
			return true
		}
		return k.IFM.Type.Bits == 8 && class != matmulU85 && class != reduceSumU85
	case a.MACs == 512:
		return true
	case depth > 16:
		return class == convU85 || class == matmulU85
	}
	return class != matmulU85
}

// unit is what the input block is allocated in: height and width in elements, depth in 16
// bytes.
type unit struct{ h, w, d int }

// unitOf returns the unit of an accelerator for a micro-block's height and width, by how
// many bits the block is deep. Source: as mayHave.
func unitOf(macs int, m ethosu.MicroBlock, bits int) unit {
	n := 2
	switch {
	case bits <= 128:
		n = 0
	case bits <= 256:
		n = 1
	}
	flat := m.H == 1 && m.W == 4
	switch {
	case macs == 128:
		return [3]unit{{1, 2, 1}, {1, 1, 2}, {1, 1, 2}}[n]
	case macs <= 512 && flat:
		return [3]unit{{1, 4, 1}, {1, 2, 2}, {1, 1, 4}}[n]
	case macs <= 512:
		return [3]unit{{2, 2, 1}, {1, 2, 2}, {1, 1, 4}}[n]
	case macs == 1024 && flat:
		return [3]unit{{2, 4, 1}, {1, 4, 2}, {1, 2, 4}}[n]
	case macs == 1024:
		return [3]unit{{2, 4, 1}, {2, 2, 2}, {1, 2, 4}}[n]
	case flat:
		return [3]unit{{4, 4, 1}, {2, 4, 2}, {1, 4, 4}}[n]
	}
	return [3]unit{{4, 4, 1}, {2, 4, 2}, {2, 2, 4}}[n]
}

func up(a, b int) int { return (a + b - 1) / b * b }

// inputDepth is the depth of the input block.
func (k *kernelU85) inputDepth(a *ethosu.Accelerator) int {
	switch {
	case !k.SumsDepth():
		return k.D
	case k.Op == isa.OpConv && k.Window.PartKernelFirst:
		return 16
	case k.IFM.Type.Bits == 32:
		return 32
	}
	l := weights.LayoutU85{Traversal: weights.DepthFirst, IFMBits: k.IFM.Type.Bits, Sparse: k.Sparse, MACs: a.MACs, OFMUBlockDepth: k.micro.D}
	return l.IFMBlockDepth()
}

// microBlock returns the micro-block that the registers name.
func (c *checker) microBlock(k *kernelU85) (m ethosu.MicroBlock, ok bool) {
	h, w := k.Acc.Micro.Size()
	for _, m := range c.a.U85.MicroBlocks {
		if m.H == h && m.W == w {
			return m, true
		}
	}
	c.report(RuleBlock, "micro-block %v, expected one of %v on %s", k.Acc.Micro, c.a.U85.MicroBlocks, c.a.Name)
	return m, false
}

// blockU85 checks the micro-block, the OFM block, and that its buffers fit the memories
// that hold them.
func (c *checker) blockU85(k *kernelU85, chain bool) {
	m, ok := c.microBlock(k)
	if !ok {
		k.micro = c.a.U85.MicroBlocks[0]
		return
	}
	k.micro = m
	if !k.mayHave(c.a, m.D) && !k.Acc.Hold {
		c.report(RuleBlock, "micro-block %v with an IFM of %v, which this operation cannot have on %s", m, k.IFM.Type, c.a.Name)
	}
	if k.Op == isa.OpResize {
		if k.H != 1 || k.D > 16 {
			c.report(RuleBlock, "block %dx%dx%d of RESIZE, expected height 1 and at most 16 channels", k.H, k.W, k.D)
		}
	} else if k.H%m.H != 0 || k.W%m.W != 0 {
		c.report(RuleBlock, "block %dx%dx%d, expected multiples of the micro-block %v", k.H, k.W, k.D, m)
	}
	copies := k.Op == isa.OpPool && k.Window.H == 1 && k.Window.W == 1
	step := 16
	switch {
	case k.Op == isa.OpConv:
		step = m.D
	case m.D == 8 && (chain || copies):
		step = 8
	}
	if k.D%step != 0 || k.D < k.OFM.C && k.D%16 != 0 {
		c.report(RuleBlock, "a block %d channels deep of %d, expected a multiple of %d, and of 16 if there are more channels", k.D, k.OFM.C, step)
	}
	c.orientation(k)
	if k.Op == isa.OpElementwise || k.Op == isa.OpResize {
		return
	}
	bytes := 4
	if k.Acc.Format == isa.AccI48 {
		bytes = 8
	}
	if n := k.H * k.W * up(k.D, 16) * bytes; n > c.a.U85.Accumulators {
		c.report(RuleBlock, "block %dx%dx%d has %d bytes of accumulators, expected at most %d", k.H, k.W, k.D, n, c.a.U85.Accumulators)
	}
	if n := c.inputBytes(k); n > c.a.U85.Inputs {
		c.report(RuleBlock, "block %dx%dx%d needs %d bytes of input, expected at most %d", k.H, k.W, k.D, n, c.a.U85.Inputs)
	}
}

// inputBytes returns the room that the input of one block takes.
func (c *checker) inputBytes(k *kernelU85) int {
	depth, e := k.inputDepth(c.a), k.IFM.Type.Bytes()
	u := unitOf(c.a.MACs, k.micro, depth*8*e)
	deep := u.d * 16 / e
	nearest := 0
	if k.Upscale == isa.UpscaleNearest {
		nearest = 1
	}
	extent := func(block, stride, kernel, unit int) int {
		return up(((block-1)*stride+min(kernel, 8)+nearest+k.Factor()-1)/k.Factor(), unit)
	}
	h, w := extent(k.H, k.Window.StrideY, k.Window.DilatedH, u.h), extent(k.W, k.Window.StrideX, k.Window.DilatedW, u.w)
	used := up(depth, deep)
	if k.SumsDepth() {
		used = up(min(depth, k.IFM.C), deep)
	}
	return min(h*w*used*e, up(k.IFM.H, u.h)*up(k.IFM.W, u.w)*up(k.IFM.C, deep)*e)
}

// orientation checks what is written transposed or reversed.
func (c *checker) orientation(k *kernelU85) {
	order, ok := k.Transpose.Axes()
	if !ok || k.Transpose == isa.TransposeHWC && k.Reverse == isa.ReverseNone {
		return // not legal: reported already
	}
	block := [3]int{k.H, k.W, k.D}
	written := [3]int{block[order[0]], block[order[1]], block[order[2]]}
	switch {
	case k.Transpose != isa.TransposeHWC && k.Reverse != isa.ReverseNone:
		c.report(RuleType, "the OFM is transposed as %v and reversed in %v, expected one of them", k.Transpose, k.Reverse)
	case k.Op == isa.OpElementwise && (k.Reverse != isa.ReverseNone || k.Transpose != isa.TransposeHCW && k.Transpose != isa.TransposeCHW),
		k.Op == isa.OpResize, k.OFM.Type.Bits == 64 && k.Transpose != isa.TransposeHWC:
		c.report(RuleType, "an OFM of %v is transposed as %v and reversed in %v, which this operation cannot", k.OFM.Type, k.Transpose, k.Reverse)
	case k.Reverse == isa.ReverseC && k.D > 16:
		c.report(RuleBlock, "a block %d channels deep that is reversed in depth, expected at most 16", k.D)
	case written[0] > 128 || written[1] > 128 || written[2] > 1024:
		c.report(RuleBlock, "block %dx%dx%d is written as %dx%dx%d, expected at most 128x128x1024", k.H, k.W, k.D, written[0], written[1], written[2])
	case k.OFM.Format == isa.NHCWB16 && written[2]%16 != 0:
		c.report(RuleBlock, "block %dx%dx%d is written with %d channels in bricks, expected a multiple of 16", k.H, k.W, k.D, written[2])
	}
}
