// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"hash/crc32"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Run executes the stream on m. It may be called by many goroutines at once, each
// with its own memory.
func (s *Sim) Run(m Memory) error { return s.RunWith(m, Exec{}) }

// Exec says how a stream is run. The zero value runs all of it.
type Exec struct {
	// After is called after each operation, in order. Its error ends the run.
	After func(e *Event) error
	// SHRAM, when not nil, is the NPU's own memory of one core, kept between runs: of the
	// U85 the LUT memory. It has InsideBytes.
	SHRAM []byte
	// Steps, when above 0, ends the run after so many operations.
	Steps int
	// Fetch takes weights and records from memory as they are when the operation
	// runs, even when they are known beforehand.
	Fetch bool
	// Timing delays operations as far as the waits of the stream allow.
	Timing Timing
}

// RunWith is Run with a hook and choices.
func (s *Sim) RunWith(m Memory, x Exec) error {
	if err := s.fill(&m); err != nil {
		return err
	}
	c := s.pool.Get().(*context)
	defer s.pool.Put(c)
	copy(c.mem[:], m[:])
	c.fetch = x.Fetch
	for i, n := range s.inner {
		sized(&c.mem[firstChain+i], n)
	}
	if x.SHRAM == nil && x.Timing != InOrder {
		// A table of an earlier run would hide that this one comes too late.
		x.SHRAM = bytes.Repeat([]byte{0xA7}, len(c.shram))
	}
	if x.SHRAM != nil {
		own := c.shram
		c.shram = x.SHRAM
		defer func() { c.shram = own }()
	}
	steps := s.steps
	if x.Timing != InOrder {
		steps = s.delayed(x.Timing)
		c.fetch = true // what is known beforehand holds in program order alone
	}
	if x.Steps > 0 && x.Steps < len(steps) {
		steps = steps[:x.Steps]
	}
	for _, st := range steps {
		if err := st.run(c); err != nil {
			return err
		}
		if x.After != nil {
			if err := x.After(&Event{base: st.head(), mem: &c.mem, shram: c.shram}); err != nil {
				return err
			}
		}
	}
	clear(c.mem[:len(m)])
	return nil
}

// Event is an operation that has just run. It is valid during the callback.
type Event struct {
	*base
	mem   *memories
	shram []byte
}

// Word is the offset of the operation in the stream, Index its number among block
// operations and DMAs.
func (e *Event) Word() int { return e.word }

// Index is the number of the operation among block operations and DMAs.
func (e *Event) Index() int { return e.index }

// Name is the command with its mode, such as NPU_OP_ELEMENTWISE ADD.
func (e *Event) Name() string { return e.name }

// Tensor is the name of the output, when Options.Tensor knows it.
func (e *Event) Tensor() string { return e.tensorName() }

// OFM returns the output of a block operation, nil for a DMA.
func (e *Event) OFM() *isa.FeatureMap { return e.output }

// Accesses lists the memory that the operation touched.
func (e *Event) Accesses() []Access { return e.access }

// Value returns a copy of what the operation wrote: the elements of the OFM in the
// order height, width, depth, little endian; for a DMA the destination as it lies.
func (e *Event) Value() []byte {
	if e.output == nil {
		for _, a := range e.access {
			if a.Write() {
				src := e.shram
				if a.Region != SHRAM {
					src = e.mem[a.Region]
				}
				return append([]byte(nil), src[a.Start:a.End]...)
			}
		}
		return nil
	}
	f, buf := newFmap(*e.output), e.mem[e.output.Region]
	out := make([]byte, 0, f.H*f.W*f.C*f.elem)
	for y := range f.H {
		for x := range f.W {
			for c := 0; c < f.C; {
				n := f.runLen(c, f.C-c)
				at := f.at(y, x, c)
				out = append(out, buf[at:at+n*f.elem]...)
				c += n
			}
		}
	}
	return out
}

// Checksum is the CRC-32 (IEEE) of Value.
func (e *Event) Checksum() uint32 { return crc32.ChecksumIEEE(e.Value()) }
