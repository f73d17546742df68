// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

// featureMap checks alignment and bounds. It reports whether every access lies in
// its region.
func (c *checker) featureMap(which string, f *isa.FeatureMap, spans []isa.Span, write bool) bool {
	e := int64(f.Type.Bytes())
	unit := e
	if f.Format == isa.NHCWB16 {
		unit = 16
		if f.StrideX != 16*e && f.W > 1 {
			c.report(RuleAlignment, "%s stride in x is %d, expected %d for bricks of 16 %v", which, f.StrideX, 16*e, f.Type)
		}
		if f.StrideC%16 != 0 {
			c.report(RuleAlignment, "%s stride between bricks is %d, expected a multiple of 16", which, f.StrideC)
		}
	} else if f.StrideX%e != 0 {
		c.report(RuleAlignment, "%s stride in x is %d, expected a multiple of the element's %d bytes", which, f.StrideX, e)
	}
	if f.StrideY%unit != 0 {
		c.report(RuleAlignment, "%s stride in y is %d, expected a multiple of %d", which, f.StrideY, unit)
	}
	used := [4]bool{true, f.W > f.Width0, f.H > f.Height0, f.W > f.Width0 && f.H > f.Height1}
	for i, base := range f.Base {
		if used[i] && base%uint64(unit) != 0 {
			c.report(RuleAlignment, "%s base %d is %#x, expected a multiple of %d", which, i, base, unit)
		}
	}
	ok := true
	for _, s := range spans {
		ok = c.inside(which, s) && ok
	}
	if write && c.regions[f.Region].Constant {
		c.report(RuleRegion, "%s is written to region %d, which holds constants", which, f.Region)
		ok = false
	}
	return ok
}

// inside checks that a span lies in its region.
func (c *checker) inside(which string, s isa.Span) bool {
	size := c.regions[s.Region].Size
	switch {
	case size == 0:
		c.report(RuleRegion, "%s is in region %d, which is not there", which, s.Region)
	case s.Start < 0 || s.End > size || s.End < s.Start:
		c.report(RuleRegion, "%s takes bytes %d to %d of region %d, which has %d", which, s.Start, s.End, s.Region, size)
	default:
		return true
	}
	return false
}
