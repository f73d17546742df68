// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestAsSaid: every map of an operation is a part of the tensor that is said to be it, while
// that is alive; what nothing is said of may lie anywhere.
func TestAsSaid(t *testing.T) {
	const (
		maps = "NPU_SET_IFM_REGION region=1\nNPU_SET_IFM_BASE0 addr=0\nNPU_SET_IFM_PRECISION type=1\nNPU_SET_IFM_DEPTH_M1 depth_m1=15\nNPU_SET_IFM_STRIDE_X addr=16\nNPU_SET_IFM_STRIDE_Y addr=16\n" +
			"NPU_SET_IFM2_REGION region=1\nNPU_SET_IFM2_BASE0 addr=64\nNPU_SET_IFM2_PRECISION type=1\nNPU_SET_IFM2_STRIDE_X addr=16\nNPU_SET_IFM2_STRIDE_Y addr=16\nNPU_SET_IFM2_BROADCAST\n" +
			"NPU_SET_OFM_REGION region=1\nNPU_SET_OFM_BASE0 addr=128\nNPU_SET_OFM_PRECISION type=1\nNPU_SET_OFM_HEIGHT_M1\nNPU_SET_OFM_WIDTH_M1\nNPU_SET_OFM_DEPTH_M1 depth_m1=15\nNPU_SET_OFM_STRIDE_X addr=16\nNPU_SET_OFM_STRIDE_Y addr=16\n"
		add, abs, pool = maps + "NPU_OP_ELEMENTWISE elementwise_mode=1", maps + "NPU_OP_ELEMENTWISE elementwise_mode=6", maps + "NPU_OP_POOL pooling_mode=2"
		dma            = "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=0\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST addr=128\nNPU_SET_DMA0_LEN length=16\n"
		start          = "NPU_OP_DMA_START"
	)
	op := ethosu.OpInfo{IFM: "one", IFM2: "two", OFM: "out"}
	place := func(name string, region, offset, size, first, last int) ethosu.Placement {
		return ethosu.Placement{Name: name, Region: region, Offset: offset, Size: size, First: first, Last: last}
	}
	one, two, out := place("one", 1, 0, 16, 0, 9), place("two", 1, 64, 16, 0, 9), place("out", 1, 128, 16, 0, 9)
	for _, c := range []struct {
		name, lines string
		op          ethosu.OpInfo
		all         []ethosu.Placement
		want        string
	}{
		{"as said", add, op, []ethosu.Placement{one, two, out}, ""},
		{"nothing said of them", add, ethosu.OpInfo{}, []ethosu.Placement{one, two, out}, ""},
		{"names of nothing", add, op, nil, ""},
		{"another IFM", add, op, []ethosu.Placement{place("one", 1, 16, 16, 0, 9), two, out}, `the IFM is bytes 0 to 16 of region 1, expected a part of tensor "one", bytes 16 to 32 of region 1, which is alive from operation 0 to 9`},
		{"another IFM2", add, op, []ethosu.Placement{one, place("two", 1, 0, 16, 0, 9), out}, `the IFM2 is bytes 64 to 80 of region 1, expected a part of tensor "two", bytes 0 to 16`},
		{"another OFM", add, op, []ethosu.Placement{one, two, place("out", 1, 120, 16, 0, 9)}, `the OFM is bytes 128 to 144 of region 1, expected a part of tensor "out", bytes 120 to 136`},
		{"another region", add, op, []ethosu.Placement{one, two, place("out", 2, 128, 16, 0, 9)}, `the OFM is bytes 128 to 144 of region 1`},
		{"one byte less at the end", add, op, []ethosu.Placement{one, two, place("out", 1, 128, 15, 0, 9)}, `the OFM is bytes`},
		{"one byte less at the begin", add, op, []ethosu.Placement{one, two, place("out", 1, 129, 16, 0, 9)}, `the OFM is bytes`},
		{"more than it", add, op, []ethosu.Placement{one, two, place("out", 1, 100, 60, 0, 9)}, ""},
		{"alive from now on", add, op, []ethosu.Placement{one, two, place("out", 1, 128, 16, 0, 0)}, ""},
		{"not alive yet", add, op, []ethosu.Placement{one, two, place("out", 1, 128, 16, 1, 9)}, `the OFM is bytes`},
		{"not alive any more", add, op, []ethosu.Placement{one, two, place("out", 1, 128, 16, -3, -1)}, `the OFM is bytes`},
		{"alive twice", add, op, []ethosu.Placement{one, two, place("out", 1, 300, 16, 0, 9), out}, ""},
		{"one operand of a sum of two", pool, op, []ethosu.Placement{place("one", 1, 300, 16, 0, 9), place("two", 1, 0, 16, 0, 9), out}, ""},
		{"neither operand of a sum of two", pool, op, []ethosu.Placement{place("one", 1, 300, 16, 0, 9), two, out}, `the IFM is bytes 0 to 16`},
		{"the second operand as the first", add, op, []ethosu.Placement{place("one", 1, 300, 16, 0, 9), place("two", 1, 0, 80, 0, 9), out}, `the IFM is bytes 0 to 16`},
		{"one operand", abs, ethosu.OpInfo{IFM: "one", OFM: "out"}, []ethosu.Placement{one, out}, ""},
		{"a transfer", dma + start, op, []ethosu.Placement{one, out}, ""},
		{"a transfer's source", dma + start, op, []ethosu.Placement{place("one", 1, 1, 16, 0, 9), out}, `the source is bytes 0 to 16 of region 1`},
		{"a transfer's destination", dma + start, op, []ethosu.Placement{one, place("out", 1, 144, 16, 0, 9)}, `the destination is bytes 128 to 144 of region 1`},
		{"a transfer of a byte more", dma + "NPU_SET_DMA0_LEN length=17\n" + start, op, []ethosu.Placement{place("one", 1, 0, 17, 0, 9), out}, `the destination is bytes 128 to 145`},
		{"rows of a source, which may be parts", dma + "NPU_SET_DMA0_SRC_REGION region=1 stride_mode=1\n" + start, op, []ethosu.Placement{place("one", 1, 300, 16, 0, 9), out}, ""},
		{"rows of a destination, which may be parts", dma + "NPU_SET_DMA0_DST_REGION region=1 stride_mode=1\n" + start, op, []ethosu.Placement{one, place("out", 1, 300, 16, 0, 9)}, ""},
		{"a table", dma + "NPU_SET_DMA0_DST_REGION region=3 region_mode=1\n" + start, op, []ethosu.Placement{one, place("out", 1, 300, 16, 0, 9)}, ""},
		{"out of the SHRAM", dma + "NPU_SET_DMA0_SRC_REGION region=3 region_mode=1\n" + start, op, []ethosu.Placement{place("one", 1, 300, 16, 0, 9), out}, ""},
	} {
		o := lastOperation(t, c.lines)
		c.op.Word = o.Word
		check := checkerOf(t, "ethos-u65-256")
		check.beside = besideOf(&ethosu.Stage{Ops: []ethosu.OpInfo{c.op}, Map: c.all})
		check.asSaid(o)
		if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || check.findings[0].Rule != RuleProgram || !strings.HasPrefix(check.findings[0].Msg, c.want)) {
			t.Errorf("%s: %v, expected %q", c.name, check.findings, c.want)
		}
	}
}

// TestAsSaidU85 is TestAsSaid for the U85.
func TestAsSaidU85(t *testing.T) {
	all := func(one, two, out int) []ethosu.Placement {
		return []ethosu.Placement{{Name: "one", Region: 1, Offset: one, Size: 32, Last: 9}, {Name: "two", Region: 1, Offset: two, Size: 32, Last: 9}, {Name: "out", Region: 1, Offset: out, Size: 32, Last: 9}}
	}
	constants := []ethosu.Placement{{Name: "one", Offset: u85Entries, Size: 256, Last: 9}, {Name: "out", Region: 1, Offset: 512, Size: 256, Last: 9}}
	_, weightBytes := memory85(t)
	plainCopy := u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1}), isa.PutDMA0Src(0), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 1}), isa.PutDMA0Dst(512), isa.PutDMA0Len(32)}
	toTables := u85List{isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 3, RegionMode: true})}
	fromTables := u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 3, RegionMode: true})}
	for _, c := range []struct {
		name string
		op   int
		set  u85List
		all  []ethosu.Placement
		want string
	}{
		{"ADD", u85Add, u85List{ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1)}, all(u85First, 256, 0), ""},
		{"ADD, the IFM", u85Add, u85List{ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1)}, all(u85First+1, 256, 0), "the IFM is bytes 1024 to 1040"},
		{"ADD, the IFM2", u85Add, u85List{ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1)}, all(u85First, 257, 0), "the IFM2 is bytes 256 to 272"},
		{"ADD, the IFM at the place of the IFM2", u85Add, u85List{ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1), isa.PutIFM2Base0(u85First)}, all(0, u85First, 0), "the IFM is bytes 1024 to 1040"},
		{"ADD, the IFM2 at the place of the IFM", u85Add, u85List{ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1), isa.PutIFM2Base0(u85First)}, all(u85First, 0, 0), "the IFM2 is bytes 1024 to 1040"},
		{"ADD, the OFM", u85Add, u85List{ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1)}, all(u85First, 256, 1), "the OFM is bytes 0 to 16"},
		{"ADD into a buffer", u85Add, nil, all(u85First, 256, 500), ""},
		{"MUL from a buffer", u85Mul, nil, all(500, 512, u85Chained), ""},
		{"a pool", u85Pool, nil, all(u85Chained, 0, u85Pooled), ""},
		{"a pool of the second operand's tiles", u85Pool, nil, all(500, u85Chained, u85Pooled), ""},
		{"a pool of neither", u85Pool, nil, all(500, 0, u85Pooled), "the IFM is bytes 2048 to 2064"},
		{"a transposed pool", u85Pool, u85List{out85(isa.OFMPrecisionU85Fields{Transpose: isa.TransposeCHW})}, all(u85Chained, 0, u85Pooled+1), "the OFM is bytes 3072"},
		{"a table", u85Table, nil, constants, ""},
		{"a table of another tensor", u85Table, nil, all(0, 0, 0)[:1], "the source is bytes 2048 to 2304 of region 0"},
		{"rows by a list", u85Gather, nil, all(500, 500, 500), ""},
		{"rows", u85Gather, u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1, StrideMode: 1})}, all(500, 500, 500), ""},
		{"a row by a list", u85Gather, u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1, IdxMode: true})}, all(500, 500, 500), ""},
		{"a row to a place by a list", u85Gather, u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1}), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 1, IdxMode: true})}, all(500, 500, 500), ""},
		{"a copy's source", u85Table, plainCopy, all(1, 0, 512), "the source is bytes 0 to 32"},
		{"a copy's destination", u85Table, plainCopy, all(0, 0, 513), "the destination is bytes 512 to 544"},
		{"a copy to the tables", u85Table, append(plainCopy[:len(plainCopy):len(plainCopy)], toTables...), all(0, 0, 513), ""},
		{"a copy from the tables", u85Table, append(plainCopy[:len(plainCopy):len(plainCopy)], fromTables...), all(1, 0, 512), ""},
	} {
		b := brokenU85{op: c.op, set: c.set}
		words, _ := b.words(t, weightBytes)
		var o *isa.Operation
		if err := isa.U85.WalkAll(words, func(isa.Instruction) error { return nil }, func(x *isa.Operation) error {
			if x.Index == c.op && (x.IsBlock() || x.IsDMA()) {
				x := *x
				o = &x
				check := checkerOf(t, "ethos-u85-256")
				s := &ethosu.Stage{Ops: make([]ethosu.OpInfo, u85End), Map: c.all}
				s.Ops[c.op] = ethosu.OpInfo{Word: o.Word, IFM: "one", IFM2: "two", OFM: "out"}
				check.beside = besideOf(s)
				check.asSaid(o)
				if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || check.findings[0].Rule != RuleProgram || !strings.HasPrefix(check.findings[0].Msg, c.want)) {
					t.Errorf("%s: %v, expected %q", c.name, check.findings, c.want)
				}
			}
			return nil
		}); err != nil || o == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
	}
}

// TestListOfOperations: a list that does not name an operation at its word is not looked at
// again.
func TestListOfOperations(t *testing.T) {
	o := lastOperation(t, "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=0\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST addr=128\nNPU_SET_DMA0_LEN length=16\nNPU_OP_DMA_START")
	for name, c := range map[string]struct {
		ops   []ethosu.OpInfo
		found int
	}{
		"no list": {nil, 0}, "its list": {[]ethosu.OpInfo{{Word: o.Word}}, 0}, "a longer list": {[]ethosu.OpInfo{{Word: o.Word}, {Word: 99}}, 0}, "another list": {[]ethosu.OpInfo{{Word: o.Word + 1}}, 1},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.beside = besideOf(&ethosu.Stage{Ops: c.ops})
		check.asSaid(o)
		check.asSaid(o)
		if len(check.findings) != c.found || c.found > 0 && check.findings[0].Rule != RuleProgram {
			t.Errorf("%s: %v, expected %d findings", name, check.findings, c.found)
		}
	}
	check := checkerOf(t, "ethos-u55-128")
	check.beside = besideOf(&ethosu.Stage{Ops: []ethosu.OpInfo{{Word: o.Word}}})
	second := *o
	second.Index = 1
	if check.asSaid(&second); len(check.findings) != 1 || check.beside != nil {
		t.Errorf("an operation behind the list: %v", check.findings)
	}
}

// TestResident: a stream lies in something that is alive then, wherever it was found before.
func TestResident(t *testing.T) {
	span := func(from, to int64) isa.Span { return isa.Span{Region: 1, Start: from, End: to} }
	for _, c := range []struct {
		name  string
		at    []int // operations that ask for bytes 16 to 32
		s     isa.Span
		found int
	}{
		{"alive", []int{2, 3, 4, 5}, span(16, 32), 0}, {"before and behind", []int{1, 6}, span(16, 32), 2}, {"again, and no more", []int{5, 6, 5}, span(16, 32), 1},
		{"again in another", []int{5, 8}, span(16, 24), 0}, {"no bytes", []int{1}, span(16, 16), 0}, {"less than none", []int{1}, span(16, 12), 0}, {"one byte too many", []int{3}, span(16, 33), 1},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.beside = besideOf(&ethosu.Stage{Ops: make([]ethosu.OpInfo, 1), Map: []ethosu.Placement{{Region: 1, Offset: 16, Size: 16, First: 2, Last: 5}, {Region: 1, Offset: 16, Size: 8, First: 8, Last: 9}}})
		for _, op := range c.at {
			check.resident("weight stream", op, c.s)
		}
		if len(check.findings) != c.found || c.found > 0 && !strings.HasPrefix(check.findings[0].Msg, "the weight stream is bytes 16 to ") {
			t.Errorf("%s: %v, expected %d findings", c.name, check.findings, c.found)
		}
	}
	check := checkerOf(t, "ethos-u55-128") // of which nothing is said
	if check.resident("weight stream", 1, span(0, 16)); len(check.findings) > 0 {
		t.Errorf("findings %v, where nothing is said", check.findings)
	}
}
