// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Form 2 of the payload: a header of 16 bytes, and entries of which one is the command
// stream. Its own metadata stand before the stream, padded with 0xFF so that the stream
// begins at a multiple of 16 bytes.
const (
	payloadMagicTwo = 0x32504F43 // "COP2"
	headerTwo       = 16
	entryStream     = 1
	metadataTwo     = 32 // bytes of metadata, without the padding
	metadataFields  = 20 // of them those behind the version
	metadataMagic   = "VEUM"
	featureWide     = 1 // network-wide addressing
	featureSeparate = 2 // regions of their own for inputs and outputs
)

// appendTwo appends form 2.
func (p *Payload) appendTwo(b []byte) []byte {
	at := len(b)
	pad := -(headerTwo + 12 + metadataTwo) & 15
	le := binary.LittleEndian
	entry := 4 + metadataTwo + pad + 4*len(p.Words)
	b = le.AppendUint32(b, payloadMagicTwo)
	b = le.AppendUint16(le.AppendUint16(b, 1), 0)
	b = le.AppendUint64(b, uint64(8+entry))
	b = le.AppendUint32(b, entryStream)
	b = le.AppendUint32(b, uint32(entry))
	b = le.AppendUint32(b, uint32(metadataTwo+pad))
	b = append(b, metadataMagic...)
	b = le.AppendUint16(le.AppendUint16(b, 1), 0)
	b = le.AppendUint32(b, metadataFields)
	features := uint32(featureWide)
	if p.Separate {
		features = featureSeparate
	}
	for _, v := range []uint32{p.Config, p.id(), features} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, p.Staging)
	b = append(b, bytes.Repeat([]byte{0xFF}, pad)...)
	if (len(b)-at)%16 != 0 {
		panic("BUG: the stream of a payload is not at a multiple of 16")
	}
	for _, w := range p.Words {
		b = le.AppendUint32(b, w)
	}
	return b
}

// parseTwo reads form 2; offsets in errors are bytes.
func parseTwo(b []byte) (*Payload, error) {
	le := binary.LittleEndian
	fail := func(format string, args ...any) (*Payload, error) {
		return nil, fmt.Errorf("driver payload COP2: "+format, args...)
	}
	const first = headerTwo + 8 + 4
	if len(b) < first+metadataTwo {
		return fail("%d bytes, expected at least %d", len(b), first+metadataTwo)
	}
	if major, minor := le.Uint16(b[4:]), le.Uint16(b[6:]); major != 1 {
		return fail("version %d.%d at byte 4, expected 1", major, minor)
	}
	if n := le.Uint64(b[8:]); n > uint64(len(b)-headerTwo) {
		return fail("length %d at byte 8, %d bytes follow the header", n, len(b)-headerTwo)
	} else {
		b = b[:headerTwo+int(n)]
	}
	if len(b) < first+metadataTwo {
		return fail("length %d at byte 8, expected at least %d", len(b)-headerTwo, first+metadataTwo-headerTwo)
	}
	if kind := le.Uint32(b[16:]); kind != entryStream {
		return fail("entry %d at byte 16, expected a command stream, %d", kind, entryStream)
	}
	if n := le.Uint32(b[20:]); uint64(n) != uint64(len(b)-headerTwo-8) {
		return fail("entry length %d at byte 20, expected %d, the only entry", n, len(b)-headerTwo-8)
	}
	meta := le.Uint32(b[24:])
	if meta < metadataTwo || uint64(meta) > uint64(len(b)-first) {
		return fail("%d bytes of metadata at byte 24, expected %d to %d", meta, metadataTwo, len(b)-first)
	}
	if m := b[first:]; string(m[:4]) != metadataMagic || le.Uint16(m[4:]) != 1 || le.Uint32(m[8:]) < metadataFields {
		return fail("metadata at byte %d, expected VEUM version 1 with at least %d bytes", first, metadataFields)
	}
	m := b[first+12:]
	p := &Payload{Config: le.Uint32(m), ID: le.Uint32(m[4:]), Two: true, Staging: le.Uint64(m[12:])}
	switch f := le.Uint32(m[8:]); f {
	case featureWide:
	case featureSeparate:
		p.Separate = true
	default:
		return fail("features 0x%X at byte %d, expected 1 or 2", f, first+20)
	}
	at := first + int(meta)
	if at%16 != 0 || (len(b)-at)%4 != 0 {
		return fail("a stream of %d bytes at byte %d, expected whole words at a multiple of 16", len(b)-at, at)
	}
	if len(b)-at >= maxStreamBytes {
		return fail("a stream of %d bytes is not below 16 MiB", len(b)-at)
	}
	p.Words = make([]uint32, (len(b)-at)/4)
	for i := range p.Words {
		p.Words[i] = le.Uint32(b[at+4*i:])
	}
	return p, nil
}
