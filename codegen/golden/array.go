// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Words reads the array of 32-bit words with the given name from a generated C
// file: what the compiler will put into the firmware.
func Words(path, name string) ([]uint32, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(b), " "+name+"[] = {")
	if !ok {
		return nil, fmt.Errorf("%s: it defines no array %s[]", path, name)
	}
	list, _, ok := strings.Cut(rest, "}")
	if !ok {
		return nil, fmt.Errorf("%s: array %s[] does not end", path, name)
	}
	items := strings.Split(list, ",")
	words := make([]uint32, 0, len(items))
	for _, item := range items {
		w, err := strconv.ParseUint(strings.TrimSpace(item), 0, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: array %s[], word %d: %w", path, name, len(words), err)
		}
		words = append(words, uint32(w))
	}
	return words, nil
}

// Bytes reads the same array as little-endian bytes.
func Bytes(path, name string) ([]byte, error) {
	words, err := Words(path, name)
	b := make([]byte, 0, 4*len(words))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b, err
}
