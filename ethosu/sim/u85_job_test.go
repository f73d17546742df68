// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestJobDepthU85: how much of the input's depth a block takes at a time.
func TestJobDepthU85(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(k *isa.KernelU85)
		depth int
	}{
		{"depth first", func(k *isa.KernelU85) {}, 32},
		{"a shallow input", func(k *isa.KernelU85) { k.IFM.C = 20 }, 20},
		{"part kernel first", func(k *isa.KernelU85) { k.Window.PartKernelFirst = true }, 16},
		{"sparse", func(k *isa.KernelU85) { k.Sparse = true }, 100},
		{"elementwise", func(k *isa.KernelU85) { k.Op = isa.OpElementwise }, 0},
		{"a microblock that it does not have", func(k *isa.KernelU85) { k.Acc.Micro = isa.Micro2x4 }, 0},
	} {
		k := &isa.KernelU85{Op: isa.OpConv, H: 1, W: 2, D: 16, Window: pointWindow}
		k.IFM.C, k.IFM.Type, k.Acc.Micro = 100, s8, isa.Micro1x2
		c.edit(k)
		b := &builder{Sim: &Sim{accel: accelerator(t, "ethos-u85-256")}}
		if j := b.jobU85(&blockPlan{}, &kernelU85{KernelU85: k}, nil, false); j.depth != c.depth {
			t.Errorf("%s: %d channels at a time, expected %d", c.name, j.depth, c.depth)
		}
	}
}

// TestAverageScalesU85: with which scales an average is known, and with no other.
func TestAverageScalesU85(t *testing.T) {
	for _, c := range []struct {
		scale isa.ScaleU85
		known bool
	}{
		{isa.ScaleU85{Value: 1, Round: isa.RoundHalfUp}, true},
		{isa.ScaleU85{Value: 1 << 30, Shift: 30, Round: isa.RoundHalfUp}, true},
		{isa.ScaleU85{Value: 1, Round: isa.RoundSymmetric}, false},
		{isa.ScaleU85{Value: 1 << 30, Shift: 30, Round: isa.RoundDown}, false},
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundHalfUp}, false},
		{isa.ScaleU85{Value: 1, Shift: 30, Round: isa.RoundHalfUp}, false},
		{isa.ScaleU85{Value: 2, Round: isa.RoundHalfUp}, false},
		{isa.ScaleU85{Value: 1 << 30, Round: isa.RoundHalfUp}, false},
		{isa.ScaleU85{Value: 1 << 30, Shift: 31, Round: isa.RoundHalfUp}, false},
		{isa.ScaleU85{Value: 1 << 29, Shift: 30, Round: isa.RoundHalfUp}, false},
	} {
		k := &isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolAverage, Global: true, OFMScale: c.scale, Window: pointWindow}
		b := &builder{Sim: &Sim{accel: accelerator(t, "ethos-u85-256"), opts: Options{slow: true}}}
		_, err := b.poolingU85(blockPlan{kernel: pointWindow}, &kernelU85{KernelU85: k})
		if err == nil != c.known {
			t.Errorf("an average scaled by %+v: %v", c.scale, err)
		}
	}
}
