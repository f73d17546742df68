// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
)

// A safetensors file is a little-endian uint64, the length of the header; the
// header, a JSON object from tensor name to dtype, shape and byte range, with
// strings under __metadata__; then the bytes of all tensors without gaps.

// tensor is one entry of a file.
type tensor struct {
	name  string
	dtype string
	shape []int
	begin int64 // byte range in the data
	end   int64
}

// container is an opened safetensors file.
type container struct {
	file     string
	data     io.ReaderAt // begins at the first data byte
	metadata map[string]string
	tensors  []*tensor // in the order of their bytes
	byName   map[string]*tensor

	ordered bool // the tensors are in the order in which the model defines them
}

// maxHeader bounds the header; the reference implementation has the same bound.
const maxHeader = 100_000_000

// maxElements bounds the size of one tensor.
const maxElements = 1 << 31

var dtypeSize = map[string]int64{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
	"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}

// open reads and checks the header of a safetensors file.
func open(file string, r io.ReaderAt, size int64) (*container, error) {
	fail := func(format string, args ...any) (*container, error) {
		return nil, fmt.Errorf("%s: %s", file, fmt.Sprintf(format, args...))
	}
	if size < 8 {
		return fail("%d bytes, but a safetensors file begins with an 8-byte header length: the file is truncated", size)
	}
	var length [8]byte
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return fail("reading the header length: %v", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return fail("header length %d, but only %d bytes follow it: not a safetensors file, or a truncated one", n, size-8)
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil {
		return fail("reading the header: %v", err)
	}
	dataSize := size - 8 - int64(n)
	c := &container{file: file, data: io.NewSectionReader(r, 8+int64(n), dataSize), byName: map[string]*tensor{}}
	if err := c.parse(header); err != nil {
		return nil, err
	}
	return c, c.checkRanges(dataSize)
}

// parse fills the container from the JSON header.
func (c *container) parse(header []byte) error {
	fail := func(err error) error { return fmt.Errorf("%s: bad safetensors header: %w", c.file, err) }
	dec := json.NewDecoder(bytes.NewReader(header))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fail(fmt.Errorf("begins with %.20q, expected a JSON object", header))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fail(err)
		}
		name := key.(string)
		if name == "__metadata__" {
			if err := dec.Decode(&c.metadata); err != nil {
				return fail(fmt.Errorf("__metadata__: %w", err))
			}
			continue
		}
		var entry struct {
			DType   *string `json:"dtype"`
			Shape   []int64 `json:"shape"`
			Offsets []int64 `json:"data_offsets"`
		}
		if err := dec.Decode(&entry); err != nil {
			return fail(fmt.Errorf("tensor %q: %w", name, err))
		}
		if entry.DType == nil || entry.Shape == nil || len(entry.Offsets) != 2 {
			return fail(fmt.Errorf("tensor %q: dtype, shape and two data_offsets are needed", name))
		}
		if c.byName[name] != nil {
			return fail(fmt.Errorf("tensor %q is there twice", name))
		}
		t := &tensor{name: name, dtype: *entry.DType, begin: entry.Offsets[0], end: entry.Offsets[1]}
		elements := int64(1)
		for _, d := range entry.Shape {
			if d < 0 || d > maxElements || elements*max(d, 1) > maxElements {
				return fail(fmt.Errorf("tensor %q: shape %v is out of range", name, entry.Shape))
			}
			elements *= d
			t.shape = append(t.shape, int(d))
		}
		width, known := dtypeSize[t.dtype]
		if !known {
			return fail(fmt.Errorf("tensor %q: unknown dtype %q", name, t.dtype))
		}
		if t.begin < 0 || t.end < t.begin || t.end-t.begin != elements*width {
			return fail(fmt.Errorf("tensor %q: data_offsets %v hold %d bytes, but %s %v takes %d", name, entry.Offsets, t.end-t.begin, t.dtype, t.shape, elements*width))
		}
		c.tensors = append(c.tensors, t)
		c.byName[name] = t
	}
	if _, err := dec.Token(); err != nil {
		return fail(err)
	}
	if rest := bytes.TrimSpace(header[dec.InputOffset():]); len(rest) > 0 {
		return fail(fmt.Errorf("%.20q after the JSON object", rest))
	}
	return nil
}

// checkRanges makes sure that the tensors lie in the data, one after the other.
func (c *container) checkRanges(size int64) error {
	slices.SortStableFunc(c.tensors, func(a, b *tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at, before := int64(0), "the header"
	for _, t := range c.tensors {
		switch {
		case t.end > size:
			return fmt.Errorf("%s: tensor %q ends at byte %d, but the data has %d bytes: the file is truncated", c.file, t.name, t.end, size)
		case t.begin < at:
			return fmt.Errorf("%s: tensor %q begins at byte %d, inside %q, which ends at %d", c.file, t.name, t.begin, before, at)
		case t.begin > at:
			return fmt.Errorf("%s: tensor %q begins at byte %d, but %q ends at %d: gaps are not allowed", c.file, t.name, t.begin, before, at)
		}
		at, before = t.end, t.name
	}
	if at != size {
		return fmt.Errorf("%s: %d bytes after the last tensor", c.file, size-at)
	}
	return nil
}

// floats reads a tensor of any float type as float32.
func (c *container) floats(t *tensor) ([]float32, error) {
	raw := make([]byte, t.end-t.begin)
	if _, err := c.data.ReadAt(raw, t.begin); err != nil && len(raw) > 0 {
		return nil, fmt.Errorf("%s: tensor %q: %w", c.file, t.name, err)
	}
	width := int(dtypeSize[t.dtype])
	v := make([]float32, len(raw)/width)
	for i := range v {
		b := raw[i*width:]
		switch t.dtype {
		case "F32":
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b))
		case "F64":
			v[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		case "BF16":
			v[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
		case "F16":
			v[i] = half(binary.LittleEndian.Uint16(b))
		default:
			return nil, fmt.Errorf("%s: tensor %q: dtype %s, expected a float type", c.file, t.name, t.dtype)
		}
	}
	return v, nil
}

// half converts an IEEE binary16 value; every one is a float32.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 0: // zero or subnormal: frac * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// entry is a float32 tensor to write.
type entry struct {
	name  string
	shape []int
	data  []float32
}

// write writes the tensors in the given order. The bytes depend on the arguments
// alone; the header is padded with spaces so that the data is 8-byte aligned.
func write(w io.Writer, metadata map[string]string, entries []entry) error {
	var header bytes.Buffer
	header.WriteByte('{')
	if metadata != nil {
		b, err := json.Marshal(metadata) // sorts the keys
		if err != nil {
			return err
		}
		fmt.Fprintf(&header, "\"__metadata__\":%s", b)
	}
	at := 0
	for _, e := range entries {
		if header.Len() > 1 {
			header.WriteByte(',')
		}
		name, err := json.Marshal(e.name)
		if err != nil {
			return err
		}
		shape, err := json.Marshal(e.shape)
		if err != nil {
			return err
		}
		fmt.Fprintf(&header, "%s:{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}", name, shape, at, at+4*len(e.data))
		at += 4 * len(e.data)
	}
	header.WriteByte('}')
	for header.Len()%8 != 0 {
		header.WriteByte(' ')
	}
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+header.Len()+at), uint64(header.Len()))
	out = append(out, header.Bytes()...)
	for _, e := range entries {
		for _, v := range e.data {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	_, err := w.Write(out)
	return err
}
