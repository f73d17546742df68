// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// dataset gathers the messages of one.
type dataset struct {
	space, kind, layout []byte
	filtered            bool
}

// Classes of datatypes.
const (
	classFloat    = 1
	classString   = 3
	classVariable = 9
)

// datatype is an element type.
type datatype struct {
	class, size int
	big         bool // the other byte order
	text        bool // of variable length: a string
}

func parseType(b []byte) (datatype, error) {
	if len(b) < 8 {
		return datatype{}, errBroken
	}
	t := datatype{class: int(b[0] & 0xf), size: int(binary.LittleEndian.Uint32(b[4:])), big: b[1]&1 != 0}
	if t.class == classVariable {
		t.text = b[1]&0xf == 1
	}
	return t, nil
}

// parseSpace returns the dimensions, empty for a single element.
func parseSpace(b []byte) ([]int, error) {
	if len(b) < 4 {
		return nil, errBroken
	}
	at, rank := 8, int(b[1])
	switch b[0] {
	case 1:
	case 2:
		at = 4
	default:
		return nil, fmt.Errorf("dataspace of version %d, expected 1 or 2", b[0])
	}
	if rank > 8 || len(b) < at+8*rank {
		return nil, errBroken
	}
	shape, n := []int{}, uint64(1)
	for i := range rank {
		d := binary.LittleEndian.Uint64(b[at+8*i:])
		if d > maxElements || d > 0 && n > maxElements/d {
			return nil, fmt.Errorf("more than %d elements", maxElements)
		}
		n *= d
		shape = append(shape, int(d))
	}
	return shape, nil
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// read returns the elements of a dataset of floats; of other types its shape alone.
func (r *reader) read(d *dataset) ([]int, []float32, error) {
	if d.space == nil || d.kind == nil {
		return nil, nil, errBroken
	}
	shape, err := parseSpace(d.space)
	if err != nil {
		return nil, nil, err
	}
	t, err := parseType(d.kind)
	if err != nil {
		return nil, nil, err
	}
	if t.class != classFloat {
		return shape, nil, nil
	}
	if t.big || t.size != 2 && t.size != 4 && t.size != 8 {
		return nil, nil, fmt.Errorf("floats of %d bytes (other byte order: %v), expected 2, 4 or 8", t.size, t.big)
	}
	n := elements(shape)
	if r.total += n; r.total > maxElements {
		return nil, nil, fmt.Errorf("more than %d elements in the file", maxElements)
	}
	raw, err := r.stored(d, uint64(n*t.size))
	if err != nil {
		return nil, nil, err
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = float(raw[i*t.size : (i+1)*t.size])
	}
	return shape, out, nil
}

// stored returns the bytes of a dataset.
func (r *reader) stored(d *dataset, size uint64) ([]byte, error) {
	l := d.layout
	if d.filtered {
		return nil, errors.New("it is compressed: save it without compression")
	}
	if len(l) < 2 || l[0] != 3 {
		return nil, fmt.Errorf("layout of an old or new version, expected 3: save it with the default of h5py")
	}
	switch l[1] {
	case 0: // within the header
		if len(l) < 4 || uint64(binary.LittleEndian.Uint16(l[2:])) < size || uint64(len(l)-4) < size {
			return nil, errBroken
		}
		return l[4 : 4+size], nil
	case 1:
		if len(l) < 18 {
			return nil, errBroken
		}
		address := binary.LittleEndian.Uint64(l[2:])
		if size == 0 {
			return nil, nil
		}
		if address == 1<<64-1 { // never written: zeros
			return make([]byte, size), nil
		}
		if binary.LittleEndian.Uint64(l[10:]) < size {
			return nil, errBroken
		}
		return r.at(address, size)
	}
	return nil, errors.New("it lies in chunks: save it without chunks and compression")
}

// attribute reads an attribute; ok is false where it is not one string.
func (r *reader) attribute(b []byte) (name, value string, ok bool, err error) {
	if len(b) < 8 {
		return "", "", false, errBroken
	}
	version, at := b[0], 8
	sizes := [3]int{}
	for i := range sizes {
		sizes[i] = int(binary.LittleEndian.Uint16(b[2+2*i:]))
	}
	switch version {
	case 1:
	case 2:
	case 3:
		at = 9
	default:
		return "", "", false, fmt.Errorf("version %d, expected 1 to 3", version)
	}
	var parts [3][]byte
	for i, n := range sizes {
		if n > len(b)-at {
			return "", "", false, errBroken
		}
		parts[i] = b[at : at+n]
		if at += n; version == 1 {
			at = min(len(b), (at+7)&^7)
		}
	}
	name = strings.TrimRight(string(parts[0]), "\x00")
	t, err := parseType(parts[1])
	if err != nil {
		return "", "", false, err
	}
	shape, err := parseSpace(parts[2])
	if err != nil || elements(shape) != 1 {
		return name, "", false, err
	}
	data := b[at:]
	switch {
	case t.class == classString:
		if t.size > len(data) {
			return "", "", false, errBroken
		}
		return name, strings.TrimRight(string(data[:t.size]), "\x00"), true, nil
	case t.text:
		value, err := r.heap(data)
		return name, value, true, err
	}
	return name, "", false, nil
}

// heap reads a string of variable length: its length, the address of a collection,
// and its number there.
func (r *reader) heap(b []byte) (string, error) {
	if len(b) < 16 {
		return "", errBroken
	}
	length, address, index := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[4:]), binary.LittleEndian.Uint32(b[12:])
	if length == 0 {
		return "", nil
	}
	head, err := r.at(address, 16)
	if err != nil {
		return "", err
	}
	if string(head[:4]) != "GCOL" {
		return "", errBroken
	}
	size := binary.LittleEndian.Uint64(head[8:])
	all, err := r.at(address, size)
	if err != nil || size < 16 {
		return "", errBroken
	}
	for all = all[16:]; len(all) >= 16; {
		number, n := binary.LittleEndian.Uint16(all), binary.LittleEndian.Uint64(all[8:])
		if number == 0 || n > uint64(len(all)-16) {
			break
		}
		if uint32(number) == index {
			if uint64(length) > n {
				return "", errBroken
			}
			return strings.TrimRight(string(all[16:16+length]), "\x00"), nil
		}
		all = all[min(uint64(len(all)), 16+(n+7)&^7):]
	}
	return "", errBroken
}
