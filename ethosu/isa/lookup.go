// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// Product is the NPU family a stream is made for.
type Product uint8

// Products.
const (
	U55 Product = iota
	U65
)

// ProductOf returns U65 or U55.
func ProductOf(u65 bool) Product {
	if u65 {
		return U65
	}
	return U55
}

func (p Product) String() string {
	if p == U65 {
		return "U65"
	}
	return "U55"
}

// Has reports whether the command exists on the product.
func (r *Row) Has(p Product) bool {
	if p == U65 {
		return r.U65
	}
	return r.U55
}

// slots maps the 10-bit opcode, of commands without and with payload, to the row
// number plus one.
var slots, byName = index()

func index() (s [2][1024]uint8, names map[string]*Row) {
	names = make(map[string]*Row, len(Table))
	for i := range Table {
		r := &Table[i]
		s[r.Code>>14&1][r.Code&0x3FF] = uint8(i + 1)
		names[r.Name] = r
	}
	return s, names
}

// slot returns the row number of a code, or -1.
func slot(c Code) int {
	if c&^(payload|0x3FF) != 0 {
		return -1
	}
	return int(slots[c>>14&1][c&0x3FF]) - 1
}

// Lookup returns the row of a code, or nil when no such command exists.
func Lookup(c Code) *Row {
	if i := slot(c); i >= 0 {
		return &Table[i]
	}
	return nil
}

// LookupName returns the row of a command name such as NPU_OP_CONV, or nil.
func LookupName(name string) *Row { return byName[name] }

// String returns the command's name, or Code(0x...) for an unknown one.
func (c Code) String() string {
	if r := Lookup(c); r != nil {
		return r.Name
	}
	return fmt.Sprintf("Code(0x%04X)", uint16(c))
}

// Field returns the named field of the row and whether it lies in the payload.
// The name must exist: asking for another is an error of this program.
func (r *Row) Field(name string) (f Field, inPayload bool) {
	for _, f := range r.Param {
		if f.Name == name {
			return f, false
		}
	}
	if r.Payload.Name == name && name != "" {
		return r.Payload, true
	}
	panic("BUG: " + r.Name + " has no field " + name)
}

// hasPayloadField reports whether the payload word has a meaning.
func (r *Row) hasPayloadField() bool { return r.Payload.Name != "" }
