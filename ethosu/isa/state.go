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

// Get returns a field of a register by its name in the table.
func (s *State) Get(c Code, field string) uint32 {
	r := Lookup(c)
	if r == nil {
		panic("BUG: no register " + c.String())
	}
	f, inPayload := r.Field(field)
	if inPayload {
		return f.Get(s.Payload(c))
	}
	return f.Get(uint32(s.Param(c)))
}

// Address returns a 40-bit unsigned address register.
func (s *State) Address(c Code) uint64 {
	return uint64(s.Param(c)&0xFF)<<32 | uint64(s.Payload(c))
}

// Stride returns an address register as a signed distance in bytes: two's
// complement of 32 bits on the U55, which has no upper bits, of 40 on the U65.
//
// A U65 stream writes small positive strides with upper bits 0; a payload with
// bit 31 set and upper bits 0 is then a stride of at least 2 GiB, which no
// feature map has, so both products read it as negative.
func (s *State) Stride(c Code) int64 {
	hi, lo := s.Param(c)&0xFF, s.Payload(c)
	if hi == 0 {
		return int64(int32(lo))
	}
	return int64(uint64(hi)<<56|uint64(lo)<<24) >> 24
}
