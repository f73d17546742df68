// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// kernelU85 is a block operation of the U85 with its inputs sorted.
type kernelU85 struct {
	*isa.KernelU85
	one, two *isa.MapU85 // IFM and IFM2 where they are feature maps, in memory or chained
}

func newKernelU85(o *isa.Operation) *kernelU85 {
	k := &kernelU85{KernelU85: o.KernelU85()}
	if !k.passes() && k.IFM.Broadcast != isa.BroadcastScalar {
		k.one = &k.IFM
	}
	if k.HasIFM2() && k.IFM2.Broadcast != isa.BroadcastScalar {
		k.two = &k.IFM2
	}
	return k
}

// passes reports POOL NONE, which reads IFM2 alone.
func (k *kernelU85) passes() bool { return k.Op == isa.OpPool && k.Pool == isa.PoolNone }

// scalarFirst and scalarSecond report whether an operand is the constant OP_SCALAR.
func (k *kernelU85) scalarFirst() bool { return k.IFM.Broadcast == isa.BroadcastScalar }

func (k *kernelU85) scalarSecond() bool {
	return k.HasIFM2() && k.IFM2.Broadcast == isa.BroadcastScalar
}

// chained reports whether a feature map, or nil, lies in a chaining buffer.
func chained(m *isa.MapU85) bool { return m != nil && m.Storage == isa.Chained }

// accLimit is what an accumulator holds: 2^31 or 2^47.
func (k *kernelU85) accLimit() int64 {
	if k.Acc.Format == isa.AccI48 {
		return 1 << 47
	}
	return 1 << 31
}

// sameBlock reports whether two operations have the same OFM block and microblock.
func (k *kernelU85) sameBlock(j *kernelU85) bool {
	return k.H == j.H && k.W == j.W && k.D == j.D && k.Acc.Micro == j.Acc.Micro
}
