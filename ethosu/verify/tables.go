package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

const tableArea = 2048

// tableBytes returns the size of the table that an operation looks up.
func tableBytes(o *isa.Operation, ofm isa.DType) int {
	index := ofm.Bits
	switch o.Activation().Clip {
	case isa.ClipUint8, isa.ClipInt8:
		index = 8
	case isa.ClipInt16:
		index = 16
	}
	if index == 16 {
		return 2048
	}
	return 256 * ofm.Bytes()
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
		return
	}
	slot := act.Function - isa.ActTable0
	size := int64(tableBytes(o, k.ofm.Type))
	start := base + int64(slot)*256
	if int64(slot)*256+size > tableArea {
		c.report(RuleTable, "a table of %d bytes in slot %d does not fit the %d bytes of tables", size, slot, tableArea)
		return
	}
	k.tableSpan = isa.Span{Region: shramRegion, Start: start, End: start + size}
	if at := c.tables.missing(start, start+size); at >= 0 {
		c.report(RuleTable, "slot %d (%d bytes at SHRAM %#x) is not loaded: byte %#x was never written or was overwritten", slot, size, start, at)
	}
}
