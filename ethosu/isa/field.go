// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"fmt"
	"strings"
)

// Width returns the number of bits of the field.
func (f Field) Width() int { return int(f.Hi) - int(f.Lo) + 1 }

// Mask returns the field's bits in place.
func (f Field) Mask() uint32 { return uint32(1<<f.Width()-1) << f.Lo }

// Get extracts the field from a parameter or payload.
func (f Field) Get(v uint32) uint32 { return (v & f.Mask()) >> f.Lo }

// Put returns v with the field replaced by x. Bits of x beyond the field's width
// are dropped; Check tells whether there are any.
func (f Field) Put(v, x uint32) uint32 {
	return v&^f.Mask() | (x<<f.Lo)&f.Mask()
}

// Check reports whether x may be written to the field on the product.
func (f Field) Check(x uint32, p Product) error {
	switch {
	case uint64(x)>>f.Width() != 0:
		return fmt.Errorf("%s=%d does not fit %d bits", f.Name, x, f.Width())
	case f.U65 && p == U55 && x != 0:
		return fmt.Errorf("%s=%d must be 0 on the U55", f.Name, x)
	case f.Allowed == nil:
		return nil
	}
	for _, r := range f.Allowed {
		if x >= r.Min && x <= r.Max {
			return nil
		}
	}
	return fmt.Errorf("%s=%d is not one of %s", f.Name, x, f.allowed())
}

func (f Field) allowed() string {
	var parts []string
	for _, r := range f.Allowed {
		if r.Min == r.Max {
			parts = append(parts, fmt.Sprint(r.Min))
		} else {
			parts = append(parts, fmt.Sprintf("%d..%d", r.Min, r.Max))
		}
	}
	return strings.Join(parts, ", ")
}
