// SPDX-License-Identifier: Apache-2.0

package isa

// Code identifies a command: bits 9..0 are the opcode, bit 14 is set for
// commands that carry a payload word.
type Code uint16

const payload Code = 0x4000

// HasPayload reports whether a 32-bit payload word follows the command word.
func (c Code) HasPayload() bool { return c&payload != 0 }

// Kind is the shape and role of a command.
type Kind uint8

// Command kinds.
const (
	Op         Kind = iota // starts or orders work; NPU_OP_BRANCH of the U85 has a payload
	Set                    // writes a register, 16-bit parameter
	SetPayload             // writes a register, 16-bit parameter and 32-bit payload
)

// Use says which operations consume a register.
type Use uint16

// Register consumers.
const (
	UseConv Use = 1 << iota
	UseDepthwise
	UsePool
	UseElementwise1 // one-operand elementwise
	UseElementwise2 // two-operand elementwise
	UseDMA
	UseResize // of the U85 alone

	UseMAC         = UseConv | UseDepthwise
	UseKernel      = UseMAC | UsePool
	UseElementwise = UseElementwise1 | UseElementwise2
	UseAll         = UseKernel | UseElementwise | UseResize
	UseIFM2        = UseElementwise2 | UseConv | UsePool // of the U85
)

// Range is an inclusive range of legal field values.
type Range struct{ Min, Max uint32 }

// Field is a bit field of a parameter or payload.
type Field struct {
	Name    string
	Hi, Lo  uint8
	Allowed []Range // nil: every value of the width
	U65     bool    // not on the U55, where it is 0
	Type    string  // Go type of the generated functions; empty: int, or uint32 for 32 bits
}

// Row describes one command.
type Row struct {
	Code          Code
	Name          string
	Kind          Kind
	MMIO          uint16 // byte offset of the register's shadow in the register map
	Param         []Field
	Payload       []Field // in the payload word
	Uses          Use
	U55, U65, U85 bool
	Uses85        Use // of the U85, where they are other ones than Uses
}

// Command is one decoded command.
type Command struct {
	Code    Code
	Param   uint16
	Payload uint32 // only with Code.HasPayload()
}

// Words returns the number of 32-bit words of the command.
func (c Command) Words() int {
	if c.Code.HasPayload() {
		return 2
	}
	return 1
}

// Append appends the command's words to stream.
func (c Command) Append(stream []uint32) []uint32 {
	stream = append(stream, uint32(c.Param)<<16|uint32(c.Code))
	if c.Code.HasPayload() {
		stream = append(stream, c.Payload)
	}
	return stream
}
