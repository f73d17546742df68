// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// Product is the NPU family a stream is made for. Codes, names and fields are those of a
// product: what has no product, such as Lookup and Walk, means the U55 and U65, which
// differ only in what exists.
type Product uint8

// Products.
const (
	U55 Product = iota
	U65
	U85
)

// Products lists them all.
var Products = []Product{U55, U65, U85}

// ProductOf returns U65 or U55.
func ProductOf(u65 bool) Product {
	if u65 {
		return U65
	}
	return U55
}

func (p Product) String() string {
	switch p {
	case U85:
		return "U85"
	case U65:
		return "U65"
	}
	return "U55"
}

// Has reports whether the command exists on the product.
func (r *Row) Has(p Product) bool {
	switch p {
	case U85:
		return r.U85
	case U65:
		return r.U65
	}
	return r.U55
}

// UsesOn returns which operations of the product consume the register.
func (r *Row) UsesOn(p Product) Use {
	switch {
	case p == U85 && r.Uses85 != 0:
		return r.Uses85
	case p != U85:
		return r.Uses &^ UseResize
	}
	return r.Uses
}

// index finds rows: by the 10-bit opcode of commands without and with payload, as row
// number plus one, and by name.
type index struct {
	slots [2][1024]uint8
	names map[string]*Row
}

// early is the index of U55 and U65, late that of the U85.
var early, late = indexOf(func(r *Row) bool { return r.U55 || r.U65 }), indexOf(func(r *Row) bool { return r.U85 })

func indexOf(has func(r *Row) bool) *index {
	x := &index{names: make(map[string]*Row, len(Table))}
	for i := range Table {
		if r := &Table[i]; has(r) {
			x.slots[r.Code>>14&1][r.Code&0x3FF] = uint8(i + 1)
			x.names[r.Name] = r
		}
	}
	return x
}

func (p Product) index() *index {
	if p == U85 {
		return late
	}
	return early
}

// Lookup returns the row of a code, or nil when no such command exists on the product.
// On U55 and U65 the row may be the other's: see Row.Has.
func (p Product) Lookup(c Code) *Row {
	if c&^(payload|0x3FF) != 0 {
		return nil
	}
	if i := int(p.index().slots[c>>14&1][c&0x3FF]) - 1; i >= 0 {
		return &Table[i]
	}
	return nil
}

// LookupName returns the row of a command name such as NPU_OP_CONV, or nil.
func (p Product) LookupName(name string) *Row { return p.index().names[name] }

// Lookup returns the row of a code of the U55 or U65, or nil.
func Lookup(c Code) *Row { return U65.Lookup(c) }

// LookupName returns the row of a command name of the U55 or U65, or nil.
func LookupName(name string) *Row { return U65.LookupName(name) }

// Name returns the name of a code on the product, or Code(0x...) for an unknown one.
func (p Product) Name(c Code) string {
	if r := p.Lookup(c); r != nil {
		return r.Name
	}
	return fmt.Sprintf("Code(0x%04X)", uint16(c))
}

// String returns the command's name on U55 and U65, or else on the U85, or Code(0x...)
// for an unknown one.
func (c Code) String() string {
	if Lookup(c) == nil {
		return U85.Name(c)
	}
	return U65.Name(c)
}

// Field returns the named field of the row and whether it lies in the payload.
// The name must exist: asking for another is an error of this program.
func (r *Row) Field(name string) (f Field, inPayload bool) {
	for _, f := range r.Param {
		if f.Name == name {
			return f, false
		}
	}
	for _, f := range r.Payload {
		if f.Name == name {
			return f, true
		}
	}
	panic("BUG: " + r.Name + " has no field " + name)
}
