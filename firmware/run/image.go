// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// Segment is a piece of an image at the address it is stored at, which for
// initialised data is not the address it is used at.
type Segment struct {
	Address uint64
	Data    []byte
}

// Segments returns what must be written to a board's memories, lowest address
// first, adjacent pieces joined.
func Segments(image string) ([]Segment, error) {
	f, err := elf.Open(image)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC || f.Machine != elf.EM_ARM {
		return nil, fmt.Errorf("%s: %v for %v, expected a linked image for Arm: build it for a board first", image, f.Type, f.Machine)
	}
	var all []Segment
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Filesz == 0 {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := io.ReadFull(p.Open(), data); err != nil {
			return nil, fmt.Errorf("%s: segment at %#x: %w", image, p.Paddr, err)
		}
		all = append(all, Segment{p.Paddr, data})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: nothing to load in it", image)
	}
	slices.SortFunc(all, func(a, b Segment) int { return cmp.Compare(a.Address, b.Address) })
	joined := all[:1]
	for _, s := range all[1:] {
		last := &joined[len(joined)-1]
		end := last.Address + uint64(len(last.Data))
		switch {
		case s.Address < end:
			return nil, fmt.Errorf("%s: two segments overlap at %#x", image, s.Address)
		case s.Address == end:
			last.Data = append(last.Data, s.Data...)
		default:
			joined = append(joined, s)
		}
	}
	return joined, nil
}

// Hex returns the segments as an Intel HEX file with 32-bit addresses, which any
// flash tool reads. start is the address execution begins at.
func Hex(segments []Segment, start uint32) ([]byte, error) {
	var b bytes.Buffer
	record := func(kind byte, offset uint16, data []byte) {
		raw := append([]byte{byte(len(data)), byte(offset >> 8), byte(offset), kind}, data...)
		var sum byte
		for _, v := range raw {
			sum += v
		}
		b.WriteByte(':')
		b.Write(bytes.ToUpper(hex.AppendEncode(nil, append(raw, -sum))))
		b.WriteByte('\n')
	}
	const none = -1
	upper := int64(none)
	for _, s := range segments {
		if end := s.Address + uint64(len(s.Data)); end > 1<<32 {
			return nil, fmt.Errorf("segment at %#x ends above 32 bits", s.Address)
		}
		for at := 0; at < len(s.Data); {
			address := s.Address + uint64(at)
			if high := int64(address >> 16); high != upper {
				upper = high
				record(4, 0, []byte{byte(high >> 8), byte(high)})
			}
			// No record crosses a 64 KiB border.
			n := min(16, len(s.Data)-at, int(0x10000-address&0xffff))
			record(0, uint16(address), s.Data[at:at+n])
			at += n
		}
	}
	record(5, 0, []byte{byte(start >> 24), byte(start >> 16), byte(start >> 8), byte(start)})
	record(1, 0, nil)
	return b.Bytes(), nil
}

// Entry returns the address execution of an image begins at.
func Entry(image string) (uint32, error) {
	f, err := elf.Open(image)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", image, err)
	}
	defer f.Close()
	return uint32(f.Entry), nil
}
