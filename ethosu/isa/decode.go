// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// Error is a command that cannot be decoded or must not be executed.
type Error struct {
	Word int    // offset of the command word in the stream
	Name string // command name, empty when it is unknown
	What string
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("word %d: %s", e.Word, e.What)
	}
	return fmt.Sprintf("word %d: %s: %s", e.Word, e.Name, e.What)
}

// Instruction is a command at its place in a stream.
type Instruction struct {
	Command
	Word int
}

// Next decodes the command at words[at]. It checks the shape alone: reserved
// bits 13..10, the payload mode, the opcode and that the payload is there.
func (p Product) Next(words []uint32, at int) (Command, error) {
	if at < 0 || at >= len(words) {
		return Command{}, &Error{Word: at, What: fmt.Sprintf("outside the stream of %d words", len(words))}
	}
	w := words[at]
	c := Command{Code: Code(w & 0x43FF), Param: uint16(w >> 16)}
	if w&0x8000 != 0 {
		return c, &Error{Word: at, What: fmt.Sprintf("0x%08X: payload mode %d, expected 0 or 1", w, w>>14&3)}
	}
	if w&0x3C00 != 0 {
		return c, &Error{Word: at, What: fmt.Sprintf("0x%08X: reserved bits 13..10 are 0x%X, expected 0", w, w>>10&0xF)}
	}
	r := p.Lookup(c.Code)
	if r == nil {
		return c, &Error{Word: at, What: fmt.Sprintf("0x%08X: unknown opcode 0x%03X with payload mode %d", w, w&0x3FF, w>>14&1)}
	}
	if c.Code.HasPayload() {
		if at+1 >= len(words) {
			return c, &Error{Word: at, Name: r.Name, What: "the stream ends before the payload word"}
		}
		c.Payload = words[at+1]
	}
	return c, nil
}

// Next decodes a command of the U55 or U65: see Product.Next.
func Next(words []uint32, at int) (Command, error) { return U65.Next(words, at) }

// Check reports whether the product executes the command as the interface
// describes it: it exists there, every bit outside the fields is 0 and every
// field holds an allowed value.
func (c Command) Check(p Product) error {
	r := p.Lookup(c.Code)
	if r == nil {
		return fmt.Errorf("unknown opcode 0x%04X", uint16(c.Code))
	}
	if !r.Has(p) {
		return fmt.Errorf("does not exist on the %v", p)
	}
	if p == U55 && c.SignFilled() {
		c.Param = 0
	}
	if err := check(uint32(c.Param), r.Param, p); err != nil {
		return err
	}
	if rest := uint32(c.Param) &^ mask(r.Param); rest != 0 {
		return fmt.Errorf("reserved parameter bits 0x%04X are set", rest)
	}
	if !c.Code.HasPayload() {
		return nil
	}
	if rest := c.Payload &^ mask(r.Payload); rest != 0 {
		return fmt.Errorf("reserved payload bits 0x%08X are set", rest)
	}
	return check(c.Payload, r.Payload, p)
}

// SignFilled reports a stride that is negative and whose sign fills the upper bits of an
// address, too. Vela 5.1 writes such ones for the U55 as well, which does not have those bits.
func (c Command) SignFilled() bool {
	switch c.Code {
	case SetIFMStrideX, SetIFMStrideY, SetIFMStrideC, SetIFM2StrideX, SetIFM2StrideY, SetIFM2StrideC, SetOFMStrideX, SetOFMStrideY, SetOFMStrideC:
		return c.Param == 0xFF && c.Payload>>31 == 1
	}
	return false
}

// check looks at the values of the fields of a word.
func check(word uint32, fields []Field, p Product) error {
	for _, f := range fields {
		if err := f.Check(f.Get(word), p); err != nil {
			return err
		}
	}
	return nil
}

// mask returns the bits of all fields.
func mask(fields []Field) uint32 {
	var m uint32
	for _, f := range fields {
		m |= f.Mask()
	}
	return m
}

// Decode decodes a whole stream strictly: shape, product, reserved bits and field
// values. The error is an *Error with the word offset.
func Decode(words []uint32, p Product) ([]Instruction, error) {
	var out []Instruction
	for at := 0; at < len(words); {
		c, err := p.Next(words, at)
		if err != nil {
			return out, err
		}
		if err := c.Check(p); err != nil {
			return out, &Error{Word: at, Name: p.Name(c.Code), What: err.Error()}
		}
		out = append(out, Instruction{c, at})
		at += c.Words()
	}
	return out, nil
}

// Encode is the inverse of Decode. It keeps no state: every command is written.
func Encode(commands []Command) []uint32 {
	var out []uint32
	for _, c := range commands {
		out = c.Append(out)
	}
	return out
}
