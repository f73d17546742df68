// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// fit returns v as the bits of a field of the given width.
func fit[T ~int | ~int64 | ~uint8 | ~uint16 | ~uint32](v T, width int, field string) uint32 {
	if uint64(v)>>width != 0 {
		panic(fmt.Sprintf("BUG: %s=%v does not fit %d bits", field, v, width))
	}
	return uint32(v)
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// putWide packs an address, a length or a stride: its 32 low bits are the payload, 8
// more the parameter. Strides are two's complement.
func (c *Command) putWide(v int64) {
	if v < -1<<39 || v >= 1<<40 {
		panic(fmt.Sprintf("BUG: %s=%d does not fit 40 bits", c.Code, v))
	}
	c.Param, c.Payload = uint16(v>>32)&0xFF, uint32(v)
}

// Address returns the number that a register with a payload holds: a byte address or a
// stride, whose bits beyond 32 are the parameter, as it stands.
func (c Command) Address() int64 { return c.wide() }

// wide is the inverse of putWide for numbers that are not negative.
func (c Command) wide() int64 { return int64(c.Param&0xFF)<<32 | int64(c.Payload) }

// signed returns the 40 bits of wide as a distance in bytes: two's complement of 32
// bits on the U55, which has no upper bits, of 40 on the U65.
//
// A U65 stream writes small positive strides with upper bits 0; a payload with bit 31
// set and upper bits 0 is then a stride of at least 2 GiB, which no feature map has,
// so both products read it as negative.
func signed(v int64) int64 {
	if v>>32 == 0 {
		return int64(int32(v))
	}
	return v << 24 >> 24
}
