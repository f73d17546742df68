// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// TestRecordedLayoutU85: the units of the input memory, the micro-blocks that an operation
// may have, and the largest blocks that fit the memories, for every configuration.
func TestRecordedLayoutU85(t *testing.T) {
	b := testdata.NewRecording(t, "layout_u85.txt", *update)
	type kind struct {
		name string
		k    isa.KernelU85
		bits []int
	}
	windows := []isa.Kernel{pointWindow, {H: 3, W: 2, StrideY: 2, StrideX: 1, DilatedH: 3, DilatedW: 2}, {H: 10, W: 9, StrideY: 1, StrideX: 3, DilatedH: 10, DilatedW: 9}}
	kinds := []kind{
		{"CONV", isa.KernelU85{Op: isa.OpConv}, []int{8, 16, 32}},
		{"sparse CONV", isa.KernelU85{Op: isa.OpConv, Sparse: true}, []int{8, 16}},
		{"CONV, part kernel first", isa.KernelU85{Op: isa.OpConv, Window: isa.Kernel{PartKernelFirst: true}}, []int{8, 16}},
		{"CONV with IFM2", isa.KernelU85{Op: isa.OpConv, MatMul: true}, []int{8, 16}},
		{"DEPTHWISE", isa.KernelU85{Op: isa.OpDepthwise}, []int{8, 16}},
		{"MAX", isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolMax}, []int{8, 16, 32}},
		{"MIN", isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolMin}, []int{32}},
		{"AVERAGE", isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolAverage}, []int{8, 16, 32}},
		{"REDUCE_SUM", isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolReduceSum}, []int{8, 16, 32}},
		{"NONE", isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolNone}, []int{8, 32}},
		{"ELEMENTWISE", isa.KernelU85{Op: isa.OpElementwise}, []int{8, 32}},
		{"RESIZE", isa.KernelU85{Op: isa.OpResize}, []int{8, 32}},
	}
	for _, a := range everyU85(t) {
		fmt.Fprintf(b, "# %s\n", a.Name)
		p := &builder{Sim: &Sim{accel: a}}
		for i := range a.U85.MicroBlocks {
			m := &a.U85.MicroBlocks[i]
			for _, bits := range []int{8, 128, 129, 256, 257, 1024} {
				fmt.Fprintf(b, "%v, %d bits: %v\n", *m, bits, p.inputUnit(m, bits))
			}
		}
		for _, kind := range kinds {
			for _, bits := range kind.bits {
				may, fits, h := "", []string{}, fnv.New32a()
				for w, window := range windows {
					k := kind.k
					window.PartKernelFirst = k.Window.PartKernelFirst
					k.Window = window
					k.IFM.Type, k.OFM.C = isa.DType{Signed: true, Bits: bits}, 64
					for i := range a.U85.MicroBlocks {
						m := &a.U85.MicroBlocks[i]
						micro, _ := isa.MicroblockOf(m.H, m.W)
						k.Acc.Micro = micro
						if p.mayUse(&kernelU85{KernelU85: &k}, m) {
							may += fmt.Sprint(i)
						} else {
							may += "-"
						}
						for c, n := range []int{7, 40, 200} {
							k.IFM.C, k.IFM.H, k.IFM.W = n, 300, 300
							k.Upscale = []isa.UpscaleMode{isa.UpscaleNone, isa.UpscaleNearest, isa.UpscaleZeros}[(c+w)%3]
							k.Acc.Format = []isa.AccFormat{isa.AccI32, isa.AccI48}[c%2]
							for _, small := range []bool{false, true} {
								if small { // of which the block's input is more
									k.IFM.H, k.IFM.W = 5, 7
								}
								most := []int{}
								for _, high := range []int{1, 4, 9} {
									for _, deep := range []int{8, 40} {
										k.H, k.D, k.W = high, deep, 1
										for k.W < 2000 && p.checkMemories(&header{}, &kernelU85{KernelU85: &k}, m) == nil {
											k.W++
										}
										most = append(most, k.W-1)
										if err := p.checkMemories(&header{}, &kernelU85{KernelU85: &k}, m); err != nil {
											fmt.Fprintln(h, err)
										}
									}
								}
								fmt.Fprintln(h, most, p.inputDepth(&kernelU85{KernelU85: &k}, m))
								if i == 0 && c == 0 && !small {
									fits = append(fits, fmt.Sprint(most))
								}
							}
						}
					}
				}
				fmt.Fprintf(b, "%s of %d bits: %s %s %04x\n", kind.name, bits, may, strings.Join(fits, " "), h.Sum32()&0xFFFF)
				b.Part()
			}
		}
	}
	b.End()
}

// TestExtentsU85: blocks at the last multiple that is right, and one step beyond.
func TestExtentsU85(t *testing.T) {
	for _, c := range []struct {
		name, accel string
		k           isa.KernelU85
		micro       isa.Microblock
		h, w, d, c  int // the block, and the channels of the OFM
		bad         bool
	}{
		{"a pool", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 16, 16, false},
		{"half a micro-block in y", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 3, 2, 16, 16, true},
		{"half a micro-block in x", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 3, 16, 16, true},
		{"a pool of a deep micro-block", "ethos-u85-1024", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 16, 16, false}, // 32 deep, of which 16 do
		{"a convolution of a deep micro-block", "ethos-u85-1024", isa.KernelU85{Op: isa.OpConv}, isa.Micro2x2, 2, 2, 16, 16, true},
		{"a convolution as deep as the micro-block", "ethos-u85-1024", isa.KernelU85{Op: isa.OpConv}, isa.Micro2x2, 2, 2, 32, 16, false},
		{"eight channels of eight", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 8, 8, false},
		{"eight channels of nine", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 8, 9, true},
		{"24 channels of 24", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 24, 24, false},
		{"24 channels of 25", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 24, 25, true},
		{"four channels", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 4, 4, true},
		{"a row of RESIZE", "ethos-u85-256", isa.KernelU85{Op: isa.OpResize}, isa.Micro2x2, 1, 2, 16, 16, false},
		{"two rows of RESIZE", "ethos-u85-256", isa.KernelU85{Op: isa.OpResize}, isa.Micro2x2, 2, 2, 16, 16, true},
		{"the highest", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 128, 2, 16, 16, false},
		{"higher", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 130, 2, 16, 16, true},
		{"the widest", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 128, 16, 16, false},
		{"wider", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 130, 16, 16, true},
		{"the deepest", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 1024, 16, false},
		{"deeper", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool}, isa.Micro2x2, 2, 2, 1040, 16, true},
		{"deep, where that becomes the height", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Transpose: isa.TransposeCHW}, isa.Micro2x2, 2, 2, 144, 16, true},
		{"wide, where that becomes the depth", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Transpose: isa.TransposeCHW}, isa.Micro2x2, 2, 130, 16, 16, false},
		{"reversed channels", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Reverse: isa.ReverseC}, isa.Micro2x2, 2, 2, 16, 16, false},
		{"more reversed channels", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Reverse: isa.ReverseC}, isa.Micro2x2, 2, 2, 32, 16, true},
		{"reversed columns", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Reverse: isa.ReverseW}, isa.Micro2x2, 2, 2, 32, 16, false},
		{"transposed to bricks", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Transpose: isa.TransposeCHW, OFM: isa.MapU85{FeatureMap: isa.FeatureMap{Format: isa.NHCWB16}}}, isa.Micro2x2, 2, 16, 16, 16, false},
		{"transposed to parts of bricks", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Transpose: isa.TransposeCHW, OFM: isa.MapU85{FeatureMap: isa.FeatureMap{Format: isa.NHCWB16}}}, isa.Micro2x2, 2, 18, 16, 16, true},
		{"transposed without bricks", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, Transpose: isa.TransposeCHW}, isa.Micro2x2, 2, 18, 16, 16, false},
		{"bricks", "ethos-u85-256", isa.KernelU85{Op: isa.OpPool, OFM: isa.MapU85{FeatureMap: isa.FeatureMap{Format: isa.NHCWB16}}}, isa.Micro2x2, 2, 2, 8, 8, false},
	} {
		a := accelerator(t, c.accel)
		c.k.H, c.k.W, c.k.D, c.k.OFM.C = c.h, c.w, c.d, c.c
		err := (&builder{Sim: &Sim{accel: a}}).checkExtents(&header{}, &kernelU85{KernelU85: &c.k}, microblock(a, c.micro))
		if f, ok := err.(*Fault); (err != nil) != c.bad || err != nil && (!ok || f.Cause != IllegalBlock) {
			t.Errorf("%s: %v, expected a fault: %v", c.name, err, c.bad)
		}
	}
}

// TestBlocksChecked: of which operations the memories count, and that the micro-block has to
// be one.
func TestBlocksChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		k     isa.KernelU85
		cause string
	}{
		{"a pool that fits", isa.KernelU85{Op: isa.OpPool, W: 4}, ""},
		{"a pool that does not", isa.KernelU85{Op: isa.OpPool, W: 128, H: 128}, "takes"},
		{"an elementwise operation", isa.KernelU85{Op: isa.OpElementwise, W: 128, H: 128}, ""},
		{"RESIZE", isa.KernelU85{Op: isa.OpResize, W: 128, H: 1, D: 1024}, ""},
		{"NONE", isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolNone, W: 128, H: 128}, ""},
		{"an elementwise operation with odd blocks", isa.KernelU85{Op: isa.OpElementwise, W: 3}, "expected multiples"},
	} {
		k := &c.k
		k.Acc.Micro, k.Window, k.IFM.Type = isa.Micro1x2, pointWindow, s8
		k.H, k.D = max(k.H, 1), max(k.D, 16)
		k.IFM.H, k.IFM.W, k.IFM.C, k.OFM.C = 200, 200, 16, 16
		err := (&builder{Sim: &Sim{accel: accelerator(t, "ethos-u85-256")}}).checkBlockU85(&header{}, &kernelU85{KernelU85: k})
		if (err != nil) != (c.cause != "") || err != nil && !strings.Contains(err.Error(), c.cause) {
			t.Errorf("%s: %v, expected %q", c.name, err, c.cause)
		}
	}
}
