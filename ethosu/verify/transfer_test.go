// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestTransferCarries: a transfer of two rows carries what has a value, what is known, and
// where a missing value began; a table takes none without a value.
func TestTransferCarries(t *testing.T) {
	for _, internal := range []bool{false, true} {
		c := checkerOf(t, "ethos-u65-256")
		c.at = Finding{Word: 77, Name: "copy"}
		c.defined[1].add(100, 110)
		c.defined[1].add(120, 132)
		c.known[1].put(104, []byte{1, 2, 3, 4})
		c.stale[1] = []stale{{Range{110, 116}, Finding{Word: 5, Name: "before"}}}
		c.known[2].put(48, []byte{9, 9, 9, 9})
		c.values.add(written{spans: []isa.Span{{Region: 2, Start: 10, End: 40}}, v: only(bound{1, 1})})
		c.values.add(written{spans: []isa.Span{{Region: 2, Start: 90, End: 99}}, v: only(bound{2, 2})})
		src := transferEnd{span: isa.Span{Region: 1, Start: 100, End: 132}, rows: []Range{{100, 116}, {116, 132}}}
		dst := transferEnd{span: isa.Span{Region: 2, Start: 0, End: 64}, internal: internal, rows: []Range{{0, 16}, {48, 64}}}
		c.transfer(isa.DMA{SrcRegion: 1, DstRegion: 2}, src, dst)
		want := ranges{{0, 10}, {52, 64}}
		if internal {
			if !slices.Equal(c.tables, want) || len(c.values.all()) != 2 {
				t.Errorf("tables %v, expected %v", c.tables, want)
			}
			if b, at := c.loaded.get(4, 8); at >= 0 || !bytes.Equal(b, []byte{1, 2, 3, 4}) {
				t.Errorf("loaded %v", c.loaded)
			}
			continue
		}
		if !slices.Equal(c.defined[2], want) {
			t.Errorf("defined %v, expected %v", c.defined[2], want)
		}
		if len(c.values.all()) != 1 || c.values.all()[0].v.hull().lo != 2 {
			t.Errorf("values %v, expected the one that the transfer leaves", c.values.all())
		}
		if b, at := c.known[2].get(4, 8); at >= 0 || !bytes.Equal(b, []byte{1, 2, 3, 4}) || c.known[2].meets(48, 64) {
			t.Errorf("known %v", c.known[2])
		}
		// 110 to 116 are of an earlier operation, 116 to 120 of this one.
		list := c.stale[2]
		if len(list) != 2 || list[0].Range != (Range{10, 16}) || list[0].origin.Word != 5 || list[1].Range != (Range{48, 52}) || list[1].origin.Word != 77 ||
			!strings.HasPrefix(list[1].origin.Msg, "DMA reads byte 116 of region 1") {
			t.Errorf("stale %+v", list)
		}
	}
}

// TestTransferCosts: a transfer costs a unit of work for every row of every plane, and none is
// followed that would cost more than is left.
func TestTransferCosts(t *testing.T) {
	lines := "NPU_SET_DMA0_SRC_REGION stride_mode=2\nNPU_SET_DMA0_SRC addr=0\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST addr=64\nNPU_SET_DMA0_LEN length=16\n" +
		"NPU_SET_DMA0_SIZE0 size=3\nNPU_SET_DMA0_SIZE1 size=2\nNPU_SET_DMA0_SKIP0 skip=16\nNPU_SET_DMA0_SKIP1 skip=48\nNPU_OP_DMA_START"
	c := checkerOf(t, "ethos-u55-128")
	o := lastOperation(t, lines)
	if c.dma(o); len(c.findings) > 0 || c.work != 6 || len(c.defined[1]) == 0 {
		t.Errorf("three rows in two planes cost %d, defined %v, %v", c.work, c.defined[1], c.findings)
	}
	c = checkerOf(t, "ethos-u55-128")
	c.work = maxWork - 5
	if c.dma(o); len(c.findings) != 1 || !strings.Contains(c.findings[0].Msg, "is not judged") || len(c.defined[1]) > 0 {
		t.Errorf("with five left: %v, defined %v", c.findings, c.defined[1])
	}
}

// TestTransferRows: the rows of strided transfers, against what must be written of them.
func TestTransferRows(t *testing.T) {
	base := "NPU_SET_DMA0_SRC_REGION region=0\nNPU_SET_DMA0_SRC addr=0\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST addr=64\nNPU_SET_DMA0_LEN length=16\n" +
		"NPU_SET_DMA0_SIZE0 size=3\nNPU_SET_DMA0_SIZE1 size=2\nNPU_SET_DMA0_SKIP0 skip=16\nNPU_SET_DMA0_SKIP1 skip=48\n"
	for _, c := range []struct {
		name, lines string
		rule        Rule
		want        ranges
	}{
		{"one row", "", "", ranges{{64, 80}}},
		{"rows", "NPU_SET_DMA0_DST_REGION region=1 stride_mode=1\n", "", ranges{{64, 80}, {96, 112}, {128, 144}}},
		{"planes", "NPU_SET_DMA0_DST_REGION region=1 stride_mode=2\n", "", ranges{{64, 80}, {96, 112}, {128, 144}, {192, 208}, {224, 240}, {256, 272}}},
		{"rows of the source", "NPU_SET_DMA0_SRC_REGION region=0 stride_mode=1\n", "", ranges{{64, 112}}},
		{"planes of the source", "NPU_SET_DMA0_SRC_REGION region=0 stride_mode=2\n", "", ranges{{64, 160}}},
		{"the last byte of the source", "NPU_SET_DMA0_SRC_REGION region=0 stride_mode=2\nNPU_SET_DMA0_SRC addr=3888\n", "", ranges{{64, 160}}}, // 208 bytes
		{"a byte too many", "NPU_SET_DMA0_SRC_REGION region=0 stride_mode=2\nNPU_SET_DMA0_SRC addr=3889\n", RuleRegion, nil},
		{"a source beyond its region", "NPU_SET_DMA0_SRC addr=4096\n", RuleRegion, nil},
		{"a destination beyond its region", "NPU_SET_DMA0_DST addr=1048576\n", RuleRegion, nil},
		{"constants", "NPU_SET_DMA0_DST_REGION region=0\n", RuleRegion, nil},
		{"no bytes", "NPU_SET_DMA0_LEN length=0\n", RuleDMA, nil},
		{"no planes", "NPU_SET_DMA0_DST_REGION region=1 stride_mode=2\nNPU_SET_DMA0_SIZE1 size=0\n", RuleDMA, nil},
		{"strides on both sides", "NPU_SET_DMA0_SRC_REGION region=0 stride_mode=1\nNPU_SET_DMA0_DST_REGION region=1 stride_mode=1\n", RuleDMA, nil},
		{"rows over each other", "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=70\n", RuleOverlap, ranges{{64, 80}}},
		{"rows beside each other", "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=80\n", "", ranges{{64, 80}}},
	} {
		check := checkerOf(t, "ethos-u65-256")
		if strings.Contains(c.name, "each other") {
			check.defined[1].add(64, 96)
		}
		check.dma(lastOperation(t, base+c.lines+"NPU_OP_DMA_START"))
		if c.rule == "" && len(check.findings) > 0 || c.rule != "" && (len(check.findings) != 1 || check.findings[0].Rule != c.rule) {
			t.Errorf("%s: %v, expected the rule %q", c.name, check.findings, c.rule)
		}
		if got := check.defined[1]; !strings.Contains(c.name, "each other") && !slices.Equal(got, c.want) {
			t.Errorf("%s: written %v, expected %v", c.name, got, c.want)
		}
	}
}
