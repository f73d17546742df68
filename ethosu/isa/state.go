// SPDX-License-Identifier: Apache-2.0

package isa

// State is the register file of the stream front end. The zero value is the state
// at the start of a stream, where no register has a value that may be relied on.
//
// A register is the same one on every product where its code is: what its bits mean
// differs, and so do the functions that read them.
type State struct {
	param   [registers]uint16
	payload [registers - firstPayload]uint32
	set     [registers / 64]uint64
}

// Registers are numbered by their code: 0x100..0x13F and 0x180..0x18F without payload,
// 0x000..0x03F and 0x080..0x0AF with one.
const (
	firstPayload = 64 + 16
	registers    = firstPayload + 64 + 48
)

// register returns the number of a SET command's register, or -1.
func register(c Code) int {
	switch {
	case c >= 0x100 && c < 0x140:
		return int(c) - 0x100
	case c >= 0x180 && c < 0x190:
		return int(c) - 0x180 + 64
	case c >= payload && c < payload+0x40:
		return int(c-payload) + firstPayload
	case c >= payload+0x80 && c < payload+0xB0:
		return int(c-payload) - 0x80 + firstPayload + 64
	}
	return -1
}

// Write stores a SET command. Other commands change nothing.
func (s *State) Write(c Command) {
	i := register(c.Code)
	if i < 0 {
		return
	}
	s.param[i] = c.Param
	if i >= firstPayload {
		s.payload[i-firstPayload] = c.Payload
	}
	s.set[i>>6] |= 1 << (i & 63)
}

// Forget leaves no register with a value that may be relied on, as behind NPU_OP_BRANCH.
func (s *State) Forget() { s.set = [registers / 64]uint64{} }

// IsSet reports whether the register was written in this stream.
func (s *State) IsSet(c Code) bool {
	i := register(c)
	return i >= 0 && s.set[i>>6]>>(i&63)&1 != 0
}

// Param returns the 16-bit parameter of a register, 0 when it was never set.
func (s *State) Param(c Code) uint16 {
	if i := register(c); i >= 0 {
		return s.param[i]
	}
	return 0
}

// Payload returns the payload of a register, 0 when it was never set.
func (s *State) Payload(c Code) uint32 {
	if i := register(c); i >= firstPayload {
		return s.payload[i-firstPayload]
	}
	return 0
}

// Command returns a register as the command that set it, and whether any has.
func (s *State) Command(c Code) (Command, bool) {
	return s.at(c), s.IsSet(c)
}

// at returns a register as the command that set it.
func (s *State) at(c Code) Command {
	return Command{Code: c, Param: s.Param(c), Payload: s.Payload(c)}
}
