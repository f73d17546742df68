// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func written(t testing.TB, a *Array) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, shape := range [][]int{{}, {6}, {2, 3}, {1, 2, 3}, {0, 5}} {
		a := &Array{Type: "<f4", Shape: shape}
		a = FromFloats(shape, []float32{1, -2, 3.5, 0, 7, 8}[:a.Elements()])
		b := written(t, a)
		if (len(b)-len(a.Data))%64 != 0 {
			t.Errorf("shape %v: data begins at byte %d, expected a multiple of 64", shape, len(b)-len(a.Data))
		}
		back, err := Read("x.npy", bytes.NewReader(b))
		if err != nil {
			t.Fatalf("shape %v: %v", shape, err)
		}
		if !slices.Equal(back.Shape, shape) || !slices.Equal(back.Floats(), a.Floats()) {
			t.Errorf("shape %v came back as %v, %v", shape, back.Shape, back.Floats())
		}
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		kind string
		data []byte
		want float64
	}{
		{"|b1", []byte{1}, 1}, {"|u1", []byte{200}, 200}, {"|i1", []byte{200}, -56},
		{"<i2", []byte{0xfe, 0xff}, -2}, {">i2", []byte{0xff, 0xfe}, -2}, {"<u2", []byte{0xfe, 0xff}, 65534},
		{"<i4", []byte{0xff, 0xff, 0xff, 0xff}, -1}, {"<i8", []byte{1, 0, 0, 0, 0, 0, 0, 0x80}, math.MinInt64 + 1},
		{"<f2", []byte{0, 0xc0}, -2}, {"<f2", []byte{1, 0}, 0x1p-24}, {"<f4", []byte{0, 0, 0x80, 0x3f}, 1}, {">f8", []byte{0x40, 0, 0, 0, 0, 0, 0, 0}, 2},
	} {
		a, err := Read("x", bytes.NewReader(written(t, &Array{Type: c.kind, Shape: []int{1}, Data: c.data})))
		if err != nil {
			t.Errorf("%s: %v", c.kind, err)
		} else if a.Float(0) != c.want {
			t.Errorf("%s: %v, want %v", c.kind, a.Float(0), c.want)
		}
	}
}

// header builds a file from the text of its header.
func withHeader(text string, data int) []byte {
	return append(append(append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8)), text...), make([]byte, data)...)
}

// TestFortranOrder reads [[1 2 3] [4 5 6]], written column by column.
func TestFortranOrder(t *testing.T) {
	raw := append(withHeader("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n", 0), 1, 4, 2, 5, 3, 6)
	a, err := Read("x.npy", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 2, 3, 4, 5, 6}; !bytes.Equal(a.Data, want) {
		t.Errorf("found %v, expected %v", a.Data, want)
	}
}

func TestBadFiles(t *testing.T) {
	good := written(t, FromFloats([]int{2, 3}, make([]float32, 6)))
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "magic number"},
		{"not NPY", []byte("PK\x03\x04 something else"), "magic number"},
		{"header cut", good[:20], "ends inside its header"},
		{"data cut", good[:len(good)-1], "the data has 23 bytes, but shape [2 3] of <f4 takes 24"},
		{"data too long", append(bytes.Clone(good), 0), "bytes after the 24"},
		{"no dictionary", withHeader("hello\n", 0), "bad NPY header"},
		{"no line end", withHeader("hello", 0), "bad NPY header"},
		{"empty header", withHeader("", 0), "bad NPY header"},
		{"keys in a strange order", withHeader("}'shape': 'fortran_order': 'descr': \n", 0), "bad NPY header"},
		{"complex", withHeader("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }\n", 8), `element type "<c8"`},
		{"absurd shape", withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9999999999), }\n", 8), "out of range"},
		{"size past 63 bits", withHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (1073741824, 2147483648), }\n", 8), "out of range"},
		{"size past 64 bits", withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824, 4294967296), }\n", 0), "out of range"},
		{"empty and past the bound", withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999), }\n", 0), "out of range"},
		{"negative shape", withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n", 8), "out of range"},
	} {
		_, err := Read("x.npy", bytes.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x.npy: ") {
			t.Errorf("%s: error %v, want one of x.npy with %q", c.name, err, c.want)
		}
	}
}

func TestArchive(t *testing.T) {
	var b bytes.Buffer
	in := map[string]*Array{"x": FromFloats([]int{2}, []float32{1, 2}), "layer/kernel": FromFloats([]int{1, 1}, []float32{3})}
	if err := WriteArchive(&b, in); err != nil {
		t.Fatal(err)
	}
	out, err := ReadArchive("a.npz", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 2 || out["layer/kernel"].Float(0) != 3 || !slices.Equal(out["x"].Shape, []int{2}) {
		t.Errorf("archive came back as %v", out)
	}
	if _, err := ReadArchive("a.npz", bytes.NewReader(b.Bytes()[:20]), 20); err == nil || !strings.HasPrefix(err.Error(), "a.npz: not an NPZ file") {
		t.Errorf("a cut archive gives error %v", err)
	}
}

// Text comes without the zeros that fill it, in either order of bytes; where numbers are
// expected it is refused.
func TestText(t *testing.T) {
	for _, c := range []struct {
		kind, data, want string
	}{
		{"<U2", "\xdf\x00\x00\x00l\x00\x00\x00a\x00\x00\x00\x00\x00\x00\x00", "ßl a"}, {">U1", "\x00\x00\x00a\x00\x00\x00b", "a b"},
		{"|S3", "on\x00off", "on off"}, {"<U1", "\x00\x00\x11\x00\x00\xd8\x00\x00", "\ufffd \ufffd"},
	} {
		raw := withHeader("{'descr': '"+c.kind+"', 'fortran_order': False, 'shape': (2,), }\n", 0)
		raw = append(raw, c.data...)
		a, err := ReadMixed("x", bytes.NewReader(raw))
		if err != nil {
			t.Errorf("%s: %v", c.kind, err)
		} else if got := a.Text(0) + " " + a.Text(1); got != c.want {
			t.Errorf("%s: %q, want %q", c.kind, got, c.want)
		}
		var of *TypeError
		if _, err := Read("x", bytes.NewReader(raw)); !errors.As(err, &of) {
			t.Errorf("%s as numbers: %v, want a *TypeError", c.kind, err)
		}
	}
	for _, kind := range []string{"<U0", "<U-1", "<U+1", "<U99999999999", "|O", "<U"} {
		raw := withHeader("{'descr': '"+kind+"', 'fortran_order': True, 'shape': (0,2), }\n", 0)
		if _, err := ReadMixed("x", bytes.NewReader(raw)); err == nil || !strings.Contains(err.Error(), "element type") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, FromFloats([]int{2, 3}, make([]float32, 6))))
	f.Add(withHeader("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", 24))
	f.Add(withHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (1073741824, 2147483648), }\n", 8))
	f.Add(withHeader("}'shape': 'fortran_order': 'descr': \n", 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := ReadMixed("fuzz", bytes.NewReader(raw))
		if err != nil {
			return
		}
		if a.IsText() {
			for i := range a.Elements() {
				a.Text(i)
			}
			return
		}
		if len(a.Data) != a.Elements()*a.Width() {
			t.Errorf("%d bytes for shape %v of %s", len(a.Data), a.Shape, a.Type)
		}
		a.Floats()
	})
}
