// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"encoding/binary"
	"fmt"
)

// Payload is what the driver is handed: the configuration the stream is made for
// and the stream. It has two forms, "custom operator payload" 1 and 2.
type Payload struct {
	Config uint32 // CONFIG register the stream expects
	ID     uint32 // ID register, architecture fields alone
	Words  []uint32

	// Two says that the payload has form 2, which Arm's driver does not read. The
	// following is known of it alone.
	Two bool
	// Separate says that inputs and outputs have regions of their own, 3 and 4.
	Separate bool
	Staging  uint64 // bytes of fast scratch
}

// Driver actions.
const (
	payloadMagic      = 0x31504F43 // "COP1"
	actionOptimizer   = 1
	actionStream      = 2
	actionNOP         = 5
	maxStreamBytes    = 1 << 24
	architecture1_0_6 = 0x10060000
	architecture2_0_0 = 0x20007000
	optimizerRelease  = 0x00100000 // release 0, patch 1
)

// id returns the ID, where it is 0 that of the architecture that the configuration has.
func (p *Payload) id() uint32 {
	switch {
	case p.ID != 0:
		return p.ID
	case p.Config>>28 == uint32(U85):
		return architecture2_0_0
	}
	return architecture1_0_6
}

// Append appends the payload's bytes to b. The stream starts at a multiple of 16
// bytes from the payload's start. An ID of 0 stands for architecture 1.0.6, and 2.0.0 of
// the U85.
func (p *Payload) Append(b []byte) []byte {
	if p.Two {
		return p.appendTwo(b)
	}
	id := p.id()
	words := []uint32{payloadMagic, optimizerRelease | actionOptimizer, p.Config, id}
	for range 4 - (len(words)+1)%4 {
		words = append(words, actionNOP)
	}
	n := uint32(len(p.Words))
	words = append(words, n<<16|n>>16&0xFF<<8|actionStream)
	for _, w := range append(words, p.Words...) {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// ParsePayload reads a payload as the driver does; offsets in errors are bytes.
// Bytes behind the stream are ignored when they are NOP actions or zero.
func ParsePayload(b []byte) (*Payload, error) {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	n := len(b) / 4
	if n > 0 && word(0) == payloadMagicTwo {
		return parseTwo(b)
	}
	if n == 0 || word(0) != payloadMagic {
		return nil, fmt.Errorf("driver payload: no COP1 or COP2 at its start")
	}
	p, seen := &Payload{}, false
	for i := 1; i < n; i++ {
		switch w := word(i); w & 0xFF {
		case actionNOP, 0:
		case actionOptimizer:
			if i+2 >= n {
				return nil, fmt.Errorf("driver payload: OPTIMIZER_CONFIG at byte %d is cut off", 4*i)
			}
			p.Config, p.ID = word(i+1), word(i+2)
			i += 2
		case actionStream:
			length := int(w>>8&0xFF<<16 | w>>16)
			if length > n-i-1 {
				return nil, fmt.Errorf("driver payload: COMMAND_STREAM at byte %d claims %d words, %d follow", 4*i, length, n-i-1)
			}
			if seen {
				return nil, fmt.Errorf("driver payload: second COMMAND_STREAM at byte %d, expected one", 4*i)
			}
			if (i+1)%4 != 0 {
				return nil, fmt.Errorf("driver payload: the stream at byte %d is not at a multiple of 16", 4*(i+1))
			}
			if 4*length >= maxStreamBytes {
				return nil, fmt.Errorf("driver payload: a stream of %d words is not below 16 MiB", length)
			}
			seen = true
			p.Words = make([]uint32, length)
			for j := range p.Words {
				p.Words[j] = word(i + 1 + j)
			}
			i += length
		default:
			return nil, fmt.Errorf("driver payload: unknown action %d at byte %d", w&0xFF, 4*i)
		}
	}
	if !seen {
		return nil, fmt.Errorf("driver payload: no COMMAND_STREAM")
	}
	return p, nil
}
