// SPDX-License-Identifier: Apache-2.0

// Package place gives every buffer of a scheduled program its address: what carries a
// state, or dies where a result is written, shares its memory; the rest is packed by
// live range.
//
// Open layout.go first; live.go computes the ranges, share.go and allocate.go decide.
package place

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/memory"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// Input is what a layout is made for. No pass changes it.
type Input struct {
	Accel  *ethosu.Accelerator
	Memory *memory.Map

	// Tight keeps states apart, so that each can share its memory with other maps.
	Tight bool

	// Taken are bytes of the arena that hold values of other parts of the call.
	Taken []Span

	// Line is what the CPU cannot share with the NPU: placed buffers have all of the
	// lines that they touch. 0 is no line.
	Line int
}

// Layout is where the buffers of a program lie. Addresses count from the start of their
// region.
type Layout struct {
	Arena, Fast int // bytes of the two regions that are written

	// Bound is a size that no layout of the same buffers goes below, of both together.
	Bound int

	// Blob is the content of the region of constants.
	Blob []byte

	in      Input
	mod     *kernel.Module
	ops     []schedule.Operation
	storage map[*kernel.Buffer]*storage
}

// storage is the memory of one buffer.
type storage struct {
	buf  *kernel.Buffer
	into *storage // shares the memory of another one from its first byte

	// What sharing adds to the buffer's own.
	bound, fromCall, toCaller bool

	first, last    int // operations that touch it first and last
	region, offset int
}

// New returns the layout of a scheduled module before anything has an address.
func New(mod *kernel.Module, ops []schedule.Operation, in Input) *Layout {
	return &Layout{in: in, mod: mod, ops: ops, storage: map[*kernel.Buffer]*storage{}}
}

// Fixed returns a layout of buffers whose addresses are known.
func Fixed(at map[*kernel.Buffer]Address) *Layout {
	l := &Layout{storage: map[*kernel.Buffer]*storage{}}
	for b, a := range at {
		l.storage[b] = &storage{buf: b, region: a.Region, offset: a.Offset}
	}
	return l
}

// root returns the storage whose memory a buffer uses.
func (l *Layout) root(b *kernel.Buffer) *storage {
	s := l.storage[b]
	if s == nil {
		s = &storage{buf: b, bound: b.Bound, fromCall: b.FromCall, toCaller: b.ToCaller}
		l.storage[b] = s
	}
	for s.into != nil {
		s = s.into
	}
	return s
}

// Address is a place in a region.
type Address struct{ Region, Offset int }

// At returns the address of a place in a buffer.
func (l *Layout) At(b *kernel.Buffer, off int) Address {
	s := l.root(b)
	return Address{s.region, s.offset + off}
}

// Live returns the operations between which a buffer's memory is in use: -1 when it
// holds a value from the start of the call, their number when it does to the end.
func (l *Layout) Live(b *kernel.Buffer) (first, last int) {
	s := l.root(b)
	return s.first, s.last
}

// Span is a half-open byte range of a region.
type Span struct{ Region, Start, End int }

// Spans returns the byte ranges of a feature map, one for each tile, each from its first
// to its last element.
func (l *Layout) Spans(f *kernel.Map) []Span {
	if f.Buf == nil {
		return nil
	}
	a := l.At(f.Buf, f.Off)
	rows := f.H
	if f.Low != nil {
		rows = 1
	}
	last := (f.W-1)*f.StrideX + f.C*f.Type.Size()
	s := []Span{{a.Region, a.Offset, a.Offset + (rows-1)*f.StrideY + last}}
	if f.Low != nil {
		a := l.At(f.Low, f.LowOff)
		s = append(s, Span{a.Region, a.Offset, a.Offset + (f.H-2)*f.StrideY + last})
	}
	return s
}

// Same reports whether two buffers share their memory.
func (l *Layout) Same(a, b *kernel.Buffer) bool { return l.root(a) == l.root(b) }
