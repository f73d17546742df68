// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// member is an operation for a chain: what it reads from buffers and leaves in one, below 0
// in memory.
func member(op isa.Code, one, two, out int) *kernelU85 {
	k := &isa.KernelU85{Op: op, Elem: isa.ElemAdd, H: 1, W: 2, D: 16}
	for i, m := range []*isa.MapU85{&k.IFM, &k.IFM2, &k.OFM} {
		m.FeatureMap = flatMap(uint64(64*i), 1, 2, 8, s8)
		if n := []int{one, two, out}[i]; n >= 0 {
			m.Storage, m.Buffer = isa.Chained, n
		}
	}
	x := &kernelU85{KernelU85: k, one: &k.IFM}
	if op == isa.OpElementwise {
		x.two = &k.IFM2
	}
	return x
}

// TestChains: what operations may follow each other in a chain, and how many.
func TestChains(t *testing.T) {
	add := func(one, two, out int) *kernelU85 { return member(isa.OpElementwise, one, two, out) }
	change := func(k *kernelU85, f func(k *kernelU85)) *kernelU85 { f(k); return k }
	for _, c := range []struct {
		name  string
		ops   []*kernelU85
		joins []bool // whether each goes on with the one before
		cause Cause
		text  string // of the last one
	}{
		{"none", []*kernelU85{add(-1, -1, -1), add(-1, -1, -1)}, []bool{false, false}, 0, ""},
		{"of two", []*kernelU85{add(-1, -1, 0), add(0, -1, -1), add(-1, -1, -1)}, []bool{false, true, false}, 0, ""},
		{"behind a pool", []*kernelU85{member(isa.OpPool, -1, -1, 3), add(-1, 3, -1)}, []bool{false, true}, 0, ""},
		{"of four", []*kernelU85{add(-1, -1, 0), add(0, -1, 1), change(add(1, -1, 0), func(k *kernelU85) { k.two = nil }), change(add(0, -1, -1), func(k *kernelU85) { k.two = nil })}, []bool{false, true, true, true}, 0, ""},
		{"of five", []*kernelU85{add(-1, -1, 0), change(add(0, -1, 1), func(k *kernelU85) { k.two = nil }), change(add(1, -1, 0), func(k *kernelU85) { k.two = nil }), change(add(0, -1, 1), func(k *kernelU85) { k.two = nil }), add(1, -1, -1)},
			[]bool{false, true, true, true, false}, Contradiction, "it is operation 5 of the chain that begins at word 0, which has at most 4"},
		{"with four inputs", []*kernelU85{add(-1, -1, 0), add(0, -1, 1), add(1, -1, -1)}, []bool{false, true, true}, Contradiction, "the chain that begins at word 0 reads 4 feature maps from memory, at most 3 are known"},
		{"with three inputs", []*kernelU85{add(-1, -1, 0), add(0, -1, -1)}, []bool{false, true}, 0, ""},
		{"of two buffers", []*kernelU85{member(isa.OpPool, -1, -1, 0), add(0, -1, 1), add(1, 0, -1)}, []bool{false, true, true}, Unknown, "IFM2 reads chaining buffer 0 a second time"},
		{"twice from one", []*kernelU85{member(isa.OpPool, -1, -1, 0), add(0, 0, -1)}, []bool{false, true}, 0, ""},
		{"into a buffer that is full", []*kernelU85{change(add(-1, -1, 0), func(k *kernelU85) { k.two = nil }), add(0, -1, 1), add(1, -1, 1)}, []bool{false, true, true}, 0, ""},
		{"that leaves a buffer", []*kernelU85{change(add(-1, -1, 0), func(k *kernelU85) { k.two = nil }), change(add(0, -1, 0), func(k *kernelU85) { k.two = nil }), add(1, -1, -1)}, []bool{false, true, true}, Contradiction, "IFM reads chaining buffer 1, which no operation of the chain wrote"},
		{"begun by nothing", []*kernelU85{add(0, -1, -1)}, []bool{false}, Contradiction, "it reads a chaining buffer, and no operation before left anything in one"},
		{"begun by nothing, second", []*kernelU85{add(-1, 0, -1)}, []bool{false}, Contradiction, "it reads a chaining buffer"},
		{"that is left", []*kernelU85{add(-1, -1, 0), add(-1, -1, -1)}, []bool{false, false}, Contradiction, "it comes inside the chain that operation 0 (word 0) begins"},
		{"with a pool in it", []*kernelU85{add(-1, -1, 0), member(isa.OpPool, 0, -1, -1)}, []bool{false, false}, Contradiction, "it comes inside the chain"},
		{"of another block's height", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.H = 2 })}, []bool{false, false}, IllegalBlock, "OFM block 2x2x16"},
		{"of another block's width", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.W = 4 })}, []bool{false, false}, IllegalBlock, "OFM block 1x4x16"},
		{"of another block's depth", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.D = 32 })}, []bool{false, false}, IllegalBlock, "OFM block 1x2x32"},
		{"of another micro-block", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.Acc.Micro = isa.Micro2x2 })}, []bool{false, false}, IllegalBlock, "OFM block 1x2x16, microblock 2x2"},
		{"with BLOCKDEP", []*kernelU85{change(add(-1, -1, 0), func(k *kernelU85) { k.Dep = 1 })}, []bool{false}, Unknown, "BLOCKDEP 1 in a chain"},
		{"begun by RESIZE", []*kernelU85{member(isa.OpResize, -1, -1, 0)}, []bool{false}, Contradiction, " cannot begin a chain"},
		{"begun by NONE", []*kernelU85{change(member(isa.OpPool, -1, -1, 0), func(k *kernelU85) { k.Pool = isa.PoolNone })}, []bool{false}, Contradiction, " cannot begin a chain"},
		{"over an input elsewhere", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.two = nil; k.OFM.Base[0] = 1 })}, []bool{false, true}, Unknown, "the chain overwrites an input of its own at other places"},
		{"over an input in place", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.two = nil; k.OFM.Base[0] = 0 })}, []bool{false, true}, 0, ""},
	} {
		var ch chain
		for i, k := range c.ops {
			last := i == len(c.ops)-1
			h := &header{word: 10 * i, index: i}
			join, err := ch.join(h, k)
			for j, x := range []*isa.MapU85{k.one, k.two} {
				if x == nil || err != nil {
					continue
				}
				if f := newFmap(x.FeatureMap); chained(x) {
					_, err = ch.take(h, []string{"IFM", "IFM2"}[j], x, k)
				} else {
					err = ch.input(h, &f)
				}
			}
			if err == nil {
				f := newFmap(k.OFM.FeatureMap)
				err = ch.done(h, k, &f)
			}
			var f *Fault
			switch {
			case join != c.joins[i]:
				t.Errorf("%s: operation %d goes on with the chain: %v, expected %v", c.name, i, join, c.joins[i])
			case !last || c.text == "":
				if err != nil {
					t.Errorf("%s: operation %d: %v", c.name, i, err)
				}
			case !errors.As(err, &f) || f.Cause != c.cause || !strings.HasPrefix(f.Detail, c.text):
				t.Errorf("%s: %v, expected %v %q", c.name, err, c.cause, c.text)
			}
		}
		if whole := c.text == "" && c.ops[len(c.ops)-1].OFM.Storage != isa.Chained; whole && ch.ops != 0 {
			t.Errorf("%s: the chain is open after %d operations", c.name, ch.ops)
		}
	}
}

// TestFullBuffer: a buffer may be written again once it was read, and not before.
func TestFullBuffer(t *testing.T) {
	var ch chain
	f := newFmap(flatMap(0, 1, 2, 8, s8))
	first := member(isa.OpPool, -1, -1, 2)
	if _, err := ch.join(&header{}, first); err != nil {
		t.Fatal(err)
	}
	if err := ch.done(&header{}, first, &f); err != nil {
		t.Fatal(err)
	}
	second := member(isa.OpElementwise, -1, -1, 2) // which reads nothing of it
	if err := ch.done(&header{}, second, &f); err == nil || !strings.Contains(err.Error(), "it overwrites chaining buffer 2, which nothing has read") {
		t.Errorf("%v", err)
	}
	if err := ch.done(&header{}, member(isa.OpElementwise, -1, -1, -1), &f); err == nil || !strings.Contains(err.Error(), "nothing has read chaining buffer 2") {
		t.Errorf("%v", err)
	}
}

// TestRecordsU85: bias and scale of channels, one scale where all are equal, and the largest
// bias.
func TestRecordsU85(t *testing.T) {
	for _, c := range []struct {
		name    string
		list    []weights.RecordU85
		wide    bool
		max     int64
		scalers int
		edit    func(b []byte)
		bad     string
	}{
		{"equal", []weights.RecordU85{{Bias: 5, Scale: 9, Shift: 3}, {Bias: -70, Scale: 9, Shift: 3}}, false, 70, 1, nil, ""},
		{"two scales", []weights.RecordU85{{Bias: 500, Scale: 9, Shift: 3}, {Bias: -70, Scale: 8, Shift: 3}}, false, 500, 2, nil, ""},
		{"two shifts", []weights.RecordU85{{Bias: 5, Scale: 9, Shift: 63}, {Bias: 7, Scale: 9, Shift: 62}}, false, 7, 2, nil, ""},
		{"40 bits of bias", []weights.RecordU85{{Bias: 1 << 40, Scale: 9, Shift: 3}, {Bias: -1<<47 + 1, Scale: 9, Shift: 3}}, true, 1<<47 - 1, 1, nil, ""},
		{"the largest scale", []weights.RecordU85{{Scale: 1<<31 - 1}, {Scale: 1<<31 - 1}}, false, 0, 1, nil, ""},
		{"a larger scale", []weights.RecordU85{{}, {}}, false, 0, 1, func(b []byte) { b[17] = 0x80 }, "record of channel 1 has scale 2147483648"},
		{"a larger shift", []weights.RecordU85{{}, {}}, false, 0, 1, func(b []byte) { b[8] = 64 }, "record of channel 0 has scale 0, shift 64"},
		{"the largest shift", []weights.RecordU85{{}, {}}, false, 0, 2, func(b []byte) { b[8] = 63 }, ""},
		{"a last byte", []weights.RecordU85{{}, {}}, false, 0, 1, func(b []byte) { b[19] = 1 }, "record of channel 1 has scale 0, shift 0 and a last byte of 1"},
	} {
		b := weights.PackRecordsU85(c.list, 8, c.wide)
		if c.edit != nil {
			c.edit(b)
		}
		k := &isa.KernelU85{}
		if k.OFM.C = len(c.list); c.wide {
			k.Acc.Format = isa.AccI48
		}
		r, err := recordsU85(&header{}, &kernelU85{KernelU85: k}, b)
		if c.bad != "" {
			if f, ok := err.(*Fault); !ok || f.Cause != CorruptWeights || !strings.HasPrefix(f.Detail, c.bad) {
				t.Errorf("%s: %v, expected %q", c.name, err, c.bad)
			}
			continue
		}
		if err != nil || r.maxBias != c.max || len(r.scalers) != c.scalers || r.bias[0] != c.list[0].Bias || r.bias[1] != c.list[1].Bias {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
	}
}

// TestNamesU85: outputs in memory have the name of their place, those in buffers that of
// their operation alone.
func TestNamesU85(t *testing.T) {
	for _, s := range smallU85(t) {
		if !strings.HasPrefix(s.name, "a chain") {
			continue
		}
		p, err := PrepareWith(s.accel, s.words, s.regions, Options{Tensor: func(word int, at isa.Span) string { return fmt.Sprint("at ", at.Start) }})
		if err != nil {
			t.Fatal(err)
		}
		if one, two := p.steps[1].head().tensorName(), p.steps[2].head().tensorName(); one != "" || two != "at 2048" {
			t.Errorf("outputs are %q and %q", one, two)
		}
	}
}

// TestFarTransfers: rows that lie beyond all addresses, of either product.
func TestFarTransfers(t *testing.T) {
	wide := func(s *stream, c isa.Code, v int64) {
		s.words = isa.Command{Code: c, Param: uint16(v>>32) & 0xFF, Payload: uint32(v)}.Append(s.words)
	}
	var s stream
	s.words = dmaWords(0, 0, 2, 0, 1, 65535, 65535, 0, 0)
	s.words = s.words[:len(s.words)-2]
	wide(&s, isa.SetDMA0Skip0, 1<<39-1)
	s.raw(isa.OpDMAStart, 0)
	s.stop()
	_, err := Prepare(accelerator(t, "ethos-u65-256"), s.words, Regions{{Size: 64}, {Size: 64}})
	if f, ok := err.(*Fault); !ok || f.Cause != OutsideRegion || f.Detail != "the DMA source reaches past the address space" {
		t.Errorf("U65: %v", err)
	}
	s = stream{}
	s.transferU85(&isa.DMAU85{Mode: 2, Length: 1, Rows: 65535, Planes: 65535, DstRegion: 1, SrcRow: 1<<39 - 1, SrcPlane: 1<<39 - 1, DstRow: 1, DstPlane: 1})
	s.stop()
	_, err = Prepare(accelerator(t, "ethos-u85-256"), s.words, Regions{{Size: 64}, {Size: 64}})
	if f, ok := err.(*Fault); !ok || f.Cause != OutsideRegion {
		t.Errorf("U85: %v", err)
	}
}
