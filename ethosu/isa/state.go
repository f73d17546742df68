// SPDX-License-Identifier: Apache-2.0

package isa

// State is the register file of the stream front end. The zero value is the state
// at the start of a stream, where no register has a value that may be relied on.
type State struct {
	param   [128]uint16
	payload [128]uint32
	set     [2]uint64
}

// Write stores a SET command. Other commands change nothing.
func (s *State) Write(c Command) {
	i := slot(c.Code)
	if i < 0 || Table[i].Kind == Op {
		return
	}
	s.param[i], s.payload[i] = c.Param, c.Payload
	s.set[i>>6] |= 1 << (i & 63)
}

// IsSet reports whether the register was written in this stream.
func (s *State) IsSet(c Code) bool {
	i := slot(c)
	return i >= 0 && s.set[i>>6]>>(i&63)&1 != 0
}

// Param returns the 16-bit parameter of a register, 0 when it was never set.
func (s *State) Param(c Code) uint16 {
	if i := slot(c); i >= 0 {
		return s.param[i]
	}
	return 0
}

// Payload returns the payload of a register, 0 when it was never set.
func (s *State) Payload(c Code) uint32 {
	if i := slot(c); i >= 0 {
		return s.payload[i]
	}
	return 0
}

// row returns the register of a row as the command that set it.
func (s *State) row(i int) Command {
	return Command{Code: Table[i].Code, Param: s.param[i], Payload: s.payload[i]}
}

// Command returns a register as the command that set it, and whether any has.
func (s *State) Command(c Code) (Command, bool) {
	i := slot(c)
	if i < 0 {
		return Command{Code: c}, false
	}
	return s.row(i), s.IsSet(c)
}
