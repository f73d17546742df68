// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// tableFields returns the fields of a row as its generated functions have them: 40 bits
// over parameter and payload are one.
func tableFields(r *Row) (list []Field, wide bool) {
	for _, f := range r.Param {
		if f.Name == "addr_hi" {
			wide = true
			continue
		}
		list = append(list, f)
	}
	return append(list, r.Payload...), wide
}

// TestTypedFields walks every field of every row: what the generated function packs is
// what the table says, alone and beside all others, and comes back from the command and
// from the register file. Bits that belong to no field stay out of what is unpacked.
func TestTypedFields(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range Table {
		r := &Table[i]
		fields, wide := tableFields(r)
		typed, ok := typedRows[goName(r)]
		if len(fields) == 0 && !ok {
			continue
		}
		if len(fields) == 0 || !ok {
			t.Errorf("%s has %d fields, generated functions: %v", r.Name, len(fields), ok)
			continue
		}
		values := make([]uint64, len(fields))
		check := func() {
			t.Helper()
			want := Command{Code: r.Code}
			for k, f := range fields {
				v := values[k]
				if k >= len(fields)-len(r.Payload) {
					want.Payload = f.Put(want.Payload, uint32(v))
					if wide {
						want.Param = uint16(r.Param[0].Put(0, uint32(v>>32)))
					}
					continue
				}
				want.Param = uint16(f.Put(uint32(want.Param), uint32(v)))
			}
			if got := typed.put(values); got != want {
				t.Fatalf("%s %v packs to %+v, expected %+v", r.Name, values, got, want)
			}
			noise := want
			var s State
			for f := range 16 {
				if free := uint32(1) << f; mask(r.Param)&free == 0 {
					noise.Param |= uint16(free)
				}
			}
			if r.Code.HasPayload() {
				noise.Payload |= ^mask(r.Payload)
			}
			s.Write(noise)
			for k, got := range typed.get(noise) {
				if got != values[k] {
					t.Fatalf("%s: field %s unpacks to %d, expected %d", r.Name, fields[k].Name, got, values[k])
				}
				if typed.reg != nil && typed.reg(&s)[k] != got {
					t.Fatalf("%s: field %s reads as %d from the registers, expected %d", r.Name, fields[k].Name, typed.reg(&s)[k], got)
				}
			}
		}
		for k, f := range fields {
			most := uint64(f.Mask() >> f.Lo)
			if wide {
				most = 1<<40 - 1
			}
			for _, v := range []uint64{0, 1, most, most &^ 1} {
				clear(values)
				values[k] = v
				check()
			}
		}
		for range 20 {
			for k, f := range fields {
				values[k] = uint64(rng.Uint32() & (f.Mask() >> f.Lo))
			}
			if wide {
				values[len(values)-1] = rng.Uint64() >> 24
			}
			check()
		}
	}
}

// goName is the name that the row's functions have in common.
func goName(r *Row) string {
	upper := map[string]bool{"IFM": true, "IFM2": true, "OFM": true, "BLK": true, "IB": true, "AB": true, "ACC": true,
		"DMA": true, "DMA0": true, "OPA": true, "OPB": true, "IRQ": true, "PMU": true}
	name := ""
	for _, w := range strings.Split(r.Name, "_")[2:] {
		if !upper[w] {
			w = w[:1] + strings.ToLower(w[1:])
		}
		name += w
	}
	if r.U85 && !r.U55 && !r.U65 && LookupName(r.Name) != nil {
		name += "U85"
	}
	return name
}

// TestFieldsDoNotOverflow: a value too large for its field never reaches its neighbour.
func TestFieldsDoNotOverflow(t *testing.T) {
	for name, put := range map[string]func(){
		"number":   func() { PutIFMPadTop(128) },
		"negative": func() { PutIFMDepthM1(-1) },
		"mode":     func() { PutOFMPrecision(OFMPrecisionFields{Precision: 4}) },
		"payload":  func() { PutScaleLength(1 << 20) },
		"address":  func() { PutOFMBase0(1 << 40) },
		"stride":   func() { PutOFMStrideY(-1<<39 - 1) },
	} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || len(s) < 5 || s[:4] != "BUG:" {
					t.Errorf("%s: no panic that says BUG", name)
				}
			}()
			put()
		}()
	}
	if c := PutOFMStrideY(-16); c.Param != 0xFF || c.Payload != 0xFFFFFFF0 || signed(GetOFMStrideY(c)) != -16 {
		t.Errorf("a stride of -16 packs to %+v", c)
	}
}
