// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"hash/maphash"
)

// Constants holds the constants of a program, one buffer for each content.
type Constants struct {
	List  []*Buffer
	index map[uint64][]*Buffer // by a hash of the content
	seed  maphash.Seed
}

func newConstants() *Constants {
	return &Constants{index: map[uint64][]*Buffer{}, seed: maphash.MakeSeed()}
}

// Intern returns the buffer with the given content, padded to a multiple of pad bytes. Data
// that needs no padding may become the buffer's: nothing changes it from then on.
func (p *Constants) Intern(name string, data []byte, pad int) *Buffer {
	n := RoundUp(max(len(data), 1), pad)
	padded := data
	if n != len(data) {
		padded = make([]byte, n)
		copy(padded, data)
	}
	key := maphash.Bytes(p.seed, padded)
	for _, b := range p.index[key] {
		if bytes.Equal(b.Data, padded) {
			return b
		}
	}
	b := &Buffer{Name: name, Size: n, Data: padded[:n:n]}
	p.index[key] = append(p.index[key], b)
	p.List = append(p.List, b)
	return b
}

// RoundUp returns the least multiple of b that is not below a.
func RoundUp(a, b int) int { return (a + b - 1) / b * b }

// CeilDiv returns a/b, rounded up.
func CeilDiv(a, b int) int { return (a + b - 1) / b }

// Align returns n rounded up to the alignment of buffers, 16 bytes.
func Align(n int) int { return RoundUp(n, 16) }
