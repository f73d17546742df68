// SPDX-License-Identifier: Apache-2.0

package kernel

// Constants holds the constants of a program, one buffer for each content.
type Constants struct {
	List  []*Buffer
	index map[string]*Buffer
}

func newConstants() *Constants { return &Constants{index: map[string]*Buffer{}} }

// Intern returns the buffer with the given content, padded to a multiple of pad bytes.
func (p *Constants) Intern(name string, data []byte, pad int) *Buffer {
	n := RoundUp(max(len(data), 1), pad)
	content := string(data)
	if n != len(data) {
		content += string(make([]byte, n-len(data)))
	}
	if b, ok := p.index[content]; ok {
		return b
	}
	b := &Buffer{Name: name, Size: n, Data: []byte(content)}
	p.index[content] = b
	p.List = append(p.List, b)
	return b
}

// RoundUp returns the least multiple of b that is not below a.
func RoundUp(a, b int) int { return (a + b - 1) / b * b }

// CeilDiv returns a/b, rounded up.
func CeilDiv(a, b int) int { return (a + b - 1) / b }

// Align returns n rounded up to the alignment of buffers, 16 bytes.
func Align(n int) int { return RoundUp(n, 16) }
