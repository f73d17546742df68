// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"archive/zip"
	"errors"
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
	arrays := map[string]*Array{}
	err := eachEntry(name, r, size, func(key string, c io.Reader) (err error) {
		arrays[key], err = Read(name+": "+key, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return arrays, nil
}

// OpenMixed reads the arrays of numbers and of text of the NPZ file that is called name, and
// says of the others why they are not read.
func OpenMixed(name string) (arrays map[string]*Array, others map[string]error, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	arrays, others = map[string]*Array{}, map[string]error{}
	err = eachEntry(name, f, info.Size(), func(key string, c io.Reader) error {
		a, err := ReadMixed(name+": "+key, c)
		var of *TypeError
		switch {
		case errors.As(err, &of):
			others[key] = err
		case err != nil:
			return err
		default:
			arrays[key] = a
		}
		return nil
	})
	return arrays, others, err
}

// eachEntry visits the arrays of an archive.
func eachEntry(name string, r io.ReaderAt, size int64, visit func(key string, c io.Reader) error) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("%s: not an NPZ file: %w", name, err)
	}
	seen := map[string]bool{}
	for _, f := range z.File {
		key, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			if strings.HasSuffix(f.Name, "/") {
				continue
			}
			return fmt.Errorf("%s: entry %q is no NPY array", name, f.Name)
		}
		if seen[key] {
			return fmt.Errorf("%s: entry %q is there twice", name, f.Name)
		}
		seen[key] = true
		c, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: entry %q: %w", name, f.Name, err)
		}
		err = visit(key, &promised{c, possible(f)})
		c.Close()
		if err != nil {
			return err
		}
	}
	return nil
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
