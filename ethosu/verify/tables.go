// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

const tableArea = 2048

// indexType returns the type that values have after the clamp: they index the table, or
// are written.
func indexType(act isa.Activation, ofm isa.DType) isa.DType {
	switch act.Clip {
	case isa.ClipUint8:
		return isa.DType{Bits: 8}
	case isa.ClipInt8:
		return isa.DType{Bits: 8, Signed: true}
	case isa.ClipInt16:
		return isa.DType{Bits: 16, Signed: true}
	}
	return ofm
}

// checkClamp finds a clamp that leaves no value. Values of 32 bits are not clamped.
func (c *checker) checkClamp(o *isa.Operation, ofm isa.DType) {
	act := o.Activation()
	t := indexType(act, ofm)
	if t.Bits == 32 {
		return
	}
	low, high := int64(act.Min), int64(act.Max)
	if t.Signed {
		low, high = int64(int16(act.Min)), int64(int16(act.Max))
	}
	if first, last := t.Limits(); max(low, first) > min(high, last) {
		c.report(RuleType, "ACTIVATION_MIN %d and ACTIVATION_MAX %d leave no value of %v", low, high, t)
	}
}

// tableBytes returns the size of the table that an operation looks up, and which part
// of it clamped values can index.
func tableBytes(o *isa.Operation, ofm isa.DType) (size, from, to int64) {
	act := o.Activation()
	index := indexType(act, ofm)
	if index.Bits == 16 { // an entry of 4 bytes for every 128 values
		first := (int64(int16(act.Min)) + 32768) >> 7
		last := max((int64(int16(act.Max))+32768)>>7, first)
		return 2048, 4 * first, 4 * (last + 1)
	}
	entry := int64(ofm.Bytes())
	first, last := int64(0), int64(255)
	if index.Bits == 8 && index.Signed {
		first = min(max(int64(int16(act.Min))+128, 0), 255)
		last = max(min(int64(int16(act.Max))+128, 255), first)
	}
	return 256 * entry, first * entry, (last + 1) * entry
}

// useTable checks that the table of an operation is loaded, and notes which tables
// the operation's buffers destroy.
func (c *checker) useTable(o *isa.Operation, k *kernel) {
	act := o.Activation()
	base := int64(c.a.LUTBase())
	if !k.table {
		if act.Clip != isa.ClipOFM {
			c.report(RuleTable, "clip_range is %d without a table, expected 0", act.Clip)
		}
		c.tables.remove(0, int64(k.shramEnd))
		c.loaded.forget(0, int64(k.shramEnd))
		return
	}
	if k.noTable {
		return
	}
	slot := act.Function - isa.ActTable0
	size, from, to := tableBytes(o, k.ofm.Type)
	start := base + int64(slot)*256
	if int64(slot)*256+size > tableArea {
		c.report(RuleTable, "a table of %d bytes in slot %d does not fit the %d bytes of tables", size, slot, tableArea)
		return
	}
	k.tableSpan = isa.Span{Region: isa.SHRAM, Start: start + from, End: start + to}
	if at := c.tables.missing(start+from, start+to); at >= 0 {
		c.report(RuleTable, "slot %d (%d bytes at SHRAM %#x) is not loaded: byte %#x was never written or was overwritten", slot, size, start, at)
	}
}
