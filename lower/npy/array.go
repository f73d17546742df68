// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// Array is a C-ordered array as it stands in a file.
type Array struct {
	Name  string // of the file, and the entry in an archive, for messages
	Type  string // NumPy's: byte order, kind, bytes an element: "<f4", "|u1", "<i8"; of text its length: "<U8"
	Shape []int
	Data  []byte // raw elements
}

// Bounds that keep a wrong header from asking for absurd memory.
const (
	maxHeader   = 1 << 16
	maxBytes    = 1 << 33
	maxRank     = 8
	magicLength = 8 // magic and version
)

// Elements returns the number of elements.
func (a *Array) Elements() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// Kind returns NumPy's kind letter: b, i, u or f; U or S for text.
func (a *Array) Kind() byte { return a.Type[1] }

// Element names the type of an element as NumPy does: float32, int64, bool.
func (a *Array) Element() string {
	kinds := map[byte]string{'b': "bool", 'i': "int", 'u': "uint", 'f': "float"}
	name, ok := kinds[a.Kind()]
	switch {
	case !ok:
		return "text"
	case name == "bool":
		return name
	}
	return name + strconv.Itoa(8*a.Width())
}

// Width returns the bytes of an element.
func (a *Array) Width() int {
	if a.IsText() {
		return textWidth(a.Type)
	}
	return int(a.Type[2] - '0')
}

// Read reads one array of numbers; name is used in messages. A *TypeError says that elements
// are something else.
func Read(name string, r io.Reader) (*Array, error) { return read(name, r, false) }

// ReadMixed is Read for arrays of text as well.
func ReadMixed(name string, r io.Reader) (*Array, error) { return read(name, r, true) }

func read(name string, r io.Reader, text bool) (*Array, error) {
	fail := func(format string, args ...any) (*Array, error) {
		return nil, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
	head, err := header(r)
	if err != nil {
		return fail("%v", err)
	}
	h, err := describe(string(head))
	if errors.Is(err, errRecords) {
		return nil, &TypeError{name, "of records", numberTypes}
	}
	if err != nil {
		return fail("bad NPY header: %v", err)
	}
	a := &Array{Name: name, Type: h.Type, Shape: h.Shape}
	switch {
	case known(a.Type), text && isText(a.Type):
	case text:
		return nil, &TypeError{name, strconv.Quote(a.Type), numberTypes + ", or text"}
	default:
		return nil, &TypeError{name, strconv.Quote(a.Type), numberTypes}
	}
	size := int64(a.Width())
	for _, d := range a.Shape {
		if d < 0 || int64(d) > maxBytes || d > 0 && size > maxBytes/int64(d) { // a product could overflow
			return fail("shape %v is out of range", a.Shape)
		}
		size *= int64(d)
	}
	if err := budget.Ask(name, size); err != nil {
		return nil, err
	}
	data, n, err := contents(r, size)
	if err != nil {
		return fail("%v", err)
	}
	if n < size {
		return fail("the data has %d bytes, but shape %v of %s takes %d: the file is truncated", n, a.Shape, a.Type, size)
	}
	if extra, _ := io.ReadFull(r, make([]byte, 1)); extra > 0 {
		return fail("there are bytes after the %d that shape %v of %s takes", size, a.Shape, a.Type)
	}
	a.Data = data
	if h.Fortran && len(a.Shape) > 1 {
		a.Data = rowMajor(a.Data, a.Shape, a.Width())
	}
	return a, nil
}

// rowMajor turns elements whose first index runs fastest, Fortran's order, into
// those whose last one does.
func rowMajor(data []byte, shape []int, width int) []byte {
	out := make([]byte, 0, len(data))
	index := make([]int, len(shape))
	for range len(data) / width {
		at := 0
		for d := len(shape) - 1; d >= 0; d-- {
			at = at*shape[d] + index[d]
		}
		out = append(out, data[at*width:(at+1)*width]...)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}

// header reads magic number, version and length, and returns the text of the header.
func header(r io.Reader) ([]byte, error) {
	head := make([]byte, magicLength+4)
	if _, err := io.ReadFull(r, head[:magicLength]); err != nil || string(head[:6]) != "\x93NUMPY" {
		return nil, errors.New("does not begin with the magic number of an NPY file")
	}
	width := 2
	if head[6] > 1 {
		width = 4
	}
	if _, err := io.ReadFull(r, head[magicLength:magicLength+width]); err != nil {
		return nil, errors.New("ends inside its header")
	}
	n := int(binary.LittleEndian.Uint16(head[magicLength:]))
	if width == 4 {
		n = int(binary.LittleEndian.Uint32(head[magicLength:]))
	}
	if n > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, expected at most %d", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, errors.New("ends inside its header")
	}
	return text, nil
}

func known(t string) bool {
	if len(t) != 3 || !strings.ContainsRune("<|>=", rune(t[0])) {
		return false
	}
	switch t[1] {
	case 'b':
		return t[2] == '1'
	case 'i', 'u':
		return strings.ContainsRune("1248", rune(t[2]))
	case 'f':
		return strings.ContainsRune("248", rune(t[2]))
	}
	return false
}

func (a *Array) order() binary.ByteOrder {
	if a.Type[0] == '>' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// bits returns element i as an unsigned number of its width.
func (a *Array) bits(i int) uint64 {
	switch b := a.Data[i*a.Width():]; a.Width() {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(a.order().Uint16(b))
	case 4:
		return uint64(a.order().Uint32(b))
	default:
		return a.order().Uint64(b)
	}
}

// Int returns element i of an array of integers or booleans.
func (a *Array) Int(i int) int64 {
	v := a.bits(i)
	if a.Kind() == 'i' {
		shift := 64 - 8*a.Width()
		return int64(v<<shift) >> shift
	}
	return int64(v)
}

// Float returns element i as a number, whatever the type of the array.
func (a *Array) Float(i int) float64 {
	if a.Kind() != 'f' {
		return float64(a.Int(i))
	}
	switch v := a.bits(i); a.Width() {
	case 2:
		return half(uint16(v))
	case 4:
		return float64(math.Float32frombits(uint32(v)))
	default:
		return math.Float64frombits(v)
	}
}

// half returns the value of an IEEE binary16.
func half(h uint16) float64 {
	sign := 1.0
	if h>>15 == 1 {
		sign = -1
	}
	exp, frac := int(h>>10&31), float64(h&1023)
	switch {
	case exp == 0:
		return sign * math.Ldexp(frac, -24)
	case exp == 31 && frac == 0:
		return math.Inf(int(sign))
	case exp == 31:
		return math.NaN()
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

// Floats returns all elements as float32.
func (a *Array) Floats() []float32 {
	v := make([]float32, a.Elements())
	for i := range v {
		v[i] = float32(a.Float(i))
	}
	return v
}

// FromFloats makes a float32 array.
func FromFloats(shape []int, v []float32) *Array {
	a := &Array{Type: "<f4", Shape: shape}
	for _, x := range v {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(x))
	}
	return a
}

// Write writes an array in format version 1.0, C order.
func Write(w io.Writer, a *Array) error {
	if !known(a.Type) || len(a.Data) != a.Elements()*a.Width() {
		return fmt.Errorf("array of type %q and shape %v with %d bytes cannot be written", a.Type, a.Shape, len(a.Data))
	}
	shape := ""
	for _, d := range a.Shape {
		shape += strconv.Itoa(d) + ", "
	}
	if len(a.Shape) > 1 {
		shape = strings.TrimSuffix(shape, ", ")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", a.Type, strings.TrimSuffix(shape, " "))
	for (magicLength+2+len(text)+1)%64 != 0 {
		text += " "
	}
	text += "\n"
	if len(text) > math.MaxUint16 {
		return fmt.Errorf("shape %v is too long for the header", a.Shape)
	}
	out := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8))
	out = append(out, text...)
	if _, err := w.Write(out); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}
