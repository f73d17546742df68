// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// pairU85 is a chain that runs: ADD of two maps into chaining buffer 0, MUL of that with
// a map into memory.
func pairU85() [2]*isa.KernelU85 {
	flat := func(base uint64) isa.MapU85 {
		return isa.MapU85{FeatureMap: isa.FeatureMap{Region: 1, Base: [4]uint64{base}, Height0: 2, Height1: 2, Width0: 3, H: 2, W: 3, C: 20, StrideY: 60, StrideX: 20, StrideC: 1, Type: s8}}
	}
	var pair [2]*isa.KernelU85
	for i := range pair {
		k := &isa.KernelU85{Op: isa.OpElementwise, Elem: isa.ElemAdd, Global: true, Window: pointWindow, H: 1, W: 4, D: 32, IFM: flat(0), IFM2: flat(128), OFM: flat(256),
			OFMScale: isa.ScaleU85{Value: 1 << 30, Shift: 50}, IFMScale: isa.ScaleU85{Value: 1 << 30, Shift: 11, Double: 20}, IFM2Scale: isa.ScaleU85{Value: 1 << 30, Shift: 11, Double: 20}}
		k.Acc.Micro = isa.Micro1x2
		k.Activation = isa.ActivationU85{Clip: true, Min: 0xFF80, Max: 127}
		pair[i] = k
	}
	pair[0].OFM.Storage = isa.Chained
	pair[1].Elem, pair[1].IFM.Storage = isa.ElemMul, isa.Chained
	pair[1].OFMScale = isa.ScaleU85{Value: 1 << 30, Shift: 34}
	pair[1].IFMScale, pair[1].IFM2Scale = unitScale, unitScale
	return pair
}

// TestFaultsU85 breaks one thing at a time in a chain that runs and requires the fault to
// name it.
func TestFaultsU85(t *testing.T) {
	for _, c := range []struct {
		name   string
		edit   func(a, b *isa.KernelU85)
		cause  Cause
		op     int
		detail string
	}{
		{"nothing", func(a, b *isa.KernelU85) {}, 0, 0, ""},
		{"region size", func(a, b *isa.KernelU85) { b.OFM.Base[0] = 300 }, OutsideRegion, 1, "OFM accesses bytes 300..420 of region 1, which has 400"},
		{"constant region", func(a, b *isa.KernelU85) { b.OFM.Region = 0 }, ReadOnly, 1, "is constant"},
		{"tiles", func(a, b *isa.KernelU85) { a.IFM.Storage = isa.Tile3x1 }, Unknown, 0, "IFM_PRECISION storage TILE3X1"},
		{"no place", func(a, b *isa.KernelU85) { a.IFM2.Storage = isa.NoStorage }, Contradiction, 0, "IFM2_PRECISION storage NONE"},
		{"scalar with a place", func(a, b *isa.KernelU85) { a.IFM2.Broadcast = isa.BroadcastScalar }, Contradiction, 0, "with IFM2_BROADCAST 8, expected NONE"},
		{"two scalars", func(a, b *isa.KernelU85) {
			for _, m := range []*isa.MapU85{&a.IFM, &a.IFM2} {
				m.Broadcast, m.Storage = isa.BroadcastScalar, isa.NoStorage
			}
		}, Contradiction, 0, "both name the scalar"},
		{"types", func(a, b *isa.KernelU85) { a.IFM2.Type = s16 }, Contradiction, 0, "two inputs alike"},
		{"64 bits", func(a, b *isa.KernelU85) { a.IFM.Type.Bits, a.IFM2.Type.Bits = 64, 64 }, Unknown, 0, "with 64 bits"},
		{"kept accumulators", func(a, b *isa.KernelU85) { a.Acc.Input = isa.AccKeep }, Unknown, 0, "leaves or keeps accumulators"},
		{"loaded accumulators", func(a, b *isa.KernelU85) { a.Acc.Input = isa.AccIFM2 }, Unknown, 0, "only CONV and POOL NONE are known"},
		{"division", func(a, b *isa.KernelU85) { b.Elem = isa.ElemDiv }, Unknown, 1, "DIV: how its result is rounded"},
		{"comparison", func(a, b *isa.KernelU85) { b.Elem = isa.ElemCmpGE }, Unknown, 1, "CMP_GE: how its result is rounded"},
		{"scale of MUL", func(a, b *isa.KernelU85) { b.IFMScale.Value = 2 }, Unknown, 1, "IFM_SCALE 2 >> 0"},
		{"scale of MIN", func(a, b *isa.KernelU85) { b.Elem = isa.ElemMin }, Unknown, 1, "OFM_SCALE 1073741824 >> 34"},
		{"scale of records", func(a, b *isa.KernelU85) { b.Global = false }, Unknown, 1, "scale_mode 0 with ELEMENTWISE"},
		{"upscaling", func(a, b *isa.KernelU85) { a.Upscale = isa.UpscaleNearest }, Unknown, 0, "IFM_UPSCALE 1"},
		{"depth", func(a, b *isa.KernelU85) { a.IFM.C = 19 }, Contradiction, 0, "IFM depth 19 with NPU_OP_ELEMENTWISE ADD, expected the OFM's 20"},
		{"microblock", func(a, b *isa.KernelU85) { a.Acc.Micro, b.Acc.Micro = isa.Micro2x4, isa.Micro2x4 }, IllegalBlock, 0, "microblock 2x4, which ethos-u85-256 does not have"},
		{"block", func(a, b *isa.KernelU85) { a.W, b.W = 3, 3 }, IllegalBlock, 0, "multiples of 1x2x16"},
		{"depth of the block", func(a, b *isa.KernelU85) { a.D, b.D = 24, 24 }, IllegalBlock, 0, "OFM block 1x4x24"},
		{"blocks of a chain", func(a, b *isa.KernelU85) { b.W = 2 }, IllegalBlock, 1, "differs from 1x4x32, microblock 1x2, of the operation that begins the chain"},
		{"BLOCKDEP", func(a, b *isa.KernelU85) { b.Dep = 1 }, Unknown, 1, "BLOCKDEP 1 in a chain"},
		{"other buffer", func(a, b *isa.KernelU85) { b.IFM.Buffer = 1 }, Contradiction, 1, "reads chaining buffer 1, which no operation of the chain wrote"},
		{"type in the buffer", func(a, b *isa.KernelU85) { b.IFM.Type.Signed, b.IFM2.Type.Signed = false, false }, Contradiction, 1, "IFM type U8 differs from S8, which chaining buffer 0 holds"},
		{"shape in the buffer", func(a, b *isa.KernelU85) { b.OFM.W = 2 }, Contradiction, 1, "IFM is 2x3x20 in chaining buffer 0, expected 2x2x20"},
		{"order in the buffer", func(a, b *isa.KernelU85) {
			b.Elem, b.OFM.W, b.OFM.C, b.OFM.Width0, b.OFM.StrideX = isa.ElemAbs, 2, 30, 2, 30
		}, Unknown, 1, "in which order elements are taken"},
		{"broadcast of the buffer", func(a, b *isa.KernelU85) { b.IFM.Broadcast = isa.BroadcastW }, Unknown, 1, "IFM_BROADCAST 2 of a chaining buffer"},
		{"chain that nothing ends", func(a, b *isa.KernelU85) { b.OFM.Storage = isa.Chained }, Contradiction, -1, "the stream ends inside the chain"},
		{"chain that nothing begins", func(a, b *isa.KernelU85) { a.IFM.Storage = isa.Chained }, Contradiction, 0, "no operation before left anything"},
		{"chain that is left", func(a, b *isa.KernelU85) { b.IFM.Storage = isa.Tile2x2 }, Contradiction, 1, "inside the chain that operation 0"},
		{"pooling in a chain", func(a, b *isa.KernelU85) { b.Op, b.Pool = isa.OpPool, isa.PoolMax }, Contradiction, 1, "only ELEMENTWISE reads them"},
		{"chain over its input", func(a, b *isa.KernelU85) { b.OFM.Base[0] = 20 }, Unknown, 1, "overwrites an input of its own"},
		{"transposed chain", func(a, b *isa.KernelU85) { a.Transpose = isa.TransposeHCW }, Contradiction, 0, "exclude one another"},
		{"transposed two ways", func(a, b *isa.KernelU85) { b.Transpose, b.Reverse = isa.TransposeHCW, isa.ReverseH }, Contradiction, 1, "exclude one another"},
		{"table not loaded", func(a, b *isa.KernelU85) { b.Activation.Function, b.Activation.Table = isa.FuncS8ToS8, 3 }, TableMissing, 1, "the table at 0x300 of the LUT memory (256 bytes) is not loaded at 0x300"},
		{"table type", func(a, b *isa.KernelU85) { b.Activation.Function = isa.FuncS8ToS16 }, Contradiction, 1, "S8_S16 with OFM type S8, expected S16"},
		{"table past the end", func(a, b *isa.KernelU85) {
			b.OFM.Type, b.OFM.StrideX, b.OFM.StrideY = s32, 80, 160
			b.Activation.Function, b.Activation.Table = isa.FuncS8ToS32, 2
			b.OFM.H, b.OFM.W, b.OFM.C = 1, 1, 1
			a.OFM.H, a.OFM.W, a.OFM.C = 1, 1, 1
			a.IFM.C = 1
			a.IFM.Base[0], a.IFM2.Base[0], b.OFM.Base[0] = 0, 128, 256
		}, OutsideRegion, 1, "reaches past the end of the LUT memory"},
		{"interpolation", func(a, b *isa.KernelU85) { b.Activation.Function = isa.FuncS16ToS32 }, Unknown, 1, "how its table is interpolated"},
		{"minimum", func(a, b *isa.KernelU85) { b.Activation.Min, b.Activation.Max = 5, 4 }, Contradiction, 1, "is above ACTIVATION_MAX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair := pairU85()
			c.edit(pair[0], pair[1])
			var s stream
			s.kernelU85(pair[0])
			s.kernelU85(pair[1])
			s.stop()
			_, err := Prepare(accelerator(t, "ethos-u85-256"), s.words, Regions{{Content: make([]byte, 512)}, {Size: 400}})
			if c.detail == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var f *Fault
			if !errors.As(err, &f) {
				t.Fatalf("%v is not a fault", err)
			}
			if f.Cause != c.cause || f.Op != c.op || !strings.Contains(f.Detail, c.detail) {
				t.Errorf("%v\nexpected %v at operation %d: ...%s...", f, c.cause, c.op, c.detail)
			}
		})
	}
}

// TestBranchU85: a stream that branches is refused by name.
func TestBranchU85(t *testing.T) {
	words := isa.Command{Code: isa.OpBranch, Param: 1, Payload: 0}.Append(nil)
	words = isa.Command{Code: isa.OpStop}.Append(words)
	_, err := Prepare(accelerator(t, "ethos-u85-128"), words, Regions{})
	var f *Fault
	if !errors.As(err, &f) || f.Cause != Unknown || f.Name != "NPU_OP_BRANCH" || f.Word != 0 {
		t.Errorf("%v, expected a fault of NPU_OP_BRANCH", err)
	}
}

// TestDamagedStreamsU85: whatever bits a stream has, it is refused or runs, and never
// panics.
func TestDamagedStreamsU85(t *testing.T) {
	rng := rand.New(rand.NewPCG(81, 82))
	accels := everyU85(t)
	faults := map[Cause]int{}
	for range 4000 {
		accel := accels[rng.IntN(len(accels))]
		var s stream
		pair := pairU85()
		if rng.IntN(2) == 0 {
			pair[0] = randomWindowU85(rng, accel)
			pair[0].IFM.Region, pair[0].OFM.Region, pair[0].IFM2.Region = 1, 1, 1
		}
		s.tableU85(0, isa.Span{Region: SHRAM, Start: 256, End: 512})
		s.kernelU85(pair[0])
		s.kernelU85(pair[1])
		s.stop()
		for range 1 + rng.IntN(3) {
			s.words[rng.IntN(len(s.words))] ^= 1 << rng.IntN(32)
		}
		sim, err := PrepareWith(accel, s.words, Regions{{Content: make([]byte, 512)}, {Size: 4096}, {Size: 512}}, Options{MaxWork: 1 << 20})
		if err == nil {
			err = sim.Run(sim.NewMemory())
		}
		var f *Fault
		if err != nil && !errors.As(err, &f) {
			t.Fatalf("%v is not a fault", err)
		}
		if f != nil {
			faults[f.Cause]++
		} else {
			faults[^Cause(0)]++
		}
	}
	if len(faults) < 8 || faults[^Cause(0)] == 0 {
		t.Errorf("outcomes %v: the damage does not reach far", faults)
	}
}

// FuzzStreamsU85 lays bytes over a stream that runs: whatever comes of it is a result or a
// fault.
func FuzzStreamsU85(f *testing.F) {
	var base stream
	pair := pairU85()
	base.tableU85(0, isa.Span{Region: SHRAM, Start: 256, End: 512})
	base.kernelU85(pair[0])
	base.kernelU85(pair[1])
	base.stop()
	f.Add(uint16(0), uint32(0), uint16(9), uint32(1), uint8(1))
	f.Add(uint16(40), uint32(1<<16), uint16(41), uint32(0xC0FFEE), uint8(4))
	accels := ethosu.Of(ethosu.U85)
	f.Fuzz(func(t *testing.T, at uint16, v uint32, at2 uint16, v2 uint32, which uint8) {
		words := slices.Clone(base.words)
		words[int(at)%len(words)] ^= v
		words[int(at2)%len(words)] ^= v2
		sim, err := PrepareWith(accels[int(which)%len(accels)], words, Regions{{Content: make([]byte, 512)}, {Size: 4096}, {Size: 512}}, Options{MaxWork: 1 << 20})
		if err == nil {
			sim.Races()
			err = sim.Run(sim.NewMemory())
		}
		var fault *Fault
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("%v is not a fault", err)
		}
	})
}
