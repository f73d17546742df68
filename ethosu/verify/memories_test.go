// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
)

// TestMemoriesAfter: what the invocations of a stage leave in the memories of a call.
func TestMemoriesAfter(t *testing.T) {
	for _, c := range []struct {
		name           string
		times, advance int
		last           bool
		defined        ranges
		stale          []Range
		known          int64 // of the bytes 100 to 104, the first
	}{
		{"once", 1, 0, false, ranges{{100, 104}, {110, 116}, {128, 200}}, []Range{{104, 110}}, 7},
		{"once, the last", 1, 0, true, ranges{{100, 104}, {110, 116}, {128, 200}}, []Range{{104, 110}}, -1},
		{"once, with a window that would move", 1, 8, false, ranges{{100, 104}, {110, 116}, {128, 200}}, []Range{{104, 110}}, 7},
		{"twice in place", 2, 0, false, ranges{{100, 104}, {110, 116}, {128, 200}}, []Range{{104, 110}}, -1},
		{"twice", 2, 32, false, ranges{{100, 104}, {110, 116}, {128, 136}, {142, 200}}, []Range{{104, 110}, {136, 142}}, -1},
	} {
		m := &memories{}
		m.defined[2].add(104, 112)
		m.defined[2].add(128, 200)
		m.known[2].put(96, []byte{1, 1, 1, 1, 1, 1, 1, 1})
		check := checkerOf(t, "ethos-u55-128")
		check.defined[1] = ranges{{0, 4}, {10, 16}}
		check.stale[1] = []stale{{Range{4, 10}, Finding{Word: 3}}}
		check.known[1].put(0, []byte{7, 7, 7, 7})
		check.known[1].put(28, []byte{8})
		check.defined[0] = ranges{{0, 400}}
		m.after(check, &ethosu.Stage{Times: c.times, Windows: []ethosu.Window{
			{Region: ethosu.RegionConstants, In: 2, Offset: 200, Size: 400},
			{Region: 1, In: 2, Offset: 100, Size: 32, Advance: c.advance}}}, c.last)
		if !slices.Equal(m.defined[2], c.defined) {
			t.Errorf("%s: defined %v, expected %v", c.name, m.defined[2], c.defined)
		}
		var list []Range
		for _, s := range m.stale[2] {
			list = append(list, s.Range)
		}
		if !slices.Equal(list, c.stale) {
			t.Errorf("%s: stale %v, expected %v", c.name, list, c.stale)
		}
		known := int64(-1)
		if b, at := m.known[2].get(100, 104); at < 0 {
			known = int64(b[0])
		}
		if b, at := m.known[2].get(96, 100); known != c.known || at >= 0 || b[0] != 1 || m.known[2].meets(104, 128) || m.known[2].meets(129, 132) {
			t.Errorf("%s: known %v", c.name, m.known[2])
		}
		if b, at := m.known[2].get(128, 129); at < 0 != (c.known == 7) || at < 0 && b[0] != 8 {
			t.Errorf("%s: known %v of the byte 28 of the window", c.name, b)
		}
	}
}

// TestMemoriesOutputs: outputs that were never written, in part or where that began, and
// those that hold constants.
func TestMemoriesOutputs(t *testing.T) {
	out := ethosu.Binding{Name: "out", Region: 1, Offset: 16, Size: 16}
	for _, c := range []struct {
		name  string
		setup func(m *memories)
		want  string
		word  int
	}{
		{"all", func(m *memories) { m.defined[1].add(16, 32) }, "", 0},
		{"but the first byte", func(m *memories) { m.defined[1].add(17, 32) }, `byte 0 of output "out" was never written`, 8},
		{"but the last byte", func(m *memories) { m.defined[1].add(16, 31) }, `byte 15 of output "out" was never written`, 8},
		{"known from where", func(m *memories) {
			m.defined[1].add(16, 24)
			m.stale[1] = []stale{{Range{20, 24}, Finding{Word: 1, Msg: "before"}}, {Range{24, 25}, Finding{Word: 2, Msg: "here"}}, {Range{25, 32}, Finding{Word: 3, Msg: "behind"}}}
		}, `here, and byte 8 of output "out" depends on it`, 2},
		{"constants", func(m *memories) { m.defined[1].add(16, 32); m.known[1].put(31, []byte{1}) }, `output "out" still holds constants`, 8},
		{"constants beside", func(m *memories) {
			m.defined[1].add(16, 32)
			m.known[1].put(32, []byte{1})
			m.known[1].put(15, []byte{1})
		}, "", 0},
	} {
		m := &memories{}
		c.setup(m)
		check := checkerOf(t, "ethos-u55-128")
		m.outputs(check, &ethosu.Program{Outputs: []ethosu.Binding{out}, Stages: []ethosu.Stage{{Commands: make([]uint32, 8)}}})
		if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || !strings.HasPrefix(check.findings[0].Msg, c.want) || check.findings[0].Word != c.word) {
			t.Errorf("%s: %v, expected %q", c.name, check.findings, c.want)
		}
	}
}

// TestMemoriesFound: what the invocations of a stage find through their windows.
func TestMemoriesFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		window  ethosu.Window
		times   int
		defined ranges // in memory 2
		want    []Range
		finding string
	}{
		{"a window", ethosu.Window{Region: 1, In: 2, Offset: 100, Size: 32}, 1, ranges{{90, 104}, {110, 140}}, []Range{{0, 4}, {10, 32}}, ""},
		{"nothing in it", ethosu.Window{Region: 1, In: 2, Offset: 100, Size: 32}, 1, ranges{{90, 100}, {132, 140}}, nil, ""},
		{"two invocations alike", ethosu.Window{Region: 1, In: 2, Offset: 100, Size: 32, Advance: 32}, 2, ranges{{100, 104}, {132, 140}}, []Range{{0, 4}}, ""},
		{"the second lacks a byte", ethosu.Window{Region: 1, In: 2, Offset: 100, Size: 32, Advance: 32}, 2, ranges{{100, 104}, {132, 135}}, []Range{{0, 4}}, "byte 3 of region 1 is never written for invocation 1"},
		{"the third lacks all", ethosu.Window{Region: 1, In: 2, Offset: 100, Size: 32, Advance: 32}, 4, ranges{{100, 104}, {132, 136}}, []Range{{0, 4}}, "byte 0 of region 1 is never written for invocation 2"},
		{"a window that stays", ethosu.Window{Region: 1, In: 2, Offset: 100, Size: 32}, 4, ranges{{100, 104}}, []Range{{0, 4}}, ""},
		{"constants", ethosu.Window{Region: ethosu.RegionConstants, In: 2, Offset: 8, Size: 8}, 4, nil, nil, ""},
		{"constants, one byte too many", ethosu.Window{Region: ethosu.RegionConstants, In: 2, Offset: 8, Size: 9}, 4, nil, nil, "region 0 should hold constants"},
		{"constants that move", ethosu.Window{Region: ethosu.RegionConstants, In: 2, Offset: 0, Size: 8, Advance: 8}, 2, nil, nil, "region 0 should hold constants"},
	} {
		m := &memories{}
		m.defined[2] = c.defined
		m.known[2].put(0, []byte("constants 16 by."))
		check := checkerOf(t, "ethos-u55-128")
		r := m.regions(check, &ethosu.Stage{Times: c.times, Windows: []ethosu.Window{c.window}})[c.window.Region]
		if r.Size != int64(c.window.Size) || !slices.Equal(r.Defined, c.want) || r.Constant != (c.window.Region == 0) {
			t.Errorf("%s: %+v, expected %v", c.name, r, c.want)
		}
		if c.finding == "" && r.Constant && string(r.Content) != "s 16 by." {
			t.Errorf("%s: content %q", c.name, r.Content)
		}
		if c.finding == "" && len(check.findings) > 0 || c.finding != "" && (len(check.findings) != 1 || !strings.HasPrefix(check.findings[0].Msg, c.finding)) {
			t.Errorf("%s: %v, expected %q", c.name, check.findings, c.finding)
		}
	}
}
