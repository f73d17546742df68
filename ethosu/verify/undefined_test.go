// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestDeadRest lets operations read a tensor of which 40 bytes of 48 were written. That is
// a finding, at the operation that read first, when an output depends on the rest, and
// none when it does not, however many operations lie between.
func TestDeadRest(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-256")
	if err != nil {
		t.Fatal(err)
	}
	b := broken{name: "ADD", op: opScalar - 1, replace: [2]string{"NPU_OP_CONV", ""}, lines: input + "NPU_SET_ACTIVATION\nNPU_SET_IFM_DEPTH_M1 depth_m1=47\nNPU_SET_OFM_DEPTH_M1 depth_m1=47\n" +
		"NPU_SET_OFM_BLK_DEPTH_M1 depth_m1=47\nNPU_SET_OFM_BASE0 addr=1024\n"}
	lines, at := b.text(t)
	first, err := isa.Assemble(strings.Join(lines[:at], "\n"))
	if err != nil {
		t.Fatal(err)
	}
	again := "NPU_SET_IFM_BASE0 addr=1024\nNPU_SET_OFM_BASE0 addr=1088\nNPU_OP_ELEMENTWISE elementwise_mode=1\n"
	maximum := "NPU_SET_OFM_SCALE scale=1\nNPU_SET_IFM_BASE0 addr=1024\nNPU_SET_OFM_BASE0 addr=1088\nNPU_SET_IFM_IB_END ib_end=18\nNPU_SET_AB_START ab_start=30\nNPU_OP_POOL pooling_mode=0\n"
	sum := "NPU_SET_IFM_BASE0 addr=1024\nNPU_SET_OFM_BASE0 addr=1088\nNPU_SET_OFM_DEPTH_M1\nNPU_SET_IFM_IB_END ib_end=18\nNPU_SET_AB_START ab_start=22\nNPU_OP_POOL pooling_mode=2\n"
	copied := "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=1024\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST addr=1088\nNPU_SET_DMA0_LEN length=48\nNPU_OP_KERNEL_WAIT\nNPU_OP_DMA_START\nNPU_OP_DMA_WAIT\n"
	for _, c := range []struct {
		name, then string
		from, size int
		bad        bool
	}{
		{"what has a value", "", 1024, 40, false},
		{"all of it", "", 1024, 48, true},
		{"what has a value, after another operation", again, 1088, 40, false},
		{"all of it, after another operation", again, 1088, 48, true},
		{"channels of a pool", maximum, 1088, 40, false},
		{"all channels of a pool", maximum, 1088, 41, true},
		{"a sum over the channels", sum, 1088, 1, true},
		{"what has a value, copied", copied, 1088, 40, false},
		{"all of it, copied", copied, 1088, 48, true},
		{"what was written over", copied + "NPU_SET_DMA0_SRC_REGION\nNPU_SET_DMA0_SRC\nNPU_OP_DMA_START\nNPU_OP_DMA_WAIT\n", 1088, 48, false},
	} {
		words, err := isa.Assemble(strings.Join(lines[:at+1], "\n") + "\n" + c.then + "NPU_OP_STOP mask=65535")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		p := &ethosu.Program{Name: c.name, Accel: a, Constants: exampleMemory(t, a)[0].Content, ArenaSize: 4096,
			Inputs:  []ethosu.Binding{{Name: "in", Region: 1, Size: 40}},
			Outputs: []ethosu.Binding{{Name: "out", Region: 1, Offset: c.from, Size: c.size}}}
		p.Stages = []ethosu.Stage{p.Whole(words, nil, nil)}
		found := Program(p).All()
		if !c.bad {
			if len(found) > 0 {
				t.Errorf("%s: %v", c.name, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Rule != RuleUndefined || found[0].Word != len(first) || !strings.Contains(found[0].Msg, "IFM reads byte 40 of region 1, which was never written, and byte") {
			t.Errorf("%s: %v, expected one finding at word %d", c.name, found, len(first))
		}
	}
}

// Sets of bytes, against a list of booleans.
func TestRangesByBytes(t *testing.T) {
	var r ranges
	var has [64]bool
	next := uint32(7)
	draw := func(n int) int { next = next*1664525 + 1013904223; return int(next>>8) % n }
	for range 3000 {
		from := draw(60)
		to := from + draw(64-from)
		switch draw(3) {
		case 0:
			r.add(int64(from), int64(to))
			for i := from; i < to; i++ {
				has[i] = true
			}
		case 1:
			r.remove(int64(from), int64(to))
			for i := from; i < to; i++ {
				has[i] = false
			}
		default:
			var list ranges
			for i := 0; i < 63; i += 1 + draw(6) {
				list.add(int64(i), int64(i+1))
				has[i] = true
			}
			r.union(list)
		}
		missing := slices.Index(has[from:to], false)
		if want := int64(missing + from); missing < 0 && r.missing(int64(from), int64(to)) >= 0 || missing >= 0 && r.missing(int64(from), int64(to)) != want {
			t.Fatalf("%v: missing(%d, %d) is %d in %v", r, from, to, r.missing(int64(from), int64(to)), has)
		}
		var without [64]bool
		for _, g := range r.gaps(0, 64) {
			for i := g.Start; i < g.End; i++ {
				without[i] = true
			}
		}
		for i := range has {
			if has[i] == without[i] {
				t.Fatalf("%v: byte %d is among the gaps %v: %v", r, i, r.gaps(0, 64), without[i])
			}
		}
	}
}
