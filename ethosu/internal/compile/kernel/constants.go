// SPDX-License-Identifier: Apache-2.0

package kernel

import "bytes"

// Constants holds the constants of a program, one buffer for each content.
type Constants struct {
	List  []*Buffer
	index map[string]*Buffer
}

func newConstants() *Constants { return &Constants{index: map[string]*Buffer{}} }

// Intern returns the buffer with the given content, padded to a multiple of pad bytes.
func (p *Constants) Intern(name string, data []byte, pad int) *Buffer {
	n := RoundUp(max(len(data), 1), pad)
	padded := data
	if n != len(data) {
		padded = make([]byte, n)
		copy(padded, data)
	}
	if b, ok := p.index[string(padded)]; ok {
		return b
	}
	if n == len(data) {
		padded = bytes.Clone(data)
	}
	b := &Buffer{Name: name, Size: n, Data: padded}
	p.index[string(padded)] = b
	p.List = append(p.List, b)
	return b
}

// RoundUp returns the least multiple of b that is not below a.
func RoundUp(a, b int) int { return (a + b - 1) / b * b }

// CeilDiv returns a/b, rounded up.
func CeilDiv(a, b int) int { return (a + b - 1) / b }

// Align returns n rounded up to the alignment of buffers, 16 bytes.
func Align(n int) int { return RoundUp(n, 16) }
