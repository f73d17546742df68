// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
)

// file is a FlatBuffer under examination. Every access is checked against its
// end; the first failure is kept in err, and every access after it reads zero.
// So a caller may read a whole table and look at err once.
type file struct {
	name string
	data []byte
	err  error

	// work is what may still be read from vectors and strings. Offsets may
	// point to the same place many times, so that a small file could
	// otherwise describe gigabytes.
	work int
}

// tableWork is what one table costs of the work limit, about its memory here.
const tableWork = 64

func newFile(name string, data []byte) *file {
	return &file{name: name, data: data, work: 1<<20 + min(64*len(data), 1<<27)}
}

func (f *file) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%s: %s", f.name, fmt.Sprintf(format, args...))
	}
}

// span returns n bytes at pos, or nil after recording a failure.
func (f *file) span(pos, n int, what string) []byte {
	if f.err != nil {
		return nil
	}
	if pos < 0 || n < 0 || pos > len(f.data) || n > len(f.data)-pos {
		f.fail("%s at byte %d needs %d bytes, but the file has %d; it is damaged or cut off", what, pos, n, len(f.data))
		return nil
	}
	return f.data[pos : pos+n]
}

func (f *file) u32(pos int, what string) int {
	if b := f.span(pos, 4, what); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// follow returns where the unsigned offset at pos leads.
func (f *file) follow(pos int, what string) int {
	off := f.u32(pos, what)
	if off > len(f.data)-pos {
		f.fail("%s: offset %d at byte %d leads outside the file of %d bytes; it is damaged or cut off", what, off, pos, len(f.data))
		return 0
	}
	return pos + off
}

// table is one FlatBuffer table; the zero table has no fields.
type table struct {
	f      *file
	pos    int
	fields []byte // the vtable's field offsets
	size   int    // of the inline part
	what   string
}

func (f *file) table(pos int, what string) table {
	off := f.u32(pos, what)
	if f.err != nil {
		return table{}
	}
	vpos := pos - int(int32(uint32(off)))
	head := f.span(vpos, 4, what+" vtable")
	if head == nil {
		return table{}
	}
	vlen := int(binary.LittleEndian.Uint16(head))
	size := int(binary.LittleEndian.Uint16(head[2:]))
	if vlen < 4 || vlen%2 != 0 || size < 4 {
		f.fail("%s: vtable at byte %d has size %d for a table of %d bytes, expected an even number from 4; the file is damaged", what, vpos, vlen, size)
		return table{}
	}
	vtable := f.span(vpos, vlen, what+" vtable")
	if vtable == nil || f.span(pos, size, what) == nil {
		return table{}
	}
	return table{f, pos, vtable[4:], size, what}
}

// field returns the position of a field's value, or 0 when it is absent.
func (t table) field(slot, size int) int {
	if t.f == nil || t.f.err != nil || 2*slot+2 > len(t.fields) {
		return 0
	}
	off := int(binary.LittleEndian.Uint16(t.fields[2*slot:]))
	if off == 0 {
		return 0
	}
	if off < 4 || off+size > t.size {
		t.f.fail("%s: field %d lies at %d of a table of %d bytes; the file is damaged", t.what, slot, off, t.size)
		return 0
	}
	return t.pos + off
}

func (t table) present(slot int) bool { return t.field(slot, 1) != 0 }

func (t table) u8(slot int, def uint8) uint8 {
	if p := t.field(slot, 1); p != 0 {
		return t.f.data[p]
	}
	return def
}

func (t table) i32(slot int, def int32) int32 {
	if p := t.field(slot, 4); p != 0 {
		return int32(binary.LittleEndian.Uint32(t.f.data[p:]))
	}
	return def
}

func (t table) u64(slot int) uint64 {
	if p := t.field(slot, 8); p != 0 {
		return binary.LittleEndian.Uint64(t.f.data[p:])
	}
	return 0
}

func (t table) f32(slot int) float32 {
	if p := t.field(slot, 4); p != 0 {
		return math.Float32frombits(binary.LittleEndian.Uint32(t.f.data[p:]))
	}
	return 0
}

// sub returns the table that a field refers to; the zero table when absent.
func (t table) sub(slot int, what string) table {
	if p := t.field(slot, 4); p != 0 {
		return t.f.table(t.f.follow(p, what), what)
	}
	return table{}
}

// vector returns position and length of a vector of n-byte elements.
func (t table) vector(slot, n int, what string) (pos, length int) {
	p := t.field(slot, 4)
	if p == 0 {
		return 0, 0
	}
	p = t.f.follow(p, what)
	length = t.f.u32(p, what)
	if length > len(t.f.data)/n {
		t.f.fail("%s claims %d elements, more than the file of %d bytes can hold; it is damaged", what, length, len(t.f.data))
		return 0, 0
	}
	if t.f.span(p+4, length*n, what) == nil {
		return 0, 0
	}
	return p + 4, length
}

// spend counts n elements against the work limit.
func (f *file) spend(n int, what string) bool {
	if f.work -= n; f.work < 0 {
		f.fail("%s: the file repeats its content by references beyond any sane size; it is damaged or hostile", what)
	}
	return f.err == nil
}

// bytes returns a byte vector, not copied; nil when absent or empty.
func (t table) bytes(slot int, what string) []byte {
	pos, n := t.vector(slot, 1, what)
	if n == 0 {
		return nil
	}
	return t.f.data[pos : pos+n : pos+n]
}

// text returns a string.
func (t table) text(slot int, what string) string {
	b := t.bytes(slot, what)
	if b == nil || !t.f.spend(len(b), what) {
		return ""
	}
	return string(b)
}

// ints returns a vector of int32.
func (t table) ints(slot int, what string) []int32 {
	pos, n := t.vector(slot, 4, what)
	if n == 0 || !t.f.spend(n, what) {
		return nil
	}
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(binary.LittleEndian.Uint32(t.f.data[pos+4*i:]))
	}
	return v
}

func (t table) longs(slot int, what string) []int64 {
	pos, n := t.vector(slot, 8, what)
	if n == 0 || !t.f.spend(n, what) {
		return nil
	}
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(t.f.data[pos+8*i:]))
	}
	return v
}

func (t table) floats(slot int, what string) []float32 {
	pos, n := t.vector(slot, 4, what)
	if n == 0 || !t.f.spend(n, what) {
		return nil
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.f.data[pos+4*i:]))
	}
	return v
}

// tables returns a vector of tables, named "what 0", "what 1" and so on.
func (t table) tables(slot int, what string) []table {
	pos, n := t.vector(slot, 4, what+" list")
	if n == 0 || !t.f.spend(tableWork*n, what+" list") {
		return nil
	}
	v := make([]table, n)
	for i := range v {
		name := fmt.Sprintf("%s %d", what, i)
		v[i] = t.f.table(t.f.follow(pos+4*i, name), name)
		if t.f.err != nil {
			return nil
		}
	}
	return v
}
