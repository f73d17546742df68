// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/unroll-npu/unroll/lower/budget"
)

// IDX files hold one uint8 array: two zero bytes, the type 0x08, the number of
// dimensions, one big-endian uint32 a dimension, then the data with the last
// dimension fastest (Y. LeCun, "The MNIST database of handwritten digits").
const idxUint8 = 0x08

// maxIDX bounds the data of one file, so that a wrong header cannot ask for
// more memory than any real file holds.
const maxIDX = 1 << 31

// OpenMNIST reads the four MNIST files in dir, each gzip-wrapped (.gz) or plain.
// Steps are the 28 rows of an image, features its 28 columns, values pixel/255.
// Files of other sets in the same form and with the same names work too, as long
// as they have at most ten classes.
func OpenMNIST(dir string) (train, test *Set, err error) {
	if train, err = openIDX("mnist train", dir, "train"); err != nil {
		return nil, nil, err
	}
	if test, err = openIDX("mnist test", dir, "t10k"); err != nil {
		return nil, nil, err
	}
	if train.Steps != test.Steps || train.Features != test.Features {
		return nil, nil, fmt.Errorf("%s: images are %d x %d, but %s has %d x %d: both parts must have one shape",
			test.origin[0], test.Steps, test.Features, train.origin[0], train.Steps, train.Features)
	}
	return train, test, nil
}

func openIDX(name, dir, part string) (*Set, error) {
	imageFile, err := findIDX(dir, part+"-images-idx3-ubyte", part+"-images.idx3-ubyte")
	if err != nil {
		return nil, err
	}
	labelFile, err := findIDX(dir, part+"-labels-idx1-ubyte", part+"-labels.idx1-ubyte")
	if err != nil {
		return nil, err
	}
	dims, pixels, err := readIDXFile(imageFile, 3)
	if err != nil {
		return nil, err
	}
	counts, labels, err := readIDXFile(labelFile, 1)
	if err != nil {
		return nil, err
	}
	if dims[0] != counts[0] {
		return nil, fmt.Errorf("%s: %d labels, but %s has %d images: the files do not belong together", labelFile, counts[0], imageFile, dims[0])
	}
	s := &Set{Name: name, Steps: dims[1], Features: dims[2], Outputs: 10, Classes: digitNames(), n: dims[0],
		pixels: pixels, labels: make([]int32, len(labels)), origin: [2]string{imageFile, labelFile}}
	for i, l := range labels {
		if l > 9 {
			return nil, fmt.Errorf("%s: label %d is %d, expected 0..9", labelFile, i, l)
		}
		s.labels[i] = int32(l)
	}
	return s, nil
}

// findIDX returns the first of the names that exists in dir, plain or with .gz.
func findIDX(dir string, names ...string) (string, error) {
	for _, n := range names {
		for _, ext := range []string{"", ".gz"} {
			p := filepath.Join(dir, n+ext)
			if _, err := os.Stat(p); err == nil {
				return p, nil
			} else if !errors.Is(err, os.ErrNotExist) {
				return "", err
			}
		}
	}
	return "", fmt.Errorf("%s: neither %s nor %s.gz is there: expected the four MNIST IDX files in this folder", dir, names[0], names[0])
}

func readIDXFile(file string, rank int) (dims []int, data []byte, err error) {
	raw, err := budget.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	return readIDX(file, raw, rank)
}

// readIDX parses the content of an IDX file of uint8 values with rank
// dimensions; file is its name for messages.
func readIDX(file string, raw []byte, rank int) (dims []int, data []byte, err error) {
	var r io.Reader = bytes.NewReader(raw)
	packed := len(raw) >= 2 && raw[0] == 0x1f && raw[1] == 0x8b
	if packed {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, nil, fmt.Errorf("%s: bad gzip header: %w", file, err)
		}
	}
	head := make([]byte, 4+4*rank)
	n, err := io.ReadFull(r, head)
	switch {
	case err != nil && !packed, errors.Is(err, io.EOF):
		return nil, nil, fmt.Errorf("%s: %d bytes, but the IDX header alone takes %d: the file is truncated", file, n, len(head))
	case err != nil:
		return nil, nil, fmt.Errorf("%s: broken gzip data after %d uncompressed bytes: %w", file, n, err)
	}
	want := uint32(idxUint8<<8 | rank)
	if magic := binary.BigEndian.Uint32(head); magic != want {
		return nil, nil, fmt.Errorf("%s: magic number 0x%08x, expected 0x%08x (uint8, %d dimensions)", file, magic, want, rank)
	}
	dims = make([]int, rank)
	size := uint64(1)
	for i := range dims {
		d := binary.BigEndian.Uint32(head[4+4*i:])
		if d == 0 {
			return nil, nil, fmt.Errorf("%s: dimension %d is 0: the file holds nothing", file, i)
		}
		if size *= uint64(d); size > maxIDX {
			return nil, nil, fmt.Errorf("%s: dimension %d is %d, which makes more than %d bytes of data: the header is wrong", file, i, d, uint64(maxIDX))
		}
		dims[i] = int(d)
	}
	if err := budget.Ask(file, int64(size)); err != nil {
		return nil, nil, err
	}
	// One byte more than there should be, which tells a file that is too long.
	data, err = io.ReadAll(io.LimitReader(r, int64(size)+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s: broken gzip data after %d uncompressed bytes: %w", file, len(head)+len(data), err)
	case uint64(len(data)) > size:
		return nil, nil, fmt.Errorf("%s: at least %d bytes of data after the header, expected %d for dimensions %v", file, len(data), size, dims)
	case uint64(len(data)) < size:
		return nil, nil, fmt.Errorf("%s: %d bytes of data after the header, expected %d for dimensions %v", file, len(data), size, dims)
	}
	return dims, data, nil
}

func digitNames() []string { return []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"} }
