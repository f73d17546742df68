// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"math/rand/v2"
	"testing"
)

// TestEveryRow walks the table: command to words, words to command, text to
// command must come back identical, with every field at its limits.
func TestEveryRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	names, codes := map[string]bool{}, map[Code]bool{}
	for i := range Table {
		r := &Table[i]
		if names[r.Name] || codes[r.Code] {
			t.Errorf("%s: name or code occurs twice", r.Name)
		}
		names[r.Name], codes[r.Code] = true, true
		if Lookup(r.Code) != r || LookupName(r.Name) != r {
			t.Errorf("%s is not found by code and name", r.Name)
		}
		checkFields(t, r)
		for range 40 {
			c := randomCommand(rng, r)
			words := c.Append(nil)
			back, err := Next(words, 0)
			if err != nil || back != c {
				t.Fatalf("%s: %+v came back as %+v: %v", r.Name, c, back, err)
			}
			product := ProductOf(!r.U55)
			if err := c.Check(product); err != nil {
				t.Fatalf("%s: %v", c.Line(), err)
			}
			for _, text := range []string{c.Text(), c.Line()} {
				again, err := Assemble(text)
				if err != nil || len(again) != len(words) || again[0] != words[0] || again[len(again)-1] != words[len(words)-1] {
					t.Fatalf("%q assembles to %08X, expected %08X: %v", text, again, words, err)
				}
			}
		}
	}
}

func randomCommand(rng *rand.Rand, r *Row) Command {
	pick := func(f Field) uint32 {
		if f.U65 {
			return 0
		}
		if f.Allowed == nil {
			return rng.Uint32() & (f.Mask() >> f.Lo)
		}
		a := f.Allowed[rng.IntN(len(f.Allowed))]
		return a.Min + rng.Uint32N(a.Max-a.Min+1)
	}
	c := Command{Code: r.Code}
	for _, f := range r.Param {
		c.Param = uint16(f.Put(uint32(c.Param), pick(f)))
	}
	if r.hasPayloadField() {
		c.Payload = r.Payload.Put(0, pick(r.Payload))
	}
	return c
}

// checkFields requires fields that do not overlap and fit, and an MMIO offset that
// follows the formula of the register map.
func checkFields(t *testing.T, r *Row) {
	t.Helper()
	var used uint32
	for _, f := range r.Param {
		if f.Hi < f.Lo || f.Hi > 15 || used&f.Mask() != 0 {
			t.Errorf("%s: field %s [%d:%d] overlaps or does not fit", r.Name, f.Name, f.Hi, f.Lo)
		}
		used |= f.Mask()
		for _, a := range f.Allowed {
			if a.Max < a.Min || uint64(a.Max)>>f.Width() != 0 {
				t.Errorf("%s: field %s allows %d..%d", r.Name, f.Name, a.Min, a.Max)
			}
		}
	}
	code := uint16(r.Code & 0x3FF)
	var want uint16
	switch {
	case r.Kind == Set:
		want = 0x800 + code>>7&1*0x100 + 4*(code&0x7F)
	case r.Kind == SetPayload:
		want = 0xA00 + code>>7&1*0x100 + 0x40*(code>>4&7) + 8*(code&15)
	}
	if r.MMIO != want {
		t.Errorf("%s: MMIO 0x%X, expected 0x%X", r.Name, r.MMIO, want)
	}
	if r.Code.HasPayload() != (r.Kind == SetPayload) || r.hasPayloadField() != (r.Kind == SetPayload) {
		t.Errorf("%s: kind and payload disagree", r.Name)
	}
}

func TestTableSize(t *testing.T) {
	var n [2][2]int
	for _, r := range Table {
		for p := range 2 {
			if r.Has(Product(p)) {
				n[p][r.Code>>14&1]++
			}
		}
	}
	// U55: 59 commands without and 39 with payload, eight of them USER_DEFINED. U65: 60 and 37.
	if want := [2][2]int{{59, 39}, {60, 37}}; n != want {
		t.Errorf("commands by product and payload: %v, expected %v", n, want)
	}
}
