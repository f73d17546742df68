// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestEveryRow walks the table: command to words, words to command, text to
// command must come back identical, with every field at its limits.
func TestEveryRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, product := range Products {
		names, codes := map[string]bool{}, map[Code]bool{}
		for i := range Table {
			r := &Table[i]
			checkFields(t, r)
			if !r.Has(product) {
				continue
			}
			if names[r.Name] || codes[r.Code] {
				t.Errorf("%v: %s: name or code occurs twice", product, r.Name)
			}
			names[r.Name], codes[r.Code] = true, true
			if product.Lookup(r.Code) != r || product.LookupName(r.Name) != r || product.Name(r.Code) != r.Name {
				t.Errorf("%v: %s is not found by code and name", product, r.Name)
			}
			for range 40 {
				c := randomCommand(rng, r)
				words := c.Append(nil)
				back, err := product.Next(words, 0)
				if err != nil || back != c {
					t.Fatalf("%s: %+v came back as %+v: %v", r.Name, c, back, err)
				}
				if err := c.Check(product); err != nil {
					t.Fatalf("%s: %v", product.Line(c), err)
				}
				for _, text := range []string{product.Text(c), product.Line(c)} {
					again, err := product.Assemble(text)
					if err != nil || len(again) != len(words) || again[0] != words[0] || again[len(again)-1] != words[len(words)-1] {
						t.Fatalf("%q assembles to %08X, expected %08X: %v", text, again, words, err)
					}
				}
			}
		}
	}
}

// TestSharedRows: what U55 and U65 have in common with the U85 is one row, so that a row
// of the U85 alone says something else.
func TestSharedRows(t *testing.T) {
	for i := range Table {
		r := &Table[i]
		old := LookupName(r.Name)
		if r.U55 || r.U65 || old == nil {
			continue
		}
		if old.Code == r.Code && reflect.DeepEqual(old.Param, r.Param) && reflect.DeepEqual(old.Payload, r.Payload) {
			t.Errorf("%s: the U85 has the same row as its predecessors", r.Name)
		}
		if old.U85 {
			t.Errorf("%s has two rows of the U85", r.Name)
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
	for _, f := range r.Payload {
		c.Payload = f.Put(c.Payload, pick(f))
	}
	return c
}

// checkFields requires fields that do not overlap and fit, and an MMIO offset that
// follows the formula of the register map.
func checkFields(t *testing.T, r *Row) {
	t.Helper()
	for where, fields := range map[uint8][]Field{15: r.Param, 31: r.Payload} {
		var used uint32
		for _, f := range fields {
			if f.Hi < f.Lo || f.Hi > where || used&f.Mask() != 0 {
				t.Errorf("%s: field %s [%d:%d] overlaps or does not fit", r.Name, f.Name, f.Hi, f.Lo)
			}
			used |= f.Mask()
			for _, a := range f.Allowed {
				if a.Max < a.Min || uint64(a.Max)>>f.Width() != 0 {
					t.Errorf("%s: field %s allows %d..%d", r.Name, f.Name, a.Min, a.Max)
				}
			}
		}
	}
	code := uint16(r.Code & 0x3FF)
	var want uint16
	switch {
	case r.Code == SetDMA0IdxMax || r.Code == SetDMA0IdxSkip1: // two exceptions
		want = 0xBC0 + 8*(code-0x38)
	case r.Kind == Set:
		want = 0x800 + code>>7&1*0x100 + 4*(code&0x7F)
	case r.Kind == SetPayload:
		want = 0xA00 + code>>7&1*0x100 + 0x40*(code>>4&7) + 8*(code&15)
	}
	if r.MMIO != want {
		t.Errorf("%s: MMIO 0x%X, expected 0x%X", r.Name, r.MMIO, want)
	}
	if long := r.Kind == SetPayload || r.Code == OpBranch; r.Code.HasPayload() != long || (len(r.Payload) > 0) != long {
		t.Errorf("%s: kind and payload disagree", r.Name)
	}
}

func TestTableSize(t *testing.T) {
	var n [3][2]int
	for _, r := range Table {
		for _, p := range Products {
			if r.Has(p) {
				n[p][r.Code>>14&1]++
			}
		}
	}
	// U55: 59 commands without and 39 with payload, eight of them USER_DEFINED. U65: 60
	// and 37. U85: 63 and 48.
	if want := [3][2]int{{59, 39}, {60, 37}, {63, 48}}; n != want {
		t.Errorf("commands by product and payload: %v, expected %v", n, want)
	}
	if registers%64 != 0 {
		t.Errorf("%d registers, expected a multiple of 64", registers)
	}
	numbers := map[int]Code{}
	for _, r := range Table {
		i := register(r.Code)
		if c, taken := numbers[i]; (i < 0) != (r.Kind == Op) || i >= registers || taken && c != r.Code && i >= 0 || (i >= firstPayload) != (r.Kind == SetPayload) {
			t.Errorf("%s is register %d", r.Name, i)
		}
		numbers[i] = r.Code
	}
}
