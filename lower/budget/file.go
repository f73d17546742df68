// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// unsized bounds what is read of something that does not say how long it is.
const unsized = 128 << 20

// ReadFile is os.ReadFile within the budget. A pipe or a device is read to its end, which
// has to come.
func ReadFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		if err := Ask(name, info.Size()); err != nil {
			return nil, err
		}
	}
	return ReadAll(name, f)
}

// ReadAll reads to the end within the budget, however long the reader turns out to be.
// name is used in errors.
func ReadAll(name string, r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	most := min(int64(unsized), Limit()/4)
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			most = Limit()
			b.Grow(int(min(info.Size()+bytes.MinRead, most)))
		}
	}
	n, err := io.Copy(&b, io.LimitReader(r, most))
	if err != nil {
		return nil, err
	}
	if n == most {
		if more, _ := io.ReadFull(r, make([]byte, 1)); more > 0 {
			return nil, fmt.Errorf("%s: no end after %s: expected a file that fits into memory", name, Text(n))
		}
	}
	return b.Bytes(), nil
}
