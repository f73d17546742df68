// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// looksUp returns what the table of an operation makes of its values; for built-in
// functions, and for tables of which not all is known, whatever the type holds.
func (c *checker) looksUp(act isa.Activation, k *kernel, v value) value {
	first, last := k.ofm.Type.Limits()
	unknown := bound{first, last}
	index := indexType(act, k.ofm.Type)
	if !k.table || index.Bits == 8 && k.ofm.Type.Bits != 32 || index.Bits == 16 && k.ofm.Type.Bits != 16 || index.Bits == 32 {
		return only(unknown)
	}
	base := int64(c.a.LUTBase()) + int64(act.Function-isa.ActTable0)*256
	clip := clipOf(act, index)
	low, _ := index.Limits()
	looked := 0
	defer func() { c.lookedAt(looked) }()
	return v.apply(func(b bound) bound {
		at := b.add(int64(k.ofm.ZeroPoint)).clamp(clip).add(-low)
		begin, end := int64(0), int64(127)
		if index.Bits == 16 { // an entry for 128 values
			if at.lo>>7 == at.hi>>7 {
				begin, end = at.lo&127, at.hi&127
			}
			at = bound{at.lo >> 7, at.hi >> 7}
		}
		entries, missing := c.loaded.get(base+4*at.lo, base+4*at.hi+4)
		if missing >= 0 {
			return unknown
		}
		looked += len(entries) / 4
		var all []bound
		for ; len(entries) > 0; entries = entries[4:] {
			e := binary.LittleEndian.Uint32(entries)
			if index.Bits == 8 {
				all = append(all, bound{int64(int32(e)), int64(int32(e))})
				continue
			}
			from, slope := int64(int16(e)), int64(int16(e>>16))
			one, other := from+(slope*begin+64)>>7, from+(slope*end+64)>>7
			all = append(all, bound{min(one, other), max(one, other)})
		}
		if b := (value{cells: all}).hull(); b.within(unknown) {
			return b
		}
		return unknown
	})
}
