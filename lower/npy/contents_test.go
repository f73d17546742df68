// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// headed returns a file whose header announces a shape, with so many bytes of zeros.
func headed(shape string, n int) []byte {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", shape)
	b := append([]byte("\x93NUMPY\x01\x00"), binary.LittleEndian.AppendUint16(nil, uint16(len(head)))...)
	return append(append(b, head...), make([]byte, n)...)
}

// TestAnnounced: what a header announces beyond what can be there is refused before memory
// is taken for it, and what is there is read once.
func TestAnnounced(t *testing.T) {
	dir := t.TempDir()
	small, there := headed("(1000, 1000000)", 16<<20), headed("(4194304,)", 16<<20)
	taken := func(f func() error) (uint64, error) {
		var a, b runtime.MemStats
		runtime.ReadMemStats(&a)
		err := f()
		runtime.ReadMemStats(&b)
		return b.TotalAlloc - a.TotalAlloc, err
	}
	archive := func(data []byte) string {
		name := filepath.Join(dir, fmt.Sprint(len(data), ".npz"))
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("x.npy")
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	open := func(data []byte) func() error {
		name := filepath.Join(dir, fmt.Sprint(len(data), ".npy"))
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return func() error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = Read(name, f)
			return err
		}
	}
	unpack := func(data []byte) func() error {
		name := archive(data)
		return func() error { _, err := OpenArchive(name); return err }
	}
	for _, c := range []struct {
		name string
		f    func() error
		most uint64
		want string
	}{
		{"an entry", unpack(small), 1 << 20, "the data has 16777216 bytes, but shape [1000 1000000] of <f4 takes 4000000000: the file is truncated"},
		{"a file", open(small), 1 << 20, "the data has 16777216 bytes, but shape [1000 1000000] of <f4 takes 4000000000: the file is truncated"},
		{"bytes", func() error { _, err := Read("x", bytes.NewReader(small)); return err }, 1 << 20, "the data has 16777216 bytes, but shape [1000 1000000] of <f4 takes 4000000000: the file is truncated"},
		{"a stream", func() error { _, err := Read("x", io.MultiReader(bytes.NewReader(small))); return err }, 256 << 20, "the data has 16777216 bytes"},
		{"a whole entry", unpack(there), 18 << 20, ""},
		{"a whole file", open(there), 18 << 20, ""},
		{"all bytes", func() error { _, err := Read("x", bytes.NewReader(there)); return err }, 18 << 20, ""},
	} {
		n, err := taken(c.f)
		if err == nil != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || n > c.most {
			t.Errorf("%s: %v, %d bytes taken, expected %q and at most %d", c.name, err, n, c.want, c.most)
		}
	}
}

// TestEntryLies: an entry whose archive claims more than its packed bytes can be is not
// believed.
func TestEntryLies(t *testing.T) {
	for _, c := range []struct {
		method         uint16
		packed, stated uint64
		want           int64
	}{
		{zip.Deflate, 1000, 1 << 40, 1000*densest + block},
		{zip.Deflate, 1 << 40, 1 << 62, maxBytes},
		{zip.Deflate, 1000, 2000, 2000},
		{zip.Store, 1000, 1000, 1000},
		{zip.Store, 1000, 1 << 40, 1000},
	} {
		if got := possible(&zip.File{FileHeader: zip.FileHeader{Method: c.method, CompressedSize64: c.packed, UncompressedSize64: c.stated}}); got != c.want {
			t.Errorf("%d bytes that claim to be %d: %d, expected %d", c.packed, c.stated, got, c.want)
		}
	}
}
