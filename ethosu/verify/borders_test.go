// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// borders gives the values on both sides of the borders that rules have: one more and one
// less, an alignment more and less, none, twice as much.
func borders(v uint32) []uint32 {
	list := []uint32{v + 1, v - 1, v + 8, v + 16, v - 16, 0, 2 * v}
	out := list[:0]
	for _, x := range list {
		if x != v && !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// atBorders changes every command of a stream from a word on, one at a time, to
// all values at its borders, and writes a line for each command: what is found, by rule,
// and a hash of all that is said.
func atBorders(b *testdata.Recording, p isa.Product, words []uint32, from int, judge func(words []uint32) Report) {
	for at := from; at < len(words); {
		in, err := p.Next(words, at)
		if err != nil {
			fmt.Fprintf(b, "%d: %v\n", at, err)
			return
		}
		word, shift := at, 16
		if in.Code.HasPayload() {
			word, shift = at+1, 0
		}
		h, found := fnv.New32a(), []string{}
		changed := slices.Clone(words)
		low := words[word] & (1<<shift - 1)
		for _, v := range borders(words[word] >> shift) {
			changed[word] = v<<shift | low
			said := brief(judge(changed).All())
			fmt.Fprintln(h, said)
			if i := strings.LastIndexByte(said, ','); i >= 0 {
				said = said[:i]
			}
			found = append(found, said)
		}
		fmt.Fprintf(b, "%s: %s %04x\n", strings.TrimPrefix(p.Name(in.Code), "NPU_"), strings.Join(found, " "), h.Sum32()&0xFFFF)
		b.Part()
		at += in.Words()
	}
}

// TestRecordedBorders: what is said of the examples of all rules, and of softmaxes, with
// every register that they are about on both sides of its borders.
func TestRecordedBorders(t *testing.T) {
	b := testdata.NewRecording(t, "borders.txt", *update)
	for _, c := range brokens {
		a := c.accelerator(t)
		lines, at := c.text(t)
		// The registers that the case is about, and its operation; of the example all.
		first := 0
		if c.rule != "" {
			first = at - strings.Count(c.lines, "\n")
		}
		before, err := isa.Assemble(strings.Join(lines[:first], "\n"))
		if err != nil {
			t.Fatal(err)
		}
		words, err := isa.Assemble(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		r := exampleMemory(t, a)
		if c.regions != nil {
			c.regions(&r)
		}
		fmt.Fprintf(b, "# %s\n", c.name)
		atBorders(b, a.Product, words, len(before), func(words []uint32) Report { return Stream(a, words, r) })
	}
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	type recorded struct {
		Stream *struct {
			Commands      []uint32
			FlashHex      string `json:"flash_hex"`
			FlashRegion   int    `json:"flash_region"`
			ScratchRegion int    `json:"scratch_region"`
			ScratchSize   int64  `json:"scratch_size"`
		} `json:"npu_stream"`
	}
	var file struct{ Cases []recorded }
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", "softmax-int8.json"), &file); err != nil {
		t.Fatal(err)
	}
	for i, c := range file.Cases {
		s := c.Stream
		if s == nil {
			continue
		}
		flash, err := hex.DecodeString(s.FlashHex)
		if err != nil {
			t.Fatal(err)
		}
		var r Regions
		r[s.FlashRegion] = Region{Size: int64(len(flash)), Constant: true, Content: flash}
		r[s.ScratchRegion] = Region{Size: s.ScratchSize, Defined: []Range{{0, s.ScratchSize}}}
		fmt.Fprintf(b, "# softmax %d\n", i)
		atBorders(b, a.Product, s.Commands, 0, func(words []uint32) Report { return Stream(a, words, r) })
		break
	}
	b.End()
}

// TestRecordedBordersU85 is TestRecordedBorders for the U85.
func TestRecordedBordersU85(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u85-256")
	if err != nil {
		t.Fatal(err)
	}
	b := testdata.NewRecording(t, "borders_u85.txt", *update)
	regions, weightBytes := memory85(t)
	for _, c := range brokensU85 {
		r := regions
		if c.region != nil {
			r[0].Content = slices.Clone(r[0].Content)
			c.region(&r)
		}
		words, at := c.words(t, weightBytes)
		from := 0
		if c.rule != "" {
			from = at[c.op]
			for _, command := range c.set {
				from -= command.Words()
			}
		}
		fmt.Fprintf(b, "# %s\n", c.name)
		atBorders(b, isa.U85, words, from, func(words []uint32) Report { return Stream(a, words, r) })
	}
	b.End()
}
