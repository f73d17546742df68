// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
)

// promised is a reader of whom it is known that it gives no more than so many bytes.
type promised struct {
	r    io.Reader
	most int64 // from here on
}

func (p *promised) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.most -= int64(n)
	return n, err
}

// densest is how many bytes one of deflated data can stand for, and what a block of it takes.
const densest, block = 1032, 1 << 10

// possible returns how many bytes an entry of an archive can have: what the archive says,
// but no more than its bytes can stand for.
func possible(f *zip.File) int64 {
	most := min(f.UncompressedSize64, maxBytes)
	switch f.Method {
	case zip.Deflate:
		most = min(most, min(f.CompressedSize64, maxBytes)*densest+block)
	case zip.Store:
		most = min(most, f.CompressedSize64)
	}
	return int64(most)
}

// most returns how many bytes a reader may give from here on at most, where that is known.
func most(r io.Reader) (n int64, known bool) {
	switch r := r.(type) {
	case *promised:
		return max(r.most, 0), true
	case *bytes.Reader:
		return int64(r.Len()), true
	case *os.File:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0, false
		}
		if at, err := r.Seek(0, io.SeekCurrent); err == nil {
			return max(info.Size()-at, 0), true
		}
	}
	return 0, false
}

// contents reads size bytes, and returns how many there were. Where it is known that there
// may be so many, memory is taken for them once; where there cannot be, none is; else it
// grows with what is really there, not with what a header claims.
func contents(r io.Reader, size int64) ([]byte, int64, error) {
	if there, known := most(r); known && int64(int(size)) == size {
		if there < size {
			return nil, there, nil
		}
		data := make([]byte, size)
		n, err := io.ReadFull(r, data)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = nil
		}
		return data[:n], int64(n), err
	}
	var data bytes.Buffer
	n, err := io.Copy(&data, io.LimitReader(r, size))
	return data.Bytes(), n, err
}
