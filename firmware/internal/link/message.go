// SPDX-License-Identifier: Apache-2.0

package link

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Version of the protocol, in the hello of both sides.
const Version = 1

// Operations of a message: ASCII codes, capitals from the program.
const (
	opHello    = 'H' // a = version | pointer bytes << 8, answered by itself
	opRead     = 'R' // a = register offset
	opWrite    = 'W' // a = register offset, b = value
	opValue    = 'V' // answer to opRead: b = value
	opLoad     = 'r' // a = length, b = address; answered by the bytes
	opStore    = 'w' // a = length, b = address, followed by the bytes
	opClean    = 'C' // a = length, b = address: the data cache writes back; the NPU's side speaks then, to opEndCalls
	opDrop     = 'I' // likewise: the data cache drops lines
	opEndCalls = 'e' // a = interrupt level, b = delay in ticks; the program goes on
)

const messageBytes = 16

// message is the unit on the wire: 16 bytes, little-endian.
type message struct {
	op, a uint32
	b     uint64
}

func (m message) String() string {
	name := fmt.Sprintf("%#x", m.op)
	if m.op > ' ' && m.op < 0x7f {
		name = fmt.Sprintf("%q", rune(m.op))
	}
	return fmt.Sprintf("%s a=%#x b=%#x", name, m.a, m.b)
}

func (m message) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint32(to, m.op)
	to = binary.LittleEndian.AppendUint32(to, m.a)
	return binary.LittleEndian.AppendUint64(to, m.b)
}

// readMessage returns io.EOF when the program has ended between two messages.
func readMessage(r io.Reader) (message, error) {
	var b [messageBytes]byte
	if n, err := io.ReadFull(r, b[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			return message{}, &ProtocolError{What: fmt.Sprintf("the program ended within a message, after %d of %d bytes", n, messageBytes)}
		}
		return message{}, err
	}
	return message{
		op: binary.LittleEndian.Uint32(b[:]),
		a:  binary.LittleEndian.Uint32(b[4:]),
		b:  binary.LittleEndian.Uint64(b[8:]),
	}, nil
}
