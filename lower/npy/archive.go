// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// OpenArchive reads all arrays of the NPZ file that is called name, as ReadArchive does.
func OpenArchive(name string) (map[string]*Array, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadArchive(name, f, info.Size())
}

// ReadArchive reads all arrays of an NPZ file of size bytes, by their names
// without .npy.
func ReadArchive(name string, r io.ReaderAt, size int64) (map[string]*Array, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: not an NPZ file: %w", name, err)
	}
	arrays := map[string]*Array{}
	for _, f := range z.File {
		key, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			if strings.HasSuffix(f.Name, "/") {
				continue
			}
			return nil, fmt.Errorf("%s: entry %q is no NPY array", name, f.Name)
		}
		if arrays[key] != nil {
			return nil, fmt.Errorf("%s: entry %q is there twice", name, f.Name)
		}
		c, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: entry %q: %w", name, f.Name, err)
		}
		a, err := Read(name+": "+key, c)
		c.Close()
		if err != nil {
			return nil, err
		}
		arrays[key] = a
	}
	return arrays, nil
}

// WriteArchive writes arrays as an uncompressed NPZ file, in the order of their
// names, with no time stamps.
func WriteArchive(w io.Writer, arrays map[string]*Array) error {
	z := zip.NewWriter(w)
	var names []string
	for n := range arrays {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		f, err := z.CreateHeader(&zip.FileHeader{Name: n + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if err := Write(f, arrays[n]); err != nil {
			return err
		}
	}
	return z.Close()
}
